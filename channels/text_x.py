"""The weight of a post as X counts it (twitter-text, configuration v3). No input or output.

Where X's reading cannot be known from here, the greater number counts: a post that X finds too long is refused
in the emergency, after it was approved. Our own counter, since the Python library fails on new Pythons.
"""

import re
import unicodedata
from collections.abc import Iterable

from channels.text_emoji import COUNTRIES, EMOJI

# A character in one of these ranges weighs 1, any other 2; a link weighs 23 and an emoji 2, however many
# characters they have; all after NFC (github.com/twitter/twitter-text, config/v3.json, read 2026-11).
MAX_X_WEIGHT = 280
X_LINK_WEIGHT = 23
X_EMOJI_WEIGHT = 2
MAX_X_LINK_CHARS = 4096  # a longer address is text (twitter-text, extractUrlsWithIndices)
MAX_LABEL_CHARS = 63  # of each part of a host's name, in ASCII (xn--...): the domain name system's own limit
MAX_TCO_CHARS = 40  # in the path of a link to t.co; with more it is text
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))

# Ends of host names that X surely knows. It knows some 1,500; with the others we count the heavier reading.
_GENERIC = (
    "com|org|net|gov|edu|mil|int|info|biz|name|pro|mobi|aero|coop|museum|jobs|travel|tel|asia|cat|eus|gal|bzh|wales"
    "|cymru|scot|london|berlin|paris|wien|app|dev|page|site|online|website|blog|news|media|press|live|hospital"
    "|healthcare|care|help|support|services|community|church|school|college|university|academy|foundation|ngo|ong"
    "|city|town|land|house|energy|today|link|click|cloud|digital|email|international|global|world|earth|social"
    "|network|systems|solutions|agency|report"
)
# Ends of other scripts, as the domain name system writes them (without the xn--).
_FOREIGN = (  # noqa: SIM905 - as a list it fills a screen
    "3e0b707e j6w193g mix891f yfro4i67o kpry57d kprw13d fiqz9s fiqs8s node q7ce6a o3cw4h fzc2c9e2c rvc1e0am3e"
    " 2scrj9c fpcrj9c3d clchc0ea0b2g2a9gcd xkc2al3hye2a xkc2dl3a5ee0h 3hcrj9c gecrj9c s9brj9c 45br5cyl 45brj9c"
    " 54b7fta0cc h2brj9c8c h2breg3eve h2brj9c mgbgu82a mgbai9azgqp6j mgbah1a3hjkrd mgbx4cd0ab wgbh1c wgbl6a"
    " ygbi2ammx mgb9awbf mgbtx2b ogbpf8fl mgbpl2fh pgbs0dh mgbbh1a71e mgbbh1a mgba3a4f16a mgbaam7a8h"
    " mgbc0a9azcg mgberp4a5d4ar lgbbat1ad8j mgbcpq6gpa1a mgbayh7gpa y9a3aq 80ao21a j1amh 90a3ac p1ai l1acc"
    " d1alf e1a4c 90ais 90ae qxa6a qxam q9jyb4c"
).split()
_SURE_END = "|".join([_GENERIC, *COUNTRIES, *(end.encode("ascii").decode("punycode") for end in _FOREIGN)])
_ANY_END = rf"xn--[a-z0-9-]+|[a-z]{{2,63}}|{_SURE_END}|(?u:[^\x00-\x7f\W\d_]{{2,63}})"

# The parts of a link, after twitter-text's `src/regexp`. The characters of a host's part are bounded, so that no
# text makes the search slow.
_ACCENTS = (
    "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f\u0272\u0289\u028b"
    "\u02bb\u0300-\u036f\u1e00-\u1eff"
)
_NAME = (
    r"[^!'#%&()*+,\\\-./:;<=>?@\[\]^_{|}~$\t-\r \x85\xa0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
    r"\ufffe\ufeff\uffff\u202a-\u202e\u061c\u200e\u200f\u2066-\u2069]"
)
_HOST = rf"(?:{_NAME}(?:[_-]*{_NAME}){{0,{MAX_LABEL_CHARS - 1}}}\.)*{_NAME}(?:-*{_NAME}){{0,{MAX_LABEL_CHARS - 1}}}\."
_BARE_HOST = rf"(?:[a-z0-9{_ACCENTS}](?:-*[a-z0-9{_ACCENTS}]){{0,{MAX_LABEL_CHARS - 1}}}\.)+"
_IN_PATH = rf"[a-z\u0400-\u04ff0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&{_ACCENTS}]"
_IN_BRACKETS = rf"\((?:{_IN_PATH}|\({_IN_PATH}+\))++\)"
_PATH = rf"/(?:(?:{_IN_PATH}|{_IN_BRACKETS})*(?:[+\-a-z\u0400-\u04ff0-9=_#/{_ACCENTS}]|{_IN_BRACKETS}))?"
_QUERY = r"\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-z0-9\-_&=#/]"


