"""Delivery receipts: stored first, matched later, applied in one direction only."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update

from broadcaster.db.deliveries import may_follow
from broadcaster.db.engine import Tx
from broadcaster.db.tables import delivery, receipt, target
from broadcaster.domain.delivery import DeliveryState, states_before

NOT_ARRIVED = "The network says that it did not arrive."


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """One receipt as it came. `state` is `delivered`, `undelivered` or `accepted`."""

    account_id: int
    delivery_uid: str
    state: str
    code: str


def store(tx: Tx, arrived: Sequence[Arrived]) -> None:
    """Repeated receipts are dropped silently: gateways send the same one many times.

    In one order for everybody: two processes that store the same ones the other way round would lock each other.
    """
    rows = [
        {
            "account_id": a.account_id,
            "delivery_uid": a.delivery_uid,
            "state": a.state,
            "code": a.code,
            "received_at": tx.now(),
        }
        for a in sorted(set(arrived), key=astuple)
    ]
    tx.add_missing(receipt, rows)


def forget(tx: Tx, received_before: datetime) -> int:
    """Receipts that nothing was found for. How many they were."""
    old = delete(receipt).where(receipt.c.applied_at.is_(None), receipt.c.received_at < received_before)
    return tx.execute(old).rowcount


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
        .join(delivery, d.uid == r.delivery_uid)
        .join(target, (target.c.id == d.target_id) & (target.c.account_id == r.account_id))
        .where(r.applied_at.is_(None), (d.state != DeliveryState.PENDING) | (d.resends > 0))
        .order_by(r.id)
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


def still_missing(tx: Tx, target_id: int, *, accepted_by: datetime) -> int:
    """How many deliveries of a target were accepted by then, and no delivery receipt has said more of them since."""
    d = delivery.c
    query = (
        select(func.count())
        .select_from(delivery)
        .where(d.target_id == target_id, d.state == DeliveryState.ACCEPTED, d.settled_at <= accepted_by)
    )
    return int(tx.execute(query).scalar_one())
