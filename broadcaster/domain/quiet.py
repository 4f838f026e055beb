"""Quiet hours: between which local times texts wait that nobody's life depends on."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

NONE = "none"  # of an account that has none, where the whole installation has some


@dataclass(frozen=True, kw_only=True)
class QuietHours:
    """From `begins` until `ends`, over midnight where that is earlier. Both the same: none at all."""

    begins: time = time()
    ends: time = time()

    @classmethod
    def read(cls, text: str) -> Self:
        """`21:00-08:00`; empty or `none` for none. ValueError for anything else."""
        if text in ("", NONE):
            return cls()
        first, dash, last = text.partition("-")
        if not dash:
            raise ValueError("quiet hours are two times of the day, like 21:00-08:00")
        return cls(begins=time.fromisoformat(first), ends=time.fromisoformat(last))

    @property
    def in_words(self) -> str:
        return f"{self.begins:%H:%M} to {self.ends:%H:%M}"

    def until(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        """When it ends, where this moment lies within; else None. By the clocks of `zone`: a night in which they change is as
        long as it is."""
        here = moment.astimezone(zone)
        clock = here.time().replace(tzinfo=None)
        if self.begins == self.ends:
            return None
        over_midnight = self.ends < self.begins
        within = (
            clock >= self.begins or clock < self.ends if over_midnight else self.begins <= clock < self.ends
        )
        if not within:
            return None
        day = here.date() + timedelta(days=1 if over_midnight and clock >= self.begins else 0)
        return datetime.combine(day, self.ends, zone)
