"""`make storm`: a whole night through HTTP alone, watched while it happens. Exits 1 where it did not go as it must, or where wall,
website and feeds contradicted themselves. The story is in `night.py`, what is watched in `surfaces.py` and `judging.py`."""

import argparse
import shutil
import signal
import tempfile
from pathlib import Path
from types import FrameType

import requests

from tests.storm.afterwards import Morning, morning
from tests.storm.browser import Stuck
from tests.storm.drill import drilled
from tests.storm.house import NotUp, running
from tests.storm.judging import Corrected, Judge
from tests.storm.night import CORRECTED_WITHIN_S, WRONG, Broken, Night
from tests.storm.routine import dropped, held, leaked
from tests.storm.timeline import Timeline, stamp
from tests.storm.watcher import Record, Watcher

HARD_STOP_S = 600  # then it ends by itself, whatever it is doing


class Over(BaseException):
    """The hard stop. No Exception: nobody on the way shall take it for one of theirs."""


def main() -> int:
    options = _options()
    signal.signal(signal.SIGALRM, _stop)
    signal.signal(signal.SIGTERM, _stop)
    signal.alarm(options.most_s)
    folder = Path(tempfile.mkdtemp(prefix="broadcaster-storm-"))
    told = Timeline()
    try:
        return _night(folder, told, options)
    except (NotUp, Over) as error:
        told.tell("the night", f"BROKE OFF: {type(error).__name__}: {error}")
        return 1
    finally:
        signal.alarm(0)
        if options.keep:
            told.say(f"Kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _night(folder: Path, told: Timeline, options: argparse.Namespace) -> int:
    told.say("A night through HTTP alone: no database, no command line beside `broadcaster up --sandbox`.")
    with running(folder, approval_escalates_minutes="1") as house:
        told.tell(
            "the product", f"is up: console {house.console}, public site {house.site}, wall {house.sandbox}"
        )
        night = Night(house=house, told=told, ends_in_s=options.ends_in_s)
        watcher = Watcher(house, lambda: told.now_s)
        watcher.start()
        corrected, kept = None, Morning(lines=(), missed=("it broke off",))
        try:
            corrected = _story(night, watcher, break_it=options.break_it)
            kept = morning(night)
        except (Broken, Stuck, requests.RequestException) as error:
            told.tell("the night", f"BROKE OFF: {type(error).__name__}: {error}")
        finally:
            record = watcher.stop()
        told.tell("the watcher", f"goes home after {sum(record.looks.values()):,} looks")
    return _judged(night, record, corrected, kept)


def _story(night: Night, watcher: Watcher, *, break_it: bool) -> Corrected:
    """From the warning to the all-clear: what was corrected in it."""
    night.come_on_duty()
    drilled(night)
    found = night.warned()
    night.held = held(night)
    warning = night.drafted(found)
    night.approved_after_one_escalation(warning)
    night.out(warning)
    update = night.updated(warning)
    night.approve(night.deputy, update)
    night.out(update)
    correction = night.corrected(update)
    night.approve(night.deputy, correction)
    night.out(correction)
    night.shown_everywhere(correction, watcher.seen)
    if break_it:
        night.say_the_wrong_thing_by_hand(warning)
    night.wait_for_the_end(watcher.seen)
    clear = night.cleared(correction)
    night.approve(night.deputy, clear)
    night.out(clear)
    night.shown_everywhere(clear, watcher.seen)
    dropped(night, night.held)
    return Corrected(place=WRONG, of=update.ref, by=correction.ref)


def _judged(night: Night, record: Record, corrected: Corrected | None, kept: Morning) -> int:
    """Of a night that broke off too: what was seen until then may say why."""
    judge = Judge(record, corrected)
    say = night.told.say
    say("\nWhen each surface was seen to show it, after the approver's click:")
    for message in night.sent:
        arrivals = judge.arrivals(message.ref)
        shown = ", ".join(f"{surface} {at - message.released_s:+.1f} s" for surface, at in arrivals.items())
        say(f"  {message.ref} {message.what:<11} {shown}")
    missed = [f"{c.surface}, at {stamp(c.at_s)}: {c.what}" for c in judge.contradictions()]
    missed += [*kept.missed, *(_in_time(night, judge, corrected) if corrected else ())]
    missed += leaked(record, night.held) if night.held else ()
    say(f"Looked {sum(record.looks.values()):,} times; {len(record.failed)} looks failed.")
    for line in kept.lines:
        say(line)
    for each in missed:
        say(f"MISSED  {each}")
    say("The night failed." if missed else "No surface contradicted itself or another at any moment.")
    return 1 if missed else 0


def _in_time(night: Night, judge: Judge, corrected: Corrected) -> list[str]:
    """Tells how long the correction took; and what missed, where it was too long."""
    arrived = judge.arrivals(corrected.by).values()
    first, took = (at - night.noticed_s for at in (min(arrived), max(arrived)))
    night.told.say(
        f"\nThe wrong place was noticed at {stamp(night.noticed_s)}. Its correction stood somewhere"
    )
    night.told.say(f"{first:.1f} s later, and everywhere {took:.1f} s later.")
    bar = f"the correction took {took:.0f} s, and {CORRECTED_WITHIN_S:.0f} are the bar"
    return [bar] if took > CORRECTED_WITHIN_S else []


def _stop(number: int, _frame: FrameType | None) -> None:
    raise Over("its time is over" if number == signal.SIGALRM else "it was told to end")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make storm", description=__doc__)
    parser.add_argument(
        "--ends-in-s", type=float, default=60, help="how far away the announced end is, to the next minute"
    )
    parser.add_argument("--most-s", type=int, default=HARD_STOP_S, help="it ends by itself after so long")
    parser.add_argument(
        "--break", dest="break_it", action="store_true", help="let a wrong thing be seen: it must fail"
    )
    parser.add_argument("--keep", action="store_true", help="keep its folder")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
