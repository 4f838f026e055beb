"""How fast it went: from release to each platform's acceptance, and how attempts ended.

Of a million texts a thousand are looked at, evenly spread over the list, so that the last are seen as well as the first.
What still waits counts with the time that it has waited so far: a figure over what got through alone looks best when
nothing gets through. A 95th percentile over 1,000 is right to about one percentile.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil

from broadcaster.db import figures
from broadcaster.db.engine import Tx
from broadcaster.db.figures import Place, RecentTarget, Seen, Tried
from broadcaster.domain.broadcast import BroadcastState, Lane
from broadcaster.domain.delivery import ARRIVED, DeliveryState
from broadcaster.domain.figures import QUANTILES, Figure
from broadcaster.service.report import NO_RECEIPT_AFTER, UNMADE
from channels import channel_class
from channels.incoming import ReadsReceipts

RECENT = timedelta(hours=1)
ATTEMPTS_OF = timedelta(minutes=5)
LOOKED_AT = 1_000  # deliveries of each channel
MOST_TARGETS = 25  # of each channel, the newest; each is a query
ANSWERS = 500  # attempts whose time at the gateway is looked at
OUTCOMES = 5_000  # attempts whose outcomes are counted
WAITS = frozenset({DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.UNKNOWN})
#: Each code is a time series. A platform that invents them must not fill the monitoring's disk.
MOST_CODES = 30
OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Looked:
    """The deliveries of one target that were looked at; `unmade` more have no row yet."""

    target: RecentTarget
    deliveries: Sequence[Seen]
    unmade: int


@dataclass(kw_only=True)
class Sums:
    """Of one place. `old` texts were accepted long enough ago for a receipt, and `silent` of them have none."""

    seconds: list[float] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    old: int = 0
    silent: int = 0


def speed(tx: Tx, within: timedelta) -> Iterator[Figure]:
    """Of broadcasts that were released so lately."""
    looked = list(_look(tx, figures.recent_targets(tx, within=within)))
    yield from _acceptance(_summed(looked, tx.now()))
    # Public posts by themselves: texts in their thousands a second leave none of them among the newest attempts.
    public = {
        d.id: each.target.id for each in looked if not each.target.has_audience for d in each.deliveries
    }
    posts = figures.tried(tx, public, within=ATTEMPTS_OF)
    answers = figures.tried_newest(tx, within=ATTEMPTS_OF, limit=ANSWERS)
    outcomes = figures.outcomes_newest(tx, within=ATTEMPTS_OF, limit=OUTCOMES)
    places = figures.places(tx, {each.target_id for each in (*posts, *answers, *outcomes)})
    texts = {target for target, (_, lane, _) in places.items() if lane == Lane.BULK}
    yield from _answers([*posts, *(each for each in answers if each.target_id in texts)], places)
    yield from _outcomes([*posts, *(each for each in outcomes if each.target_id in texts)], places)
    yield Figure(name="broadcaster_attempts_total", value=figures.attempts_made(tx))


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of these, which are sorted and not none, that at least this share of them does not exceed."""
    return values[max(0, ceil(share * len(values)) - 1)]


def _look(tx: Tx, targets: Sequence[RecentTarget]) -> Iterator[Looked]:
    by_place = defaultdict(list)
    for each in targets:
        by_place[_place(each)].append(each)
    for mine in by_place.values():
        some = mine[:MOST_TARGETS]
        for target in some:
            total, most = target.planned_total, LOOKED_AT // len(some)
            # Those of an audience count from 1 without gaps; a post has 0, and the parts of a thread 1, 2, 3.
            # Those of one language have gaps: so what is there is looked for among all, and what is not made is known anyway.
            first, within = (1, target.spread or total) if target.has_audience else (0, total + 1)
            number = min(within, most)
            found = figures.seen(tx, target.id, first=first, total=within, number=number) if total else []
            unmade = min(total, number) - len(found)
            if target.spread:
                unmade = min(number, total - target.planned)
            yield Looked(target=target, deliveries=found, unmade=unmade)


def _summed(looked: Iterable[Looked], now: datetime) -> dict[Place, Sums]:
    found: dict[Place, Sums] = defaultdict(Sums)
    for each in looked:
        sums, target = found[_place(each.target)], each.target
        age = (now - target.released_at).total_seconds()
        runs = target.state is BroadcastState.SENDING and target.expires_at > now
        waiting = each.unmade + sum(d.state in WAITS for d in each.deliveries)
        sums.seconds += [age] * waiting if runs else []
        sums.states[UNMADE[target.state]] += each.unmade
        for d in each.deliveries:
            sums.states[d.state] += 1
            at = d.accepted_at or d.settled_at
            if d.state in ARRIVED and at:
                sums.seconds.append(max(0.0, (at - target.released_at).total_seconds()))
                sums.old += at <= now - NO_RECEIPT_AFTER
                sums.silent += at <= now - NO_RECEIPT_AFTER and d.state is DeliveryState.ACCEPTED
    return found


def _acceptance(found: Mapping[Place, Sums]) -> Iterator[Figure]:
    for place, sums in found.items():
        yield _figure("release_to_acceptance_looked_at", len(sums.seconds), place)
        yield from _quantiles("release_to_acceptance_seconds", sums.seconds, place)
        total = sum(sums.states.values())
        for state in DeliveryState:
            if total and state is not DeliveryState.SENDING:  # derived: those rows say pending
                yield _figure("deliveries_recent_ratio", sums.states[state] / total, place, state=state)
        mode, lane, channel = place
        if sums.old and lane == Lane.BULK and issubclass(channel_class(channel), ReadsReceipts):
            labels = {"mode": mode, "channel": channel}
            ratio = sums.silent / sums.old
            yield Figure(name="broadcaster_no_receipt_ratio", value=ratio, labels=labels)


def _answers(tried: Iterable[Tried], places: Mapping[int, Place]) -> Iterator[Figure]:
    seconds = defaultdict(list)
    for each in tried:
        seconds[places[each.target_id]].append(each.seconds)
    for place, values in seconds.items():
        yield from _quantiles("platform_answer_seconds", values, place)


def _outcomes(tried: Sequence[Tried], places: Mapping[int, Place]) -> Iterator[Figure]:
    codes: Counter[str] = Counter()
    for each in tried:
        codes[each.code] += each.number
    kept = {code for code, _ in codes.most_common(MOST_CODES)}
    totals: Counter[tuple[Place, str, str]] = Counter()
    for each in tried:
        code = each.code if each.code in kept else OTHER
        totals[places[each.target_id], each.outcome, code] += each.number
    for (place, outcome, code), number in totals.items():
        yield _figure("outcomes_recent", number, place, outcome=outcome, code=code)


def _quantiles(name: str, values: Iterable[float], place: Place) -> Iterator[Figure]:
    if ordered := sorted(values):
        for share in QUANTILES:
            yield _figure(name, quantile(ordered, share), place, quantile=f"{share:g}")


def _place(target: RecentTarget) -> Place:
    return target.mode, target.lane, target.channel


def _figure(name: str, value: float, place: Place, **labels: str) -> Figure:
    mode, lane, channel = place
    all_labels = {"mode": mode, "lane": lane, "channel": channel, **labels}
    return Figure(name=f"broadcaster_{name}", value=value, labels=all_labels)
