"""Who is on call: what stands in the rota, who that makes on call at a moment, and where nobody is."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LONGEST = timedelta(days=31)
LOOKS_AHEAD = timedelta(days=14)


class DutyRole(StrEnum):
    OFFICER = "duty-officer"
    APPROVER = "approver"
    TECHNICAL = "technical"


@dataclass(frozen=True, kw_only=True)
class Duty:
    """`covers` is for whom this person stands in, or empty; `acknowledged_at` when the person said "I have seen it"."""

    uid: str
    person: str
    role: str
    starts_at: datetime
    ends_at: datetime
    covers: str
    entered_by: str
    acknowledged_at: datetime | None

    def at(self, moment: datetime) -> bool:
        return self.starts_at <= moment < self.ends_at

    def meets(self, other: "Duty") -> bool:
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Nobody is on call in this role; `until` is None where nothing is planned any more."""

    role: str
    since: datetime
    until: datetime | None


def on_call(duties: Iterable[Duty], moment: datetime) -> list[Duty]:
    """Without those for whom somebody stands in at that moment."""
    there = [duty for duty in duties if duty.at(moment)]
    stood_in = {(duty.role, duty.covers) for duty in there if duty.covers}
    return [duty for duty in there if (duty.role, duty.person) not in stood_in]


def overlaps(duties: Sequence[Duty]) -> Iterator[tuple[Duty, Duty]]:
    """Two at once in one role, but for one who stands in for the other."""
    ordered = sorted(duties, key=lambda duty: duty.starts_at)
    for no, one in enumerate(ordered):
        for other in ordered[no + 1 :]:
            stands_in = one.covers == other.person or other.covers == one.person
            if one.role == other.role and one.meets(other) and not stands_in:
                yield one, other


def gaps(duties: Sequence[Duty], since: datetime, *, ahead: timedelta = LOOKS_AHEAD) -> list[Gap]:
    """By role, of those that anybody is on call in at all."""
    found = []
    for role in sorted({duty.role for duty in duties}):
        mine = sorted((d for d in duties if d.role == role), key=lambda duty: duty.starts_at)
        at = since
        for duty in mine:
            if duty.starts_at > at and at < since + ahead:
                found.append(Gap(role=role, since=at, until=duty.starts_at))
            at = max(at, duty.ends_at)
        if at < since + ahead:
            found.append(Gap(role=role, since=at, until=None))
    return found
