"""What became of a call with an unknown outcome: decided by what the channel can prove, then by the approved policy."""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from broadcaster.db import batches, broadcasts, deliveries, routes, unknowns
from broadcaster.db.batches import Claimed, OpenGroup
from broadcaster.db.broadcasts import Broadcast, Target
from broadcaster.db.engine import Database, Tx
from broadcaster.db.unknowns import Waiting
from broadcaster.domain.broadcast import OnUnknown
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.follow_up import REPEATABLE
from broadcaster.domain.policy import may_resend
from broadcaster.logs import about
from broadcaster.service.record import note
from broadcaster.service.succession import may_resend_any
from broadcaster.service.window import past_window
from channels.base import AfterUnknown, Channel, ChannelsOfMode, Finds

log = structlog.get_logger()

AT_ONCE = 1_000  # deliveries looked at per transaction
IDEMPOTENT_TRIES = 10  # a second apart, as the sweeper goes; what is still unknown then is for a person
CAN_ASK = {AfterUnknown.READABLE, AfterUnknown.QUERYABLE}
WORKER_DIED = "The worker stopped while sending this; the platform may have taken it."
POISON = (
    "Sending stopped the worker at least twice, the last time with nothing but this under way. It may or may not have"
    " been sent, and is not sent again by itself. Tell an administrator, look at the platform, then say what became"
    " of it."
)


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
            batches.take_back(tx, claimed, died=bool(groups))
            row = broadcasts.by_id(tx, claimed.broadcast_id)
            quarantined = sum(self._set_poison_apart(tx, row, claimed, group) for group in groups)
            several = len(routes.names(tx, claimed.target_id)) > 1
            count = sum(self._give_up(tx, group, several=several) for group in groups)
            if quarantined:
                log.error(
                    "deliveries_stopped_workers", broadcast=row.uid, batch=claimed.id, count=quarantined
                )
                note(tx, row, "deliveries_quarantined", {"count": quarantined, "reason": "poison"})
            note(tx, row, "batch_taken_over", {"batch": claimed.id, "unknown": count})
        return True

    def _give_up(self, tx: Tx, group: OpenGroup, *, several: bool) -> int:
        """What a dead worker was sending is unknown. How many deliveries are. Where it might have gone `several` ways,
        each notes its own: that account alone can tell what became of it."""
        batches.close_group(tx, group.id)
        if several:
            deliveries.went_through(tx, group.delivery_ids, group.account_id)
        mine = deliveries.having_ids(group.delivery_ids)
        return deliveries.move(tx, mine, DeliveryState.UNKNOWN, code="worker_died", text=WORKER_DIED)

    def _set_poison_apart(self, tx: Tx, row: Broadcast, claimed: Claimed, group: OpenGroup) -> int:
        """A delivery sent again, alone, on a batch that stopped a worker before, has stopped one again: how many.

        Without this a post that is idempotent, or that people send again, would stop worker after worker. Where the
        platform can be asked it stays unknown: reading may prove it, and nothing sends it a third time by itself.
        """
        if len(group.delivery_ids) != 1 or not claimed.deaths or self._can_ask(row, claimed):
            return 0
        again = deliveries.having_ids(group.delivery_ids) & deliveries.sent_before([claimed.id])
        return deliveries.move(tx, again, DeliveryState.QUARANTINED, code="poison", text=POISON)

    def _can_ask(self, row: Broadcast, claimed: Claimed) -> bool:
        channel = self._channels.get(row.mode, {}).get(claimed.account)
        return channel is not None and channel.after_unknown in CAN_ASK and isinstance(channel, Finds)

    def look_into(self) -> int:
        """Decide about unknown deliveries whose time has come. How many were decided.

        Target by target: a thousand texts that wait for their receipts keep no website waiting.
        """
        with self._database.read() as tx:
            targets = broadcasts.targets_with_unknown(tx)
            uids = {t.broadcast_id: broadcasts.by_id(tx, t.broadcast_id).uid for t in targets}
        decided = 0
        for target in targets:
            with self._database.read() as tx:
                names = routes.names(tx, target.id)
            for name in names:
                with about(broadcast=uids[target.broadcast_id], channel=target.channel, account=name):
                    decided += self._decide(target, name)
        return decided

    def _decide(self, target: Target, account: str) -> int:
        """About what went through this account of the target's: each kind of gateway can prove something else."""
        with self._database.write() as tx:
            row = broadcasts.by_id(tx, target.broadcast_id)
            channel = self._channels.get(row.mode, {}).get(account)
            waiting = unknowns.waiting(tx, target.id, account=account, limit=AT_ONCE) if channel else []
            batches.lock(tx, {u.batch_id for u in waiting})
            if channel is None or not waiting:
                return 0
            sending = may_resend_any(tx, row, target)
            # These two ask no policy: what they repeat cannot double, so a policy would only keep it from arriving.
            if channel.after_unknown is AfterUnknown.IDEMPOTENT or target.act in REPEATABLE:
                again = [u for u in waiting if sending and u.resends < IDEMPOTENT_TRIES]
                return self._settle(tx, row, again, waiting, "idempotent")
            if channel.after_unknown is AfterUnknown.DEDUPLICATING:
                again = [
                    u for u in _remembered(tx, channel, waiting) if sending and u.resends < IDEMPOTENT_TRIES
                ]
                return self._settle(tx, row, again, waiting, "deduplicating")
            if channel.after_unknown is AfterUnknown.BLIND:
                overdue = [u for u in waiting if u.since + self._receipt_wait <= tx.now()]
                again = [u for u in overdue if sending and u.resends == 0]
                if again and not self._may_resend(tx, row, target):
                    again = []
                return self._settle(tx, row, again, overdue, "no_receipt")
        # Readable and queryable ones are looked for by ReadBack. Any other is seen as unknown by a person.
        return 0

    def _may_resend(self, tx: Tx, row: Broadcast, target: Target) -> bool:
        """Whether the approved policy and its bounds allow to send once more what no receipt came for."""
        count = deliveries.unknown_or_resent(tx, row.id)
        return row.on_unknown == OnUnknown.RESEND_ONCE and may_resend(
            unknown=count, planned=target.planned_total
        )

    def _settle(
        self, tx: Tx, row: Broadcast, again: Sequence[Waiting], overdue: Sequence[Waiting], reason: str
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


def _remembered(tx: Tx, channel: Channel, waiting: Sequence[Waiting]) -> list[Waiting]:
    """Those whose key the platform surely remembers still."""
    ids = {u.id for u in waiting}
    late = past_window(tx, channel, batch_ids={u.batch_id for u in waiting}, delivery_ids=ids)
    return [u for u in waiting if u.id not in late]
