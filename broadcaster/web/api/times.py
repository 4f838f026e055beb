"""Times as programs send them: moments with an offset, and what a clock on a wall shows where a rule goes by it."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

YEARS = range(2000, 2100)  # what lies far outside of them cannot be reckoned with


def _of_our_time(given: datetime) -> datetime:
    if given.year not in YEARS:
        raise ValueError(f"Give a moment between {YEARS[0]} and {YEARS[-1]}.")
    return given.astimezone(UTC)


Moment = Annotated[
    AwareDatetime,
    AfterValidator(_of_our_time),
    Field(description="With an offset, such as 2027-01-04T09:00:00+00:00."),
]
LocalTime = Annotated[
    str,
    Field(
        pattern=r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}$",
        description="By the clock there.",
        examples=["2027-01-04T09:00"],
    ),
]
Day = Annotated[
    str,
    Field(
        pattern=r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}$", description="By the clock there.", examples=["2027-06-30"]
    ),
]
DayOrTime = Annotated[str, Field(pattern=r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2})?$")]
