"""The live board of one message: each channel as it is now, how fast the texts go, and what is left to do.

Counting a million deliveries takes a tenth of a second and more, and many people watch at once: a count of many is kept for
as many times as long as it took, so that one process never spends more than a small part of its time on counting.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from broadcaster.db import boards, broadcasts, by_hand, deliveries, messages, receipts, sightings, unknowns
from broadcaster.db.boards import Reason
from broadcaster.db.broadcasts import Broadcast, Target
from broadcaster.db.by_hand import ByHand
from broadcaster.db.deliveries import PART_BEFORE_MISSING, PublicDelivery
from broadcaster.db.engine import Database, Tx
from broadcaster.db.receipts import Missing
from broadcaster.db.unknowns import Unknown
from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.delivery import ARRIVED, SETTLED, DeliveryState
from broadcaster.domain.sight import Sight
from broadcaster.service.report import NO_RECEIPT_AFTER, PartStatus, is_told_of
from broadcaster.service.report import states_of as counted_states

KEPT_TIMES = 20  # a count is good for so many times as long as it took: 5 % of the time is spent on counting
KEPT_AT_MOST_S = 10.0
KEPT_FROM = 5_000  # deliveries: fewer are counted each time, so that whoever tries one again sees at once what came of it
RATE_OVER = timedelta(seconds=10)
MAYBE = (DeliveryState.UNKNOWN_FINAL, DeliveryState.QUARANTINED)


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What counting a target found, by the database's clock `at`."""

    states: Mapping[DeliveryState, int]
    reasons: tuple[Reason, ...]
    missing: Missing
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Place:
    """One target as the board shows it. `can_retry` are the codes of what was surely not taken and may be tried again.

    Of a public place: `link`, `seconds` from approval to acceptance, `parts` of a thread, `sight` of the read-back, `by_hand`
    what somebody posted in its stead, `unknown` what a person is to decide about. Of texts: `rate` per second over the last
    seconds, `left_s` how long the rest takes at that rate, None where nothing moves.
    """

    target_id: int
    channel: str
    account: str
    to_people: bool
    planned: int
    counted: Counted
    link: str = ""
    seconds: float | None = None
    parts: tuple[PartStatus, ...] = ()
    sight: Sight | None = None
    sight_at: datetime | None = None
    by_hand: tuple[ByHand, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    can_retry: frozenset[str] = frozenset()
    language: str = ""  #: where the message is said in several
    rate: float = 0.0
    left_s: float | None = None

    @property
    def states(self) -> Mapping[DeliveryState, int]:
        return self.counted.states

    @property
    def state(self) -> DeliveryState:
        """Of a place that has one delivery."""
        return next(iter(self.states), DeliveryState.PENDING)

    @property
    def accepted(self) -> int:
        return sum(n for state, n in self.states.items() if state in ARRIVED)

    @property
    def settled(self) -> int:
        return sum(n for state, n in self.states.items() if state in SETTLED)

    @property
    def to_decide(self) -> int:
        """Texts that a person decides about."""
        return sum(r.count for r in self.counted.reasons if r.state is DeliveryState.UNKNOWN_FINAL)

    @property
    def wants_hand(self) -> bool:
        """Somebody might post it by hand: it is not there, as far as is known, and nobody has."""
        if self.to_people or self.by_hand or self.unknown:
            return False
        if self.sight in {Sight.ABSENT, Sight.DIFFERS}:
            return True
        return not self.accepted and DeliveryState.SENDING not in self.states


@dataclass(frozen=True, kw_only=True)
class Board:
    """`now` is when the database was looked at, by its clock."""

    ref: str
    mode: str
    message_state: str
    state: str
    released_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime | None
    places: tuple[Place, ...]
    told: tuple[ByHand, ...]
    now: datetime

    @property
    def over(self) -> bool:
        return self.state not in {"", BroadcastState.SENDING}

    @property
    def in_force(self) -> bool:
        return self.expires_at is not None and self.expires_at > self.now

    @property
    def out(self) -> tuple[Place, ...]:
        """Where people may have read it."""
        maybe = (DeliveryState.UNKNOWN, *MAYBE, DeliveryState.SENDING)
        return tuple(p for p in self.places if p.accepted or p.by_hand or any(s in p.states for s in maybe))

    @property
    def waiting(self) -> int:
        """What a stop would keep back."""
        return sum(p.states.get(DeliveryState.PENDING, 0) for p in self.places)


class Boards:
    def __init__(self, database: Database, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._kept: dict[int, tuple[float, Counted]] = {}  # good until then, by this process's clock
        self._counting: dict[int, threading.Lock] = {}
        self._lock = threading.Lock()

    def of(self, ref: str) -> Board:
        """NotFound where there is no such message."""
        with self._database.read() as tx:
            message = messages.find(tx, ref)
            row = broadcasts.by_message(tx, message.id)
            return Board(
                ref=message.ref,
                mode=message.mode,
                message_state=message.state,
                state=row.state if row else "",
                released_at=row.released_at if row else None,
                ended_at=row.ended_at if row else None,
                expires_at=row.expires_at if row else None,
                places=tuple(self._places(tx, row)) if row else (),
                told=tuple(t for t in by_hand.of_broadcast(tx, row.id) if t.target_id is None) if row else (),
                now=tx.now(),
            )

    def place(self, ref: str, target_id: int) -> tuple[Board, Place] | None:
        """One target of a message, or None where it has no such one."""
        board = self.of(ref)
        return next(((board, p) for p in board.places if p.target_id == target_id), None)

    def _places(self, tx: Tx, row: Broadcast) -> list[Place]:
        public: dict[int, list[PublicDelivery]] = {}
        for each in deliveries.public(tx, row.id):
            public.setdefault(each.target_id, []).append(each)
        sights = sightings.of_targets(tx, list(public))
        done = by_hand.of_broadcast(tx, row.id)
        found = []
        for target in broadcasts.targets(tx, row.id):
            place = self._place(tx, row, target)
            if not place.to_people:
                sight, at = sights.get(target.id, (None, None))
                mine = tuple(each for each in done if each.target_id == target.id)
                place = _public(tx, row, place, public.get(target.id, []))
                place = replace(place, sight=sight, sight_at=at, by_hand=mine)
            found.append(place)
        return sorted(found, key=lambda p: p.to_people)  # public posts first

    def _place(self, tx: Tx, row: Broadcast, target: Target) -> Place:
        counted = self._counted(tx, row, target)
        place = Place(
            target_id=target.id,
            channel=target.channel,
            account=target.account,
            language=target.language if target.several else "",
            to_people=target.audience_version_id is not None,
            planned=target.planned_total,
            counted=counted,
            can_retry=_can_retry(tx, row, counted),
        )
        return _paced(tx, place) if place.to_people and row.state is BroadcastState.SENDING else place

    def _counted(self, tx: Tx, row: Broadcast, target: Target) -> Counted:
        """Counted by one at a time; who waited for it takes what the other found."""
        with self._lock:
            alone = self._counting.setdefault(target.id, threading.Lock())
        with alone:
            until, kept = self._kept.get(target.id, (0.0, None))
            began = self._monotonic()
            if kept is not None and began < until:
                return kept
            made = _count(tx, row, target)
            took = self._monotonic() - began
            good_for = min(KEPT_AT_MOST_S, KEPT_TIMES * took) if target.planned_total >= KEPT_FROM else 0.0
            self._kept[target.id] = (self._monotonic() + good_for, made)
            self._forget()
            return made

    def _forget(self) -> None:
        """Of a board that nobody looks at any more nothing is kept for long."""
        if len(self._kept) > 1_000:
            now = self._monotonic()
            with self._lock:
                self._kept = {t: kept for t, kept in self._kept.items() if kept[0] > now}


def _count(tx: Tx, row: Broadcast, target: Target) -> Counted:
    states = counted_states(tx, target, row.state)
    told_by = tx.now() - NO_RECEIPT_AFTER
    old = row.released_at <= told_by and states.get(DeliveryState.ACCEPTED) and is_told_of(target)
    return Counted(
        states=states,
        reasons=tuple(boards.reasons(tx, target.id, with_waiting=row.state is BroadcastState.SENDING)),
        missing=receipts.still_missing(tx, target.id, accepted_by=told_by) if old else Missing(),
        at=tx.now(),
    )


def _public(tx: Tx, row: Broadcast, place: Place, mine: list[PublicDelivery]) -> Place:
    settled = [d.settled_at for d in mine if d.state in ARRIVED and d.settled_at]
    is_open = any(state in place.states for state in (DeliveryState.UNKNOWN, *MAYBE))
    return replace(
        place,
        link=mine[0].link if mine else "",
        seconds=(max(settled) - row.released_at).total_seconds() if settled else None,
        parts=tuple(PartStatus(no=d.part, state=d.state, link=d.link) for d in mine if d.part),
        unknown=tuple(unknowns.of_target(tx, place.target_id, limit=25)) if is_open else (),
    )


def _paced(tx: Tx, place: Place) -> Place:
    """With how fast they go, and how long the rest takes at that rate."""
    since = tx.now() - RATE_OVER
    number = boards.settled_since(tx, place.target_id, since)
    first = boards.first_sent(tx, place.target_id, since) if number else None
    if first is None:
        return place
    rate = number / max(1.0, (tx.now() - max(since, first)).total_seconds())
    left = sum(place.states.get(s, 0) for s in (DeliveryState.PENDING, DeliveryState.SENDING))
    return replace(place, rate=rate, left_s=left / rate if left else None)


def _can_retry(tx: Tx, row: Broadcast, counted: Counted) -> frozenset[str]:
    if row.expires_at <= tx.now() or row.state not in {BroadcastState.SENDING, BroadcastState.DONE}:
        return frozenset()
    failed = (r.code for r in counted.reasons if r.state is DeliveryState.FAILED)
    return frozenset(code for code in failed if code != PART_BEFORE_MISSING)
