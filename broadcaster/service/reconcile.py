"""What became of a call with an unknown outcome: decided by what the channel can prove, then by the approved policy."""

from collections.abc import Iterable
from datetime import timedelta

import structlog

from broadcaster.db import audit_log, batches, broadcasts, deliveries
from broadcaster.db.broadcasts import Target
from broadcaster.db.deliveries import Unknown
from broadcaster.db.engine import Database, Tx
from broadcaster.domain.broadcast import BroadcastState, OnUnknown
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.policy import may_resend
from broadcaster.service.compose import ChannelsOfMode
from channels.base import AfterUnknown

log = structlog.get_logger()

AT_ONCE = 1_000  # deliveries looked at per transaction


class Reconcile:
    """`receipt_wait_s` is how long a channel without read-back waits for its delivery receipt."""

    def __init__(self, database: Database, channels: ChannelsOfMode, *, receipt_wait_s: float) -> None:
        self._database = database
        self._channels = channels
        self._receipt_wait = timedelta(seconds=receipt_wait_s)

    def take_over(self, dead_owner: str = "") -> int:
        """Batches of silent or dead workers are free again; what they were sending is unknown. How many batches."""
        with self._database.write() as tx:
            lapsed = batches.lapsed(tx, dead_owner=dead_owner)
            for claimed in lapsed:
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
                audit_log.append(
                    tx,
                    actor="system",
                    act="batch_taken_over",
                    subject=row.ref,
                    payload={"batch": claimed.id, "broadcast": row.uid, "unknown": count},
                )
        return len(lapsed)

    def look_into(self) -> int:
        """Decide about unknown deliveries whose time has come. How many were decided."""
        with self._database.write() as tx:
            waiting = deliveries.unknown(tx, limit=AT_ONCE)
            decided = 0
            for broadcast_id in {u.broadcast_id for u in waiting}:
                targets = {t.account_id: t for t in broadcasts.targets(tx, broadcast_id)}
                for account_id, target in targets.items():
                    mine = [
                        u for u in waiting if (u.broadcast_id, u.account_id) == (broadcast_id, account_id)
                    ]
                    decided += self._decide(tx, broadcast_id, target, mine)
        return decided

    def _decide(self, tx: Tx, broadcast_id: int, target: Target, waiting: Iterable[Unknown]) -> int:
        row = broadcasts.by_id(tx, broadcast_id)
        channel = self._channels.get(row.mode, {}).get(target.account)
        if channel is None:
            return 0
        if channel.after_unknown is AfterUnknown.IDEMPOTENT:
            return self._send_again(tx, broadcast_id, [u.id for u in waiting], "idempotent")
        if channel.after_unknown is AfterUnknown.BLIND:
            overdue = [u for u in waiting if u.since + self._receipt_wait <= tx.now()]
            return self._after_waiting(tx, broadcast_id, target, overdue)
        return 0  # a person sees it as unknown; nothing is sent again without proof

    def _after_waiting(self, tx: Tx, broadcast_id: int, target: Target, overdue: list[Unknown]) -> int:
        """No receipt came. Once more where the approved policy and its bounds say so; otherwise a person decides."""
        if not overdue:
            return 0
        row = broadcasts.by_id(tx, broadcast_id)
        bounded = may_resend(
            unknown=deliveries.unknown_or_resent(tx, broadcast_id), planned=target.planned_total
        )
        sending = row.state is BroadcastState.SENDING and row.expires_at > tx.now()
        again = sending and bounded and row.on_unknown == OnUnknown.RESEND_ONCE
        resend = [u.id for u in overdue if again and u.resends == 0]
        final = [u.id for u in overdue if u.id not in set(resend)]
        decided = self._send_again(tx, broadcast_id, resend, "no_receipt") if resend else 0
        if final:
            decided += deliveries.move(
                tx,
                deliveries.having_ids(final),
                DeliveryState.UNKNOWN_FINAL,
                code="no_receipt",
                text="The gateway may have taken it and no receipt came. Decide whether to send it again.",
            )
            _note(tx, broadcast_id, "unknown_left_to_a_person", {"count": len(final)})
        return decided

    def _send_again(self, tx: Tx, broadcast_id: int, ids: list[int], reason: str) -> int:
        if not ids:
            return 0
        count = deliveries.send_again(tx, ids)
        batches.reopen(tx, deliveries.batch_ids(tx, ids))
        _note(tx, broadcast_id, "unknown_sent_again", {"count": count, "reason": reason})
        return count


def _note(tx: Tx, broadcast_id: int, act: str, payload: dict[str, str | int]) -> None:
    row = broadcasts.by_id(tx, broadcast_id)
    audit_log.append(tx, actor="system", act=act, subject=row.ref, payload={**payload, "broadcast": row.uid})
