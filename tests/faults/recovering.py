"""What the product does after a process died, driven by hand over a clock that jumps: minutes of waiting cost none."""

from broadcaster.domain.broadcast import Lane
from broadcaster.domain.message import Mode
from tests.faults.stage import Stage

#: Past the website's head start, the lease, the planned looks of reading back, both clean reads a minute apart, and the wait for receipts.
JUMPS_S = (2, 20, 3, 4, 11, 20, 40, 61, 61, 61, 61, 61, 61, 61, 61)
OVERDUE_S = 10.0


def recover(stage: Stage, ref: str, *, receipts: bool) -> bool:
    """Sweep, read back, plan and work until the broadcast is over. False where it never is."""
    parts = stage.parts
    for jump_s in JUMPS_S:
        if receipts:  # what comes at once in truth must not seem late because the clock jumps
            stage.stand_ins.wait_for_receipts()
        stage.clock.advance(jump_s)
        parts.sweep.sweep()
        parts.read_back.look(Mode.LIVE)
        for broadcast_id in parts.sweep.overdue_plans(Mode.LIVE, OVERDUE_S):
            parts.plan.plan(broadcast_id)
        for lane in Lane:
            parts.deliver.work(Mode.LIVE, lane, for_s=10)
        parts.sweep.end_what_is_over()
        if parts.report.status(ref).over:
            return True
    return False
