"""Punctuation of posts: what a text message can say cheaply, and full stops where a sentence has none."""

import re

#: To GSM-7 (3GPP TS 23.038), after GOV.UK's notifications-utils `SanitiseSMS`, 2026-11. Letters are never touched:
#: a Welsh circumflex changes the word.
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201b\u2032`\u00b4", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u202f\t", " "),
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", ""),
        "\u2022": "-",
        "\u2026": "...",
    }
)


def plain_punctuation(text: str) -> str:
    """The text without curly quotes, long dashes, dots in one character, special spaces and invisible characters."""
    return text.translate(_PLAIN)


def full_stop(text: str) -> str:
    """The text with a full stop at its end, unless it is empty or ends a sentence already."""
    if not text or re.search(r"""[.!?:;,\u2026]["')\u2019\u201d]*\Z""", text):
        return text
    return text + "."
