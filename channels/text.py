"""Counting, as the platforms count: X's weighted characters and the segments of an SMS. No input or output."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

# twitter-text config v3 (github.com/twitter/twitter-text, config/v3.json, read 2026-11): a character in one of
# these ranges weighs 1, any other 2; a link weighs 23, an emoji sequence 2; counted after NFC.
MAX_X_WEIGHT = 280
X_LINK_WEIGHT = 23
MAX_X_LINK_CHARS = 4096  # a longer address is text (twitter-text, extractUrlsWithIndices)
_X_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))

_PICTURE = (
    "[©®\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf"
    "\u2934\u2935\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f004-\U0001faff]"
)
_ONE = rf"{_PICTURE}(?:[\ufe0f\U0001f3fb-\U0001f3ff])?"
_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}"  # a flag
    "|[0-9#*]\ufe0f?\u20e3"  # a keycap
    "|\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f"  # a flag of tags, such as that of Wales
    rf"|{_ONE}(?:\u200d{_ONE})*"
)

# Domains that end so are surely links to X; of others we count the heavier reading.
_SURE_ENDS = (
    "com|org|net|info|gov|edu|int|mil|eu|uk|wales|cymru|scot|london|ie|de|fr|es|it|nl|be|at|ch|us|ca|au|nz"
)
_LINK = re.compile(
    r"(?<![\w@$#.-])(?P<scheme>https?://)?(?P<host>(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,})(?![\w@-])"
    r"(?::\d+)?"
    r"(?:/(?:[a-z0-9!*';:=+,.$/%#\[\]\-_~@|&]*[a-z0-9=_#/+\-])?)?"
    r"(?:\?[a-z0-9!?*'();:&=+$/%#\[\]\-_.,~|@]*[a-z0-9\-_&=#/])?",
    re.IGNORECASE,
)
_SURE = re.compile(rf"\.(?:{_SURE_ENDS})$", re.IGNORECASE)


def x_weight(text: str) -> int:
    """How many of X's 280 weighted characters `text` takes; where X's reading is in doubt, the greater number."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    weight, end = 0, 0
    for match in _LINK.finditer(text):
        weight += _plain_weight(text[end : match.start()]) + _link_weight(match)
        end = match.end()
    return weight + _plain_weight(text[end:])


def _link_weight(match: re.Match[str]) -> int:
    if _SURE.search(match["host"]) and match["scheme"] and len(match[0]) <= MAX_X_LINK_CHARS:
        return X_LINK_WEIGHT
    return max(X_LINK_WEIGHT, _plain_weight(match[0]))


def _plain_weight(text: str) -> int:
    rest = _EMOJI.sub(lambda m: m[0] if len(m[0]) == 1 else "\U0001f600", text)
    return sum(1 if _is_light(ord(char)) else 2 for char in rest)


def _is_light(code: int) -> bool:
    return any(low <= code <= high for low, high in _X_LIGHT)


# The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038, 6.2.1). 0x09 is a capital C cedilla;
# unicode.org's GSM0338.TXT has the small one.
GSM_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = "\f^{}\\[~]|€"
_BASIC, _EXTENSION = frozenset(GSM_BASIC), frozenset(GSM_EXTENSION)


@dataclass(frozen=True, kw_only=True)
class SmsSize:
    """`encoding` is "GSM-7" or "UCS-2"; `units` are septets or UTF-16 units; `foreign` forced UCS-2."""

    encoding: str
    units: int
    segments: int
    foreign: str = ""


def sms_size(text: str) -> SmsSize:
    """How a text goes over the air: 160 or 153 septets a segment, 70 or 67 units when one character is foreign.

    An escape pair or a surrogate pair never straddles two segments (3GPP TS 23.040, 9.2.3.24.1), so the
    segments may be more than the units divided.
    """
    foreign = "".join(dict.fromkeys(char for char in text if char not in _BASIC and char not in _EXTENSION))
    if foreign:
        widths = [2 if ord(char) > 0xFFFF else 1 for char in text]
        return SmsSize(
            encoding="UCS-2", units=sum(widths), segments=_segments(widths, 70, 67), foreign=foreign
        )
    widths = [2 if char in _EXTENSION else 1 for char in text]
    return SmsSize(encoding="GSM-7", units=sum(widths), segments=_segments(widths, 160, 153))


def _segments(widths: list[int], single: int, part: int) -> int:
    return 1 if sum(widths) <= single else len(list(_fill(widths, part)))


def _fill(widths: Iterable[int], part: int) -> Iterable[int]:
    used = 0
    for width in widths:
        if used + width > part:
            yield used
            used = 0
        used += width
    yield used
