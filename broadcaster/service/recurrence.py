"""Rules of RFC 5545, by python-dateutil: a rule and its start become local times. The clocks of a place are the domain's matter
(`domain/schedule.py`): dateutil keeps 01:30 on a day on which it does not exist, and says nothing of it.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from dateutil.rrule import rrulestr

from broadcaster.domain.errors import Invalid

_UNITS = {"HOURLY": timedelta(hours=1), "DAILY": timedelta(days=1), "WEEKLY": timedelta(weeks=1)}
_FREQ, _INTERVAL = re.compile(r"FREQ=(\w+)"), re.compile(r"INTERVAL=(\d+)")


def expand(rule: str, starts: datetime, since: datetime, last: datetime) -> Iterator[datetime]:
    """Local times from `starts` to `last`, those before `since` perhaps left out. Invalid where this is no rule. Without a
    rule it is `starts` alone.

    Only those that the rule gives: RFC 5545 leaves open what a start means that its rule does not give, and to send something
    on a day that the rule does not name would surprise everybody.
    """
    if not rule:
        yield from (starts,) if starts <= last else ()
        return
    try:
        found = rrulestr(rule, dtstart=_nearer(rule, starts, since))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise Invalid(
            "The rule cannot be read. Give one such as FREQ=WEEKLY;BYDAY=MO. Nothing was changed.",
            details=(f"rule: {error}",),
        ) from error
    for local in found:
        if local > last:
            return
        yield local


def _nearer(rule: str, starts: datetime, since: datetime) -> datetime:
    """A later start that gives the same times: dateutil counts from the start, which takes seconds after two years of hours."""
    unit = _UNITS.get(frequency(rule))
    if unit is None or "COUNT" in rule or since <= starts:
        return starts
    interval = _INTERVAL.search(rule)
    step = unit * (int(interval[1]) if interval else 1)
    return starts + step * ((since - starts) // step)


def frequency(rule: str) -> str:
    found = _FREQ.search(rule)
    return found[1] if found else ""
