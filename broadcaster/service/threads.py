"""Sending a thread part by part, each when the part before is surely there; and going on where a person settles one."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from broadcaster.db import batches, broadcasts, deliveries
from broadcaster.db.batches import Claimed
from broadcaster.db.broadcasts import Broadcast
from broadcaster.db.engine import Tx
from broadcaster.db.unknowns import Unknown
from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.post import Post
from broadcaster.domain.thread import NoTurn, Turn, whose_turn
from broadcaster.service.approved import Tampered
from broadcaster.service.record import note

#: Who finds out about the part before wakes the batch; this is for whoever dies in between, and for late answers.
LOOK_AGAIN = timedelta(seconds=10)
MISSING = (
    "The part of the thread before this one is not known to be there, so this one was not sent: it would stand without "
    "its beginning. Where the part before may have been sent, say what became of it first, "
    "and the thread goes on. Otherwise write a new message."
)


@dataclass(frozen=True, kw_only=True)
class PartNow:
    """The part to be sent now; without one, when to look again, or None where nothing is left to be sent."""

    turn: Turn | None = None
    next_at: datetime | None = None


def require_whole(tx: Tx, claimed: Claimed, post: Post) -> None:
    """Tampered where the deliveries of this batch are not the parts of the approved post, each once."""
    if [part.no for part in deliveries.parts(tx, claimed.id)] != list(range(1, len(post.parts) + 1)):
        raise Tampered


def part_now(tx: Tx, row: Broadcast, claimed: Claimed) -> PartNow:
    """Whose turn it is. Where the part before is missing, what follows it ends here: the broadcast must end, and its
    counts add up, without a person."""
    found = whose_turn(deliveries.parts(tx, claimed.id))
    if isinstance(found, Turn):
        return PartNow(turn=found) if found.at <= tx.now() else PartNow(next_at=found.at)
    if found is NoTurn.WAITS:
        return PartNow(next_at=tx.now() + LOOK_AGAIN)
    if found is NoTurn.MISSING:
        rest, code = deliveries.waiting_parts(claimed.id), deliveries.PART_BEFORE_MISSING
        count = deliveries.move(tx, rest, DeliveryState.FAILED, code=code, text=MISSING)
        note(tx, row, "deliveries_failed", {"count": count, "reason": code})
    return PartNow()


def wake(tx: Tx, unknown: Unknown) -> None:
    """Something is known now of a part: the parts that wait for it are looked at at once."""
    if unknown.parts > 1:
        batches.wake(tx, [unknown.batch_id])


def go_on(tx: Tx, row: Broadcast, unknown: Unknown) -> int:
    """A person has settled a part: those that had nothing to follow wait again, if the message is still in force. How
    many do. The batch is locked already."""
    if unknown.parts == 1 or row.expires_at <= tx.now():
        return 0
    if row.state not in {BroadcastState.SENDING, BroadcastState.DONE}:
        return 0
    count = deliveries.parts_again(tx, unknown.batch_id)
    if count and row.state is BroadcastState.DONE:
        broadcasts.reopen(tx, row)
    if count:
        batches.reopen(tx, [unknown.batch_id])
    batches.wake(tx, [unknown.batch_id])
    return count
