"""Through which accounts a target may be sent, and which of them the next batch takes. No input or output.

Approved are all of them, in their order; which one it is shows when a batch is claimed, by how they stand then.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

#: A breaker opens at so many failures within so long. One group of a gateway that refuses connections is enough.
FAILURES, WITHIN = 20, timedelta(seconds=30)
#: An account whose breaker is open gets one text in so long, until it takes one.
PROBE_EVERY = timedelta(seconds=5)
#: A worker waits so long for its turn at an account; for longer it gives the batch back.
WAITS = timedelta(seconds=1)
#: Whether an account still fails is not known for longer than this after the last try: nothing may be going out.
KNOWN_FOR = timedelta(seconds=60)
#: Neighbouring batches fall far apart by it (the golden section), so that a share is kept from the first ones on.
_SPREAD, _SPREAD_OF = 618_033_989, 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Way:
    """An account that may send for a target, as its file says it. The lowest `rank` that can goes first; those of one
    rank share by `weight`."""

    account: str
    rank: int = 0
    weight: int = 100


@dataclass(frozen=True, kw_only=True)
class ApprovedWay:
    """The same in a manifest, with whom it speaks as."""

    way: Way
    speaks_as: str

    def to_json(self) -> dict[str, Any]:
        return {
            "account": self.way.account,
            "rank": self.way.rank,
            "speaks_as": self.speaks_as,
            "weight": self.way.weight,
        }


@dataclass(frozen=True, kw_only=True)
class WayNow:
    """How a way stands now. `open_until` is set while its breaker is not closed: until then not even a probe goes
    through it. Before `free_at` its rate, or its gateway, takes nothing more."""

    account_id: int
    account: str
    rank: int
    weight: int
    paused: bool
    failures: int = 0
    failing_since: datetime | None = None
    open_until: datetime | None = None
    free_at: datetime | None = None

    @property
    def is_usable(self) -> bool:
        return not self.paused and self.open_until is None

    @property
    def in_trouble(self) -> bool:
        return bool(self.failures) or self.open_until is not None

    def has_room(self, now: datetime) -> bool:
        return self.free_at is None or self.free_at <= now


@dataclass(frozen=True, kw_only=True)
class Choice:
    """`probe` is true where one delivery is to find out whether a failing account takes texts again."""

    way: WayNow
    probe: bool = False


def choose(
    ways: Sequence[WayNow],
    *,
    now: datetime,
    batch_id: int,
    keep: Collection[int] = (),
    probes: bool = True,
) -> Choice | None:
    """Through which account a batch goes now; None where all are paused.

    `keep` are accounts that something of the batch has to go through again. Where no breaker is closed there is none:
    a breaker without another way would be silence, so they take turns. With `probes` the batch may find out whether a
    failing account takes texts again.
    """
    alive = sorted((w for w in ways if not w.paused), key=lambda w: (w.rank, w.account_id))
    usable = [w for w in alive if w.is_usable]
    if not usable:
        return Choice(way=min(alive, key=_tried_last)) if alive else None
    kept = [w for w in usable if w.account_id in keep]
    if kept:
        return Choice(way=kept[0])
    chosen = _first(usable, now, batch_id)
    for each in alive if probes else ():
        due = each.open_until is not None and each.open_until <= now
        if due and (each.account_id in keep or each.rank <= chosen.rank):
            return Choice(way=each, probe=True)
    return Choice(way=chosen)


def _tried_last(way: WayNow) -> tuple[datetime, int]:
    assert way.open_until
    return way.open_until, way.rank


def _first(usable: Sequence[WayNow], now: datetime, batch_id: int) -> WayNow:
    with_room = [w for w in usable if w.has_room(now)]
    if not with_room:
        return min(usable, key=lambda w: (w.free_at or now, w.rank))
    best = [w for w in with_room if w.rank == with_room[0].rank]
    point = batch_id * _SPREAD % _SPREAD_OF * sum(w.weight for w in best)
    for each in best:
        point -= each.weight * _SPREAD_OF
        if point < 0:
            return each
    return best[-1]


def others_usable(ways: Sequence[WayNow], account_id: int) -> bool:
    """Whether anything could go another way."""
    return any(w.is_usable for w in ways if w.account_id != account_id)


def held_until(ways: Sequence[WayNow], mine: WayNow, *, now: datetime, probe: bool) -> datetime | None:
    """Until when a batch begins nothing more through the account that it has: `now` where it is to go another way at
    once, None where nothing holds it."""
    if mine.open_until is not None and not probe and others_usable(ways, mine.account_id):
        return now
    if mine.free_at is None or mine.free_at <= now:
        return None
    others = [w for w in ways if w.account_id != mine.account_id and w.is_usable and w.has_room(now)]
    return now if others and mine.free_at > now + WAITS else mine.free_at
