"""The typed blanks of a notice template, and reading what an officer typed into one."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from broadcaster.domain.names import did_you_mean
from broadcaster.domain.times import time_in_words


class BlankType(StrEnum):
    TEXT = "text"  #: the only one that may have more than one line
    CHOICE = "choice"
    TIME = "time"
    PLACE = "place"
    LINK = "link"
    PHONE = "phone"
    NUMBER = "number"


@dataclass(frozen=True, kw_only=True)
class Blank:
    """One thing that an officer fills in. `max_chars` counts code points; `choices` only for a choice.

    `default` is the answer where the officer gives none: at 3 a.m. an expiry is not asked, and can be changed.
    `ahead`, for a time: one that has passed is refused, as no news can come by it and nobody can leave by it.
    """

    name: str
    type: BlankType
    label: str
    help: str = ""
    example: str = ""
    required: bool = True
    max_chars: int = 500
    choices: tuple[str, ...] = ()
    default: str = ""
    ahead: bool = False


def has_brackets(text: str) -> bool:
    """Whether something in the text could be taken for a blank or a late slot: nothing that people type may be."""
    return "((" in text or "))" in text


class Unreadable(Exception):
    """Its text says what is wrong with a value and what to do."""


def read_answer(
    blank: Blank, value: object, zone: ZoneInfo, now: datetime
) -> tuple[str | datetime | None, tuple[str, ...]]:
    """The answer, or None where there is none; and every problem with it."""
    if not isinstance(value, str):
        return None, ("must be text; put it in quotes",)
    text = value.replace("\r\n", "\n").strip(" \n") or blank.default
    if not text:
        example = f", for example: {blank.example}" if blank.example else ""
        return None, (f"is needed; fill it in{example}",) if blank.required else ()
    problems = list(_character_problems(blank, text))
    try:
        answer = _read(blank, text, zone, now)
    except Unreadable as problem:
        problems.append(str(problem))
    return (None if problems else answer), tuple(problems)


#: They show a text in another order.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _character_problems(blank: Blank, text: str) -> Iterator[str]:
    if len(text) > blank.max_chars:
        yield f"is too long by {len(text) - blank.max_chars} characters; {blank.max_chars} is the most"
    if has_brackets(text):
        yield "has (( or )) in it, which are kept for blanks; use single brackets"
    if "\n" in text and blank.type is not BlankType.TEXT:
        yield "must stand on one line; take out the line break"
    if bad := {c for c in text if c != "\n" and _cannot_be_shown(c)}:
        codes = ", ".join(f"U+{ord(c):04X}" for c in sorted(bad))
        yield f"has characters in it that cannot be shown ({codes}); type it again without them"


def _cannot_be_shown(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} or char in _BIDI or is_noncharacter(char)


def is_noncharacter(char: str) -> bool:
    """One that Unicode keeps free for programs (The Unicode Standard, 23.7); XML takes none of the first ones."""
    return "\ufdd0" <= char <= "\ufdef" or ord(char) & 0xFFFE == 0xFFFE


def _read(blank: Blank, text: str, zone: ZoneInfo, now: datetime) -> str | datetime:
    match blank.type:
        case BlankType.CHOICE:
            return _among(text, blank.choices)
        case BlankType.TIME:
            moment = _time(text, zone, now)
            if blank.ahead and moment.timestamp() <= now.timestamp():
                raise Unreadable(f"has passed ({time_in_words(moment)}); give a time that is still to come")
            return moment
        case BlankType.LINK:
            return _link(text)
        case BlankType.PHONE:
            return _phone(text)
        case BlankType.NUMBER if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
            raise Unreadable("must be a number in digits, such as 12 or 2.5")
        case _:
            return text


def _among(text: str, choices: Collection[str]) -> str:
    for choice in choices:
        if choice.casefold() == text.casefold():
            return choice
    raise Unreadable(f"must be one of: {', '.join(choices)}.{did_you_mean(text, choices)}")


def _link(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme == "https" and parts.hostname and "@" not in parts.netloc
    except ValueError:
        good = False
    if not good or re.search(r"\s", text):
        raise Unreadable("must be a whole address that begins with https://")
    return text


def _phone(text: str) -> str:
    digits = re.sub(r"[^0-9]", "", text)
    if not re.fullmatch(r"\+?[0-9(][0-9 ()-]*", text) or not 3 <= len(digits) <= 15:
        raise Unreadable("must be a phone number, such as 01632 960123")
    return text


_FROM_NOW = re.compile(r"\+([0-9]{1,4})([mhd])")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?")
_HALF_HOUR_S = 1800


def _time(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """ISO 8601, local to `zone` where it has no offset; `now`; or `+12h`: that long from now, up to the next half hour."""
    if text.casefold() == "now":
        return now.replace(second=0, microsecond=0)
    if from_now := _FROM_NOW.fullmatch(text):
        unit = {"m": "minutes", "h": "hours", "d": "days"}[from_now[2]]
        later = now.astimezone(UTC) + timedelta(**{unit: int(from_now[1])})
        return datetime.fromtimestamp(-(-later.timestamp() // _HALF_HOUR_S) * _HALF_HOUR_S, zone)
    try:
        moment = datetime.fromisoformat(text) if _ISO.fullmatch(text) else None
    except ValueError:
        moment = None
    if moment is None or not 2000 <= moment.year <= 2100:
        raise Unreadable(
            "must be a date and time such as 2026-11-21T18:00, or +12h for twelve hours from now"
        )
    return moment.astimezone(zone) if moment.tzinfo else _local(moment, zone)


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    early, late = moment.replace(tzinfo=zone), moment.replace(tzinfo=zone, fold=1)
    if early.utcoffset() == late.utcoffset():
        return early
    if early.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment:
        raise Unreadable(
            f"{time_in_words(early)} does not exist: the clocks go forward over it; give another time"
        )
    both = " or ".join(each.isoformat(timespec="minutes") for each in (early, late))
    raise Unreadable(f"{time_in_words(early)} comes twice: the clocks go back; write {both}")
