"""The verdict."""

from __future__ import annotations

from dataclasses import dataclass, field

MOST_PROBLEMS = 50
WHOLE, ALTERED, TAIL_OPEN, UNREADABLE = 0, 1, 3, 4


class Unreadable(Exception):
    """The file is no export, or is cut off."""


@dataclass
class Verdict:
    """`problems` are (number of the first event concerned, what is wrong). `anchored` is how many events are under a
    checkpoint that was laid down outside; `open_since` since when the first one after those waits for that."""

    events: int = 0
    checkpoints: int = 0
    unsealed: int = 0
    anchored: int = 0
    open_since: str = ""
    tail_open: bool = False
    key: str = ""
    pinned: bool = False
    problems: list[tuple[int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def first_bad(self) -> int | None:
        return min((no for no, _ in self.problems), default=None)

    @property
    def code(self) -> int:
        return ALTERED if self.problems else TAIL_OPEN if self.tail_open else WHOLE

    def add(self, no: int, what: str) -> None:
        if len(self.problems) < MOST_PROBLEMS or no < (self.first_bad or 0):
            self.problems.append((no, what))
