"""`make seeded`: bugs that we put in ourselves, one at a time, each of which the tests must catch. Exit code 1 where one is missed."""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from functools import partial
from typing import TextIO

from tests.seeded.copies import DoesNotApply, copy_of
from tests.seeded.patches import Bug, bugs, named
from tests.seeded.running import STOP, Came, Session
from tests.seeded.trying import Found, Verdict, tried, tried_each, without_bug

AT_ONCE = 2


def main() -> int:
    given = _arguments()
    try:
        chosen = named(given.name, bugs())
        for bug in chosen:
            with copy_of(patch=bug.patch):
                pass
    except (ValueError, DoesNotApply) as error:
        _say(str(error), to=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    clean, found = _run(chosen, each=given.each, rest=not given.listed, quiet=given.json)
    if given.json:
        told = [{**asdict(one), "what": bug.what} for one in found for bug in chosen if bug.name == one.bug]
        _say(json.dumps({"without_bug": clean.came, "bugs": told}, indent=1))
    caught = {one.bug for one in found if one.verdict is Verdict.CAUGHT}
    if clean.came is not Came.PASSED:
        _say(f"Nothing is proved: without any bug {clean.failed or clean.came}\n{clean.said}", to=sys.stderr)
    elif not given.json:
        _say(f"\n{len(caught)} of {len(chosen)} caught.")
    return 0 if clean.came is Came.PASSED and len(caught) == len(chosen) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make seeded ARGS=...", description=__doc__)
    parser.add_argument("name", nargs="*", help="only bugs whose name begins so, as in 01 02")
    parser.add_argument("--json", action="store_true", help="print nothing but the result, as JSON")
    parser.add_argument(
        "--listed", action="store_true", help="only the tests that a patch names, not the rest after them"
    )
    parser.add_argument(
        "--each", action="store_true", help="each test that a patch names by itself: which would do alone"
    )
    return parser.parse_args()


def _run(chosen: Sequence[Bug], *, each: bool, rest: bool, quiet: bool) -> tuple[Session, list[Found]]:
    """All of them, the tree without a bug beside them."""
    tests = list(dict.fromkeys(test for bug in chosen for test in (bug.tests if each else bug.caught_by)))
    found: list[Found] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        clean = pool.submit(without_bug, tests)
        jobs = [pool.submit(tried_each if each else partial(_tried, rest=rest), bug) for bug in chosen]
        try:
            for job in as_completed(jobs):
                found += job.result()
                if not quiet:
                    _say("\n".join(map(_line, job.result())))
        except BaseException:
            STOP.set()  # they lead sessions of their own, which Ctrl-C does not reach
            pool.shutdown(cancel_futures=True)
            raise
    return clean.result(), sorted(found, key=lambda one: one.bug)


def _tried(bug: Bug, *, rest: bool) -> list[Found]:
    return [tried(bug) if rest else tried(bug, rest=None)]


def _line(one: Found) -> str:
    line = f"{one.bug:<26}{one.verdict:<9}{one.after_s:>6.1f} s  {one.by}"
    if one.verdict is Verdict.CAUGHT:
        return line + ("" if one.listed else "  (which its patch does not name)")
    return f"{line}\n{one.said}" if one.verdict is Verdict.UNPROVED else line


def _say(text: str, *, to: TextIO | None = None) -> None:
    print(text, file=to or sys.stdout, flush=True)


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except KeyboardInterrupt:
        _say("Stopped; what it had begun is ended.", to=sys.stderr)
        raise SystemExit(130) from None
