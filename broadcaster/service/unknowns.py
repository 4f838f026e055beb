"""What nothing could prove: shown to people, who decide."""

from dataclasses import dataclass

from broadcaster.db import audit_log, batches, broadcasts, deliveries, messages, unknowns
from broadcaster.db.broadcasts import Broadcast, Target
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.db.unknowns import Unknown
from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import Invalid, NotFound, Stale
from broadcaster.domain.policy import Action, require, require_reason
from broadcaster.domain.thread import id_in
from broadcaster.service.succession import refuse_overtaken
from broadcaster.service.threads import go_on, wake

AS_SENT = "A person looked and found it sent."
GONE = "No delivery with an unknown outcome has this id: somebody has decided, or it was proved."
GONE_COMMAND = "Those that there are: broadcaster unknown list"
AT_ONCE = 10_000  # one transaction, during which others wait to write: about a second


@dataclass(frozen=True, kw_only=True)
class Many:
    """Texts of one target that a person decides about together."""

    ref: str
    target_id: int
    channel: str
    account: str
    mode: str
    count: int
    at_once: int
    may_send: bool


class Unknowns:
    def __init__(self, database: Database) -> None:
        self._database = database

    def undecided(self, *, limit: int = 100, after: tuple[int, int] = (0, 0)) -> list[Unknown]:
        """Deliveries that may or may not have been sent, the oldest broadcast first; those `after` this broadcast and
        delivery."""
        with self._database.read() as tx:
            return unknowns.undecided(tx, limit=limit, after=after)

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
            refuse_overtaken(tx, unknown.target_id)
            _reopen(tx, row)
            deliveries.send_again_by_a_person(tx, [unknown.id])
            batches.reopen(tx, [unknown.batch_id])
            again = go_on(tx, row, unknown)
            _record(tx, actor, row, uid, {"decision": "send_again", "reason": reason}, again)
        return again

    def one(self, uid: str) -> Unknown:
        """What is known of it. NotFound where it is decided already."""
        with self._database.read() as tx:
            found = unknowns.by_uid(tx, uid)
        if found is None:
            raise NotFound(GONE, command=GONE_COMMAND)
        return found

    def many(self, ref: str, target_id: int) -> Many:
        """How many texts of one target a person is to decide about."""
        with self._database.read() as tx:
            target, row = _target(tx, ref, target_id)
            return _many(tx, target, row)

    def of_message(self, ref: str) -> list[Many]:
        """The same of each target of texts of which something waits for a person."""
        with self._database.read() as tx:
            row = broadcasts.by_message(tx, messages.find(tx, ref).id)
            mine = broadcasts.targets(tx, row.id) if row else []
            found = [_many(tx, each, row) for each in mine if row and each.audience_version_id is not None]
        return [each for each in found if each.count]

    def decide_all(self, actor: Person, ref: str, target_id: int, *, again: bool, reason: str) -> int:
        """About all texts of a target that nothing will prove, with one reason: they arrived, says whoever asked the
        gateway, or they are sent once more. What is still being looked into is left alone. How many were decided; the
        rest of more than AT_ONCE is there still."""
        require(actor.name, actor.roles, Action.DECIDE)
        require_reason(reason)
        with self._database.write() as tx:
            target, row = _target(tx, ref, target_id)
            batches.lock(tx, {each for _, each in unknowns.for_a_person(tx, target_id, limit=AT_ONCE)})
            found = unknowns.for_a_person(tx, target_id, limit=AT_ONCE)
            if not found:
                raise Stale("Nothing of it waits for a decision any more. Nothing was changed.")
            ids = [each for each, _ in found]
            if again:
                refuse_overtaken(tx, target.id)
                _reopen(tx, row)
                count = deliveries.send_again_by_a_person(tx, ids)
                batches.reopen(tx, {each for _, each in found})
            else:
                count = unknowns.all_found(tx, ids, code="found_by_a_person", text=AS_SENT)
            payload: dict[str, Json] = {"broadcast": row.uid, "decision": "send_again" if again else "sent"}
            payload |= {
                "channel": target.channel,
                "account": target.account,
                "count": count,
                "reason": reason,
            }
            audit_log.append(tx, actor=actor.name, act="unknown_decided", subject=row.ref, payload=payload)
        return count


def _many(tx: Tx, target: Target, row: Broadcast) -> Many:
    return Many(
        ref=row.ref,
        target_id=target.id,
        channel=target.channel,
        account=target.account,
        count=unknowns.count_for_a_person(tx, target.id),
        at_once=AT_ONCE,
        mode=row.mode,
        may_send=row.expires_at > tx.now() and row.state in {BroadcastState.SENDING, BroadcastState.DONE},
    )


def _target(tx: Tx, ref: str, target_id: int) -> tuple[Target, Broadcast]:
    """Of texts: a public post is looked at by itself."""
    message = messages.find(tx, ref)
    row = broadcasts.by_message(tx, message.id)
    mine = broadcasts.targets(tx, row.id) if row else []
    found = next((t for t in mine if t.id == target_id and t.audience_version_id is not None), None)
    if row is None or found is None:
        raise NotFound("There are no such texts of this message. Nothing was changed.")
    return found, row


def _reopen(tx: Tx, row: Broadcast) -> None:
    """Stale where nothing more of it may be sent."""
    if row.expires_at <= tx.now():
        raise Stale(f"{row.ref} has expired. Write a new message instead. Nothing was changed.")
    if row.state is BroadcastState.DONE:
        broadcasts.reopen(tx, row)
    elif row.state is not BroadcastState.SENDING:
        raise Stale(f"{row.ref} was {row.state}: nothing more of it is sent. Nothing was changed.")


def _one(tx: Tx, uid: str) -> tuple[Unknown, Broadcast]:
    """The delivery and its broadcast. Its batch is locked first, as by everybody who changes both; then it is read anew."""
    seen = unknowns.by_uid(tx, uid)
    if seen:
        batches.lock(tx, [seen.batch_id])
        seen = unknowns.by_uid(tx, uid)
    if seen is None:
        raise NotFound(GONE, command=GONE_COMMAND)
    return seen, broadcasts.by_id(tx, seen.broadcast_id)


def _record(tx: Tx, actor: Person, row: Broadcast, uid: str, decision: dict[str, str], parts: int) -> None:
    """`parts_again` is there only in a thread: the checker counts with it."""
    payload: dict[str, Json] = {"broadcast": row.uid, "delivery": uid, **decision}
    payload |= {"parts_again": parts} if parts else {}
    audit_log.append(tx, actor=actor.name, act="unknown_decided", subject=row.ref, payload=payload)
