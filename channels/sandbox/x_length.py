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
_LABELS = r"(?:[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+"  # 63 characters at most
_FOREIGN_LABELS = r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+"
URL = re.compile(
    rf"(?<![\w@#$./-])(?:https?://(?P<foreign>{_FOREIGN_LABELS})|{_LABELS})"
    rf"(?:{_GENERIC_TLDS}|[a-z]{{2}})(?![a-z0-9_@-])(?!\.[a-z0-9])"
    r"(?::[0-9]+)?(?:[/?#](?:[^\s]*[^\s.,:;!?'\"()\[\]…])?)?",
    re.IGNORECASE,
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
    return label.isascii() or len(label.encode("punycode")) <= 63 - len("xn--")


def _weight(code_point: int) -> int:
    return 1 if any(least <= code_point <= most for least, most in _LIGHT) else 2
