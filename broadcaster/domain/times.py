"""Times as people read and type them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from broadcaster.domain.errors import Invalid
from broadcaster.domain.tongues import ENGLISH, Tongue


def time_in_words(moment: datetime, *, short: bool = False, tongue: Tongue = ENGLISH) -> str:
    """`6pm Saturday 21 November`, short `6pm Sat 21 Nov`, on the moment's own clock; midnight says which side."""
    on, clock = _on(moment, tongue, short=short), (moment.hour, moment.minute)
    if clock == (0, 0) and tongue.midnight:
        return (tongue.midnight_short if short else tongue.midnight).format(on=on)
    if clock == (12, 0) and tongue.midday:
        return tongue.midday.format(on=on)
    if not tongue.am:
        return tongue.at.format(clock=f"{moment:%H:%M}", on=on)
    minutes = f":{moment.minute:02}" if moment.minute else ""
    half = tongue.am if moment.hour < 12 else tongue.pm
    return tongue.at.format(clock=f"{moment.hour % 12 or 12}{minutes}{half}", on=on)


def day_in_words(day: date, tongue: Tongue = ENGLISH) -> str:
    """`Saturday 21 November`."""
    return _on(day, tongue)


def _on(day: date, tongue: Tongue, *, short: bool = False) -> str:
    days, months = (tongue.days_short, tongue.months_short) if short else (tongue.days, tongue.months)
    pattern = tongue.on_short if short else tongue.on
    return pattern.format(day=days[day.weekday()], number=day.day, month=months[day.month - 1])


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
