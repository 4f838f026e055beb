"""A character that makes a text message cost more. How segments are counted is the channels' business, and passed in."""

from collections.abc import Callable, Iterator, Mapping

from broadcaster.domain.checks.finding import Finding, Level

_MAX_KINDS, _MAX_SHARE = 10, 0.25  # beyond that it is a language and no accident
_CHEAP: Mapping[str, str] = {
    "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u2026": "...",
    "\u00a0": " ", "\u2022": "-", "\u00b0": " degrees", "`": "'",
}  # fmt: skip


def check_text_size(text: str, where: str, *, segments: Callable[[str], int]) -> Iterator[Finding]:
    """A warning where other characters would save a segment for everybody; asks `segments` at most a dozen times."""
    before = segments(text)
    kinds = [
        char for char in dict.fromkeys(text) if not (char.isascii() and (char.isalnum() or char in " \n.,"))
    ]
    foreign = [char for char in kinds if not char.isascii()]
    if before < 2 or not kinds or _is_another_language(text, foreign):
        return
    for char in [*foreign, *(c for c in kinds if c in "^{}\\[~]|`")]:
        after = segments(_without(text, [char]))
        if after < before:
            yield _finding([char], before, after, where)
            return
    after = segments(_without(text, foreign))
    if after < before:
        yield _finding(foreign, before, after, where)


def _is_another_language(text: str, foreign: list[str]) -> bool:
    return len(foreign) > _MAX_KINDS or sum(not char.isascii() for char in text) > _MAX_SHARE * len(text)


def _without(text: str, chars: list[str]) -> str:
    return text.translate({ord(char): _CHEAP.get(char, "-") for char in chars})


def _finding(chars: list[str], before: int, after: int, where: str) -> Finding:
    named = " ".join(f"{char} (U+{ord(char):04X})" for char in chars)
    better = " or ".join(_CHEAP[c].strip() for c in chars if _CHEAP.get(c, "").strip()) or "plain characters"
    text = (
        f"takes {before} segments instead of {after} for each person, because of {named}. Write {better} instead; "
        "keep it where it belongs to a name or a word."
    )
    return Finding(code="costly_characters", level=Level.WARNING, where=where, text=text)
