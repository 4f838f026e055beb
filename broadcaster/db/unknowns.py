"""Deliveries with an unknown outcome: which are due for a look at their platform, and what a person reads of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, select, update

from broadcaster.db.deliveries import NOT_UNKNOWN, UNDECIDED
from broadcaster.db.engine import Tx
from broadcaster.db.tables import account, broadcast, delivery, message, target
from broadcaster.domain.delivery import DeliveryState


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """One delivery that may have been sent. `state` says whether it is being looked into or waits for a person."""

    id: int
    uid: str
    state: DeliveryState
    batch_id: int
    target_id: int
    broadcast_id: int
    ref: str
    mode: str
    channel: str
    account: str
    resends: int
    since: datetime | None
    absent_since: datetime | None
    operator_text: str


def due_for_a_look(
    tx: Tx, *, mode: str, channels: Sequence[str], after: timedelta, limit: int
) -> list[Unknown]:
    """Those on these channels whose next look is due; the first is due `after` the outcome became unknown. Locked."""
    d = delivery.c
    first = d.look_at.is_(None) & (d.unknown_since <= tx.now() - after)
    query = (
        _select()
        .where(d.state == DeliveryState.UNKNOWN, broadcast.c.mode == mode, target.c.channel.in_(channels))
        .where(first | (d.look_at <= tx.now()))
        .order_by(d.unknown_since, d.id)
        .limit(limit)
        .with_for_update(of=delivery, skip_locked=True)
    )
    return _read(tx, query)


def set_look(tx: Tx, delivery_id: int, at: datetime) -> None:
    """Nobody else looks before then."""
    _update(tx, delivery_id, {"look_at": at})


def set_absent(tx: Tx, delivery_id: int) -> None:
    """A clean read has not shown it, for the first time now."""
    _update(tx, delivery_id, {"absent_since": tx.now()})


def found(tx: Tx, delivery_id: int, *, platform_id: str, link: str, code: str, text: str) -> bool:
    """It was taken after all. False where somebody knew before."""
    values = {"state": DeliveryState.ACCEPTED, "platform_id": platform_id, "link": link, "code": code}
    return _update(tx, delivery_id, {**values, "operator_text": text, "settled_at": tx.now(), **NOT_UNKNOWN})


def undecided(tx: Tx, *, limit: int) -> list[Unknown]:
    """Those that nothing has proved yet, the oldest broadcast first."""
    query = _select().where(delivery.c.state.in_(UNDECIDED)).order_by(delivery.c.broadcast_id, delivery.c.id)
    return _read(tx, query.limit(limit))


def by_uid(tx: Tx, uid: str) -> Unknown | None:
    """One of them."""
    query = _select().where(delivery.c.uid == uid, delivery.c.state.in_(UNDECIDED))
    return next(iter(_read(tx, query)), None)


def _select() -> Select[*tuple[object, ...]]:
    d = delivery.c
    names = (
        d.id,
        d.uid,
        d.state,
        d.batch_id,
        d.target_id,
        d.broadcast_id,
        d.resends,
        d.absent_since,
        d.operator_text,
    )
    return (
        select(*names, d.unknown_since.label("since"), message.c.ref, broadcast.c.mode, target.c.channel)
        .add_columns(account.c.name.label("account"))
        .join(target, target.c.id == d.target_id)
        .join(account, account.c.id == target.c.account_id)
        .join(broadcast, broadcast.c.id == d.broadcast_id)
        .join(message, message.c.id == broadcast.c.message_id)
    )


def _read(tx: Tx, query: Select[*tuple[object, ...]]) -> list[Unknown]:
    return [Unknown(**{**r._mapping, "state": DeliveryState(r.state)}) for r in tx.execute(query)]


def _update(tx: Tx, delivery_id: int, values: dict[str, object]) -> bool:
    mine: ColumnElement[bool] = (delivery.c.id == delivery_id) & delivery.c.state.in_(UNDECIDED)
    return tx.execute(update(delivery).where(mine).values(**values)).rowcount == 1
