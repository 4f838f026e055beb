"""What figures are counted from. Whatever is asked here costs about the same at a million deliveries as at none: counts
end at COUNTED, what is looked at are the newest rows and evenly spread ones, and each query goes through an index."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Select, Subquery, case, cast, func, select, text

from broadcaster.db.engine import Tx
from broadcaster.db.routes import can_go
from broadcaster.db.tables import (
    FOR_A_PERSON,
    alarm,
    attempt,
    audience_version,
    audit_checkpoint,
    audit_event,
    batch,
    broadcast,
    delivery,
    intent_group,
    receipt,
    suppression,
    target,
)
from broadcaster.domain.broadcast import BatchState, BroadcastState, Lane
from broadcaster.domain.delivery import DeliveryState, Outcome

COUNTED = 10_000
NEWEST_BROADCASTS = 200

Place = tuple[str, str, str]  # mode, lane, channel


@dataclass(frozen=True, kw_only=True)
class RecentTarget:
    id: int
    mode: str
    lane: Lane
    channel: str
    planned_total: int
    released_at: datetime
    expires_at: datetime
    state: BroadcastState
    has_audience: bool
    planned: int
    spread: int  #: of those of one language: among how many ordinals theirs are; else 0


class Seen(NamedTuple):
    """One delivery that was looked at. `accepted_at` is the platform's yes, None where it was only found out later."""

    id: int
    state: DeliveryState
    settled_at: datetime | None
    accepted_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One attempt, or `number` attempts that ended the same way."""

    target_id: int
    outcome: str
    code: str
    number: int = 1
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Heap:
    """Batches of one lane in one state, and when the first of them became so."""

    mode: str
    lane: str
    state: str
    number: int
    since: datetime


@dataclass(frozen=True, kw_only=True)
class Running:
    """A target of a broadcast that is being sent. `planned` of its rows exist."""

    mode: str
    lane: str
    channel: str
    broadcast_id: int
    planned_total: int
    planned: int
    released_at: datetime


@dataclass(frozen=True, kw_only=True)
class Doubt:
    mode: str
    channel: str
    state: str
    number: int
    since: datetime | None


def through_indexes(tx: Tx) -> None:
    """For the rest of this transaction. While a million rows are being made PostgreSQL has no idea of them yet, and would
    read a whole table rather than look up a thousand places in it. For the same reason each of the subqueries below asks
    for one row by its key: nothing is left to guess."""
    if tx.connection.dialect.name != "sqlite":
        tx.execute(text("SET LOCAL enable_seqscan = off"))


# --- speed ------------------------------------------------------------------------------------------------


def recent_targets(tx: Tx, *, within: timedelta) -> list[RecentTarget]:
    """Of the broadcasts released so lately, the newest first."""
    b, t = broadcast.c, target.c
    newest = select(broadcast).order_by(b.id.desc()).limit(NEWEST_BROADCASTS).subquery()
    n = newest.c
    query = (
        select(t.id, n.mode, t.lane, t.channel, t.planned_total, n.released_at, n.expires_at, n.state)
        .add_columns(t.audience_version_id.is_not(None).label("has_audience"), t.planned)
        .add_columns(case((t.speaking != "", audience_version.c.size), else_=0).label("spread"))
        .outerjoin(audience_version, audience_version.c.id == t.audience_version_id)
        .join(newest, n.id == t.broadcast_id)
        .where(n.released_at >= tx.now() - within)
        .order_by(t.id.desc())
    )
    return [
        RecentTarget(**{**r._mapping, "lane": Lane(r.lane), "state": BroadcastState(r.state)})
        for r in tx.execute(query)
    ]


def places(tx: Tx, target_ids: Collection[int]) -> dict[int, Place]:
    """Mode, lane and channel of these targets."""
    query = (
        select(target.c.id, broadcast.c.mode, target.c.lane, target.c.channel)
        .join(broadcast, broadcast.c.id == target.c.broadcast_id)
        .where(target.c.id.in_(target_ids))
    )
    return {r.id: (r.mode, r.lane, r.channel) for r in tx.execute(query)}


def seen(tx: Tx, target_id: int, *, first: int, total: int, number: int) -> list[Seen]:
    """So many deliveries of a target, as far as they are made, evenly spread over the `total` ordinals from `first` on."""
    d, a = delivery.c, attempt.c
    counted = select(cast(0, BigInteger).label("i")).cte("counted", recursive=True)
    counted = counted.union_all(select(counted.c.i + 1).where(counted.c.i + 1 < number))
    ordinal = first + counted.c.i * total // number
    its_id = select(d.id).where(d.target_id == target_id, d.ordinal == ordinal).scalar_subquery()
    ids = [found for found in tx.execute(select(its_id).select_from(counted)).scalars() if found is not None]
    yes = select(func.min(a.ended_at)).where(a.delivery_id == d.id, a.outcome == Outcome.ACCEPTED)
    query = select(d.id, d.state, d.settled_at, yes.scalar_subquery().label("accepted_at"))
    rows = tx.execute(query.where(d.id.in_(ids)))
    return [Seen(r.id, DeliveryState(r.state), r.settled_at, r.accepted_at) for r in rows]


def tried(tx: Tx, target_of: Mapping[int, int], *, within: timedelta) -> list[Tried]:
    """The attempts that ended so lately at these deliveries, whose targets are given."""
    a = attempt.c
    query = select(a.delivery_id, a.outcome, a.code, a.started_at, a.ended_at)
    rows = tx.execute(query.where(a.delivery_id.in_(target_of), a.ended_at >= tx.now() - within))
    return [
        Tried(target_id=target_of[r.delivery_id], outcome=r.outcome, code=r.code, seconds=_seconds(r))
        for r in rows
    ]


def tried_newest(tx: Tx, *, within: timedelta, limit: int) -> list[Tried]:
    """The newest attempts that ended so lately, each."""
    n = _newest(tx, limit).c
    query = select(_its_target(n), n.outcome, n.code, n.started_at, n.ended_at)
    rows = tx.execute(query.where(n.ended_at >= tx.now() - within))
    return [Tried(target_id=r.target_id, outcome=r.outcome, code=r.code, seconds=_seconds(r)) for r in rows]


def outcomes_newest(tx: Tx, *, within: timedelta, limit: int) -> list[Tried]:
    """The same for more of them, counted."""
    n = _newest(tx, limit).c
    by = (n.intent_group_id, n.outcome, n.code)
    each = select(*by, func.count().label("number")).where(n.ended_at >= tx.now() - within).group_by(*by)
    e = each.subquery().c
    return [Tried(**r._mapping) for r in tx.execute(select(_its_target(e), e.outcome, e.code, e.number))]


def attempts_made(tx: Tx) -> int:
    return tx.execute(select(func.max(attempt.c.id))).scalar_one() or 0


def _newest(tx: Tx, limit: int) -> Subquery:
    """By id, since nothing else of them is in an index."""
    a = attempt.c
    query = select(attempt).where(a.id > attempts_made(tx) - limit)
    return query.order_by(a.id.desc()).limit(limit).subquery()


def _its_target(of: Any) -> Any:
    """The target of the intent group in these columns."""
    g = intent_group.c
    return select(g.target_id).where(g.id == of.intent_group_id).scalar_subquery().label("target_id")


def _seconds(row: Any) -> float:
    return float((row.ended_at - row.started_at).total_seconds())


# --- what waits -------------------------------------------------------------------------------------------


def heaps(tx: Tx) -> list[Heap]:
    """Batches that are not done. `ready` are those that a worker could take now."""
    c, now = batch.c, tx.now()
    sending = (broadcast.c.expires_at > now) & (broadcast.c.state == BroadcastState.SENDING)
    ready = (c.state == BatchState.READY) & (c.next_at <= now) & sending & can_go()
    state = case(
        (ready, "ready"),
        (c.state == BatchState.READY, "waiting"),
        (c.lease_until < now, "lapsed"),
        else_="leased",
    )
    each = (
        select(c.mode, c.lane, state.label("state"), c.next_at)
        .join(broadcast, broadcast.c.id == c.broadcast_id)
        .where(c.mode.in_(["live", "exercise"]), c.lane.in_(list(Lane)))  # both are known: the index is used
        .where(c.state.in_([BatchState.READY, BatchState.LEASED]))
        .subquery()
    )
    e = each.c
    query = select(e.mode, e.lane, e.state, func.count().label("number"), func.min(e.next_at).label("since"))
    return [Heap(**r._mapping) for r in tx.execute(query.group_by(e.mode, e.lane, e.state))]


def running(tx: Tx) -> list[Running]:
    """The targets of what is being sent."""
    b, t = broadcast.c, target.c
    query = (
        select(b.mode, t.lane, t.channel, t.broadcast_id, t.planned_total, t.planned, b.released_at)
        .join(broadcast, b.id == t.broadcast_id)
        .where(b.state == BroadcastState.SENDING, b.expires_at > tx.now())
        .limit(COUNTED)
    )
    return [Running(**r._mapping) for r in tx.execute(query)]


def lanes_that_brought(tx: Tx, *, within: timedelta) -> set[tuple[str, str]]:
    """Mode and lane of what workers have closed so lately. By target first: that is in the index, and they are few."""
    g = intent_group.c
    lately = select(g.target_id).where(g.closed_at >= tx.now() - within).group_by(g.target_id).subquery()
    query = (
        select(broadcast.c.mode, target.c.lane)
        .select_from(lately)
        .join(target, target.c.id == lately.c.target_id)
        .join(broadcast, broadcast.c.id == target.c.broadcast_id)
        .distinct()
    )
    return {(r.mode, r.lane) for r in tx.execute(query)}


# --- doubt ------------------------------------------------------------------------------------------------


def doubts(tx: Tx) -> list[Doubt]:
    """By mode, channel and state; of each kind up to COUNTED, those that wait longest first."""
    d = delivery.c
    unknown = (
        select(d.target_id, d.state, d.unknown_since)
        .where(d.unknown_since.is_not(None), d.state == DeliveryState.UNKNOWN)
        .order_by(d.unknown_since)
        .limit(COUNTED)
    )
    left = select(d.target_id, d.state, d.unknown_since).where(FOR_A_PERSON).order_by(d.target_id)
    return [*_doubts(tx, unknown), *_doubts(tx, left.limit(COUNTED))]


def _doubts(tx: Tx, rows: Select[*tuple[Any, ...]]) -> Iterable[Doubt]:
    each = rows.subquery()
    by = (broadcast.c.mode, target.c.channel, each.c.state)
    query = (
        select(*by, func.count().label("number"), func.min(each.c.unknown_since).label("since"))
        .select_from(each)
        .join(target, target.c.id == each.c.target_id)
        .join(broadcast, broadcast.c.id == target.c.broadcast_id)
        .group_by(*by)
    )
    return [Doubt(**r._mapping) for r in tx.execute(query)]


# --- receipts, the record, alarms -------------------------------------------------------------------------


def receipts_waiting(tx: Tx) -> int:
    return _count(tx, select(receipt.c.id).where(receipt.c.applied_at.is_(None)))


def opt_outs(tx: Tx) -> int:
    return int(tx.execute(select(func.count()).select_from(suppression)).scalar_one())


def unsealed(tx: Tx) -> tuple[int, datetime | None]:
    """How many events have no place in the tree, and since when the first written of them waits."""
    e = audit_event.c
    first = tx.execute(select(e.at).where(e.no.is_(None)).order_by(e.id).limit(1)).scalar_one_or_none()
    return _count(tx, select(e.id).where(e.no.is_(None))), first


def note_after(tx: Tx, size: int) -> str:
    """The first signed checkpoint over more than so many events; empty where there is none."""
    c = audit_checkpoint.c
    query = select(c.note).where(c.size > size).order_by(c.size).limit(1)
    return str(tx.execute(query).scalar_one_or_none() or "")


def alarms_open(tx: Tx) -> dict[str, int]:
    """By code, without those that a person has acknowledged."""
    c = alarm.c
    query = select(c.code, func.count().label("number")).group_by(c.code)
    rows = tx.execute(query.where(c.cleared_at.is_(None), c.acknowledged_at.is_(None)))
    return {r.code: r.number for r in rows}


def _count(tx: Tx, rows: Select[int]) -> int:
    some = rows.limit(COUNTED).subquery()
    return int(tx.execute(select(func.count()).select_from(some)).scalar_one())
