"""The seeded bugs: a patch against the product each, whose head says what it is and who should find it.

A head is lines of `Name: what`; `Caught-by` may stand several times, each with a file of tests or a single test, the
likeliest first. `Checker` names a test in which the checker of three witnesses judges; it is tried by itself on request.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
_HEAD = re.compile(r"(Bug|Breaks|Caught-by|Checker): (\S.*)")


@dataclass(frozen=True, kw_only=True)
class Bug:
    """`caught_by` and `checker` are names of tests as pytest takes them; a checker is not tried but on request, since it
    takes long."""

    name: str
    patch: Path
    what: str
    breaks: str
    caught_by: tuple[str, ...]
    checker: tuple[str, ...]

    @property
    def tests(self) -> tuple[str, ...]:
        """All that should find it, each once."""
        return tuple(dict.fromkeys((*self.caught_by, *self.checker)))


def bugs(folder: Path = HERE) -> list[Bug]:
    return [read(patch) for patch in sorted(folder.glob("*.patch"))]


def read(patch: Path) -> Bug:
    """ValueError where its head is not whole."""
    head: dict[str, list[str]] = {"Bug": [], "Breaks": [], "Caught-by": [], "Checker": []}
    for line in patch.read_text().partition("\ndiff --git ")[0].splitlines():
        found = _HEAD.fullmatch(line)
        if found:
            head[found[1]].append(found[2])
        elif line:
            raise ValueError(f'{patch.name}: this line of its head says nothing that is read: "{line}"')
    if len(head["Bug"]) != 1 or len(head["Breaks"]) != 1 or not head["Caught-by"]:
        raise ValueError(f"{patch.name}: its head needs one Bug, one Breaks and a Caught-by")
    return Bug(
        name=patch.stem,
        patch=patch,
        what=head["Bug"][0],
        breaks=head["Breaks"][0],
        caught_by=tuple(head["Caught-by"]),
        checker=tuple(head["Checker"]),
    )


def named(wanted: Sequence[str], among: Sequence[Bug]) -> list[Bug]:
    """Those whose name begins like one of these; all where none is given. ValueError for what none begins with."""
    unknown = [name for name in wanted if not any(bug.name.startswith(name) for bug in among)]
    if unknown:
        raise ValueError(
            f"There is no bug {', '.join(unknown)}. Known: {', '.join(bug.name for bug in among)}."
        )
    return [bug for bug in among if not wanted or any(bug.name.startswith(name) for name in wanted)]
