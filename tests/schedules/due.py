"""When runs are due, told in another way than the product tells it: by looking at the clock on the wall, a quarter of an hour at a time."""

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

QUARTER = timedelta(minutes=15)
FARTHEST = timedelta(hours=15)  # a zone from UTC


def moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The first moment at which the wall shows this local time or, where it never does, a later one."""
    wanted = datetime.combine(day, at)
    found = (wanted - FARTHEST).replace(tzinfo=UTC)
    while found.astimezone(zone).replace(tzinfo=None) < wanted:
        found += QUARTER
    return found


def due(
    first: date, last: date, at: time, zone: str, *, weekdays: Collection[int], without: Collection[date] = ()
) -> Iterator[datetime]:
    """Every run of a schedule on these weekdays (Monday is 0)."""
    day, clock = first, ZoneInfo(zone)
    while day <= last:
        if day.weekday() in weekdays and day not in without:
            yield moment(day, at, clock)
        day += timedelta(days=1)
