"""Scheduled notices by their days: for a page, and for people's own calendars (RFC 5545), which read them under an address that
nobody can guess. Each run stands there by itself, with what people decided about it and what the clocks made of it.
"""

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vText

from broadcaster.db import audit_log, calendar_addresses, schedule_runs, schedule_versions, schedules
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.db.schedule_runs import Run
from broadcaster.db.schedules import Schedule
from broadcaster.domain.errors import NotFound
from broadcaster.domain.policy import Action, require
from broadcaster.domain.schedule import Planned, RunState, ScheduleState
from broadcaster.service.recurrence import expand
from broadcaster.service.retired import why_retired

AHEAD = timedelta(days=120)
BEHIND = timedelta(days=30)
MOST_RUNS = 2_000


@dataclass(frozen=True, kw_only=True)
class OnDay:
    """One run: what became of it, or `planned`, or `waits` where nobody has approved it yet. `reason` is why it did not go out,
    or of one that lies ahead why it will not."""

    at: datetime
    ref: str
    name: str
    mode: str
    state: str
    reason: str = ""
    told: str = ""


class Calendars:
    def __init__(self, database: Database, *, zone: ZoneInfo, organisation: str) -> None:
        self._database = database
        self._zone = zone
        self._organisation = organisation

    def between(self, since: datetime, until: datetime) -> list[OnDay]:
        """All runs of these days, by their time."""
        with self._database.read() as tx:
            found = [each for row in schedules.listed(tx) for each in _of(tx, row, since, until)]
        return sorted(found, key=lambda each: (each.at, each.name))[:MOST_RUNS]

    def feed(self) -> bytes:
        """The last month and the next four, as iCalendar."""
        with self._database.read() as tx:
            now = tx.now()
        made = Calendar()
        made.add("prodid", "-//crisis-broadcaster//schedules//EN")
        made.add("version", "2.0")
        made.add("x-wr-calname", f"{self._organisation}: scheduled notices")
        for each in self.between(now - BEHIND, now + AHEAD):
            made.add_component(_event(each, now))
        content: bytes = made.to_ical()
        return content

    def new_address(self, actor: Person) -> str:
        """The secret of this person's own address; shown once. An older one ends."""
        require(actor.name, actor.roles, Action.READ)
        secret = secrets.token_urlsafe(32)
        with self._database.write() as tx:
            calendar_addresses.replace(tx, actor.id, _digest(secret))
            audit_log.append(
                tx, actor=actor.name, act="calendar_address_made", subject=actor.name, payload={}
            )
        return secret

    def end_address(self, actor: Person) -> None:
        """Nobody reads anything under it any more."""
        with self._database.write() as tx:
            if not calendar_addresses.remove(tx, actor.id):
                raise NotFound("You have no calendar address. Nothing was changed.")
            audit_log.append(
                tx, actor=actor.name, act="calendar_address_ended", subject=actor.name, payload={}
            )

    def has_address(self, actor: Person) -> bool:
        with self._database.read() as tx:
            return calendar_addresses.has(tx, actor.id)

    def read(self, secret: str) -> bytes:
        """The feed under this address. NotFound where it is nobody's, or of somebody who may not read any more."""
        with self._database.read() as tx:
            reader = calendar_addresses.reader(tx, _digest(secret))
        if reader is None:
            raise NotFound("There is no such calendar.")
        require(reader.name, reader.roles, Action.READ)
        return self.feed()


def _of(tx: Tx, row: Schedule, since: datetime, until: datetime) -> Iterator[OnDay]:
    decided = {run.planned_at: run for run in schedule_runs.runs(tx, row.id, limit=MOST_RUNS, since=since)}
    for at, run in decided.items():
        if at <= until:
            yield _on_day(row, at, str(run.state), run)
    if row.ended_at:
        return
    version = schedule_versions.in_force(tx, row.id)
    state = "paused" if row.paused_at else "planned"
    if version is None:
        version, state = schedule_versions.newest(tx, row.id), "waits"
        if version.state is not ScheduleState.SUBMITTED:
            return
    why = why_retired(tx, str(version.template["name"]), version.plan.clock)
    for planned in version.plan.runs(expand, after=max(since, tx.now()), until=until):
        if planned.at not in decided:
            yield replace(_on_day(row, planned.at, state, None, planned), reason=why)


def _on_day(
    row: Schedule, at: datetime, state: str, run: Run | None, planned: Planned | None = None
) -> OnDay:
    return OnDay(
        at=at,
        ref=row.ref,
        name=row.name,
        mode=str(row.mode),
        state=state,
        reason=run.reason if run else "",
        told=planned.told if planned else "",
    )


#: STATUS of RFC 5545: a calendar strikes out what is cancelled.
_STATUS = {RunState.SENT: "CONFIRMED", "planned": "CONFIRMED", "waits": "TENTATIVE"}


def _event(each: OnDay, now: datetime) -> Event:
    event = Event()
    event.add("uid", f"{each.ref}-{each.at:%Y%m%dT%H%M}@crisis-broadcaster")
    event.add("dtstamp", now.astimezone(UTC))
    event.add("dtstart", each.at.astimezone(UTC))
    event.add("duration", timedelta(minutes=5))
    event.add("summary", vText(f"{'EXERCISE: ' if each.mode != 'live' else ''}{each.name} ({each.state})"))
    event.add("description", vText(" ".join(filter(None, (f"Ref {each.ref}.", each.reason, each.told)))))
    event.add("status", _STATUS.get(each.state, "CANCELLED"))
    event.add("transp", "TRANSPARENT")
    return event


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
