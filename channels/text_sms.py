"""The size of a text message over the air, and where it is cut into segments. No input or output."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from channels.text_units import graphemes, utf16_units

# The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038, 6.2.1). 0x09 is a capital C cedilla;
# unicode.org's GSM0338.TXT has the small one. The tables of single countries are left alone: few phones have them.
GSM_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = "\f^{}\\[~]|€"
_BASIC, _EXTENSION = frozenset(GSM_BASIC), frozenset(GSM_EXTENSION)

# 140 octets a segment. A text of several gives 6 of them in each to the header that puts them together again (3GPP
# TS 23.040, 9.2.3.24.1, with a reference of 8 bits): room for 153 septets or 67 UTF-16 units.
GSM_SINGLE, GSM_PART = 160, 153
UCS2_SINGLE, UCS2_PART = 70, 67


@dataclass(frozen=True, kw_only=True)
class SmsSize:
    """`encoding` is "GSM-7" or "UCS-2"; `units` are septets or UTF-16 units; `foreign` forced UCS-2."""

    encoding: str
    units: int
    segments: int
    foreign: str = ""


def sms_size(text: str) -> SmsSize:
    """How a text goes over the air: 160 or 153 septets a segment, 70 or 67 units when one character is foreign.

    `segments` is the number of `sms_segments`: it may be more than the units divided, and more than a gateway
    makes that cuts letters and emoji in two, never less.
    """
    foreign = _foreign(text)
    return SmsSize(
        encoding="UCS-2" if foreign else "GSM-7",
        units=sum(map(_width_of(foreign), text)),
        segments=len(sms_segments(text)),
        foreign=foreign,
    )


def sms_segments(text: str) -> list[str]:
    """The texts that a phone gets one by one and joins: at least one, together `text`, each within its limit.

    An escape pair (an extension character) or a surrogate pair never straddles two segments: a phone that shows
    each part by itself would show rubbish. Nor does a grapheme, unless it is longer than a segment.
    """
    foreign = _foreign(text)
    single, part = (UCS2_SINGLE, UCS2_PART) if foreign else (GSM_SINGLE, GSM_PART)
    width = _width_of(foreign)
    if sum(map(width, text)) <= single:
        return [text]
    return list(_filled(text, width, part))


def _foreign(text: str) -> str:
    return "".join(dict.fromkeys(char for char in text if char not in _BASIC and char not in _EXTENSION))


def _width_of(foreign: str) -> Callable[[str], int]:
    return utf16_units if foreign else _septets


def _septets(char: str) -> int:
    return 2 if char in _EXTENSION else 1


def _filled(text: str, width: Callable[[str], int], part: int) -> Iterator[str]:
    segment: list[str] = []
    used = 0
    for piece in _pieces(text, width, part):
        size = sum(map(width, piece))
        if used + size > part:
            yield "".join(segment)
            segment, used = [], 0
        segment.append(piece)
        used += size
    yield "".join(segment)


def _pieces(text: str, width: Callable[[str], int], part: int) -> Iterator[str]:
    """What stays together: graphemes, and the characters of one that is longer than a segment."""
    for grapheme in graphemes(text):
        if sum(map(width, grapheme)) <= part:
            yield grapheme
        else:
            yield from grapheme
