"""What nothing could prove: shown to people, who decide."""

from broadcaster.db import audit_log, batches, broadcasts, deliveries, unknowns
from broadcaster.db.broadcasts import Broadcast
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.db.unknowns import Unknown
from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import Invalid, NotFound, Stale
from broadcaster.domain.policy import Action, require, require_reason
from broadcaster.domain.thread import id_in
from broadcaster.service.threads import go_on, wake

AS_SENT = "A person looked and found it sent."


class Unknowns:
    def __init__(self, database: Database) -> None:
        self._database = database

    def undecided(self, *, limit: int = 100) -> list[Unknown]:
        """Deliveries that may or may not have been sent, the oldest broadcast first."""
        with self._database.read() as tx:
            return unknowns.undecided(tx, limit=limit)

    def mark_sent(self, actor: Person, uid: str, *, link: str, reason: str) -> int:
        """A person has seen it on the platform, at this address. How many parts of its thread had nothing to follow, and
        go out now; none where the address does not end with the platform's id, which the next part must answer."""
        require(actor.name, actor.roles, Action.DECIDE)
        require_reason(reason)
        if not link.startswith(("https://", "http://")):
            raise Invalid(
                "Give the address at which you found it, beginning with https://. Nothing was changed."
            )
        with self._database.write() as tx:
            unknown, row = _one(tx, uid)
            known = id_in(link) if unknown.parts > 1 else ""
            unknowns.found(
                tx, unknown.id, platform_id=known, link=link, code="found_by_a_person", text=AS_SENT
            )
            again = go_on(tx, row, unknown) if known else 0
            wake(tx, unknown)
            _record(tx, actor, row, uid, {"decision": "sent", "link": link, "reason": reason}, again)
        return again

    def send_again(self, actor: Person, uid: str, *, reason: str) -> int:
        """A person has looked, did not find it, and wants it sent once more. How many parts of its thread had nothing to
        follow, and go out after it."""
        require(actor.name, actor.roles, Action.DECIDE)
        require_reason(reason)
        with self._database.write() as tx:
            unknown, row = _one(tx, uid)
            if row.expires_at <= tx.now():
                raise Stale(f"{row.ref} has expired. Write a new message instead. Nothing was changed.")
            if row.state is BroadcastState.DONE:
                broadcasts.reopen(tx, row)
            elif row.state is not BroadcastState.SENDING:
                raise Stale(f"{row.ref} was {row.state}: nothing more of it is sent. Nothing was changed.")
            deliveries.send_again_by_a_person(tx, unknown.id)
            batches.reopen(tx, [unknown.batch_id])
            again = go_on(tx, row, unknown)
            _record(tx, actor, row, uid, {"decision": "send_again", "reason": reason}, again)
        return again


def _one(tx: Tx, uid: str) -> tuple[Unknown, Broadcast]:
    """The delivery and its broadcast. Its batch is locked first, as by everybody who changes both; then it is read anew."""
    seen = unknowns.by_uid(tx, uid)
    if seen:
        batches.lock(tx, [seen.batch_id])
        seen = unknowns.by_uid(tx, uid)
    if seen is None:
        raise NotFound("No delivery with an unknown outcome has this id. See `broadcaster unknown list`.")
    return seen, broadcasts.by_id(tx, seen.broadcast_id)


def _record(tx: Tx, actor: Person, row: Broadcast, uid: str, decision: dict[str, str], parts: int) -> None:
    """`parts_again` is there only in a thread: the checker counts with it."""
    payload: dict[str, Json] = {"broadcast": row.uid, "delivery": uid, **decision}
    payload |= {"parts_again": parts} if parts else {}
    audit_log.append(tx, actor=actor.name, act="unknown_decided", subject=row.ref, payload=payload)
