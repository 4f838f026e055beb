"""Times as people read them."""

from datetime import datetime

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = tuple(
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)


def time_in_words(moment: datetime, *, short: bool = False) -> str:
    """`6pm Saturday 21 November`, short `6pm Sat 21 Nov`, on the moment's own clock; midnight says which side."""
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    date = f"{day[:3]} {moment.day} {month[:3]}" if short else f"{day} {moment.day} {month}"
    if (moment.hour, moment.minute) == (0, 0):
        return f"midnight, start of {date}" if short else f"midnight at the start of {date}"
    if (moment.hour, moment.minute) == (12, 0):
        return f"midday {date}"
    minutes = f":{moment.minute:02}" if moment.minute else ""
    return f"{moment.hour % 12 or 12}{minutes}{'am' if moment.hour < 12 else 'pm'} {date}"
