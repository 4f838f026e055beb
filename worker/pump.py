"""The pump: sends what nobody was rung for, through the same code as the workers. It is what sends without a broker.

It is where a mode's credentials are used besides sending: it reads back what became of unknown outcomes, looks for each
public post a minute after it was accepted, checks every three minutes whether the accounts could send, keeps the website up
to date, confirms opt-outs, and holds the lines over which gateways tell of receipts by themselves. The live one pages staff,
tells webhooks what happens, and looks at the feeds of weather services: it may reach the outside, and the sweeper may not.
"""

import sys
from functools import partial

from broadcaster.bootstrap import build
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.message import Mode
from worker.loops import Loop
from worker.process import process

READ_EVERY_S = 0.5
LOOK_EVERY_S = 5.0
CONFIRM_EVERY_S = 2.0
TELL_EVERY_S = 1.0
FEEDS_EVERY_S = 2.0  # looks for what is due; each feed says itself how often
HOLD_AGAIN_AFTER_S = 5.0  # a line that broke
CHECK_EVERY_S = 2.0  # looks for what is due; each account is due every three minutes, and when somebody asks
REFRESH_EVERY_S = 1.0  # looks whether something has ended
REDACT_EVERY_S = 2.0
PAGE_EVERY_S = 0.5
PREPARE_EVERY_S = 86_400.0  # once in the life of a process, in effect

#: After how many seconds a batch that nobody claimed is taken, and for how long at a time.
WAITED_S = {Lane.PUBLIC: 3.0, Lane.BULK: 10.0}
#: Bulk work looks up often, so that a public post never waits behind it.
WORK_S = {Lane.PUBLIC: 15.0, Lane.BULK: 2.0}


def main(mode: Mode) -> None:
    """Pump one mode until told to stop: live and exercise never share a process."""
    with process(f"{mode}-pump", mode=mode) as this:
        parts = build(this.settings, mode=mode)

        def step() -> None:
            for broadcast_id in parts.sweep.overdue_plans(mode, WAITED_S[Lane.BULK]):
                parts.plan.plan(broadcast_id)
            for lane in Lane:
                parts.deliver.work(
                    mode, lane, for_s=WORK_S[lane], waited_s=WAITED_S[lane], running=loop.running
                )

        loop = Loop("pump", step, every_s=0.5, pulse=this.pulse)
        # Beside it: a platform that answers slowly keeps nothing from being sent.
        loop.beside(partial(parts.read_back.look, mode), every_s=READ_EVERY_S, failed="read_back_step_failed")
        loop.beside(partial(parts.sightings.look, mode), every_s=LOOK_EVERY_S, failed="sightings_step_failed")
        loop.beside(partial(parts.checks.look, mode), every_s=CHECK_EVERY_S, failed="check_step_failed")
        loop.beside(
            partial(parts.confirming.look, mode), every_s=CONFIRM_EVERY_S, failed="confirming_step_failed"
        )
        loop.beside(parts.refreshing.look, every_s=REFRESH_EVERY_S, failed="refresh_step_failed")
        loop.beside(parts.redacted_pages.look, every_s=REDACT_EVERY_S, failed="redact_step_failed")
        if mode is Mode.LIVE:
            loop.beside(parts.paging.send, every_s=PAGE_EVERY_S, failed="paging_failed")
            loop.beside(parts.paging.prepare, every_s=PREPARE_EVERY_S, failed="paging_not_prepared")
            loop.beside(parts.webhooks.look, every_s=TELL_EVERY_S, failed="webhooks_step_failed")
            loop.beside(parts.feeds.look, every_s=FEEDS_EVERY_S, failed="feeds_step_failed")
        for account in parts.listening.lines(mode):
            hold = partial(parts.listening.hold, mode, account, loop.running)
            loop.beside(hold, every_s=HOLD_AGAIN_AFTER_S, failed="line_failed")
        loop.run()


if __name__ == "__main__":
    main(Mode(sys.argv[1]))
