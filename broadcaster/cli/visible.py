"""Makes characters visible that a terminal would obey or hide: what officers typed must not steer what others see."""

import unicodedata

_ZERO_WIDTH_JOINER = "\u200d"  # part of many emoji
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def visible(text: str) -> str:
    """The text with control, direction and invisible characters as `<U+202E>`; line breaks stay."""
    return "".join(f"<U+{ord(char):04X}>" if _is_hidden(char) else char for char in text)


def _is_hidden(char: str) -> bool:
    return char not in {"\n", _ZERO_WIDTH_JOINER} and unicodedata.category(char) in _HIDDEN
