"""The sweeper: every second, what is due. Any number may run; one leads. It holds no account's credentials."""

from broadcaster.bootstrap import build
from worker.loops import Loop
from worker.process import process

EVERY_S = 1.0


def main() -> None:
    with process("sweeper") as this:
        parts = build(this.settings)

        def step() -> None:
            if parts.sweep.lead():
                parts.sweep.sweep()

        loop = Loop("sweeper", step, every_s=EVERY_S, pulse=this.pulse)
        # Beside it, and in every sweeper: nobody waits for the one who leads.
        loop.beside(parts.paging.look, every_s=EVERY_S, failed="paging_failed")
        loop.run()


if __name__ == "__main__":
    main()
