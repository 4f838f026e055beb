"""The sealer: four times a second, what was written into the audit log gets its place in the signed tree. Any number may run.

It alone needs the signing key, and no channel's credentials. It lays checkpoints down outside, too.
"""

import threading
import time
from collections.abc import Callable

import structlog

from broadcaster.bootstrap import build
from worker.loops import Loop
from worker.process import process

log = structlog.get_logger()

EVERY_S = 0.25
OUTSIDE_EVERY_S = 5.0  # looks for what is due: a mail each day, a time stamp every ten minutes


def main() -> None:
    with process("sealer") as this:
        parts = build(this.settings, modes=())

        def step() -> None:
            parts.seal.seal()
            parts.anchor.lay_down()

        loop = Loop("sealer", step, every_s=EVERY_S, pulse=this.pulse)
        for beside in (parts.anchor_mail.send, parts.anchor_stamp.stamp):
            threading.Thread(target=_beside, args=(beside, loop), daemon=True).start()
        loop.run()


def _beside(lay_down: Callable[[], None], loop: Loop) -> None:
    """In a thread of its own: sealing never waits for a mail server or an authority that answers slowly."""
    while loop.running():
        try:
            lay_down()
        except Exception:  # the database may be away for a while; this must be there when it is back
            log.exception("anchor_step_failed")
        time.sleep(OUTSIDE_EVERY_S)


if __name__ == "__main__":
    main()
