"""Asking a platform what became of a post: how an unknown outcome is cleared up where our recent posts can be read,
or where the platform can be asked about our key.

Two clean answers a minute apart that do not know a post mean that it is absent; then the approved policy decides.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from broadcaster.db import batches, broadcasts, deliveries, unknowns
from broadcaster.db.engine import Database, Tx
from broadcaster.db.unknowns import Unknown
from broadcaster.domain.broadcast import OnUnknown
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.errors import NotConfigured, SendError
from broadcaster.logs import about
from broadcaster.service.approved import Tampered, part_of, verified
from broadcaster.service.record import note, pause_account
from broadcaster.service.succession import may_resend_any
from broadcaster.service.threads import wake
from channels.base import AfterUnknown, ChannelsOfMode, Finds, Receipt

log = structlog.get_logger()

LOOKS_S = (2, 5, 15, 30, 65)  # after the outcome became unknown; then every minute
EVERY_S = 60
ABSENT_AFTER = timedelta(seconds=60)  # between two clean reads: a platform's own index may lag
AT_ONCE = 10
FOUND = "The platform did not answer; the post was found by reading it back."
ABSENT = "The platform does not show it after two readings a minute apart. Decide whether to send it again."


class ReadBack:
    def __init__(self, database: Database, channels: ChannelsOfMode, *, zone: ZoneInfo) -> None:
        self._database = database
        self._channels = channels
        self._zone = zone

    def look(self, mode: str) -> int:
        """Ask the platforms about what is due. How many deliveries were asked about."""
        can_ask = {
            account
            for account, c in self._channels.get(mode, {}).items()
            if c.after_unknown in {AfterUnknown.READABLE, AfterUnknown.QUERYABLE} and isinstance(c, Finds)
        }
        if not can_ask:
            return 0
        with self._database.write() as tx:
            first = timedelta(seconds=LOOKS_S[0])
            due = unknowns.due_for_a_look(tx, mode=mode, names=sorted(can_ask), after=first, limit=AT_ONCE)
            for unknown in due:
                unknowns.set_look(tx, unknown.id, next_look(unknown.since or tx.now(), tx.now()))
            uids = {u.broadcast_id: broadcasts.by_id(tx, u.broadcast_id).uid for u in due}
        for unknown in due:
            known = {"batch": unknown.batch_id, "channel": unknown.channel, "delivery": unknown.uid}
            with about(broadcast=uids[unknown.broadcast_id], **known):
                self._look_for(unknown)
        return len(due)

    def _look_for(self, unknown: Unknown) -> None:
        """No transaction is open while the platform is read. A reading that fails says nothing either way.

        One that is refused for its credentials pauses the account, as a refused post does: otherwise the post would
        stay unknown, minute after minute, and nobody be told why. It is read further meanwhile, and found once they
        are mended.
        """
        channel = self._channels[unknown.mode].get(unknown.account)
        if channel is None or not isinstance(channel, Finds):
            return
        with self._database.read() as tx:
            approved = broadcasts.approved_post(tx, unknown.target_id)
            before = unknowns.platform_id_before(tx, unknown) if unknown.part > 1 else ""
        try:
            whole = verified(approved, unknown.mode, self._zone, through=unknown.account)
            post = part_of(whole, unknown.part, parts=unknown.parts, in_reply_to=before)
            receipt = channel.find(post, unknown.uid, approved.released_at)
        except NotConfigured as error:
            with self._database.write() as tx:
                row = broadcasts.by_id(tx, unknown.broadcast_id)
                pause_account(tx, row, unknown.account_id, code=error.code, text=error.operator_text)
            return
        except (SendError, Tampered) as error:
            log.warning("read_back_failed", error=str(error))
            return
        with self._database.write() as tx:
            batches.lock(tx, [unknown.batch_id])
            wake(tx, unknown)
            self._found(tx, unknown, receipt) if receipt else self._not_seen(tx, unknown)

    def _found(self, tx: Tx, unknown: Unknown, receipt: Receipt) -> None:
        known = {"platform_id": receipt.platform_id, "link": receipt.link}
        if unknowns.found(tx, unknown.id, **known, code="read_back", text=FOUND):
            row = broadcasts.by_id(tx, unknown.broadcast_id)
            note(tx, row, "unknown_found_by_reading_back", {"delivery": unknown.uid, **known})

    def _not_seen(self, tx: Tx, unknown: Unknown) -> None:
        """The first clean read starts the minute; a later one after it decides."""
        if unknown.absent_since is None:
            unknowns.set_absent(tx, unknown.id)
            return
        if tx.now() - unknown.absent_since < ABSENT_AFTER:
            return
        row = broadcasts.by_id(tx, unknown.broadcast_id)
        sending = may_resend_any(tx, row, broadcasts.target_by_id(tx, unknown.target_id))
        if sending and row.on_unknown == OnUnknown.RESEND_ONCE and not unknown.resends:
            if deliveries.send_again(tx, [unknown.id]):
                batches.reopen(tx, [unknown.batch_id])
                note(tx, row, "unknown_sent_again", {"count": 1, "reason": "absent", "delivery": unknown.uid})
            return
        one = deliveries.having_ids([unknown.id])
        if deliveries.move(tx, one, DeliveryState.UNKNOWN_FINAL, code="absent", text=ABSENT):
            note(tx, row, "unknown_left_to_a_person", {"count": 1, "delivery": unknown.uid})


def next_look(since: datetime, now: datetime) -> datetime:
    """When to look after now, for an outcome that is unknown since then."""
    planned = (since + timedelta(seconds=s) for s in LOOKS_S)
    return next((at for at in planned if at > now), now + timedelta(seconds=EVERY_S))
