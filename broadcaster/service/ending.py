"""Ending a broadcast that was stopped or has expired: what was not sent yet never will be."""

from collections.abc import Sequence

from broadcaster.db import batches, deliveries
from broadcaster.db.broadcasts import Broadcast
from broadcaster.db.engine import Database, Tx
from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.storm import Held
from broadcaster.service.record import note

CLOSED_AT_ONCE = 20  # batches per transaction when a broadcast ends: 10,000 deliveries
ENDED_BY = {
    BroadcastState.STOPPED: ("stopped", "The broadcast was stopped before this was sent."),
    BroadcastState.SUPERSEDED: ("superseded", "A newer message took its place before this was sent."),
}
NOT_RESENT = "It may have been sent. The broadcast ended before it could be sent again."


def close_ready(database: Database, row: Broadcast) -> None:
    """Where a broadcast was stopped or is past its expiry, end what nobody works on: some batches at a time, since
    other broadcasts wait to write meanwhile."""
    some = [0]
    while some:
        with database.write() as tx:
            some = batches.ready_of(tx, row.id, limit=CLOSED_AT_ONCE)
            if not (some and close_if_over(tx, row, some)):
                return


def is_over(tx: Tx, row: Broadcast) -> bool:
    """Whether nothing more of a broadcast may be sent."""
    return row.state is not BroadcastState.SENDING or row.expires_at <= tx.now()


def _expired(row: Broadcast) -> tuple[str, str]:
    if row.storm is Held.HELD:
        return "expired_while_held", "Storm mode held it until the message expired, so it was not sent."
    return "expired", "The message expired before this was sent."


def close_if_over(tx: Tx, row: Broadcast, batch_ids: Sequence[int]) -> bool:
    """Where a broadcast was stopped or is past its expiry, end what these batches have not sent. True where it was.

    What waits to be sent for a second time may have gone out the first time: it stays unknown.
    """
    if row.state in ENDED_BY:
        state, code, text = (
            DeliveryState.CANCELLED,
            *ENDED_BY[row.state],
        )
    elif row.state is BroadcastState.DONE or row.expires_at <= tx.now():
        state, (code, text) = DeliveryState.EXPIRED, _expired(row)
    else:
        return False
    maybe_sent = deliveries.sent_before(batch_ids)
    unknown = deliveries.move(tx, maybe_sent, DeliveryState.UNKNOWN, code="not_resent", text=NOT_RESENT)
    count = deliveries.move(tx, deliveries.of_batches(batch_ids), state, code=code, text=text)
    batches.finish(tx, batch_ids)
    if count or unknown:
        note(tx, row, f"deliveries_{state}", {"count": count, "unknown": unknown})
    return True
