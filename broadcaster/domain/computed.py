"""Blanks that are worked out anew for each run of a schedule: its date, the date of the next run, a cell of a table, a value from
an address. What may come of each is written down, so that it can be approved beforehand. Fetches and reads nothing itself.

They are written like formulas: `=date +1`, `=next date else none is planned`, `=column street`,
`=json https://example.org/level#/now 0..5 else 2`, `=json https://example.org/level#/word low|medium|high else low`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from broadcaster.domain.blanks import Blank, BlankType
from broadcaster.domain.schedule import Planned, place
from broadcaster.domain.times import day_in_words
from broadcaster.domain.tongues import ENGLISH, Tongue

MOST_DAYS = 400
_DATE = re.compile(r"date(?: *([+-]) *(\d{1,3})(?: days?)?)?(?: (\d{2}:\d{2}))?")
_JSON = re.compile(r"json (\S+?)#(/\S*)(?: (.+))?")
_BETWEEN = re.compile(r"(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)")


class Kind(StrEnum):
    DATE = "date"
    NEXT_DATE = "next date"
    COLUMN = "column"
    FETCHED = "json"


class NotComputed(Exception):
    """Its text says why there is no value, as the end of a sentence."""


@dataclass(frozen=True, kw_only=True)
class Formula:
    """`days` and `clock` of a date; `name` of a column; `url` and `pointer` (RFC 6901) of a value to be fetched, with the `least` and
    the `most` or the `words` that it may be; `otherwise` is put in where there is no value, unless it is empty."""

    kind: Kind
    days: int = 0
    clock: str = ""
    name: str = ""
    url: str = ""
    pointer: str = ""
    least: str = ""
    most: str = ""
    words: tuple[str, ...] = ()
    otherwise: str = ""

    def in_words(self) -> str:
        """What an approver reads."""
        otherwise = f', or else "{self.otherwise}"' if self.otherwise else ""
        match self.kind:
            case Kind.DATE:
                shift = _days(self.days)
                return f"the date of the run{shift}{f' at {self.clock}' if self.clock else ''}"
            case Kind.NEXT_DATE:
                return f"the date of the next run{otherwise}"
            case Kind.COLUMN:
                return f'"{self.name}" of the table, by the date of the run{otherwise}'
            case Kind.FETCHED:
                bounds = f"{self.least} to {self.most}" if self.most else ", ".join(self.words)
                return f"{self.pointer} of {self.url}, only if it is {bounds}{otherwise}"


def _days(number: int) -> str:
    days = "1 day" if abs(number) == 1 else f"{abs(number)} days"
    return f", {days} {'later' if number > 0 else 'earlier'}" if number else ""


def is_formula(typed: str) -> bool:
    return typed.lstrip().startswith("=")


def formulas(values: Mapping[str, str]) -> dict[str, Formula]:
    """By the names of their blanks. NotComputed where one cannot be read."""
    return {name: read_formula(text) for name, text in values.items() if is_formula(text)}


def read_formula(typed: str) -> Formula:
    """NotComputed, with what to write, where it cannot be read."""
    text, _, otherwise = " ".join(typed.strip().lstrip("=").split()).partition(" else ")
    if found := _DATE.fullmatch(text):
        days = int(found[2] or 0) * (-1 if found[1] == "-" else 1)
        if abs(days) > MOST_DAYS or not _is_clock(found[3]):
            raise NotComputed("names no day and time that can be meant; write =date +1 or =date +1 18:00")
        return Formula(kind=Kind.DATE, days=days, clock=found[3] or "")
    if text == "next date":
        if not otherwise:
            raise NotComputed(
                "must say what stands there on the last run: =next date else no further one is planned"
            )
        return Formula(kind=Kind.NEXT_DATE, otherwise=otherwise)
    if text.startswith("column ") and text[7:].strip():
        return Formula(kind=Kind.COLUMN, name=text[7:].strip(), otherwise=otherwise)
    if found := _JSON.fullmatch(text):
        return _fetched(found[1], found[2], (found[3] or "").strip(), otherwise)
    raise NotComputed(
        "cannot be worked out; write =date, =date +1, =next date else ..., =column NAME, or =json ADDRESS#/POINTER 0..5 else ..."
    )


def _is_clock(text: str | None) -> bool:
    try:
        time.fromisoformat(text or "00:00")
    except ValueError:
        return False
    return True


def _fetched(url: str, pointer: str, bounds: str, otherwise: str) -> Formula:
    if found := _BETWEEN.fullmatch(bounds):
        if Decimal(found[1]) > Decimal(found[2]):
            raise NotComputed("has bounds the wrong way round; write the smaller number first, such as 0..5")
        return Formula(
            kind=Kind.FETCHED,
            url=url,
            pointer=pointer,
            least=found[1],
            most=found[2],
            otherwise=otherwise,
        )
    words = tuple(each.strip() for each in bounds.split("|") if each.strip())
    if not words:
        raise NotComputed(
            "must say what may come of it, so that it can be approved: a range such as 0..5, or words such as low|medium|high"
        )
    return Formula(kind=Kind.FETCHED, url=url, pointer=pointer, words=words, otherwise=otherwise)


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What the formulas of one run are worked out of. `table` has a row of cells by ISO date; `fetched` the text of an answer by
    address, those without an answer left out."""

    run: Planned
    following: Planned | None
    zone: ZoneInfo
    table: Mapping[str, Mapping[str, str]]
    fetched: Mapping[str, str]
    tongue: Tongue = ENGLISH


