"""What became of a call with an unknown outcome: decided by what the channel can prove, then by the approved policy."""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from broadcaster.db import batches, broadcasts, deliveries
from broadcaster.db.broadcasts import Broadcast, Target
from broadcaster.db.deliveries import Unknown
from broadcaster.db.engine import Database, Tx
from broadcaster.domain.broadcast import BroadcastState, OnUnknown
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.policy import may_resend
from broadcaster.service.record import note
from channels.base import AfterUnknown, ChannelsOfMode

log = structlog.get_logger()

AT_ONCE = 1_000  # deliveries looked at per transaction
IDEMPOTENT_TRIES = 10  # a second apart; what is still unknown then is for a person


class Reconcile:
    """`receipt_wait_s` is how long a channel without read-back waits for its delivery receipt."""

    def __init__(self, database: Database, channels: ChannelsOfMode, *, receipt_wait_s: float) -> None:
        self._database = database
        self._channels = channels
        self._receipt_wait = timedelta(seconds=receipt_wait_s)

    def take_over(self, dead_owner: str = "") -> int:
        """Batches of silent or dead workers are free again; what they were sending is unknown. How many batches."""
        taken = 0
        while self._take_one(dead_owner):
            taken += 1
        return taken

    def _take_one(self, dead_owner: str) -> bool:
        with self._database.write() as tx:
            claimed = batches.lapsed(tx, dead_owner=dead_owner)
            if claimed is None:
                return False
            groups = batches.open_groups(tx, claimed.id)
            count = 0
            for group in groups:
                batches.close_group(tx, group.id)
                count += deliveries.move(
                    tx,
                    deliveries.having_ids(group.delivery_ids),
                    DeliveryState.UNKNOWN,
                    code="worker_died",
                    text="The worker stopped while sending this; the platform may have taken it.",
                )
            batches.take_back(tx, claimed, died=bool(groups))
            row = broadcasts.by_id(tx, claimed.broadcast_id)
            note(tx, row, "batch_taken_over", {"batch": claimed.id, "unknown": count})
        return True

    def look_into(self) -> int:
        """Decide about unknown deliveries whose time has come. How many were decided.

        Target by target: a thousand texts that wait for their receipts keep no website waiting.
        """
        with self._database.read() as tx:
            targets = broadcasts.targets_with_unknown(tx)
        return sum(self._decide(target) for target in targets)

    def _decide(self, target: Target) -> int:
        with self._database.write() as tx:
            row = broadcasts.by_id(tx, target.broadcast_id)
            channel = self._channels.get(row.mode, {}).get(target.account)
            waiting = deliveries.unknown(tx, target.id, limit=AT_ONCE) if channel else []
            batches.lock(tx, {u.batch_id for u in waiting})
            if channel is None or not waiting:
                return 0
            sending = row.state is BroadcastState.SENDING and row.expires_at > tx.now()
            if channel.after_unknown is AfterUnknown.IDEMPOTENT:
                again = [u for u in waiting if sending and u.resends < IDEMPOTENT_TRIES]
                return self._settle(tx, row, again, waiting, "idempotent")
            if channel.after_unknown is AfterUnknown.BLIND:
                overdue = [u for u in waiting if u.since + self._receipt_wait <= tx.now()]
                again = [u for u in overdue if sending and u.resends == 0]
                if again and not self._may_resend(tx, row, target):
                    again = []
                return self._settle(tx, row, again, overdue, "no_receipt")
        return 0  # a person sees it as unknown; nothing is sent again without proof

    def _may_resend(self, tx: Tx, row: Broadcast, target: Target) -> bool:
        """Whether the approved policy and its bounds allow to send once more what no receipt came for."""
        count = deliveries.unknown_or_resent(tx, row.id)
        return row.on_unknown == OnUnknown.RESEND_ONCE and may_resend(
            unknown=count, planned=target.planned_total
        )

    def _settle(
        self, tx: Tx, row: Broadcast, again: Sequence[Unknown], overdue: Sequence[Unknown], reason: str
    ) -> int:
        """Of what is overdue, send some again; about the others a person decides. How many were decided."""
        batches_again = {u.batch_id for u in again}
        sent_again = deliveries.send_again(tx, [u.id for u in again])
        batches.reopen(tx, batches_again)
        final = deliveries.move(
            tx,
            deliveries.having_ids([u.id for u in overdue if u not in again]),
            DeliveryState.UNKNOWN_FINAL,
            code=reason,
            text="The platform may have taken it, and nothing proves it. Decide whether to send it again.",
        )
        if sent_again:
            note(tx, row, "unknown_sent_again", {"count": sent_again, "reason": reason})
        if final:
            note(tx, row, "unknown_left_to_a_person", {"count": final})
        return sent_again + final
