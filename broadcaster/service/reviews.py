"""Looking afterwards at what was sent by break-glass: due in a day, by somebody else, and asked for until there is a finding."""

from dataclasses import dataclass
from datetime import datetime

from broadcaster.db import audit_log, authorities, messages, people, submissions
from broadcaster.db.authorities import Broken
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.domain.break_glass import Verdict
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound, Stale
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.paging import RequestKind
from broadcaster.domain.policy import Action, require
from broadcaster.service.pager import no_longer

MOST_FINDING = 4_000


@dataclass(frozen=True, kw_only=True)
class Uses:
    """Of break-glass, as of `now`, the newest first."""

    now: datetime
    found: tuple[Broken, ...]


class Reviews:
    def __init__(self, database: Database) -> None:
        self._database = database

    def listed(self, actor: Person, *, open_only: bool = False) -> Uses:
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            return Uses(now=tx.now(), found=tuple(authorities.broken(tx, open_only=open_only)))

    def one(self, actor: Person, uid: str) -> Uses:
        """By its id, or by its message's reference."""
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            return Uses(now=tx.now(), found=(_found(tx, uid),))

    def review(self, actor: Person, uid: str, *, verdict: str, finding: str) -> Broken:
        """By an approver or auditor who had no part in it. Once: a finding is never changed."""
        require(actor.name, actor.roles, Action.REVIEW)
        if not verdict:
            raise Invalid("Choose what you find. Nothing was changed.")
        if verdict not in set(Verdict):
            raise Invalid(
                f"Choose a verdict: {', '.join(Verdict)}.{did_you_mean(verdict, Verdict)} Nothing was changed."
            )
        if not finding.strip() or len(finding) > MOST_FINDING:
            raise Invalid("Write what you found, for those who read it later. Nothing was changed.")
        with self._database.write() as tx:
            found = _found(tx, uid)
            _refuse_who_had_part(tx, found, actor)
            if not authorities.review(tx, found.uid, by=actor.id, verdict=verdict, finding=finding.strip()):
                raise Stale(
                    f"{found.ref} was reviewed meanwhile by {found.reviewed_by}. Nothing was changed."
                )
            no_longer(tx, found.ref, "reviewed", kind=RequestKind.REVIEW)
            payload: dict[str, Json] = {
                "verdict": verdict,
                "finding": finding.strip(),
                "sent_by": found.person,
            }
            payload["overdue"] = found.is_overdue(tx.now())
            audit_log.append(
                tx, actor=actor.name, act="break_glass_reviewed", subject=found.ref, payload=payload
            )
            return _found(tx, found.uid)


def _refuse_who_had_part(tx: Tx, found: Broken, actor: Person) -> None:
    row = messages.find(tx, found.ref)
    touched = messages.authors(tx, row.id) | submissions.submitters(tx, row.id) | {row.author_id}
    sender = people.known(tx, found.person)
    if actor.id in touched or (sender and sender.person.id == actor.id):
        raise NotAllowed(
            f"You had a part in {found.ref}, so somebody else must review it. Nothing was changed."
        )


def _found(tx: Tx, uid: str) -> Broken:
    for each in authorities.broken(tx):
        if uid.strip() == each.uid or uid.strip().upper() == each.ref:
            return each
    raise NotFound(f"Nothing was sent by break-glass as {uid}.", command="See: broadcaster break-glass list")
