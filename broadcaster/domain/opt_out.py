"""What somebody means who answers a text with one word, and what an opt-out is. It knows no database and no gateway."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

#: What the networks of the UK and the US take for it, and Twilio by default (help.twilio.com, read 2026-11).
STOP_WORDS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit"})
START_WORDS = frozenset({"start", "unstop"})

_EDGES = re.compile(r"^[\W_]+|[\W_]+$")


class Meaning(StrEnum):
    STOP = "stop"
    START = "start"
    OTHER = "other"


class Reason(StrEnum):
    """Why a number is left out. `kept_out` of `domain/erasure.py` is the fourth: nothing but an erasure ends that."""

    STOP = "stop"  #: the person wrote it to us
    GATEWAY = "gateway"  #: the gateway refused the number, since the person wrote it there
    ASKED = "asked"  #: the person asked somebody on the staff


#: What the person's own START takes back. What was asked of the staff, the staff takes back: it may have meant more.
ENDED_BY_START = (Reason.STOP, Reason.GATEWAY)


class Reply(StrEnum):
    """How far the confirmation of an opt-out is. It is sent once: unknown is an end too."""

    NONE = ""  #: none is sent
    DUE = "due"
    SENDING = "sending"  #: committed before the first byte; whoever finds it old takes it for unknown
    ACCEPTED = "accepted"
    NOT_SENT = "not_sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class OptOutCount:
    """`purpose` is empty for all purposes. `since` is the first of them, `last` the newest."""

    purpose: str
    reason: str
    count: int
    since: datetime
    last: datetime


def word_of(text: str) -> str:
    """The text as one word to compare: without blanks and punctuation around it, in whatever case or width it was typed."""
    return _EDGES.sub("", unicodedata.normalize("NFKC", text)).casefold()


def words_of(listed: str) -> frozenset[str]:
    """Those of a space-separated list."""
    return frozenset(word for each in listed.split() if (word := word_of(each)))


def meaning(
    text: str, *, stop: Collection[str] = STOP_WORDS, start: Collection[str] = START_WORDS
) -> Meaning:
    """STOP and START only as the whole of what was written: "stop the 14 bus?" is a question, and whoever asks it
    would miss the next warning."""
    word = word_of(text)
    if word in stop:
        return Meaning.STOP
    return Meaning.START if word in start else Meaning.OTHER
