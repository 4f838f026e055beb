"""Through which accounts a target may be sent, how they stand, and through which one something went."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, exists, func, select

from broadcaster.db.engine import Tx
from broadcaster.db.tables import account, batch, delivery, intent_group, route, target
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.ways import Way, WayNow


def insert(tx: Tx, target_id: int, ways: Iterable[tuple[int, Way]]) -> None:
    """The approved ones, each with the id of its account."""
    rows = [
        {"target_id": target_id, "account_id": account_id, "rank": way.rank, "weight": way.weight}
        for account_id, way in ways
    ]
    tx.execute(route.insert(), rows)


def sent_through(
    account_id: ColumnElement[int] | int, of: ColumnElement[int] = target.c.id
) -> ColumnElement[bool]:
    """Whether a target, the query's own or the one with the id `of`, may have been sent through this account: what a
    receipt or an answer must have come back through."""
    return exists().where(route.c.target_id == of, route.c.account_id == account_id)


def can_go() -> ColumnElement[bool]:
    """For a query that has `batch` in it: whether it has an account that is not paused."""
    its = account.alias("its_account")
    return (
        exists()
        .where(route.c.target_id == batch.c.target_id, its.c.id == route.c.account_id)
        .where(its.c.paused_at.is_(None))
    )


def last_account() -> ColumnElement[int]:
    """For a query that has `delivery` and `target` in it: through which account it was tried last, or would be."""
    return func.coalesce(delivery.c.account_id, target.c.account_id)


def ways_now(tx: Tx, target_id: int) -> list[WayNow]:
    """All ways of a target, in their order."""
    found = tx.execute(_ways_now(), {"wanted": target_id})
    return [WayNow(**{**row._mapping, "paused": bool(row.paused)}) for row in found]


@cache  # with every group
def _ways_now() -> Select[Any]:
    a, r = account.c, route.c
    return (
        select(a.id.label("account_id"), a.name.label("account"), r.rank, r.weight)
        .add_columns(a.paused_at.is_not(None).label("paused"))
        .add_columns(a.failures, a.failing_since, a.open_until, a.free_at)
        .join(account, a.id == r.account_id)
        .where(r.target_id == bindparam("wanted"))
        .order_by(r.rank, r.id)
    )


def names(tx: Tx, target_id: int) -> list[str]:
    query = select(account.c.name).join(route, route.c.account_id == account.c.id)
    return list(
        tx.execute(query.where(route.c.target_id == target_id).order_by(route.c.rank, route.c.id)).scalars()
    )


def tries(tx: Tx, broadcast_id: int, target_id: int) -> dict[str, int]:
    """How many deliveries went through each account of a target, second tries counted again; nothing where there is no
    choice. By batches: that is in an index, and of a million texts they are thousands."""
    ways, g = names(tx, target_id), intent_group.c
    if len(ways) < 2:
        return {}
    query = (
        select(account.c.name, func.sum(g.size).label("number"))
        .select_from(batch)
        .join(intent_group, g.batch_id == batch.c.id)
        .join(account, account.c.id == g.account_id)
        .where(batch.c.broadcast_id == broadcast_id, batch.c.target_id == target_id)
        .group_by(account.c.name)
    )
    found = {row.name: int(row.number) for row in tx.execute(query)}
    return {name: found.get(name, 0) for name in ways}


def to_keep(tx: Tx, batch_id: int, ways: Sequence[WayNow], keeps: Collection[str]) -> set[int]:
    """Accounts that something of this batch must be sent through again: those with these names notice a key that they
    have had, and another one would not."""
    ids = {w.account_id for w in ways if w.account in keeps}
    if len(ways) < 2 or not ids:
        return set()
    d = delivery.c
    again = (d.batch_id == batch_id) & (d.state == DeliveryState.PENDING) & (d.resends > 0)
    query = select(last_account()).select_from(delivery).join(target, target.c.id == d.target_id).where(again)
    return ids & set(tx.execute(query.distinct()).scalars())


def has_untried(tx: Tx, batch_id: int) -> bool:
    """Whether there is a text in it that may find out whether a failing account works again: one that never failed."""
    d = delivery.c
    fresh = (d.batch_id == batch_id) & (d.state == DeliveryState.PENDING) & (d.attempts == 0)
    return tx.execute(select(d.id).where(fresh).limit(1)).one_or_none() is not None


def last_accounts(tx: Tx, delivery_ids: Collection[int]) -> Mapping[int, int]:
    """Through which account each of these was tried last."""
    d = delivery.c
    query = select(d.id, last_account().label("account_id")).join(target, target.c.id == d.target_id)
    return {row.id: row.account_id for row in tx.execute(query.where(d.id.in_(delivery_ids)))}
