"""Punctuation of posts: what a text message can say cheaply, what was changed for it, and full stops."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

#: To GSM-7 (3GPP TS 23.038), after GOV.UK's notifications-utils `SanitiseSMS`, 2026-11. Letters, digits and signs
#: with a meaning of their own are never touched: a Welsh circumflex changes the word, 2½ is not 21/2. With one of
#: those a text goes as UCS-2, and its size says so.
_PLAIN = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u2035\u2039\u203a`\u00b4", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u2036\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212", "-"),
    **dict.fromkeys("\u2022\u2023\u2219\u25cf\u25e6", "-"),  # in front of the lines of a list
    **dict.fromkeys(
        "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\t", " "
    ),
    **dict.fromkeys("\u2028\u2029\u0085", "\n"),
    **dict.fromkeys("\u00ad\u200b\u2060\ufeff", ""),
    "\u2026": "...",
}
#: Joiners make one sign of several emoji, and are part of the spelling of Persian or Sinhala. After a Latin letter,
#: a space or punctuation they are dirt of a web page.
_LATIN = "\\x00-\u024f\u0300-\u036f\u2000-\u206f\u2212\u2219\u25cf\u25e6\ufeff"
_JOINERS = f"(?:(?<=[{_LATIN}])|(?<![\\s\\S]))[\u200c\u200d]+"
#: A letter and its accent as two characters, which is how some computers type them: é is in GSM-7, e with U+0301
#: is not.
_ACCENTED = re.compile("[A-Za-z][\u0300-\u036f]+")
_COSTLY = re.compile(f"{_JOINERS}|[{re.escape(''.join(_PLAIN))}]")
_NAMES = {" ": "space", "\t": "tab", "\n": "new line"}


@dataclass(frozen=True, kw_only=True)
class Replaced:
    """What stood in the text, what stands there now (nothing: it was left out), and how often."""

    was: str
    now: str
    times: int

    def in_words(self) -> str:
        """For the officer, who can't see the difference between one space and another."""
        now = f"became {_named(self.now)}" if self.now else "was left out"
        times = f" ({self.times} times)" if self.times > 1 else ""
        return f"{_named(self.was)} {now}{times}"


def plain_punctuation(text: str) -> str:
    """The text without curly quotes, long dashes, dots in one character, special spaces and invisible characters."""
    return _ACCENTED.sub(_composed, _COSTLY.sub(_plain, text))


def replaced(text: str) -> list[Replaced]:
    """What `plain_punctuation` changes in the text, as `Replaced.in_words` tells it."""
    return [Replaced(was=was, now=now, times=times) for (was, now), times in Counter(_changes(text)).items()]


def _changes(text: str) -> Iterator[tuple[str, str]]:
    yield from ((match[0], _plain(match)) for match in _COSTLY.finditer(text))
    accented = _ACCENTED.finditer(_COSTLY.sub(_plain, text))
    yield from ((match[0], _composed(match)) for match in accented if match[0] != _composed(match))


def _plain(match: re.Match[str]) -> str:
    return _PLAIN.get(match[0], "")  # what is not in there are joiners


def _composed(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFC", match[0])


def _named(text: str) -> str:
    """A sign as it is; what can't be seen, by the name it has in Unicode."""
    if text.isprintable() and not text.isspace() and not unicodedata.combining(text[-1]):
        return text
    return " and ".join(
        _NAMES.get(char) or unicodedata.name(char, f"U+{ord(char):04X}").lower()
        for char in dict.fromkeys(text)
    )


def single_spaced(text: str) -> str:
    """The text without white space that nobody sees: doubled, at the ends of lines, before a comma or full stop.

    GOV.UK Notify takes it out of texts unasked, and each space is paid for. The space in " .5 m" stays: it divides.
    """
    text = re.sub(r" +(?=[,.](?!\d))| +(?=\n)|(?<=\n) +", "", text)
    return re.sub(r"\n{3,}", "\n\n", re.sub(" {2,}", " ", text)).strip(" \n")


def full_stop(text: str) -> str:
    """The text with a full stop at its end, unless it is empty or ends a sentence already."""
    if not text or re.search(r"""[.!?:;,\u2026]["')\u2019\u201d]*\Z""", text):
        return text
    return text + "."