def _link(end: str) -> re.Pattern[str]:
    end = rf"(?:{end})(?![a-z0-9@+-])"
    return re.compile(
        rf"(?<![a-z0-9@\uff20$#\uff03\ufffe\ufeff\uffff])"
        rf"(?:(?P<scheme>https?://)(?P<host>{_HOST}{end})(?::[0-9]+)?(?:{_PATH})?(?:{_QUERY})?"
        rf"|(?:(?<![\-_./])|(?<=[\"\u0080-\U0010ffff][\-_.]))"
        rf"(?P<bare>{_BARE_HOST}{end})(?:(?::[0-9]+)?{_PATH}(?:{_QUERY})?)?)",
        re.ASCII | re.IGNORECASE,
    )


_LINK, _SURE_LINK = _link(_ANY_END), _link(_SURE_END)
_SURE = re.compile(rf".*\.(?:{_SURE_END})", re.ASCII | re.IGNORECASE | re.DOTALL)
_FOREIGN_END = re.compile(r"[^\x00-\x7f]+\Z")
_BEFORE = re.compile(rf"{_NAME}*\Z")
_TCO = re.compile(rf"https?://t\.co/([a-z0-9]+)(?:{_QUERY})?", re.ASCII | re.IGNORECASE)


def x_weight(text: str) -> int:
    """How many of X's 280 weighted characters `text` takes; where X's reading is in doubt, the greater number.

    It may fall when a text grows, as X's own does: "1" and U+FE0F weigh 3, with U+20E3 they are one emoji of 2.
    """
    text = unicodedata.normalize("NFC", text)
    return _weight(text, _LINK.finditer(text), 0, len(text))


def x_links(text: str) -> list[str]:
    """What X surely makes a link of, and so charges for: addresses with their scheme, and bare domains.

    Here a doubtful end of a name ("read.Me") is no link: what is found is held against the post.
    """
    text = unicodedata.normalize("NFC", text)
    return [link[0] for match in _LINK.finditer(text) for link in _surely(match) if _is_link(link)]


def _surely(link: re.Match[str]) -> Iterable[re.Match[str]]:
    if link["scheme"] or _SURE.fullmatch(link["bare"]):
        return [link]
    return _SURE_LINK.finditer(link.string, *link.span())


def _is_link(link: re.Match[str]) -> bool:
    short = _TCO.match(link[0])
    return len(short[1]) <= MAX_TCO_CHARS if short else _is_valid(link)


def _weight(text: str, links: Iterable[re.Match[str]], start: int, end: int) -> int:
    weight = 0
    for link in links:
        weight += _plain_weight(text[start : link.start()]) + _link_weight(link)
        start = link.end()
    return weight + _plain_weight(text[start:end])


def _link_weight(link: re.Match[str]) -> int:
    host = link["host"] or link["bare"]
    if _SURE.fullmatch(host):
        return _sure_weight(link)
    foreign = _FOREIGN_END.search(host)  # where such an end stops, only X's list knows
    as_link = X_LINK_WEIGHT + (_plain_weight(foreign[0]) if foreign else 0)
    start, end = link.span()
    shorter = _weight(link.string, _SURE_LINK.finditer(link.string, start, end), start, end)
    return max(as_link, shorter, _plain_weight(link[0]))


def _sure_weight(link: re.Match[str]) -> int:
    short = _TCO.match(link[0])
    if short and len(short[1]) > MAX_TCO_CHARS:
        return _plain_weight(link[0])
    if short:
        return X_LINK_WEIGHT + _plain_weight(link[0][short.end() :])
    if not _is_valid(link):
        return max(X_LINK_WEIGHT, _plain_weight(link[0]))
    return X_LINK_WEIGHT + (link["bare"] is not None and not link[0][0].isascii())  # X may begin after it


def _is_valid(link: re.Match[str]) -> bool:
    """A link without a scheme may follow a word of another script: X checks both as one name."""
    before = "" if link["scheme"] else _BEFORE.search(link.string, max(0, link.start() - 64), link.start())
    host = (before[0] if before else "") + (link["host"] or link["bare"])
    return len(link[0]) <= MAX_X_LINK_CHARS and all(map(_fits, host.split(".")))


def _fits(label: str) -> bool:
    if label.isascii():
        return len(label) <= MAX_LABEL_CHARS
    encoded = "xn--" + label.encode("punycode").decode("ascii")
    return len(encoded) <= MAX_LABEL_CHARS and not label.lower().startswith("xn--")


def _plain_weight(text: str) -> int:
    rest, emoji = EMOJI.subn("", text)
    return X_EMOJI_WEIGHT * emoji + sum(1 if _is_light(ord(char)) else 2 for char in rest)


def _is_light(code: int) -> bool:
    return any(low <= code <= high for low, high in _LIGHT)
