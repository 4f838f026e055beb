"""Numbers as people write them: groups of digits with one blank, hyphen or the like between. Knows no meaning of any."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_DIGITS = 19  # a payment card's longest
_MAX_GROUPS = 5
_GROUP = re.compile(r"[0-9]+")
_BETWEEN = frozenset(" -.\u00a0\u2009\u202f\u2010\u2011")


@dataclass(frozen=True, kw_only=True)
class Run:
    """Neighbouring groups of one text: `start` and `end` are places in it, `shape` is the length of each group."""

    start: int
    end: int
    digits: str
    shape: tuple[int, ...]


def rows(text: str) -> Iterator[list[re.Match[str]]]:
    """The groups of digits in the text, those together that are parted by one character only."""
    row: list[re.Match[str]] = []
    for group in _GROUP.finditer(text):
        if row and not _is_next(text, row[-1].end(), group.start()):
            yield row
            row = []
        row.append(group)
    if row:
        yield row


def runs_from(row: list[re.Match[str]], first: int) -> Iterator[Run]:
    """Every run that starts with this group, the longest first: a date may stand right behind a number, and the
    whole of it would then be no number of any kind.
    """
    found: list[Run] = []
    digits = ""
    shape: tuple[int, ...] = ()
    for group in row[first : first + _MAX_GROUPS]:
        if len(digits) + group.end() - group.start() > MAX_DIGITS:
            break
        digits += group[0]
        shape += (len(group[0]),)
        found.append(Run(start=row[first].start(), end=group.end(), digits=digits, shape=shape))
    return reversed(found)


def _is_next(text: str, end: int, start: int) -> bool:
    return start - end == 1 and text[end] in _BETWEEN
