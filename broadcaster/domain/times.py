"""Times as people read and type them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from broadcaster.domain.errors import Invalid

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = tuple(
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)


def time_in_words(moment: datetime, *, short: bool = False) -> str:
    """`6pm Saturday 21 November`, short `6pm Sat 21 Nov`, on the moment's own clock; midnight says which side."""
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    on = f"{day[:3]} {moment.day} {month[:3]}" if short else f"{day} {moment.day} {month}"
    if (moment.hour, moment.minute) == (0, 0):
        return f"midnight, start of {on}" if short else f"midnight at the start of {on}"
    if (moment.hour, moment.minute) == (12, 0):
        return f"midday {on}"
    minutes = f":{moment.minute:02}" if moment.minute else ""
    return f"{moment.hour % 12 or 12}{minutes}{'am' if moment.hour < 12 else 'pm'} {on}"


def day_in_words(day: date) -> str:
    """`Saturday 21 November`."""
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"


def last_time(typed: str, now: datetime, zone: ZoneInfo) -> datetime:
    """The last time that the clock here showed this. At 00:10, "23:55" was yesterday."""
    try:
        clock = datetime.strptime(typed.replace(".", ":"), "%H:%M").time()  # noqa: DTZ007 - of the zone below
    except ValueError as wrong:
        raise Invalid("Say when as the clock shows it, such as 03:14. Nothing was noted.") from wrong
    local = now.astimezone(zone)
    at = datetime.combine(local.date(), clock, zone)
    return at - timedelta(days=1) if at > local + timedelta(minutes=2) else at


def local_time(typed: str, zone: ZoneInfo, *, last: bool = False) -> datetime:
    """A date and a time of the clock here, `2026-11-21T18:00`. Of an hour that comes twice, when the clocks go back, the first one,
    or the `last`: nobody is missing in it. Invalid for one that the clocks leave out."""
    try:
        naive = datetime.strptime(typed.strip().replace(" ", "T")[:16], "%Y-%m-%dT%H:%M")  # noqa: DTZ007
    except ValueError as wrong:
        raise Invalid("Give date and time like 2026-11-21T18:00. Nothing was changed.") from wrong
    at = naive.replace(tzinfo=zone, fold=int(last))
    if at.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != naive:
        raise Invalid(
            f"On that day the clocks go forward, and {naive:%H:%M} does not come. Give another time. Nothing was changed."
        )
    return at
