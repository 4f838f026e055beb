"""The pump: sends what nobody was rung for, through the same code as the workers. It is what sends without a broker.

It also reads back what became of unknown outcomes.
"""

import sys
import threading
import time

import structlog

from broadcaster.bootstrap import Parts, build
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.message import Mode
from broadcaster.logs import configure
from broadcaster.settings import Settings
from worker.loops import Loop

log = structlog.get_logger()

READ_EVERY_S = 0.5

#: After how many seconds a batch that nobody claimed is taken, and for how long at a time.
WAITED_S = {Lane.PUBLIC: 3.0, Lane.BULK: 10.0}
WORK_S = {
    Lane.PUBLIC: 15.0,
    Lane.BULK: 2.0,
}  # bulk work looks up often, so that a public post never waits behind it


def main(mode: Mode) -> None:
    """Pump one mode until told to stop: live and exercise never share a process."""
    configure()
    parts = build(Settings.load(), modes=(mode,))

    def step() -> None:
        for broadcast_id in parts.sweep.overdue_plans(mode, WAITED_S[Lane.BULK]):
            parts.plan.plan(broadcast_id)
        for lane in Lane:
            parts.deliver.work(mode, lane, for_s=WORK_S[lane], waited_s=WAITED_S[lane], running=loop.running)

    loop = Loop("pump", step, every_s=0.5)
    reader = threading.Thread(target=_read_back, args=(parts, mode, loop), daemon=True)
    reader.start()
    loop.run()


def _read_back(parts: Parts, mode: Mode, loop: Loop) -> None:
    """In a thread of its own: a platform that answers slowly keeps nothing from being sent."""
    while loop.running():
        try:
            parts.read_back.look(mode)
        except Exception:  # the database may be away for a while; the reader must be there when it is back
            log.exception("read_back_step_failed")
        time.sleep(READ_EVERY_S)


if __name__ == "__main__":
    main(Mode(sys.argv[1]))
