"""`make soak`: a whole installation does ordinary work for an hour, with ordinary accidents. Exits 1 where something grew, is stuck,
was lost, or never happened. What is measured and how it is judged stands in `judging.py`."""

import argparse
import os
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType

import structlog

from tests.soak import report
from tests.soak.desk import Desk
from tests.soak.judging import JUDGED_FROM_S, disagree, grown, growths, idle, stuck
from tests.soak.leftovers import complaints, drained
from tests.soak.mischief import RESTARTS, STANDS_STILL_S, STANDSTILL, Mischief
from tests.soak.place import GATEWAYS, Place, place
from tests.soak.sound import verdict
from tests.soak.watching import DATABASE, READINESS, STAND_IN, Watcher

HARD_STOP_S = 600.0  # beyond its time: then it ends by itself, whatever it is doing
DRAINS_WITHIN_S = 400.0  # a platform may have us wait for five minutes
TEAR_DOWN_S = 90
LOOK_EVERY_S = 10.0
#: How often people do what. In a shorter soak each three times at least.
EVERY_S = {
    "post": 20.0,
    "text": 12.0,
    "everything": 90.0,
    "stop_one": 240.0,
    "decide": 30.0,
    "read": 15.0,
    "answer": 8.0,
    "knock": 30.0,
    "import_again": 600.0,
}
TROUBLE_EVERY_S = {"fault": 30.0, "receipts": 60.0}
WANTED = ("posts", "texts", "stops", "answers", "knocks", "faults", "restarts", "standstills", "ok")
#: What chance may leave out of a short soak.
WANTED_IN_TIME = ("imports", "outcomes unknown", "people out", "receipts")


class Over(BaseException):
    """The hard stop. No Exception: nobody on the way shall take it for one of his."""


@dataclass(kw_only=True)
class Soak:
    here: Place
    seconds: float
    watcher: Watcher
    desk: Desk
    mischief: Mischief
    _told: Mapping[str, int] = field(default_factory=dict)

    @property
    def done(self) -> Counter[str]:
        return self.desk.done + self.mischief.done

    def run(self) -> None:
        """All that is due, one thing after the other; a line a minute."""
        self.desk.open()
        self.mischief.settle()
        self.watcher.start()
        plan = list(self._plan())
        while (now_s := self.watcher.now_s()) < self.seconds:
            due, act, again_s = min(plan, key=lambda each: each[0])
            if due > now_s:
                time.sleep(min(due, self.seconds) - now_s)
                continue
            plan.remove((due, act, again_s))
            act()
            if again_s:  # what came late is not made up for: a slow machine is given less to do
                plan.append((max(due + again_s, self.watcher.now_s()), act, again_s))

    def _plan(self) -> Sequence[tuple[float, Callable[[], None], float]]:
        """When, what, and after how many seconds again."""
        often = [(s, partial(self.desk.tried, act)) for act, s in EVERY_S.items()]
        often += [(s, getattr(self.mischief, act)) for act, s in TROUBLE_EVERY_S.items()]
        periods = [(min(every_s, self.seconds / 3), act) for every_s, act in often]
        plan = [(0.1 * n, act, every_s) for n, (every_s, act) in enumerate(periods)]
        plan += [
            (share * self.seconds, partial(self.mischief.restart, name), 0.0) for share, name in RESTARTS
        ]
        for_s = min(STANDS_STILL_S, self.seconds / 20)
        still = partial(self.mischief.stand_still, for_s, self._of_every_kind)
        plan.append((STANDSTILL * self.seconds, still, 0.0))
        return [*plan, (60.0, self.tell, 60.0)]

    def _of_every_kind(self) -> None:
        """With a picture, too."""
        for act in ("post", "text", "post", "post", "post"):
            self.desk.tried(act)

    def tell(self) -> None:
        last = self.watcher.samples[-1] if self.watcher.samples else None
        _say(report.line(self.watcher.now_s(), self.seconds, self.done, last))

    def judge(self, folder: Path) -> list[str]:
        """Once it is drained: a sentence for each thing that misses."""
        self.mischief.settle()
        _say("Nothing more is sent. It drains, and is judged.")
        began = time.monotonic()
        self.watcher.every_s = LOOK_EVERY_S
        left = drained(self.here, within_s=DRAINS_WITHIN_S, meanwhile=self._still_left)
        _say(f"It took {time.monotonic() - began:.0f} s to drain.")
        self.watcher.stop()
        missed = stuck(left) + complaints(self.here) + self._pages()
        missed += [f"The product refused: {each}" for each in self.desk.problems[:5]]
        missed += [f"A look failed: {each}" for each in self.watcher.failed[:3]]
        found = verdict(self.here, self.desk.refs, folder)
        _say(f"Checked {len(self.desk.refs):,} messages and {found.events:,} events: {dict(found.counts)}")
        return (
            missed + disagree(found.counts, found.broken) + idle({**self.done, **found.counts}, wanted=WANTED)
        )

    def _still_left(self, left: Mapping[str, int]) -> None:
        self.desk.tried("decide")
        if (kinds := {name: n for name, n in left.items() if n}) != self._told:
            self._told = kinds
            _say(f"  left: {kinds}")

    def _pages(self) -> list[str]:
        refused = self.watcher.refused
        return [
            f"{page} was the answer {number} times." for page, number in refused.items() if READINESS in page
        ]

    def growth(self) -> list[str]:
        """The table is shown; a sentence for each process that grew."""
        lives = self.watcher.lives(until_s=self.seconds)
        found = growths(lives, soak_s=self.seconds)
        _say("", *report.table(found, lives), "", *report.house(self.watcher.samples))
        _say(f"  pages asked for {dict(self.watcher.asked)}, refused {dict(self.watcher.refused)}")
        _say(f"  done {dict(self.done)}")
        if self.seconds < JUDGED_FROM_S:
            _say(f"Growth is told and not judged: that takes {JUDGED_FROM_S / 60:.0f} minutes.")
            return []
        roles = sorted({role for role, _ in lives} - {DATABASE, STAND_IN})
        return grown(found, roles=roles)


