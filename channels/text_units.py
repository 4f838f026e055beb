"""Units of text that platforms count in: what a reader takes for one character, and UTF-16 units."""

from wcwidth import iter_graphemes


def graphemes(text: str) -> list[str]:
    """The extended grapheme clusters (Unicode Standard Annex 29), together `text`: Bluesky takes 300 of them.

    How many an emoji is depends on the reader's Unicode version: a newer joined one may be counted in parts there.
    """
    return list(iter_graphemes(text))


def utf16_units(text: str) -> int:
    """The length in JavaScript, Java and UCS-2 text messages: 2 for a character above U+FFFF."""
    return sum(2 if ord(char) > 0xFFFF else 1 for char in text)
