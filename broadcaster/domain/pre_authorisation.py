"""Wording that two people authorised in quiet times: for which events, within which bounds, until when. Knows no message: it is
told what one is filled in with and where it goes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from broadcaster.domain.blanks import Blank, BlankType, read_answer
from broadcaster.domain.canonical import Json
from broadcaster.domain.notice import OVERRIDES, NoticeTemplate
from broadcaster.domain.tongues import named

LONGEST = timedelta(days=366)
MOST_FREE_CHARS = 80  # a place or a name; more would be a sentence that nobody has authorised
MOST_PATTERN = 100
MOST_HOURS = 72
#: Bounded by what they are.
OF_THEMSELVES = frozenset({BlankType.CHOICE})
_REPEATED_GROUP = re.compile(r"\)[*+{?]")


@dataclass(frozen=True, kw_only=True)
class BlankBound:
    """What may stand in one blank: one of `choices`; or what `pattern` matches whole; or up to `max_chars`; a time up to `hours`
    from now."""

    choices: tuple[str, ...] = ()
    pattern: str = ""
    max_chars: int = 0
    hours: int = 0

    @property
    def in_words(self) -> str:
        if self.choices:
            return f"one of: {', '.join(self.choices)}"
        if self.hours:
            return f"a time in the next {self.hours} hours"
        most = f", up to {self.max_chars} characters" if self.max_chars else ""
        return f"of the form {self.pattern}{most}" if self.pattern else f"up to {self.max_chars} characters"

    def lacks(self, blank: Blank, given: str, zone: ZoneInfo, now: datetime) -> str:
        """Why it is outside, or nothing."""
        if self.choices and given.casefold() not in {each.casefold() for each in self.choices}:
            return f'"{blank.label}" must be {self.in_words}'
        if self.max_chars and len(given) > self.max_chars:
            return f'"{blank.label}" may have up to {self.max_chars} characters'
        if self.pattern and not re.fullmatch(self.pattern, given):
            return f'"{blank.label}" must be of the form {self.pattern}'
        if self.hours:
            answer, wrong = read_answer(blank, given, zone, now)
            late = isinstance(answer, datetime) and answer > now + timedelta(hours=self.hours, minutes=30)
            if wrong or late or not isinstance(answer, datetime):
                return f'"{blank.label}" must be {self.in_words}'
        return ""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """`events` are named as people name them: "Environment Agency flood warning for the Wyre". No audiences: no texts."""

    events: tuple[str, ...]
    channels: tuple[str, ...]
    blanks: Mapping[str, BlankBound] = field(default_factory=dict)
    audiences: tuple[str, ...] = ()
    most_recipients: int = 0
    severities: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        blanks: dict[str, Json] = {
            name: {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(b).items()}
            for name, b in self.blanks.items()
        }
        lists: dict[str, Json] = {
            name: list(getattr(self, name)) for name in ("events", "channels", "audiences", "severities")
        }
        return {**lists, "blanks": blanks, "most_recipients": self.most_recipients}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """ValueError, KeyError or TypeError for what is none."""
        blanks = {
            str(name): BlankBound(**{**each, "choices": tuple(each.get("choices", ()))})
            for name, each in data.get("blanks", {}).items()
        }
        lists = {
            name: tuple(data.get(name, ())) for name in ("events", "channels", "audiences", "severities")
        }
        return cls(**lists, blanks=blanks, most_recipients=int(data.get("most_recipients", 0)))


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A message as far as bounds are about it."""

    values: Mapping[str, str]
    channels: Sequence[str]
    audience: str
    recipients: int
    pictures: int


@dataclass(frozen=True, kw_only=True)
class PreAuthorisation:
    ref: str
    template: str
    template_no: int
    template_sha256: str
    bounds: Bounds
    sha256: str
    reason: str
    ends_at: datetime
    proposed_by: str
    proposed_at: datetime
    confirmed_by: str
    confirmed_at: datetime | None
    ended_at: datetime | None
    #: Whether what is written now gets this wording: its template was neither edited since nor retired.
    in_use: bool = True

    def counts(self, moment: datetime) -> bool:
        """Whether an officer may send under it what he begins to write now."""
        return self.in_use and self.in_force(moment)

    def in_force(self, moment: datetime) -> bool:
        return self.confirmed_at is not None and self.ended_at is None and moment < self.ends_at

    @property
    def may_send(self) -> str:
        """Who authorised it, for whoever reads of it later."""
        return f"{self.proposed_by} and {self.confirmed_by}"


