"""The sealer: four times a second, what was written into the audit log gets its place in the signed tree. Any number may run.

It alone needs the signing key, and no channel's credentials. It lays checkpoints down outside, too.
"""

from broadcaster.bootstrap import build
from worker.loops import Loop
from worker.process import process

EVERY_S = 0.25
OUTSIDE_EVERY_S = 5.0  # looks for what is due: a mail each day, a time stamp every ten minutes


def main() -> None:
    with process("sealer") as this:
        parts = build(this.settings, channels={})

        def step() -> None:
            parts.seal.seal()
            parts.anchor.lay_down()

        loop = Loop("sealer", step, every_s=EVERY_S, pulse=this.pulse)
        # Beside it: sealing never waits for a mail server or an authority that answers slowly.
        for lay_down in (parts.anchor_mail.send, parts.anchor_stamp.stamp):
            loop.beside(lay_down, every_s=OUTSIDE_EVERY_S, failed="anchor_step_failed")
        loop.run()


if __name__ == "__main__":
    main()
