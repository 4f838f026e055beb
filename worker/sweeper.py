"""The sweeper: every second, what is due. Any number may run; one leads."""

from broadcaster.bootstrap import build
from broadcaster.logs import configure
from broadcaster.settings import Settings
from worker.loops import Loop

EVERY_S = 1.0


def main() -> None:
    configure()
    parts = build(Settings.load())

    def step() -> None:
        if parts.sweep.lead():
            parts.sweep.sweep()

    Loop("sweeper", step, every_s=EVERY_S).run()


if __name__ == "__main__":
    main()
