"""What the live board reads of one target. Everything but the counts goes through an index that holds little."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from broadcaster.db.engine import Tx
from broadcaster.db.tables import delivery, intent_group
from broadcaster.domain.delivery import DeliveryState

S = DeliveryState
#: What went wrong, or not yet right. Named one by one, so that the index on states leaves out what was accepted.
TROUBLE = (S.FAILED, S.UNDELIVERED, S.EXPIRED, S.CANCELLED, S.UNKNOWN, S.UNKNOWN_FINAL, S.QUARANTINED)


@dataclass(frozen=True, kw_only=True)
class Reason:
    """So many deliveries are in this state for this reason."""

    state: DeliveryState
    code: str
    text: str
    count: int


def reasons(tx: Tx, target_id: int, *, with_waiting: bool) -> list[Reason]:
    """Why deliveries of a target are not accepted, the most frequent first; `with_waiting` also why some are sent
    again, which reads all that wait."""
    d = delivery.c
    states = (*TROUBLE, S.PENDING) if with_waiting else TROUBLE
    query = (
        select(d.state, d.code, func.max(d.operator_text).label("text"), func.count().label("count"))
        .where(d.target_id == target_id, d.state.in_(states), d.code != "")
        .group_by(d.state, d.code)
        .order_by(func.count().desc(), d.code)
    )
    return [Reason(**{**r._mapping, "state": S(r.state)}) for r in tx.execute(query)]


def settled_since(tx: Tx, target_id: int, since: datetime) -> int:
    """How many outcomes of a target were recorded since then."""
    g = intent_group.c
    query = select(func.coalesce(func.sum(g.size), 0)).where(g.target_id == target_id, g.closed_at >= since)
    return int(tx.execute(query).scalar_one())


def first_sent(tx: Tx, target_id: int, since: datetime) -> datetime | None:
    """When the first of the groups that were closed since then was opened."""
    g = intent_group.c
    query = select(func.min(g.opened_at)).where(g.target_id == target_id, g.closed_at >= since)
    found: datetime | None = tx.execute(query).scalar_one()
    return found


def outcomes(tx: Tx, target_id: int, *, after: int, limit: int) -> Iterator[Any]:
    """Rows of a target behind this ordinal, in their order, without whom they went to."""
    d = delivery.c
    names = (d.ordinal, d.state, d.code, d.operator_text, d.attempts, d.resends, d.settled_at, d.link)
    query = select(*names).where(d.target_id == target_id, d.ordinal > after).order_by(d.ordinal).limit(limit)
    yield from tx.execute(query)