def compute(formula: Formula, blank: Blank, sources: Sources) -> str:
    """What stands in this blank for this run. NotComputed where nothing approved can."""
    match formula.kind:
        case Kind.DATE:
            return _date(formula, blank, sources)
        case Kind.NEXT_DATE:
            if sources.following is None:
                return formula.otherwise
            return _day(sources.following.at.astimezone(sources.zone).date(), blank, sources.tongue)
        case Kind.COLUMN:
            return _cell(formula, sources)
        case Kind.FETCHED:
            return _value(formula, sources)


def _date(formula: Formula, blank: Blank, sources: Sources) -> str:
    there = sources.run.at.astimezone(sources.zone)
    day = there.date() + timedelta(days=formula.days)
    if blank.type is not BlankType.TIME:
        return _day(day, blank, sources.tongue) + (f", {formula.clock}" if formula.clock else "")
    clock = time.fromisoformat(formula.clock) if formula.clock else there.time()
    at = place(datetime.combine(day, clock).replace(microsecond=0), sources.zone).at
    return at.astimezone(sources.zone).isoformat(timespec="seconds")


def _day(day: date, blank: Blank, tongue: Tongue) -> str:
    return day.isoformat() + "T00:00" if blank.type is BlankType.TIME else day_in_words(day, tongue)


def _cell(formula: Formula, sources: Sources) -> str:
    day = sources.run.at.astimezone(sources.zone).date().isoformat()
    found = sources.table.get(day, {}).get(formula.name, "").strip() or formula.otherwise
    if not found:
        raise NotComputed(f'has nothing: the table has no "{formula.name}" for {day}')
    return found


def _value(formula: Formula, sources: Sources) -> str:
    try:
        found = at_pointer(json.loads(sources.fetched[formula.url]), formula.pointer)
    except (KeyError, IndexError, ValueError, RecursionError):
        if formula.otherwise:
            return formula.otherwise
        raise NotComputed(f"has nothing: {formula.url} gave no such value") from None
    if not _is_within(formula, found):
        raise NotComputed(f"would not be what was approved: {formula.url} gave {_shown(found)}")
    return found


def _is_within(formula: Formula, found: str) -> bool:
    if not formula.most:
        return found in formula.words
    if not re.fullmatch(r"-?\d{1,12}(\.\d{1,6})?", found):
        return False
    return Decimal(formula.least) <= Decimal(found) <= Decimal(formula.most)


def _shown(found: str) -> str:
    """Nothing of a stranger's text goes into a record: only whether it was a number."""
    return found if re.fullmatch(r"-?\d{1,12}(\.\d{1,6})?", found) else "something else"


def at_pointer(document: Any, pointer: str) -> str:
    """The number or text at a JSON pointer. KeyError, IndexError or ValueError where there is none."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    if isinstance(document, bool) or not isinstance(document, int | float | str):
        raise ValueError("no number and no text")  # noqa: TRY004 - of what was fetched, not of our own types
    return f"{document}"


def formula_problems(
    blanks: Sequence[Blank], found: Mapping[str, Formula], columns: Sequence[str]
) -> Iterator[str]:
    """Why these formulas cannot stand in these blanks."""
    types = {blank.name: blank for blank in blanks}
    for name, formula in found.items():
        blank = types.get(name.partition(".")[0])  # `action.cy` is `action` in Welsh
        if blank is None:
            yield f"{name}: there is no such blank, so nothing can be worked out for it"
        elif formula.kind is Kind.COLUMN and formula.name not in columns:
            had = f"it has: {', '.join(columns)}" if columns else "none was given"
            yield f'{name}: the table has no column "{formula.name}" ({had})'
        elif formula.kind in {Kind.DATE, Kind.NEXT_DATE} and blank.type not in _DATED:
            yield f"{name}: is a {blank.type}, and cannot be a date"
        elif formula.kind is Kind.NEXT_DATE and blank.type is BlankType.TIME:
            yield f"{name}: is a time; write =date with the number of days, such as =date +7"


_DATED = frozenset({BlankType.TEXT, BlankType.PLACE, BlankType.TIME})
