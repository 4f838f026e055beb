"""What a check found: how grave it is, where it stands, what is wrong and what to do. Knows no kind of check."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

SHOWN = 3  # a pasted page of trouble must not become a page of findings


class Level(StrEnum):
    PROBLEM = "problem"  #: must be mended before the message can be submitted
    WARNING = "warning"  #: officer and approver must see it; it never holds a message up
    HINT = "hint"  #: could be said better
    INFO = "info"  #: good to know; nothing to mend


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`code` is stable, for counting; `text` says what is wrong and what to do; `where` is a fact's name or a channel."""

    code: str
    level: Level
    text: str
    where: str

    @property
    def line(self) -> str:
        return f"{self.where}: {self.text}"


def listed(found: Iterable[str]) -> str:
    """The first three different ones and how many more there are: `a, b, c and 4 more`."""
    different = list(dict.fromkeys(found))
    more = f" and {len(different) - SHOWN} more" if len(different) > SHOWN else ""
    return ", ".join(different[:SHOWN]) + more


def masked(text: str) -> str:
    """Enough to find it by, not enough to spread it: findings are shown to more people than the draft is."""
    return f"{text[:2]}...{text[-2:]}"


def at_most_one(code: str, level: Level, where: str, found: list[str], text: str) -> Iterator[Finding]:
    """One finding for all that was found in one place; `{}` in the text becomes the list."""
    if found:
        yield Finding(code=code, level=level, where=where, text=text.replace("{}", listed(found)))
