"""Rules as people say them, the weeks of a month, and what a planner's form holds."""

import calendar
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from broadcaster.domain.schedule import Plan

_DAYS = {"MO": "Monday", "TU": "Tuesday", "WE": "Wednesday", "TH": "Thursday", "FR": "Friday"}
_DAYS |= {"SA": "Saturday", "SU": "Sunday"}
WEEKDAYS = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"
OWN = "own"
#: What the form offers, beside a rule of one's own. `{day}` is the weekday of the first run.
OFFERED: Mapping[str, tuple[str, str]] = {
    "once": ("Once", ""),
    "daily": ("Every day", "FREQ=DAILY"),
    "weekdays": ("Every working day, Monday to Friday", WEEKDAYS),
    "weekly": ("Every week, on the day of the first", "FREQ=WEEKLY;BYDAY={day}"),
    "fortnightly": ("Every two weeks, on the day of the first", "FREQ=WEEKLY;INTERVAL=2;BYDAY={day}"),
    "monthly": ("Every month, on the date of the first", "FREQ=MONTHLY;BYMONTHDAY={date}"),
}


def rule_for(repeat: str, own: str, starts: datetime) -> str:
    """The rule that was chosen, or typed."""
    if repeat == OWN:
        return own.strip().upper().removeprefix("RRULE:")
    day = list(_DAYS)[starts.weekday()]
    return OFFERED.get(repeat, OFFERED["once"])[1].format(day=day, date=starts.day)


def repeat_of(plan: Plan) -> str:
    """Which of the choices gives this plan's rule."""
    return next((name for name in OFFERED if rule_for(name, "", plan.starts) == plan.rule), OWN)


def rule_words(plan: Plan) -> str:
    """`Every Monday at 09:00`, or the rule as it is kept where there are no such words."""
    at = f"at {plan.starts:%H:%M}"
    parts = dict(part.partition("=")[::2] for part in plan.rule.split(";")) if plan.rule else {}
    if not parts:
        return f"Once, on {plan.starts:%A} {plan.starts.day} {plan.starts:%B %Y} {at}"
    often, extra = parts.pop("FREQ", ""), int(parts.pop("INTERVAL", "1"))
    days = parts.pop("BYDAY", "").split(",") if "BYDAY" in parts else []
    if plan.rule == WEEKDAYS:
        return f"Every working day, Monday to Friday, {at}"
    if often == "WEEKLY" and not parts and all(day in _DAYS for day in days):
        named = " and ".join(_DAYS[day] for day in days) or f"{plan.starts:%A}"
        return f"Every {named} {at}" if extra == 1 else f"Every {extra} weeks, on {named}, {at}"
    if often == "DAILY" and not parts and not days:
        return f"Every day {at}" if extra == 1 else f"Every {extra} days {at}"
    if often == "MONTHLY" and extra == 1 and not days and set(parts) == {"BYMONTHDAY"}:
        return f"Every month, on the {parts['BYMONTHDAY']}., {at}"
    return f"By the rule {plan.rule}, first {at}"


def weeks_of(first: date) -> list[list[date]]:
    """The whole weeks, from Monday, that a month touches."""
    return calendar.Calendar().monthdatescalendar(first.year, first.month)


def months_around(first: date) -> tuple[str, str]:
    """The month before and the one after, as 2027-01."""
    before, after = first - timedelta(days=1), first + timedelta(days=32)
    return f"{before:%Y-%m}", f"{after:%Y-%m}"
