"""When a scheduled notice is due: its plan, and what becomes of local times on the days on which the clocks change.

Pure: whoever calls passes in what reads a rule of RFC 5545 (`service/recurrence.py` does it by a library).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from broadcaster.domain.errors import Invalid

#: Rule, start, a moment before which nothing matters, and last moment, all by the clock of the place -> local times, rising.
Expand = Callable[[str, datetime, datetime, datetime], Iterator[datetime]]

LASTS_AT_MOST = timedelta(
    days=731
)  # nobody has looked at a notice that is older: it is written and approved anew
GRACE_AT_MOST = timedelta(hours=24)
AUDIENCE_MOVES_PERCENT = 2  # more than that, and a standing approval asks again (Los Angeles, January 2025)
AUDIENCE_MOVES_AT_MOST = 1_000
SHOWN_RUNS = 10  # as they will read, to who approves

_FREQUENCIES = ("HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_PARTS = frozenset(
    "FREQ INTERVAL COUNT BYDAY BYMONTHDAY BYMONTH BYSETPOS BYHOUR BYMINUTE WKST".split()  # noqa: SIM905
)
_CLOCKS_MOVE_AT_MOST = timedelta(days=1, hours=1)  # Samoa left out a whole day at the end of 2011
_NUMBERED = re.compile(r"([+-]?[1-5])?[A-Z]{2}(,([+-]?[1-5])?[A-Z]{2})*")
_LONGEST = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2})?")
NOT_THERE = (
    "The clocks go forward: {was} does not exist on that day, so it goes at {now}, the next moment that does."
)
TWICE = "The clocks go back: {was} comes twice on that day; it goes at the first of the two."


class ScheduleState(StrEnum):
    """Of one version of a schedule. The one that is approved goes on until another one is."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    REJECTED = "rejected"
    APPROVED = "approved"
    REPLACED = "replaced"


#: The one table that says what may follow what.
SCHEDULE_TRANSITIONS: Mapping[ScheduleState, frozenset[ScheduleState]] = {
    ScheduleState.DRAFT: frozenset({ScheduleState.SUBMITTED, ScheduleState.REPLACED}),
    ScheduleState.SUBMITTED: frozenset(
        {
            ScheduleState.APPROVED,
            ScheduleState.RETURNED,
            ScheduleState.REJECTED,
            ScheduleState.REPLACED,
        }
    ),
    ScheduleState.RETURNED: frozenset({ScheduleState.SUBMITTED, ScheduleState.REPLACED}),
    ScheduleState.REJECTED: frozenset({ScheduleState.REPLACED}),
    ScheduleState.APPROVED: frozenset({ScheduleState.REPLACED}),
    ScheduleState.REPLACED: frozenset(),
}


