"""A text as the octets of its submit_sm, one for each segment that the officer was shown. No input or output.

What goes into which segment is decided in channels/text_sms.py, which counts for preview and price too, so that both are
the same. The header that puts segments together is ours (3GPP TS 23.040, 9.2.3.24.1), with a reference of 8 bits: one of
16 costs an octet more, which would move the edges and make more segments than were approved.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from channels.text_sms import GSM_BASIC, GSM_EXTENSION, sms_segments, sms_size

ESC: Final = 0x1B
#: data_coding (SMPP 3.4, 5.2.19)
DEFAULT_ALPHABET, UCS2 = 0, 8
#: esm_class, "UDHI" (5.2.12): the octets begin with a header.
HAS_HEADER: Final = 0x40

_BASIC = dict(zip(GSM_BASIC, (bytes([code]) for code in range(128) if code != ESC), strict=True))
_EXTENSION_CODES = b"\x0a\x14\x28\x29\x2f\x3c\x3d\x3e\x40\x65"
_EXTENSION = {char: bytes([ESC, code]) for char, code in zip(GSM_EXTENSION, _EXTENSION_CODES, strict=True)}
_CODES = _BASIC | _EXTENSION
_CHARS = {code: char for char, code in _CODES.items()}


@dataclass(frozen=True, kw_only=True)
class Segments:
    """A text's octets, without the headers, which differ by recipient."""

    data_coding: int
    octets: tuple[bytes, ...]

    @property
    def esm_class(self) -> int:
        return HAS_HEADER if len(self.octets) > 1 else 0

    def octets_of(self, no: int, key: str) -> bytes:
        """Segment `no`, from 1, of the text to the delivery with this key."""
        total = len(self.octets)
        header = bytes([5, 0, 3, reference_of(key), total, no]) if total > 1 else b""
        return header + self.octets[no - 1]


def segments_of(text: str, *, latin1: bool = False) -> Segments:
    """`latin1` for a centre whose default alphabet is ISO 8859-1; it makes GSM 7-bit of it itself."""
    pieces: Sequence[str] = sms_segments(text)
    if sms_size(text).encoding == "UCS-2":
        return Segments(data_coding=UCS2, octets=tuple(piece.encode("utf-16-be") for piece in pieces))
    code = _latin1 if latin1 else gsm_octets
    return Segments(data_coding=DEFAULT_ALPHABET, octets=tuple(code(piece) for piece in pieces))


def reference_of(key: str) -> int:
    """The same on every try, so that a telephone that has a part already takes the second try for the same text."""
    return zlib.crc32(key.encode()) & 0xFF


def gsm_octets(text: str) -> bytes:
    """One octet for each septet, as SMPP carries GSM 7-bit: the centre packs them."""
    return b"".join(_CODES[char] for char in text)


def gsm_text(octets: bytes) -> str:
    """What a telephone shows of these: a septet that is no character is a space (3GPP TS 23.038, 6.2.1)."""
    text, rest = "", iter(octets)
    for code in rest:
        pair = bytes([code, next(rest, 0)]) if code == ESC else bytes([code])
        text += _CHARS.get(pair, " ")
    return text


def _latin1(text: str) -> bytes:
    return text.encode("latin-1", "replace")  # what has no place there is refused before approval
