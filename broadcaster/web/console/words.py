"""Times, counts and states as the console's pages say them."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from broadcaster.domain.erasure import KEPT_OUT
from broadcaster.domain.opt_out import Reason
from broadcaster.domain.post import SEQUENCES
from broadcaster.domain.times import time_in_words
from broadcaster.domain.tongues import named
from broadcaster.service.beginning import NO_REFERENCE

CHANNELS: Mapping[str, str] = {
    "website": "Website",
    "facebook": "Facebook",
    "x": "X",
    "sms": "Text messages",
}
#: What a delivery's state means to the officer who looks at it.
STATES: Mapping[str, tuple[str, str]] = {
    "pending": ("waiting", "wait"),
    "sending": ("being sent", "wait"),
    "accepted": ("accepted", "good"),
    "delivered": ("delivered", "good"),
    "undelivered": ("not delivered", "bad"),
    "failed": ("refused", "bad"),
    "unknown": ("not known yet", "wait"),
    "unknown_final": ("to be decided", "bad"),
    "expired": ("not sent in time", "bad"),
    "cancelled": ("stopped", "bad"),
    "suppressed": ("opted out", ""),
    "quarantined": ("held back", "bad"),
}

#: What a browser's field for a time and date can show. Others (one of an hour that comes twice) stay text.
TIME_FIELD = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}")
#: What is put in at the moment of sending, and what stands for the reference of a message that nobody has kept yet.
LATE: Mapping[str, str] = {
    "((sent_at))": "the time of sending",
    **{slot.mark: "the update's number, where it is one" for slot in SEQUENCES.values()},
    NO_REFERENCE: "its reference",
    NO_REFERENCE.lower(): "its reference",
}
MESSAGE_STATES: Mapping[str, str] = {
    "draft": "a draft",
    "submitted": "waiting for approval",
    "released": "released",
    "rejected": "rejected",
    "expired": "not approved in time",
}
BROADCAST_STATES: Mapping[str, str] = {
    "sending": "being sent",
    "done": "sent",
    "stopped": "stopped",
    "superseded": "replaced by a later one",
}
SCHEDULE_STATES: Mapping[str, str] = {
    "draft": "a draft",
    "submitted": "waits for approval",
    "returned": "given back",
    "rejected": "rejected",
    "approved": "approved",
    "paused": "paused",
    "over": "its last run is over",
    "ended": "ended",
}
RUN_STATES: Mapping[str, str] = {
    "refused": "did not go out",
    "skipped": "left out",
    "waits": "waits for approval",
}
#: Why a number is left out.
OPT_OUTS: Mapping[str, str] = {
    Reason.STOP: "wrote STOP to us",
    Reason.GATEWAY: "wrote STOP; the gateway said so",
    Reason.ASKED: "asked the staff",
    KEPT_OUT: "was erased and stays out",
}


def filters(zone: ZoneInfo) -> dict[str, Callable[..., Any]]:
    """For the templates. `clock` and `day_and_time` take a moment or ISO 8601."""
    return {
        "clock": lambda moment: f"{_moment(moment).astimezone(zone):%H:%M:%S}" if moment else "",
        "day_and_time": lambda moment: time_in_words(_moment(moment).astimezone(zone)) if moment else "",
        "day": lambda moment: f"{_moment(moment).astimezone(zone):%A %-d %B %Y}" if moment else "",
        "groupby_day": lambda each: _by_day(each, zone),
        "iso": lambda moment: _moment(moment).astimezone(UTC).isoformat(timespec="seconds") if moment else "",
        "count": lambda number: f"{number:,}",
        "many": many,
        "first_letter": lambda text: text[:1].upper() + text[1:],
        "on_duty": lambda role: str(role).replace("-", " "),
        "schedule_state": lambda state: SCHEDULE_STATES.get(str(state), str(state)),
        "run_state": lambda state: RUN_STATES.get(str(state), str(state)),
        "day_there": lambda there: f"{there:%A} {there.day} {there:%B %Y}, {there:%H:%M}",
        "plain_day": plain_day,
        "plain_weekday": lambda day: f"{day:%A} {day.day} {day:%B}",
        "opt_out": lambda reason: OPT_OUTS.get(str(reason), str(reason)),
        "channel": lambda name: CHANNELS.get(name, name.capitalize()),
        "own_name": lambda account, channel: "" if account.lower() == channel.lower() else account,
        "first_sentence": lambda text: text.partition(". ")[0].rstrip(".") + "." if text else "",
        "fits_a_time_field": lambda text: not text or bool(TIME_FIELD.fullmatch(text)),
        "language": named,
        "late": late,
        "message_state": lambda state: MESSAGE_STATES.get(str(state), str(state)),
        "broadcast_state": lambda state: BROADCAST_STATES.get(str(state), str(state)),
        "state_word": lambda state: STATES.get(str(state), (str(state), ""))[0],
        "span": span,
        "waited": waited,
        "state_class": lambda state: STATES.get(str(state), ("", ""))[1],
    }


def plain_day(day: date | str) -> str:
    """A day, or a day with its time, of no clock in particular: `Monday 4 January 2027, 09:00`."""
    found = datetime.fromisoformat(day) if isinstance(day, str) else day
    with_time = isinstance(found, datetime) and not (isinstance(day, str) and len(day) == 10)
    return f"{found:%A} {found.day} {found:%B %Y}" + (f", {found:%H:%M}" if with_time else "")


def late(text: str) -> Markup:
    """A post's text, with what is filled in only when it is sent, or once it is kept, told in words and marked."""
    shown = escape(text)
    for place, words in LATE.items():
        shown = shown.replace(place, Markup('<mark class="late">{}</mark>').format(words))
    return shown


def many(count: int, word: str, words: str = "") -> str:
    """With its number: 1 text, 2 texts. `words` where a plural is another one."""
    return f"{count:,} {word if count == 1 else words or word + 's'}"


def _by_day(found: Iterable[Any], zone: ZoneInfo) -> list[tuple[str, list[Any]]]:
    """What happened, in its order, under each day. `at` is read of an object or of a dictionary."""

    def day(each: Any) -> str:
        at = each["at"] if isinstance(each, dict) else each.at
        return f"{_moment(at).astimezone(zone):%A %-d %B %Y}"

    return [(name, list(those)) for name, those in groupby(found, key=day)]


def span(seconds: float) -> str:
    """About how long, as one would say it."""
    if seconds < 50:
        return "less than a minute"
    if seconds < 100 * 60:
        return f"about {many(max(1, round(seconds / 60)), 'minute')}"
    return f"about {many(round(seconds / 3600), 'hour')}"


def waited(seconds: float) -> str:
    """How long somebody has been waiting. The page's script counts on in the same words."""
    if seconds < 120:
        return many(int(seconds), "second")
    if seconds < 120 * 60:
        return many(int(seconds / 60), "minute")
    return many(int(seconds / 3600), "hour")


def _moment(moment: datetime | str) -> datetime:
    return datetime.fromisoformat(moment) if isinstance(moment, str) else moment
