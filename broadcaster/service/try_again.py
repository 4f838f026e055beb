"""Trying again what a platform refused, once a person has mended why: only what it surely has not got, while the message
is in force, under the same keys. What may have been taken is never tried again here: that is decided as an unknown."""

from broadcaster.db import alarms, audit_log, batches, broadcasts, by_hand, deliveries, messages
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.domain.alarm import AlarmCode
from broadcaster.domain.broadcast import BroadcastState, Lane
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import NotFound, Stale
from broadcaster.domain.policy import Action, require, require_reason
from broadcaster.queue import Bells
from broadcaster.service.succession import refuse_overtaken

AT_ONCE = 10_000  # one transaction, during which others wait to write: about a second
NONE_LEFT = (
    "Nothing of it can be tried again: it was tried meanwhile, it may have been taken, or a backup was restored since and "
    "nobody knows what was tried in the time that was lost. Nothing was changed."
)


class TryAgain:
    def __init__(self, database: Database, bells: Bells) -> None:
        self._database = database
        self._bells = bells

    def try_again(self, actor: Person, ref: str, target_id: int, code: str, *, reason: str) -> int:
        """What one target was refused for one reason waits to be sent again. How many; of more than AT_ONCE the rest is
        there still."""
        require(actor.name, actor.roles, Action.DECIDE)
        require_reason(reason)
        with self._database.write() as tx:
            message = messages.find(tx, ref, lock=True)
            row = broadcasts.by_message(tx, message.id)
            mine = broadcasts.targets(tx, row.id) if row else []
            target = next((t for t in mine if t.id == target_id), None)
            if row is None or target is None:
                raise NotFound("There is no such place of this message. Nothing was changed.")
            if row.expires_at <= tx.now() or row.state not in {BroadcastState.SENDING, BroadcastState.DONE}:
                raise Stale(
                    f"{row.ref} is over: nothing more of it is sent. Write a new message. Nothing was changed."
                )
            refuse_overtaken(tx, target.id)
            found = _lock_what_was_refused(tx, target.id, code)
            if not found or by_hand.is_posted(tx, target.id):
                raise Stale(NONE_LEFT)
            batch_ids = {b for _, b in found}
            count = deliveries.try_again(tx, [each for each, _ in found])
            if target.audience_version_id is None:
                count += sum(deliveries.parts_again(tx, b) for b in batch_ids)  # the rest of a thread
            if row.state is BroadcastState.DONE:
                broadcasts.reopen(tx, row)
            batches.reopen(tx, batch_ids)
            payload: dict[str, Json] = {"broadcast": row.uid, "channel": target.channel, "reason": reason}
            payload |= {"account": target.account, "code": code, "failed_again": count}
            audit_log.append(tx, actor=actor.name, act="failed_tried_again", subject=row.ref, payload=payload)
        self._bells.ring(row.mode, Lane(target.lane), wanted=1)
        return count


def _lock_what_was_refused(tx: Tx, target_id: int, code: str) -> list[tuple[int, int]]:
    """Ids and batches. Read anew once the batches are locked."""
    after = alarms.last_raised(tx, AlarmCode.RESTORED)
    seen = deliveries.surely_not_sent(tx, target_id, code, after=after, limit=AT_ONCE)
    batches.lock(tx, {batch_id for _, batch_id in seen})
    return deliveries.surely_not_sent(tx, target_id, code, after=after, limit=AT_ONCE)
