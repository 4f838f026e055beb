"""Delivery receipts: stored first, matched later, applied in one direction only."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, delete, exists, func, select, text, update

from broadcaster.db.attempts import may_follow
from broadcaster.db.engine import Tx
from broadcaster.db.routes import sent_through
from broadcaster.db.tables import delivery, receipt, target
from broadcaster.domain.delivery import DeliveryState, states_before

NOT_ARRIVED = "The network says that it did not arrive."
#: So long after it was brought, a receipt may still have overtaken the answer to its own text.
OVERTAKES_WITHIN = timedelta(seconds=10)
PUT_OFF_LEAST, PUT_OFF_MOST = timedelta(seconds=2), timedelta(minutes=10)
PUT_OFF_AT_ONCE = 10_000
#: Word for word what the index on it says, or it is not used.
HAS_PLATFORM_ID = text("delivery.platform_id <> ''")
#: The columns that tell one receipt from another.
TOLD = ("account_id", "delivery_uid", "platform_id", "state", "code")


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """One receipt as it came, and what it was read from. `state` is `delivered`, `undelivered` or `accepted`. A gateway
    that does not carry our key back names the delivery by `platform_id`; `delivery_uid` is empty then."""

    account_id: int
    delivery_uid: str
    state: str
    code: str
    platform_id: str = ""
    raw: str = field(default="", repr=False)  # holds a number


def store(tx: Tx, arrived: Sequence[Arrived]) -> None:
    """Repeated receipts are dropped silently: gateways send the same one many times.

    In one order for everybody: two processes that store the same ones the other way round would lock each other.
    """
    rows = [
        {**dict(zip(TOLD, told, strict=True)), "received_at": tx.now(), "next_at": tx.now()}
        for told in sorted({(a.account_id, a.delivery_uid, a.platform_id, a.state, a.code) for a in arrived})
    ]
    if rows:
        tx.add_missing(receipt, rows)


def forget(tx: Tx, received_before: datetime) -> int:
    """Receipts that nothing was found for. How many they were. Only such as are due to be looked at: there may be very
    many, and the sweeper asks every two seconds."""
    r = receipt.c
    old = (r.received_at < received_before) & (r.next_at <= tx.now())
    return tx.execute(delete(receipt).where(r.applied_at.is_(None), old)).rowcount


def put_off(tx: Tx, *, received_after: datetime) -> int:
    """Receipts that are about nothing known wait as long again as they have waited, PUT_OFF_MOST at most. How many.

    Whoever knows the address could otherwise have all that he makes up looked for again and again. The key of a
    delivery is known before anything is sent, but a platform's id of it comes with the answer: one that is named by
    it is looked for at each turn at first, so that none that overtook its answer waits.
    """
    r, d = receipt.c, delivery.c
    late = r.received_at <= tx.now() - OVERTAKES_WITHIN
    unknown = (r.delivery_uid != "") & ~exists().where(d.uid == r.delivery_uid)
    unknown |= (
        (r.delivery_uid == "") & late & ~exists().where(d.platform_id == r.platform_id, HAS_PLATFORM_ID)
    )
    query = (
        select(r.id, r.received_at)
        .where(r.applied_at.is_(None), r.next_at <= tx.now(), r.received_at > received_after, unknown)
        .limit(PUT_OFF_AT_ONCE)
        .with_for_update(of=receipt, skip_locked=True)
    )
    rows = list(tx.execute(query))
    waits = [{"row_id": row.id, "row_next": tx.now() + _wait(tx.now() - row.received_at)} for row in rows]
    if waits:
        statement = update(receipt).where(r.id == bindparam("row_id"), r.applied_at.is_(None))
        tx.connection.execute(statement.values(next_at=bindparam("row_next", type_=r.next_at.type)), waits)
    return len(waits)


def _wait(age: timedelta) -> timedelta:
    return min(max(age, PUT_OFF_LEAST), PUT_OFF_MOST)


@dataclass(frozen=True, kw_only=True)
class Match:
    id: int
    state: DeliveryState
    code: str
    received_at: datetime
    delivery_id: int
    before: DeliveryState
    broadcast_id: int


def matches(tx: Tx, *, limit: int) -> list[Match]:
    """Waiting receipts with their deliveries. One for a delivery whose own outcome is not recorded yet is not among
    them: it waits, since its group is still open. But what is about to be sent again needs no second sending.

    What another transaction holds comes the next time: waiting for it here could lock both.
    """
    by_key = _matches(tx, delivery.c.uid == receipt.c.delivery_uid, receipt.c.delivery_uid != "", limit)
    d, r = delivery.c, receipt.c
    named = (d.platform_id == r.platform_id) & HAS_PLATFORM_ID
    return by_key + _matches(tx, named, (r.delivery_uid == "") & (r.platform_id != "") & ~_shared(), limit)


def _shared() -> ColumnElement[bool]:
    """A second delivery that may have gone through the same account has the same id: then it says nothing about either."""
    other, its_target = delivery.alias("other"), target.alias()
    return (
        exists()
        .where(other.c.platform_id == delivery.c.platform_id, text("other.platform_id <> ''"))
        .where(other.c.id != delivery.c.id, its_target.c.id == other.c.target_id)
        .where(sent_through(receipt.c.account_id, its_target.c.id))
    )


def _matches(tx: Tx, about: ColumnElement[bool], kind: ColumnElement[bool], limit: int) -> list[Match]:
    """Each way with a query of its own: for both at once a database goes through all deliveries."""
    r, d = receipt.c, delivery.c
    query = (
        select(
            r.id,
            r.state,
            r.code,
            r.received_at,
            d.id.label("delivery_id"),
            d.state.label("before"),
            d.broadcast_id,
        )
        .select_from(receipt)
        .join(delivery, about)
        .join(target, (target.c.id == d.target_id) & sent_through(r.account_id))
        .where(r.applied_at.is_(None), r.next_at <= tx.now(), kind)
        .where((d.state != DeliveryState.PENDING) | (d.resends > 0))
        .order_by(r.next_at, r.id)  # as the index on those that wait has them
        .limit(limit)
        .with_for_update(of=[receipt, delivery], skip_locked=True)
    )
    return [
        Match(**{**row._mapping, "state": DeliveryState(row.state), "before": DeliveryState(row.before)})
        for row in tx.execute(query)
    ]


def apply(tx: Tx, found: Sequence[Match]) -> dict[tuple[int, DeliveryState, DeliveryState], int]:
    """Lift deliveries to what their receipts say, never down. How many moved, by broadcast, old state and new state."""
    moved: dict[tuple[int, DeliveryState, DeliveryState], int] = {}
    for state in (DeliveryState.ACCEPTED, DeliveryState.UNDELIVERED, DeliveryState.DELIVERED):
        for before in sorted({*states_before(state), DeliveryState.QUARANTINED}):
            for broadcast_id in {m.broadcast_id for m in found}:
                ids = [m.delivery_id for m in found if (m.state, m.broadcast_id) == (state, broadcast_id)]
                count = _lift(tx, ids, before, state)
                if count:
                    moved[broadcast_id, before, state] = count
    tx.execute(update(receipt).where(receipt.c.id.in_([m.id for m in found])).values(applied_at=tx.now()))
    return moved


def _lift(tx: Tx, ids: Sequence[int], before: DeliveryState, state: DeliveryState) -> int:
    if not ids:
        return 0
    statement = update(delivery).where(delivery.c.id.in_(ids), delivery.c.state == before, may_follow(state))
    values: dict[str, object] = {"state": state, "settled_at": tx.now(), "unknown_since": None}
    arrived = state is not DeliveryState.UNDELIVERED
    values |= {"code": "" if arrived else "undelivered", "operator_text": "" if arrived else NOT_ARRIVED}
    return tx.execute(statement.values(**values)).rowcount


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Deliveries without a delivery receipt, and when the first of them was accepted."""

    count: int = 0
    since: datetime | None = None


def still_missing(tx: Tx, target_id: int, *, accepted_by: datetime) -> Missing:
    """Deliveries of a target that were accepted by then, and no delivery receipt has said more of them since."""
    d = delivery.c
    query = select(func.count().label("count"), func.min(d.settled_at).label("since")).where(
        d.target_id == target_id, d.state == DeliveryState.ACCEPTED, d.settled_at <= accepted_by
    )
    return Missing(**tx.execute(query).one()._mapping)
