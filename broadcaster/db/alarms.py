"""Alarms: what is kept of them, and what they are found by. Whatever is asked here every second costs the same at a
million deliveries as at none: counts end at COUNTED, and each query goes through an index that holds trouble only."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CTE, ColumnElement, ScalarSelect, Select, exists, func, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.routes import can_go
from broadcaster.db.storm import NOT_HELD
from broadcaster.db.tables import (
    FOR_A_PERSON,
    alarm,
    batch,
    broadcast,
    delivery,
    intent_group,
    leader,
    message,
    target,
)
from broadcaster.domain.alarm import AlarmCode
from broadcaster.domain.broadcast import BatchState, BroadcastState, Lane
from broadcaster.domain.delivery import DeliveryState

COUNTED = 1_000  # a greater number is "at least", for whoever reads it does the same about it


@dataclass(frozen=True, kw_only=True)
class Alarm:
    id: int
    code: AlarmCode
    subject: str
    text: str
    size: int
    raised_at: datetime
    acknowledged_at: datetime | None
    cleared_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Places:
    """Deliveries of one message, counted by channel up to about COUNTED each."""

    ref: str
    by_channel: Mapping[str, int]

    @property
    def size(self) -> int:
        return sum(self.by_channel.values())


# --- what is kept -----------------------------------------------------------------------------------------


def insert(tx: Tx, *, code: AlarmCode, subject: str, text: str, size: int) -> None:
    """Call `tx.alone("alarms")` first: then nobody else raises the same one meanwhile."""
    row = {"code": code, "subject": subject, "text": text, "size": size, "raised_at": tx.now()}
    tx.insert(alarm, row)


def standing(tx: Tx) -> list[Alarm]:
    """Those that are not over, with those that a person has acknowledged."""
    return _read(tx, select(alarm).where(alarm.c.cleared_at.is_(None)))


def open_ones(tx: Tx) -> list[Alarm]:
    """Those that are neither over nor acknowledged, the newest first."""
    query = select(alarm).where(alarm.c.cleared_at.is_(None), alarm.c.acknowledged_at.is_(None))
    return _read(tx, query.order_by(alarm.c.raised_at.desc(), alarm.c.id.desc()))


def newest(tx: Tx, *, limit: int) -> list[Alarm]:
    """All, the newest first, with those that are over."""
    return _read(tx, select(alarm).order_by(alarm.c.raised_at.desc(), alarm.c.id.desc()).limit(limit))


def number_open(tx: Tx) -> int:
    """How many are neither over nor acknowledged."""
    query = select(func.count()).where(alarm.c.cleared_at.is_(None), alarm.c.acknowledged_at.is_(None))
    return int(tx.execute(query).scalar_one())


def set_text(tx: Tx, alarm_id: int, *, text: str, size: int) -> None:
    """It is still so, of another number."""
    _change(tx, alarm_id, {"text": text, "size": size})


def clear(tx: Tx, alarm_id: int) -> bool:
    """False where it was over already."""
    return _change(tx, alarm_id, {"cleared_at": tx.now()})


def acknowledge(tx: Tx, alarm_id: int) -> bool:
    """False where it was over already."""
    return _change(tx, alarm_id, {"acknowledged_at": tx.now()})


def _change(tx: Tx, alarm_id: int, values: Mapping[str, object]) -> bool:
    mine = (alarm.c.id == alarm_id) & alarm.c.cleared_at.is_(None)
    return tx.execute(update(alarm).where(mine).values(**values)).rowcount == 1


def _read(tx: Tx, query: Select[*tuple[object, ...]]) -> list[Alarm]:
    return [Alarm(**{**r._mapping, "code": AlarmCode(r.code)}) for r in tx.execute(query)]


def last_raised(tx: Tx, code: str) -> datetime | None:
    """When it was raised last, whether it is over or not."""
    found: datetime | None = tx.execute(
        select(func.max(alarm.c.raised_at)).where(alarm.c.code == code)
    ).scalar_one()
    return found


def watched_until(tx: Tx) -> datetime | None:
    """Until when the sweeper, which looks for alarms, has said that it runs; None where it never has."""
    found: datetime | None = tx.execute(
        select(leader.c.lease_until).where(leader.c.role == "sweeper")
    ).scalar_one_or_none()
    return found


# --- what they are found by -------------------------------------------------------------------------------


def unknown_longer_than(tx: Tx, wait: timedelta) -> list[Places]:
    """What is being looked into for so long. Of more than COUNTED the oldest are seen; the others come after them."""
    d = delivery.c
    oldest = (
        select(d.target_id)
        .where(d.unknown_since <= tx.now() - wait, d.state == DeliveryState.UNKNOWN)
        .order_by(d.unknown_since)
        .limit(COUNTED)
        .subquery()
    )
    query = select(oldest.c.target_id, func.count().label("number")).group_by(oldest.c.target_id)
    return _places(tx, {row.target_id: row.number for row in tx.execute(query)})


def for_a_person(tx: Tx) -> tuple[list[Places], list[Places]]:
    """What may have been sent and nothing will prove; and what was surely not sent, as it is not what was approved."""
    d = delivery.c
    steps = _targets_for_a_person()
    final = _count(steps, d.state == DeliveryState.UNKNOWN_FINAL)
    resent = _count(steps, (d.state == DeliveryState.QUARANTINED) & (d.resends > 0))
    unsent = _count(steps, (d.state == DeliveryState.QUARANTINED) & (d.resends == 0))
    query = select(steps.c.id, (final + resent).label("maybe"), unsent.label("unsent"))
    rows = tx.execute(query.where(steps.c.id.is_not(None))).all()
    return _places(tx, {r.id: r.maybe for r in rows}), _places(tx, {r.id: r.unsent for r in rows})


def waiting_batch(tx: Tx, *, mode: str, lane: Lane, longer_than: timedelta) -> str:
    """The message whose batch would be claimed first of those that wait so long for a worker; empty where none does."""
    c = batch.c
    query = (
        select(message.c.ref)
        .select_from(batch)
        .join(broadcast, broadcast.c.id == c.broadcast_id)
        .join(message, message.c.id == broadcast.c.message_id)
        .where(c.mode == mode, c.lane == lane, c.state == BatchState.READY)
        .where(c.next_at <= tx.now() - longer_than, can_go(), _sending(tx), NOT_HELD)
        .order_by(c.precedence, c.broadcast_id)
        .limit(1)
    )
    return str(tx.execute(query).scalar_one_or_none() or "")


def waiting_plan(tx: Tx, *, mode: str, longer_than: timedelta) -> str:
    """A message whose audience nobody has begun to plan so long after its release; empty where there is none."""
    t = target.c
    mass = (t.broadcast_id == broadcast.c.id) & t.audience_version_id.is_not(None)
    query = (
        select(message.c.ref)
        .select_from(broadcast)
        .join(message, message.c.id == broadcast.c.message_id)
        .where(
            _sending(tx),
            NOT_HELD,
            broadcast.c.mode == mode,
            broadcast.c.released_at <= tx.now() - longer_than,
        )
        .where(exists().where(mass, t.planned < t.planned_total), ~exists().where(mass, t.planned > 0))
        .order_by(broadcast.c.precedence, broadcast.c.id)
        .limit(1)
    )
    return str(tx.execute(query).scalar_one_or_none() or "")


def somebody_works(tx: Tx, *, mode: str, lane: Lane, within: timedelta) -> bool:
    """Whether a worker of this lane holds a batch, or has brought an outcome so lately. Between two batches it holds
    none for some milliseconds, and a look at that moment must not be an alarm."""
    b, g = batch.c, intent_group.c
    held = select(b.id).where(
        b.mode == mode, b.lane == lane, b.state == BatchState.LEASED, b.lease_until > tx.now()
    )
    if tx.execute(held.limit(1)).one_or_none():
        return True
    lately = (
        select(g.id)
        .join(target, target.c.id == g.target_id)
        .join(broadcast, broadcast.c.id == target.c.broadcast_id)
        .where(g.closed_at >= tx.now() - within, target.c.lane == lane, broadcast.c.mode == mode)
    )
    return tx.execute(lately.limit(1)).one_or_none() is not None


def _sending(tx: Tx) -> ColumnElement[bool]:
    return (broadcast.c.state == BroadcastState.SENDING) & (broadcast.c.expires_at > tx.now())


def _targets_for_a_person() -> CTE:
    """From one target to the next through the index: DISTINCT would read a million rows to name one target."""
    d = delivery.c
    steps = select(func.min(d.target_id).label("id")).where(FOR_A_PERSON).cte("steps", recursive=True)
    after = select(func.min(d.target_id)).where(FOR_A_PERSON, d.target_id > steps.c.id).scalar_subquery()
    return steps.union_all(select(after).where(steps.c.id.is_not(None)))


def _count(steps: CTE, condition: ColumnElement[bool]) -> ScalarSelect[int]:
    """Of each of these targets, up to COUNTED. In the order of the index, which keeps a planner that believes there are
    many from searching the whole table for the first of them."""
    d = delivery.c
    mine = select(d.id).where(FOR_A_PERSON, d.target_id == steps.c.id, condition)
    some = mine.correlate(steps).order_by(d.resends).limit(COUNTED).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


def _places(tx: Tx, by_target: Mapping[int, int]) -> list[Places]:
    """By message, in the order in which they were released."""
    counted = {t: count for t, count in by_target.items() if count}
    found: dict[str, Counter[str]] = {}
    for target_id, ref, channel in _named(tx, sorted(counted)):
        found.setdefault(ref, Counter())[channel] += counted[target_id]
    return [Places(ref=ref, by_channel=dict(counts)) for ref, counts in found.items()]


def _named(tx: Tx, target_ids: Sequence[int]) -> Iterator[tuple[int, str, str]]:
    """Id, message and channel of these targets."""
    if not target_ids:
        return
    query = (
        select(target.c.id, message.c.ref, target.c.channel)
        .join(broadcast, broadcast.c.id == target.c.broadcast_id)
        .join(message, message.c.id == broadcast.c.message_id)
        .where(target.c.id.in_(target_ids))
        .order_by(target.c.id)
    )
    for row in tx.execute(query):
        yield row.id, row.ref, row.channel
