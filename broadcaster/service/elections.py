"""Before an election: a dated switch under which routine messages that name, quote or picture politicians are marked, for officer
and approver. Safety notices are left alone: nobody is to think twice about them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from broadcaster.db import audit_log, elections
from broadcaster.db.engine import Database, Tx
from broadcaster.db.messages import Version
from broadcaster.db.people import Person
from broadcaster.domain.broadcast import is_life_safety
from broadcaster.domain.canonical import Json
from broadcaster.domain.checks.finding import Finding, Level, listed
from broadcaster.domain.election import LONGEST_NAME, MOST_NAMES, Period, named
from broadcaster.domain.errors import Invalid, NotFound, Stale
from broadcaster.domain.policy import Action, require
from broadcaster.domain.times import time_in_words

LONGEST = timedelta(days=120)
WHERE = "pre-election period"


@dataclass(frozen=True, kw_only=True)
class Elections:
    """As of `now`."""

    now: datetime
    periods: tuple[Period, ...]
    names: tuple[str, ...]

    @property
    def in_force(self) -> Period | None:
        return next((p for p in self.periods if p.in_force(self.now)), None)


class PreElection:
    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, actor: Person) -> Elections:
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            return _elections(tx)

    def set(self, actor: Person, *, starts_at: datetime, ends_at: datetime) -> Period:
        require(actor.name, actor.roles, Action.MANAGE)
        with self._database.write() as tx:
            if not timedelta() < ends_at - starts_at <= LONGEST or ends_at <= tx.now():
                raise Invalid(
                    f"It must end after it begins, within {LONGEST.days} days and not in the past. Nothing was changed."
                )
            ref = elections.insert(tx, starts_at=starts_at, ends_at=ends_at, by=actor.id)
            payload: dict[str, Json] = {
                "starts": starts_at.isoformat(timespec="minutes"),
                "ends": ends_at.isoformat(timespec="minutes"),
            }
            audit_log.append(tx, actor=actor.name, act="election_period_set", subject=ref, payload=payload)
            return next(p for p in elections.periods(tx) if p.ref == ref)

    def end(self, actor: Person, ref: str) -> None:
        require(actor.name, actor.roles, Action.MANAGE)
        with self._database.write() as tx:
            known = [p.ref for p in elections.periods(tx)]
            if ref.strip().upper() not in known:
                raise NotFound(f'There is no pre-election period "{ref}". Nothing was changed.')
            if not elections.end(tx, ref):
                raise Stale("It is over already. Nothing was changed.")
            audit_log.append(tx, actor=actor.name, act="election_period_ended", subject=ref.strip().upper())

    def set_names(self, actor: Person, names: Iterable[str]) -> tuple[int, int]:
        """The whole list, in place of the one before. How many were added and taken out."""
        require(actor.name, actor.roles, Action.MANAGE)
        wanted = list(dict.fromkeys(" ".join(each.split()) for each in names if each.strip()))
        if len(wanted) > MOST_NAMES or any(not 3 <= len(each) <= LONGEST_NAME for each in wanted):
            raise Invalid(
                f"Give up to {MOST_NAMES:,} names of 3 to {LONGEST_NAME} characters. Nothing was changed."
            )
        with self._database.write() as tx:
            tx.alone("election names")
            known = elections.names(tx)
            added = [each for each in wanted if each not in known]
            removed = [each for each in known if each not in wanted]
            if not (added or removed):
                raise Stale("That is the list already. Nothing was changed.")
            elections.change_names(tx, added=added, removed=removed, by=actor.id)
            payload: dict[str, Json] = {"added": len(added), "removed": len(removed), "names": len(wanted)}
            audit_log.append(tx, actor=actor.name, act="election_names_changed", payload=payload)
        return len(added), len(removed)


def findings(tx: Tx, version: Version, texts: Sequence[str], *, zone: ZoneInfo) -> Iterator[Finding]:
    """Warnings, for officer and approver: what a council publishes stays its own decision."""
    if is_life_safety(version.facts.severity, version.facts.urgency):
        return
    period = next((p for p in elections.periods(tx) if p.in_force(tx.now())), None)
    if period is None:
        return
    until = time_in_words(period.ends_at.astimezone(zone))
    if found := list(named(elections.names(tx), texts)):
        text = f"It names {listed(found)}. Until {until} no politician is to be named or quoted, but in safety notices."
        yield Finding(code="election_named", level=Level.WARNING, where=WHERE, text=text)
    if version.images:
        text = f"It has a picture. Until {until} no politician is to be pictured, but in safety notices: look at it."
        yield Finding(code="election_pictured", level=Level.WARNING, where=WHERE, text=text)
    if not (found or version.images):
        text = f"Until {until} routine messages name, quote and picture no politician. None of the {len(elections.names(tx))} names of the list is in it."
        yield Finding(code="election_period", level=Level.INFO, where=WHERE, text=text)


def _elections(tx: Tx) -> Elections:
    return Elections(now=tx.now(), periods=tuple(elections.periods(tx)), names=tuple(elections.names(tx)))