class RunState(StrEnum):
    """What became of one planned moment. Each has one of these, once, and keeps it."""

    SENT = "sent"
    REFUSED = "refused"  #: what was checked again at that moment stood against it
    MISSED = "missed"  #: nobody was there to send it in time
    SKIPPED = "skipped"  #: a person left it out


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One run: the moment, the local time that the rule gave, and what the clocks made of it, if anything."""

    at: datetime
    local: datetime
    told: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`starts` is the first local date and time in `zone`, without one of its own; `rule` what RFC 5545 calls the value of an
    RRULE, empty for once. `last` is the last local day. `without` leaves out days (2026-12-25) or times (2026-12-25T09:00). A run
    that nobody could send goes out late within `grace_minutes`, and not at all after that. Raises Invalid, listing everything.
    """

    starts: datetime
    zone: str
    last: date
    rule: str = ""
    without: tuple[str, ...] = ()
    grace_minutes: int = 60

    def __post_init__(self) -> None:
        problems = (*_zone_problems(self.zone), *_rule_problems(self.rule), *_other_problems(self))
        if problems:
            raise Invalid("The schedule cannot be used yet. Nothing was changed.", details=problems)

    @property
    def clock(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @property
    def grace(self) -> timedelta:
        return timedelta(minutes=self.grace_minutes)

    @property
    def ends_at(self) -> datetime:
        """The end of its last day."""
        day_after = datetime.combine(self.last + timedelta(days=1), datetime.min.time())
        return place(day_after, self.clock).at

    def to_json(self) -> dict[str, Any]:
        return {
            "starts": self.starts.isoformat(timespec="minutes"),
            "zone": self.zone,
            "last": self.last.isoformat(),
            "rule": self.rule,
            "without": list(self.without),
            "grace_minutes": self.grace_minutes,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(
            starts=datetime.fromisoformat(data["starts"]),
            zone=str(data["zone"]),
            last=date.fromisoformat(data["last"]),
            rule=str(data["rule"]),
            without=tuple(str(each) for each in data["without"]),
            grace_minutes=int(data["grace_minutes"]),
        )

    def runs(self, expand: Expand, *, after: datetime, until: datetime | None = None) -> Iterator[Planned]:
        """Those later than `after`, up to `until` with it. Two that fall on one moment are one."""
        zone, before = self.clock, after
        since = after.astimezone(zone).replace(tzinfo=None) - _CLOCKS_MOVE_AT_MOST
        for local in expand(self.rule, self.starts, since, datetime.combine(self.last, datetime.max.time())):
            if f"{local:%Y-%m-%d}" in self.without or f"{local:%Y-%m-%dT%H:%M}" in self.without:
                continue
            planned = place(local, zone)
            if until and planned.at > until:
                return
            if planned.at > before:
                before = planned.at
                yield planned

    def next_run(self, expand: Expand, *, after: datetime) -> Planned | None:
        return next(self.runs(expand, after=after), None)


def place(local: datetime, zone: ZoneInfo) -> Planned:
    """The moment of a local time: where the clocks leave it out, the next one that exists; where it comes twice, the first."""
    early, late = local.replace(tzinfo=zone), local.replace(tzinfo=zone, fold=1)
    if early.utcoffset() == late.utcoffset():
        return Planned(at=early.astimezone(UTC), local=local)
    if early.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local:
        return Planned(at=early.astimezone(UTC), local=local, told=TWICE.format(was=f"{local:%H:%M}"))
    at = _clocks_change(late.astimezone(UTC), early.astimezone(UTC), zone)
    there = at.astimezone(zone)
    day = "" if there.date() == local.date() else f" on {there:%Y-%m-%d}"
    return Planned(at=at, local=local, told=NOT_THERE.format(was=f"{local:%H:%M}", now=f"{there:%H:%M}{day}"))


def _clocks_change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first second with the offset of `after`."""
    offset = after.astimezone(zone).utcoffset()
    low, high = int(before.timestamp()), int(after.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return datetime.fromtimestamp(high, UTC)


def has_moved(approved: int, now: int) -> bool:
    """Whether an audience differs so much from the one that was approved that a person must look at it again."""
    moved = abs(now - approved)
    return moved > AUDIENCE_MOVES_AT_MOST or moved * 100 > approved * AUDIENCE_MOVES_PERCENT


def _zone_problems(name: str) -> tuple[str, ...]:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return (f'zone: there is no time zone "{name}"; give one such as Europe/London',)
    return ()


def _rule_problems(rule: str) -> tuple[str, ...]:
    """Of the rule by itself. What is not asked for here would let one rule keep a machine busy for ever."""
    if not rule:
        return ()
    parts = dict(part.partition("=")[::2] for part in rule.split(";"))
    found = [
        f"rule: {name or 'an empty part'} cannot be used here; take it out"
        for name in sorted(parts.keys() - _PARTS)
    ]
    if len(parts) != rule.count(";") + 1 or len(rule) > 300:
        found.append("rule: is too long, or names a part twice")
    if not re.fullmatch(r"[A-Z0-9=;,+-]*", rule):
        found.append("rule: must be written in capitals on one line, such as FREQ=WEEKLY;BYDAY=MO")
    if parts.get("FREQ") not in _FREQUENCIES:
        found.append(f"rule: needs FREQ, one of {', '.join(_FREQUENCIES)}")
    found += [
        f"rule: {name} must be a number from 1 to 999"
        for name in ("INTERVAL", "COUNT")
        if name in parts and not re.fullmatch(r"[1-9]\d{0,2}", parts[name])
    ]
    if {"BYMONTH", "BYMONTHDAY"} <= parts.keys() and not _comes(parts["BYMONTH"], parts["BYMONTHDAY"]):
        found.append("rule: that day never comes; give another BYMONTHDAY or BYMONTH")
    return (*found, *_endless(parts))


def _endless(parts: Mapping[str, str]) -> Iterator[str]:
    """Parts that together may never give a day: python-dateutil 2.9 looks for it until the year 9999, for up to a minute."""
    often = parts.get("FREQ") in {"HOURLY", "DAILY", "WEEKLY"}
    numbered = re.search(r"\d", parts.get("BYDAY", ""))
    if numbered and (often or "BYMONTHDAY" in parts or not _NUMBERED.fullmatch(parts["BYDAY"])):
        yield "rule: a numbered day such as 2MO or -1FR goes with MONTHLY or YEARLY, from 1 to 5, without BYMONTHDAY"
    if "BYSETPOS" in parts and (
        often or numbered or "BYDAY" not in parts or parts["BYSETPOS"] not in {"1", "-1"}
    ):
        yield "rule: BYSETPOS may be 1 or -1, with MONTHLY or YEARLY and BYDAY=MO,TU,WE,TH,FR"
    if "BYDAY" in parts and parts.get("INTERVAL", "1") != "1" and parts.get("FREQ") in {"HOURLY", "DAILY"}:
        yield "rule: BYDAY goes with an INTERVAL of 1 here; use FREQ=WEEKLY"


def _comes(months: str, days: str) -> bool:
    try:
        return any(
            abs(int(day)) <= _LONGEST.get(int(month), 31)
            for month in months.split(",")
            for day in days.split(",")
        )
    except ValueError:
        return False


def _other_problems(plan: Plan) -> Iterator[str]:
    if plan.starts.tzinfo or plan.starts.second or plan.starts.microsecond:
        yield "starts: must be a local date and time such as 2026-11-23T09:00"
    if plan.last < plan.starts.date():
        yield "last: is before the first run; give a later day"
    if plan.last - plan.starts.date() > LASTS_AT_MOST:
        yield "last: a standing approval lasts two years at most; give an earlier day"
    if not 0 <= plan.grace_minutes <= GRACE_AT_MOST // timedelta(minutes=1):
        yield "grace: must be 0 to 1440 minutes"
    for each in plan.without:
        if not _LOCAL.fullmatch(each) or not _is_time(each):
            yield f"without: {each} is no day such as 2026-12-25 and no time such as 2026-12-25T09:00"


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
