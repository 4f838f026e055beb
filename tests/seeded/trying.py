"""Whether the tests notice a bug: the likeliest first, then all others, and none of them fails without the bug."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.seeded.copies import copy_of
from tests.seeded.patches import ROOT, Bug
from tests.seeded.running import Came, Session, run

LISTED_WITHIN_S = 600.0
SUITE_WITHIN_S = 2_400.0
#: Its patches do not apply where one of them is applied already.
OWN_TEST = "tests/unit/test_seeded.py"
SUITE = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", f"--ignore={OWN_TEST}")


class Verdict(StrEnum):
    CAUGHT = "caught"
    MISSED = "MISSED"
    UNPROVED = "UNPROVED"  #: the tests could not be run, or the same one fails without the bug


@dataclass(frozen=True, kw_only=True)
class Found:
    """`by` is the test that failed, `after_s` its session had begun; `listed` is whether the patch names it."""

    bug: str
    verdict: Verdict
    by: str = ""
    after_s: float = 0.0
    listed: bool = True
    said: str = ""


def without_bug(tests: Sequence[str], root: Path = ROOT) -> Session:
    """What the tests say of the tree as it is. Unless they pass, no failure of theirs proves anything."""
    with copy_of(root) as copy:
        return run(copy, tests, within_s=LISTED_WITHIN_S + SUITE_WITHIN_S)


def tried(bug: Bug, root: Path = ROOT, *, rest: Sequence[str] | None = SUITE) -> Found:
    """DoesNotApply where the patch is out of date. `rest` are pytest's options for all other tests, which are run where
    those that the patch names have found nothing; with None they are not."""
    with copy_of(root, patch=bug.patch) as copy:
        session = run(copy, bug.caught_by, within_s=LISTED_WITHIN_S)
        if session.came is not Came.PASSED or rest is None:
            return _found(bug, session)
        session = run(copy, (), within_s=SUITE_WITHIN_S, more=rest)
    if session.came is Came.FAILED:
        alone = without_bug([session.failed], root)
        if alone.came is not Came.PASSED:
            return Found(bug=bug.name, verdict=Verdict.UNPROVED, by=session.failed, said=alone.said)
    return _found(bug, session, listed=False)


def tried_each(bug: Bug, root: Path = ROOT) -> list[Found]:
    """Each test that the patch names by itself: which of them would do alone."""
    with copy_of(root, patch=bug.patch) as copy:
        sessions = [(test, run(copy, [test], within_s=LISTED_WITHIN_S)) for test in bug.tests]
    return [_found(bug, session, asked=test) for test, session in sessions]


def _found(bug: Bug, session: Session, *, listed: bool = True, asked: str = "") -> Found:
    verdicts = {Came.FAILED: Verdict.CAUGHT, Came.PASSED: Verdict.MISSED}
    return Found(
        bug=bug.name,
        verdict=verdicts.get(session.came, Verdict.UNPROVED),
        by=session.failed or asked,
        after_s=session.after_s or round(session.seconds, 1),
        listed=listed,
        said=session.said,
    )
