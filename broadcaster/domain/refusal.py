"""What a notice never says, as far as a machine can tell: words and shapes that blanks refuse. Knows no template."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Shape(StrEnum):
    """What can be told by its form alone."""

    ADDRESS = "address"  #: a full postcode, or a house number before a street: where somebody lives
    CASUALTIES = (
        "casualties"  #: a number of dead or hurt people; the words alone may stand: "Bring injured people to"
    )


_STREETS = "street|st|road|rd|avenue|ave|lane|drive|close|crescent|court|terrace|place|gardens|grove|way"
_COUNTS = "[0-9]+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|several|many|dozens|scores|hundreds|no"
_HURT = "dead|deaths?|died|killed|casualt(?:y|ies)|fatalit(?:y|ies)|injured|injuries|hurt"
_SHAPES = {
    Shape.ADDRESS: re.compile(
        # A full UK postcode (BS 7666); the outward half alone, such as FY7, names thousands of homes and may stay.
        r"\b(?i:[A-Z]{1,2}[0-9][A-Z0-9]?\s*[0-9][A-Z]{2})\b"
        rf"|\b[0-9]{{1,4}}[a-z]?,?\s+(?:[A-Z][\w'\u2019-]*\s+){{1,3}}(?i:{_STREETS})\b"
    ),
    Shape.CASUALTIES: re.compile(rf"\b(?:{_COUNTS})\s+(?:\w+\s+){{0,3}}(?:{_HURT})\b", re.IGNORECASE),
}


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Words and shapes that these blanks refuse (without `blanks`: all text and place blanks), and why.

    It catches what a tired person types; it is no proof that nothing was given away in other words.
    """

    why: str
    words: tuple[str, ...] = ()
    shapes: tuple[Shape, ...] = ()
    blanks: tuple[str, ...] = ()

    def found_in(self, text: str) -> str:
        """The first thing in `text` that is refused, as it was typed, or nothing. Words match whole, in any case."""
        for word in self.words:
            whole = r"\s+".join(re.escape(part) for part in word.split())
            if match := re.search(rf"(?<!\w){whole}(?!\w)", text, re.IGNORECASE):
                return match[0]
        matches = (_SHAPES[shape].search(text) for shape in self.shapes)
        return next((match[0] for match in matches if match), "")

    def faults(self, known: Collection[str]) -> Iterator[str]:
        """What is wrong with the refusal itself; `known` are the names of the blanks that there are."""
        if not self.why.strip():
            yield "refused: needs a why, which says what to write instead"
        if not any(word.strip() for word in self.words) and not self.shapes:
            yield "refused: needs words or shapes"
        for name in self.blanks:
            if name not in known:
                yield f'refused: there is no blank "{name}"; take it out or mend the name'
