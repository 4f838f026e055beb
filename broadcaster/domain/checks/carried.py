"""Whether a post says what every post must say, and whether the first part of a thread can stand alone.

Asked about the finished post, not about how it was made: a layout that forgets the place would otherwise be found out by
the people who went to the wrong one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from broadcaster.domain.checks.finding import Finding, Level

#: A fact's name in words -> the texts of which one must be there, to the character.
Needed = Mapping[str, Sequence[str]]

_PIECES = re.compile(r"(?<=[.!?])\s+|\n+")
_LONG = 40

_MISSING_TEXT = (
    "does not say {}. Fill it in, or leave this channel out and tell an administrator: its layout lacks it."
)
_ALONE_TEXT = "does not say {} in the first part of the thread, which is often seen alone. Shorten {}, so that there is room for all."
_ROOM_TEXT = (
    "has too little room in the first part of the thread, which is often seen alone and must say what happened, where, "
    "what to do and who says so. Shorten {}."
)
_UNMARKED_TEXT = (
    "does not say that it is an exercise at both ends of part {}, which may be seen alone. Tell an administrator: its "
    "layout lacks it."
)


def check_carried(texts: Sequence[str], needed: Needed, where: str) -> Iterator[Finding]:
    """A problem for all that none of the texts says whole. A fact may be spread over texts between its sentences."""
    missing = [name for name, options in needed.items() if not any(_is_said(each, texts) for each in options)]
    if missing:
        yield _problem("missing_fact", where, _MISSING_TEXT.format(", ".join(missing)))


def check_first_part(parts: Sequence[str], first: Needed, where: str) -> Iterator[Finding]:
    """A problem where the first part of a thread does not say all this by itself."""
    missing = [name for name, options in first.items() if not any(_is_in(o, parts[0]) for o in options)]
    if missing and len(parts) > 1:
        cure = _ALONE_TEXT.format(", ".join(missing), longest_of(first))
        yield _problem("thread_first_part", where, cure)


def check_exercise(parts: Sequence[str], where: str) -> Iterator[Finding]:
    """A problem for each part of an exercise that does not begin and end with the word."""
    for no, text in enumerate(parts, 1):
        if not (text.startswith("EXERCISE") and text.endswith("EXERCISE")):
            yield _problem("unmarked_exercise", where, _UNMARKED_TEXT.format(no))


def no_room(first: Needed, where: str) -> Finding:
    """The problem of a thread whose first part is too long, naming what is worth shortening."""
    return _problem("thread_first_part", where, _ROOM_TEXT.format(longest_of(first)))


def longest_of(needed: Needed) -> str:
    """`what to do (160 characters) or where (120 characters)`."""
    lengths = {name: max(map(len, options)) for name, options in needed.items()}
    long = sorted((n for n, length in lengths.items() if length >= _LONG), key=lambda n: -lengths[n])[:2]
    shown = long or [max(lengths, key=lambda n: lengths[n])]
    return " or ".join(f"{name} ({lengths[name]} characters)" for name in shown)


def _is_said(fact: str, texts: Sequence[str]) -> bool:
    if any(_is_in(fact, text) for text in texts):
        return True
    pieces = [piece for piece in _PIECES.split(fact) if piece.strip()]
    return len(pieces) > 1 and all(any(_is_in(piece, text) for text in texts) for piece in pieces)


def _is_in(fact: str, text: str) -> bool:
    """With white space folded: a layout may put paragraphs closer together."""
    return bool(fact.strip()) and " ".join(fact.split()) in " ".join(text.split())


def _problem(code: str, where: str, text: str) -> Finding:
    return Finding(code=code, level=Level.PROBLEM, where=where, text=text)