def main() -> int:
    given = _arguments()
    if not Path("/proc/self/smaps_rollup").exists():
        _say("What memory a process has is read from /proc/PID/smaps_rollup: this needs Linux.")
        return 2
    seconds = given.minutes * 60
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupted)
    signal.signal(signal.SIGALRM, _over)
    signal.setitimer(signal.ITIMER_REAL, seconds + HARD_STOP_S, TEAR_DOWN_S)
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    with (folder / "soak.log").open("w") as log:
        structlog.configure(logger_factory=structlog.WriteLoggerFactory(log))
        try:
            missed = _soaked(given, seconds, folder)
        except (KeyboardInterrupt, Over):
            missed = ["It was ended while it was being set up or taken down."]
    _say("", *(f"MISSED {each}" for each in missed), _verdict(missed, folder))
    if not missed:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if missed else 0


def _soaked(given: argparse.Namespace, seconds: float, folder: Path) -> list[str]:
    missed: list[str] = []
    whole = False
    with place(given.database, given.gateway, folder) as here:
        dice = random.Random(given.seed)
        watcher = Watcher(place=here, every_s=min(LOOK_EVERY_S, max(0.25, seconds / 60)))
        soak = Soak(
            here=here,
            seconds=seconds,
            watcher=watcher,
            desk=Desk(place=here, dice=dice),
            mischief=Mischief(place=here, dice=dice),
        )
        _say(f"{given.minutes:g} minutes on {given.database}, seed {given.seed}. Data: {folder}")
        try:
            soak.run()
            missed += soak.judge(folder)
            whole = True
        except KeyboardInterrupt:
            missed.append("It was interrupted.")
        except Over:
            missed.append(f"It was not over {HARD_STOP_S / 60:.0f} minutes after its time.")
        finally:
            watcher.stop()
            found = soak.growth()
            missed += found if whole else []
            if given.json:
                report.write(
                    given.json,
                    watcher.samples,
                    missed=missed,
                    done=soak.done,
                    restarted=soak.mischief.restarted,
                )
    seen = {pid for sample in watcher.samples for _, pid in sample.processes}
    left = sorted(pid for pid in seen if Path(f"/proc/{pid}").exists())
    return missed + [f"Process {pid} outlived its installation." for pid in left]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak ARGS=...", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long it sends; it may take ten more")
    parser.add_argument("--database", choices=["postgres", "sqlite"], default="postgres")
    parser.add_argument(
        "--gateway", choices=list(GATEWAYS), default="twilio", help="whose texts, receipts and answers"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write everything that was measured to this file"
    )
    return parser.parse_args()


def _verdict(missed: Sequence[str], folder: Path) -> str:
    return (
        f"MISSED; the data is kept in {folder}"
        if missed
        else "PASS: nothing grew, nothing is stuck, nothing was lost."
    )


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(
            number, signal.SIG_IGN
        )  # its children are ended in order: a second Ctrl-C would leave some
    raise KeyboardInterrupt


def _over(_number: int, _frame: FrameType | None) -> None:
    """The first time ask, the next time end: the children end with this process."""
    signal.signal(signal.SIGALRM, lambda *_: os._exit(1))
    raise Over


def _say(*lines: str) -> None:
    for each in lines:
        print(each, flush=True)  # noqa: T201


if __name__ == "__main__":
    raise SystemExit(main())
