"""What is due and nobody was rung for. Every step is safe to run twice, and at the same time as everything else."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog

from broadcaster.db import audit_log, batches, broadcasts, leaders, messages, submissions
from broadcaster.db.broadcasts import Broadcast
from broadcaster.db.engine import Database, Tx
from broadcaster.domain.broadcast import BroadcastState, Lane
from broadcaster.domain.errors import InTheWay
from broadcaster.domain.message import MessageState
from broadcaster.queue import Bells
from broadcaster.service.alarms import Alarms, raise_alarm
from broadcaster.service.ending import close_ready
from broadcaster.service.findings import counts_differ
from broadcaster.service.receipts import Receipts
from broadcaster.service.reconcile import Reconcile
from broadcaster.service.record import SYSTEM, note
from broadcaster.service.recording import Recording
from broadcaster.service.report import states_of

log = structlog.get_logger()

LEADER_LEASE_S = 10.0
BELLS = {Lane.PUBLIC: 8, Lane.BULK: 2}  # most that may wait per lane: one per worker slot


class Sweep:
    def __init__(
        self,
        database: Database,
        bells: Bells,
        reconcile: Reconcile,
        receipts: Receipts,
        recording: Recording,
        alarms: Alarms,
        *,
        owner: str,
        further: Sequence[Callable[[], object]] = (),
    ) -> None:
        self._database = database
        self._bells = bells
        self._reconcile = reconcile
        self._receipts = receipts
        self._recording = recording
        self._alarms = alarms
        self._owner = owner
        self._further = further  # what has time: steps that look by themselves when they were due last

    def lead(self) -> bool:
        """True where this process is the one that sweeps."""
        with self._database.write() as tx:
            return leaders.lead(tx, role="sweeper", owner=self._owner, lease_s=LEADER_LEASE_S)

    def sweep(self) -> None:
        """Every step once. A step that fails is logged and keeps no other from running."""
        steps: tuple[Callable[[], object], ...] = (
            self._recording.replay,  # before anything is called unknown
            self._reconcile.take_over,
            self._receipts.apply_all,
            self._receipts.forget_old,
            self._reconcile.look_into,
            self.end_what_is_over,
            self.expire_submissions,
            self.ring,
            *self._further,
            self._alarms.look,  # last: what the other steps have just mended is no alarm
        )
        for step in steps:
            try:
                step()
            except InTheWay:  # the next sweep does it, in a second
                log.info("sweep_step_came_in_the_way", step=getattr(step, "__name__", "step"))
            except Exception:  # a failing step must not keep the others from running
                log.exception("sweep_step_failed", step=getattr(step, "__name__", "step"))

    def end_what_is_over(self) -> None:
        """Broadcasts that were stopped, have expired or are finished."""
        with self._database.read() as tx:
            rows = broadcasts.unfinished(tx)
        for row in rows:
            self._end(row)

    def _end(self, row: Broadcast) -> None:
        close_ready(self._database, row)
        with self._database.write() as tx:
            expired = row.expires_at <= tx.now()
            all_planned = row.id not in broadcasts.unplanned(tx)
            if row.state is not BroadcastState.SENDING or not (expired or all_planned):
                return
            if broadcasts.is_over(tx, row.id) and broadcasts.end(tx, row, BroadcastState.DONE):
                totals = _totals(tx, row)
                planned_total = sum(t.planned_total for t in broadcasts.targets(tx, row.id))
                if sum(totals.values()) != planned_total:
                    raise_alarm(tx, counts_differ(row, planned=planned_total, totals=totals))
                note(tx, row, "broadcast_done", {"planned": planned_total, "totals": totals})

    def expire_submissions(self) -> None:
        """Submissions nobody approved in time."""
        with self._database.read() as tx:
            refs = submissions.overdue(tx)
        for ref in refs:
            # a transaction each: the head of the audit log is never held while waiting for a message
            with self._database.write() as tx:
                row = messages.by_ref(tx, ref, lock=True)
                waiting = submissions.open_for(tx, row.id) if row else None
                if row and waiting and waiting.expires_at <= tx.now() and row.state is MessageState.SUBMITTED:
                    submissions.set_state(tx, waiting.id, submissions.VOID)
                    messages.set_state(tx, row.id, MessageState.EXPIRED)
                    payload = {"manifest_sha256": waiting.manifest_sha256}
                    audit_log.append(
                        tx, actor=SYSTEM, act="submission_expired", subject=row.ref, payload=payload
                    )

    def overdue_plans(self, mode: str, waited_s: float) -> list[int]:
        """Broadcasts of a mode whose planning nobody has finished so long after their release."""
        with self._database.read() as tx:
            rows = [broadcasts.by_id(tx, broadcast_id) for broadcast_id in broadcasts.unplanned(tx)]
            due = tx.now() - timedelta(seconds=waited_s)
        return [row.id for row in rows if row.mode == mode and row.released_at <= due]

    def ring(self) -> None:
        """Bells for lanes with claimable work, and for broadcasts whose planning is not finished."""
        with self._database.read() as tx:
            lanes = batches.claimable_lanes(tx)
            unplanned = [broadcasts.by_id(tx, broadcast_id) for broadcast_id in broadcasts.unplanned(tx)]
        for mode, lane, count in lanes:
            self._bells.ring(mode, lane, wanted=min(count, BELLS[lane]))
        for row in unplanned:
            self._bells.plan(row.id, row.mode)


def _totals(tx: Tx, row: Broadcast) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for target in broadcasts.targets(tx, row.id):
        totals.update(states_of(tx, target, BroadcastState.DONE))
    return dict(totals)
