"""What changed between two texts, word by word: as pieces for the eye, and in words for the ear."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum


class Change(StrEnum):
    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, kw_only=True)
class Piece:
    change: Change
    text: str


def word_diff(before: str, after: str) -> tuple[Piece, ...]:
    """What was removed stands before what came in its place. All that is not REMOVED is `after`, to the letter."""
    return tuple(_pieces(_words(before), _words(after)))


def in_words(before: str, after: str) -> str:
    """One sentence; empty where nothing changed."""
    changed = [p for p in word_diff(before, after) if p.change is not Change.SAME]
    said = [f'{p.change} "{p.text.strip()}"' for p in changed if p.text.strip()]
    if not said:
        return "Only spaces or line breaks changed." if before != after else ""
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def _pieces(before: list[str], after: list[str]) -> Iterator[Piece]:
    # autojunk would take frequent words of a long text for noise, and tell of changes that nobody made
    matcher = SequenceMatcher(None, [w.strip() for w in before], [w.strip() for w in after], autojunk=False)
    for what, i, j, k, m in matcher.get_opcodes():
        if what == "equal":
            yield Piece(change=Change.SAME, text="".join(after[k:m]))
            continue
        if i < j:
            yield Piece(change=Change.REMOVED, text="".join(before[i:j]))
        if k < m:
            yield Piece(change=Change.ADDED, text="".join(after[k:m]))


def _words(text: str) -> list[str]:
    """Words and stops, each with the blanks that follow it: joined again they are the text."""
    return re.findall(r"[\w'\u2019-]+\s*|[^\w\s]\s*|^\s+", text)
