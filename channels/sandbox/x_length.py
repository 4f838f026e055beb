"""The weighted length of a post on X, written from twitter-text's configuration v3 for the stand-in alone.

Our own channels count with a library of their own: two counts that agree are worth more than one used twice.
"""

import re
import unicodedata

MAX_WEIGHTED_LENGTH = 280
URL_WEIGHT = 23
#: Code points that weigh 1; all others weigh 2 (twitter-text config v3).
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
_GENERIC_TLDS = (
    "com|org|net|gov|edu|mil|int|info|biz|name|pro|museum|coop|aero|mobi|london|wales|cymru|scot|app|dev|page|site"
    "|online|health|news|info|link|live|today|support|services|community|church|care|help"
)
_FOREIGN_TLDS = "みんな|中国|中國|香港|台湾|한국|भारत|рф|укр|бел|ελ|پاکستان|ایران|السعودية|امارات|مصر|قطر"
_TLD = rf"(?:(?:{_GENERIC_TLDS}|[a-z]{{2}})(?![a-z0-9_@+-])(?!\.[a-z0-9])|{_FOREIGN_TLDS})"
_ACCENTED = "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"
_LETTER = rf"[a-z0-9{_ACCENTED}]"
_LABELS = rf"(?:{_LETTER}(?:[a-z0-9{_ACCENTED}-]{{0,61}}{_LETTER})?\.)+"  # 63 characters at most
#: After a scheme anything may stand in a name that is no punctuation; in its last part, no underscore either.
_SIGN = r"[^\s\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000!-/:-@\[-`{-~\u200e\u200f\u202a-\u202e\u2066-\u2069]"
_FOREIGN_LABELS = (
    rf"(?:{_SIGN}(?:(?:{_SIGN}|[_-]){{0,61}}{_SIGN})?\.)*{_SIGN}(?:(?:{_SIGN}|-){{0,61}}{_SIGN})?\."
)
_LAST = rf"a-z0-9=_#/+\u0400-\u04ff{_ACCENTED}"
_IN_PATH = rf"[{_LAST}!*';:,.$%\[\]~@|&\u2013-]"
_BRACKETS = rf"\({_IN_PATH}+\)"
_QUERY = r"\?(?:[!-~]*[a-z0-9_&=#/-])?"
_REST = rf"(?::[0-9]+)?(?:/(?:(?:{_IN_PATH}|{_BRACKETS})*(?:[{_LAST}-]|{_BRACKETS}))?)?(?:{_QUERY})?"
_SHORT = r"https?://t\.co/[a-z0-9]"
URL = re.compile(
    rf"(?<![a-z0-9{_ACCENTED}_@\uff20#\uff03$./-])(?:{_SHORT}{{1,40}}(?![a-z0-9])(?:{_QUERY})?|(?!{_SHORT})"
    rf"(?:https?://(?P<foreign>{_FOREIGN_LABELS})|{_LABELS}){_TLD}{_REST})",
    re.IGNORECASE | re.ASCII,
)
_PICTURE = "[\U0001f000-\U0001faff\u2600-\u27bf\u2300-\u23ff\u25a0-\u25ff\u2b00-\u2bff\u203c\u2049\u2139\u3030\u303d]"
_DRESSED = f"{_PICTURE}[\ufe0f\U0001f3fb-\U0001f3ff]*[\U000e0020-\U000e007f]*"
#: A flag, a key cap, or pictures joined to one: each is shown as one sign, and weighs 2.
EMOJI = re.compile(f"[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f?\u20e3|{_DRESSED}(?:\u200d{_DRESSED})*")


def weighted_length(text: str) -> int:
    """How X counts `text`: links 23, emoji 2, light code points 1, others 2; after NFC."""
    text = unicodedata.normalize("NFC", text)
    found = links(text)
    for link in reversed(found):
        text = text[: link.start()] + text[link.end() :]
    text, emoji = EMOJI.subn("", text)
    return URL_WEIGHT * len(found) + 2 * emoji + sum(map(_weight, map(ord, text)))


def links(text: str) -> list[re.Match[str]]:
    """What X makes clickable: an address with or without its scheme, the name in ASCII or not."""
    return [match for match in URL.finditer(text) if all(map(_fits, (match["foreign"] or "").split(".")))]


def _fits(label: str) -> bool:
    """A part of a name has 63 characters at most, as the domain name system writes it (xn--...)."""
    if not label.isascii() and label.lower().startswith("xn--"):
        return False
    return label.isascii() or len(label.encode("punycode")) <= 63 - len("xn--")


def _weight(code_point: int) -> int:
    return 1 if any(least <= code_point <= most for least, most in _LIGHT) else 2
