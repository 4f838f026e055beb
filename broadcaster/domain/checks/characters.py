"""Characters that reorder, hide or smuggle text: what an approver sees must be all there is, in the order it is in.

What is sent would be the same bytes for everybody, but not the same words: a direction override shows "open" where
"closed" was approved (Unicode Technical Report 36; CVE-2021-42574), and tags and variation selectors carry whole
sentences that no screen shows and that other software reads.
"""

import re
import unicodedata
from collections.abc import Iterator

from broadcaster.domain.checks.finding import Finding, Level, at_most_one

_BIDI = "\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c"
_SUSPECT = re.compile(
    rf"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff{_BIDI}"
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffd"
    "\ufe00-\ufe0f\ue000-\uf8ff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
_BIDI_ONE = re.compile(f"[{_BIDI}]")
_TAG_FLAG = re.compile(
    "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"
)  # Wales, Scotland, England
_JOINERS = "\u200c\u200d"

_BIDI_TEXT = (
    "has characters that show text in another order ({}). Type this text again by hand instead of pasting it."
)
_CONTROL_TEXT = "has control characters, which screens obey or drop ({}). Type the words around them again."
_HIDDEN_TEXT = "has hidden characters that can carry words nobody sees ({}). Type this text again by hand instead of pasting it."
_ZERO_WIDTH_TEXT = (
    "has characters without width ({}). They break links, searching and screen readers: delete them, "
    "or type the words around them again."
)
_BROKEN_TEXT = (
    "has characters that were damaged in copying and show as boxes ({}). Type what should stand there."
)


def check_characters(text: str, where: str) -> Iterator[Finding]:
    """Direction, control, tag, invisible and damaged characters. Joiners inside emoji and in scripts that need them
    are fine, and so are the flags of the home nations, which are made of tags.
    """
    found: dict[str, list[str]] = {"bidi": [], "control": [], "hidden": [], "zero_width": [], "broken": []}
    flags = {place for flag in _TAG_FLAG.finditer(text) for place in range(flag.start() + 1, flag.end())}
    for match in _SUSPECT.finditer(text):
        place = match.start()
        kind = "" if place in flags else _kind(text, place)
        if kind:
            found[kind].append(f"U+{ord(text[place]):04X}")
    yield from at_most_one("bidirectional_characters", Level.PROBLEM, where, found["bidi"], _BIDI_TEXT)
    yield from at_most_one("control_characters", Level.PROBLEM, where, found["control"], _CONTROL_TEXT)
    yield from at_most_one("hidden_characters", Level.PROBLEM, where, found["hidden"], _HIDDEN_TEXT)
    yield from at_most_one(
        "zero_width_characters", Level.WARNING, where, found["zero_width"], _ZERO_WIDTH_TEXT
    )
    yield from at_most_one("damaged_characters", Level.WARNING, where, found["broken"], _BROKEN_TEXT)


def _kind(text: str, place: int) -> str:
    char = text[place]
    if _BIDI_ONE.match(char):
        return "bidi"
    if unicodedata.category(char) in {"Cc", "Zl", "Zp", "Cs"}:
        return "control"
    if "\U000e0000" <= char <= "\U000e0fff":
        return "hidden"
    if "\ufe00" <= char <= "\ufe0f":  # one after a sign chooses its look; several in a row spell something
        return "hidden" if place and "\ufe00" <= text[place - 1] <= "\ufe0f" else ""
    if char in "\ufffc\ufffd" or unicodedata.category(char) == "Co":
        return "broken"
    return "" if char in _JOINERS and _joins(text, place) else "zero_width"


def _joins(text: str, place: int) -> bool:
    """Whether a joiner stands where it is needed: after an emoji, or after a letter of a script that has joiners."""
    before = text[place - 1] if place else " "
    if unicodedata.category(before) in {"So", "Sk"} or before == "\ufe0f":
        return text[place] == "\u200d" and place + 1 < len(text) and ord(text[place + 1]) > 0x2000
    return (
        before.isprintable() and ord(before) >= 0x600
    )  # Arabic, Indic and further: not Latin, Greek or Cyrillic
