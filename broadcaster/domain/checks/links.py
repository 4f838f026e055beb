"""Links that lead elsewhere than they seem to, or over a line that anybody can alter. Nothing is fetched."""

import re
import unicodedata
from collections.abc import Iterator

from broadcaster.domain.checks.finding import Finding, Level, at_most_one

_MAX_SHOWN = 60
_MAX_LABEL = 63  # RFC 1035: no label is longer
_WORD = re.compile(r"\S+")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{0,20})\Z", re.IGNORECASE)
_HOST_ENDS = re.compile(r"[/?#\\]")
_ALPHABETS = ("LATIN", "CYRILLIC", "GREEK")

_NOT_HTTPS_TEXT = (
    "has a link that is not https ({}), which others can read and alter on its way. Use the address that begins with "
    "https://, or leave the link out."
)
_USERINFO_TEXT = "has a link with an @ in front of its host ({}), so it leads elsewhere than it seems. Give the plain address."
_MIXED_TEXT = "has a link whose host mixes alphabets ({}), as forged addresses do. Type it again by hand, letter by letter."
_ENCODED_TEXT = (
    "has a link with an encoded host ({}), which readers cannot check. Make sure that it is yours."
)


def check_links(text: str, where: str) -> Iterator[Finding]:
    """Addresses with a scheme, and bare hosts such as `example.org/page` where alphabets are mixed in them."""
    insecure, userinfo, mixed, encoded = [], [], [], []
    for word in _WORD.finditer(text):
        for scheme, host in _addresses(word[0]):
            if scheme and scheme.lower() != "https":
                insecure.append(f"{scheme}://{host[:_MAX_SHOWN]}")
            if scheme and "@" in host:
                userinfo.append(host[:_MAX_SHOWN])
            name = host.rpartition("@")[2]
            if _mixes(name):
                mixed.append(_spelled_out(name))
            elif scheme and "xn--" in name.lower():
                encoded.append(name[:_MAX_SHOWN])
    yield from at_most_one("link_not_https", Level.PROBLEM, where, insecure, _NOT_HTTPS_TEXT)
    yield from at_most_one("link_with_user", Level.PROBLEM, where, userinfo, _USERINFO_TEXT)
    yield from at_most_one("link_mixed_alphabets", Level.PROBLEM, where, mixed, _MIXED_TEXT)
    yield from at_most_one("link_encoded_host", Level.WARNING, where, encoded, _ENCODED_TEXT)


def _addresses(word: str) -> Iterator[tuple[str, str]]:
    """Each scheme and host in a run of characters without blanks; a scheme of "" where only a host may stand there."""
    before, *rest = word.split("://")
    if not rest:
        host = _HOST_ENDS.split(word.strip("\"'()[]<>.,;:!?"), maxsplit=1)[0]
        if ("." in host and not host.isascii()) or ".xn--" in f".{host.lower()}":
            yield "", host
        return
    for part in rest:
        scheme = _SCHEME.search(before[-21:])
        yield scheme[1] if scheme else "?", _HOST_ENDS.split(part, maxsplit=1)[0]
        before = part


def _mixes(host: str) -> bool:
    """Whether letters of two of the alphabets that look alike stand in one host; its encoded labels are read too."""
    if host.isascii() and "xn--" not in host.lower():
        return False
    return len(set().union(*(_alphabets(_decoded(label)) for label in host.split(".")))) > 1


def _alphabets(label: str) -> set[str]:
    names = {unicodedata.name(char, "") for char in set(label) if char.isalpha()}
    return {alphabet for alphabet in _ALPHABETS if any(alphabet in name for name in names)}


def _decoded(label: str) -> str:
    if not label.lower().startswith("xn--") or len(label) > _MAX_LABEL:
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def _spelled_out(host: str) -> str:
    """The host with its foreign letters as code points: the whole point of them is that they look right."""
    shown = (c if c.isascii() else f"<U+{ord(c):04X}>" for c in host[:_MAX_SHOWN])
    return "".join(shown)
