"""A drill: its states, its steps, the bars that they are measured against, and when it comes again."""

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from broadcaster.domain.errors import Invalid

#: A drill that nobody ended: whoever took part has gone home.
LONGEST = timedelta(hours=12)
#: After so long without one, somebody is shown as out of practice. A yearly fire drill is what every office knows.
STALE_MONTHS = 6
MOST_MONTHS = 36
MOST_SECONDS = 24 * 3600


class DrillState(StrEnum):
    PLANNED = "planned"
    RUNNING = "running"
    ENDED = "ended"
    CANCELLED = "cancelled"


#: Every change of a drill's state that there is.
DRILL_TRANSITIONS: Mapping[DrillState, frozenset[DrillState]] = {
    DrillState.PLANNED: frozenset({DrillState.RUNNING, DrillState.CANCELLED}),
    DrillState.RUNNING: frozenset({DrillState.ENDED}),
    DrillState.ENDED: frozenset(),
    DrillState.CANCELLED: frozenset(),
}


class Step(StrEnum):
    """Each is measured from the beginning of the drill; a correction from the approval of what it corrects."""

    DRAFT = "draft"
    SUBMIT = "submit"
    APPROVE = "approve"
    CHANNEL = "channel"  #: for each place that it was sent to
    CORRECTION = "correction"


#: In seconds. An organisation sets its own for each drill: these are what a practised pair reaches with a template.
BARS: Mapping[Step, int] = {
    Step.DRAFT: 300,
    Step.SUBMIT: 420,
    Step.APPROVE: 600,
    Step.CHANNEL: 660,
    Step.CORRECTION: 600,
}


@dataclass(frozen=True, kw_only=True)
class Inject:
    """Something that happens in a drill, so many minutes after its beginning."""

    after_minutes: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Score:
    """How long a step took. `seconds` is None where it was not done, `who` empty where no person does it."""

    step: Step
    what: str
    who: str
    at: datetime | None
    seconds: float | None
    bar_s: int

    @property
    def met(self) -> bool:
        return self.seconds is not None and self.seconds <= self.bar_s


def bars_of(given: Mapping[str, int]) -> dict[Step, int]:
    """All bars, with those that were given. Invalid for a step that there is not, or a bar that means nothing."""
    unknown = sorted(set(given) - set(Step))
    if unknown:
        raise Invalid(f'There is no step "{unknown[0]}": choose from {", ".join(Step)}. Nothing was changed.')
    wrong = [name for name, seconds in given.items() if not 0 < seconds <= MOST_SECONDS]
    if wrong:
        raise Invalid(f"The bar for {wrong[0]} must lie between 1 second and one day. Nothing was changed.")
    return {**BARS, **{Step(name): seconds for name, seconds in given.items()}}


def injects_of(lines: Sequence[str]) -> tuple[Inject, ...]:
    """Of lines such as `10 The Met Office raises wind to red`: the minutes after the beginning, then what happens."""
    found = []
    for line in filter(None, (each.strip() for each in lines)):
        minutes, _, text = line.partition(" ")
        if not (minutes.isascii() and minutes.isdecimal() and len(minutes) < 4 and text.strip()):
            raise Invalid(
                f'"{line[:60]}": begin each line with the minutes after the start, such as "10 The Met Office raises '
                'wind to red". Nothing was changed.'
            )
        found.append(Inject(after_minutes=int(minutes), text=text.strip()))
    return tuple(sorted(found, key=lambda each: each.after_minutes))


def months_later(moment: datetime, months: int, zone: ZoneInfo) -> datetime:
    """The same time of the clock here, so many months on; the last day of a month that is shorter."""
    here = moment.astimezone(zone)
    year, month = divmod(here.month - 1 + months, 12)
    day = min(here.day, calendar.monthrange(here.year + year, month + 1)[1])
    return here.replace(year=here.year + year, month=month + 1, day=day, fold=0)