def lacks(
    bounds: Bounds, template: NoticeTemplate, filled: Filled, *, zone: ZoneInfo, now: datetime
) -> Iterator[str]:
    """Why a message is outside, each as a sentence's middle; nothing where it is within."""
    yield from _filled_in(bounds, template, filled.values, zone, now)
    further = [each for each in filled.channels if each not in bounds.channels]
    if further:
        yield f"it was not authorised for: {', '.join(further)}"
    if filled.audience and filled.audience not in bounds.audiences:
        yield f"texts to {filled.audience} were not authorised"
    elif filled.recipients > bounds.most_recipients:
        yield f"it goes to {filled.recipients:,} people, and up to {bounds.most_recipients:,} were authorised"
    if filled.pictures:
        yield "it has a picture, which nobody could authorise beforehand"


def _filled_in(
    bounds: Bounds, template: NoticeTemplate, values: Mapping[str, str], zone: ZoneInfo, now: datetime
) -> Iterator[str]:
    for blank in template.blanks:
        given = values.get(blank.name, "").strip()
        if given in ("", blank.default) or blank.type in OF_THEMSELVES:
            continue
        bound = bounds.blanks.get(blank.name)
        if bound is None:
            yield f'"{blank.label}" was not authorised to be filled in'
        elif wrong := bound.lacks(blank, given, zone, now):
            yield wrong
    codes = sorted(
        {name.partition(".")[2] for name, given in values.items() if "." in name and given.strip()}
    )
    for code in codes:
        yield f"it is worded in {named(code)} too, which nobody could authorise beforehand"
    for name in OVERRIDES:
        given, own = values.get(name, "").strip(), str(getattr(template, name))
        if given not in {"", own, *(bounds.severities if name == "severity" else ())}:
            yield f"its {name} must be {own.lower()}"


def problems(bounds: Bounds, template: NoticeTemplate, *, channels: Sequence[str]) -> list[str]:
    """What is wrong with bounds that somebody wants to set."""
    found = [] if bounds.events else ["Name the events that it is for."]
    found += [
        f"An event is named in 3 to 120 characters: {e!r}." for e in bounds.events if not 3 <= len(e) <= 120
    ]
    found += [] if bounds.channels else ["Choose the channels that it may go to."]
    found += [f'There is no channel "{each}".' for each in bounds.channels if each not in channels]
    if bounds.audiences and not 0 < bounds.most_recipients <= 10_000_000:
        found.append("Say to how many people texts may go at most.")
    known = {blank.name: blank for blank in template.blanks}
    found += [f'The template has no blank "{name}".' for name in bounds.blanks if name not in known]
    for blank in template.blanks:
        found += _blank_problems(blank, bounds.blanks.get(blank.name))
    return found


def _blank_problems(blank: Blank, bound: BlankBound | None) -> Iterator[str]:
    asked = blank.required and not blank.default and blank.type not in OF_THEMSELVES
    if bound is None:
        if asked:
            yield f'"{blank.label}" ({blank.name}) is always filled in, so it needs a bound.'
        return
    if blank.type is BlankType.TIME:
        if not 0 < bound.hours <= MOST_HOURS:
            yield f'"{blank.label}" ({blank.name}) is a time: say up to how many hours from now, {MOST_HOURS} at most.'
        return
    if bound.hours:
        yield f'"{blank.label}" ({blank.name}) is no time.'
    if not (bound.choices or bound.pattern or 0 < bound.max_chars <= MOST_FREE_CHARS):
        yield f'"{blank.label}" ({blank.name}) needs choices, a pattern, or at most {MOST_FREE_CHARS} characters.'
    if bound.pattern and not _is_pattern(bound.pattern):
        yield (
            f'"{blank.label}" ({blank.name}): the pattern must be a regular expression of up to {MOST_PATTERN} characters, '
            "without a group that is repeated."
        )


def _is_pattern(text: str) -> bool:
    """One that is read in an instant, whatever stands in the blank: no repetition of what repeats."""
    try:
        re.compile(text)
    except re.error:
        return False
    return len(text) <= MOST_PATTERN and not _REPEATED_GROUP.search(text)
