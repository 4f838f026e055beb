"""Deliveries with an unknown outcome: which are to be decided about, which are due for a look at their platform, and
what a person reads of them."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, case, func, select, update

from broadcaster.db.deliveries import NOT_UNKNOWN, OPEN, POISON
from broadcaster.db.engine import Tx
from broadcaster.db.routes import last_account
from broadcaster.db.tables import (
    FOR_A_PERSON,
    WITH_UNKNOWN,
    attempt,
    broadcast,
    delivery,
    intent_group,
    message,
    target,
)
from broadcaster.db.tables import account as accounts
from broadcaster.domain.delivery import DeliveryState, Outcome
from broadcaster.domain.follow_up import REPEATABLE


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """One delivery that may have been sent. `state` says whether it is being looked into or waits for a person, and
    whether that is because sending it stopped workers (`quarantined`). `part` of `parts`: 1 of 1 but in a thread."""

    id: int
    uid: str
    state: DeliveryState
    batch_id: int
    target_id: int
    broadcast_id: int
    ref: str
    mode: str
    channel: str
    account_id: int
    account: str
    resends: int
    since: datetime | None
    absent_since: datetime | None
    operator_text: str
    part: int = 1
    parts: int = 1


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One that is being looked into, as far as it takes to decide about thousands of them."""

    id: int
    batch_id: int
    resends: int
    since: datetime


def waiting(tx: Tx, target_id: int, *, account: str, limit: int) -> list[Waiting]:
    """Those of a target that are being looked into and went through this account, the oldest first."""
    d = delivery.c
    query = (
        select(d.id, d.batch_id, d.resends, d.unknown_since.label("since"))
        .join(target, target.c.id == d.target_id)
        .join(accounts, accounts.c.id == last_account())
        .where(d.target_id == target_id, d.state == DeliveryState.UNKNOWN, accounts.c.name == account)
        .order_by(d.unknown_since, d.id)
        .limit(limit)
    )
    return [Waiting(**r._mapping) for r in tx.execute(query)]


def due_for_a_look(tx: Tx, *, mode: str, names: Sequence[str], after: timedelta, limit: int) -> list[Unknown]:
    """Those of the accounts with these names whose next look is due; the first is due `after` the outcome became
    unknown. Locked. Accounts rather than channels: of two gateways perhaps only one can be asked."""
    d = delivery.c
    first = d.look_at.is_(None) & (d.unknown_since <= tx.now() - after)
    query = (
        _select()
        .where(d.state == DeliveryState.UNKNOWN, broadcast.c.mode == mode, accounts.c.name.in_(names))
        .where(first | (d.look_at <= tx.now()), target.c.act.not_in(sorted(REPEATABLE)))
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


def first_sent(tx: Tx, batch_ids: Collection[int], delivery_ids: Collection[int]) -> dict[int, datetime]:
    """When each of these deliveries of these batches was first sent so that the platform may have taken it.

    An intent without an answer counts, since its worker died; one whose answer says that nothing was sent does not.
    `unknown_since` is no help: each further unknown sets it anew.
    """
    a, g = attempt.c, intent_group.c
    answered = select(a.intent_group_id, a.delivery_id).where(
        a.delivery_id.in_(delivery_ids), a.outcome != Outcome.UNKNOWN
    )
    sure = {(row.intent_group_id, row.delivery_id) for row in tx.execute(answered)}
    groups = select(g.id, g.delivery_ids, g.opened_at).where(g.batch_id.in_(batch_ids)).order_by(g.opened_at)
    first: dict[int, datetime] = {}
    for group in tx.execute(groups):
        for delivery_id in set(json.loads(group.delivery_ids)) & set(delivery_ids):
            if (group.id, delivery_id) not in sure:
                first.setdefault(delivery_id, group.opened_at)
    return first


def platform_id_before(tx: Tx, unknown: Unknown) -> str:
    """The platform's id of the part before this one; empty for the first, and where none is known."""
    d = delivery.c
    query = select(d.platform_id).where(d.target_id == unknown.target_id, d.ordinal == unknown.part - 1)
    return str(tx.execute(query).scalar_one_or_none() or "")


def undecided(tx: Tx, *, limit: int, after: tuple[int, int] = (0, 0)) -> list[Unknown]:
    """Those that nothing has proved yet, and those that stopped workers, the oldest broadcast first; those that come `after`
    this broadcast and this delivery, by their ids.

    Each kind is found by the small index that it has: all of a million deliveries were looked through for it, a tenth of a
    second each time that somebody opened Home.
    """
    looked_into = select(delivery.c.id).where(WITH_UNKNOWN, delivery.c.state == DeliveryState.UNKNOWN)
    waiting_for_a_person = select(delivery.c.id).where(FOR_A_PERSON)
    few = delivery.c.id.in_(looked_into.union_all(waiting_for_a_person))
    d, (broadcast_id, delivery_id) = delivery.c, after
    query = _select().where(few, OPEN).order_by(d.broadcast_id, d.id)
    if broadcast_id:
        later = (d.broadcast_id > broadcast_id) | (d.id > delivery_id)
        query = query.where(d.broadcast_id >= broadcast_id, later)
    return _read(tx, query.limit(limit))


def of_target(tx: Tx, target_id: int, *, limit: int) -> list[Unknown]:
    """Those of one target, in its order."""
    return _read(
        tx, _select().where(delivery.c.target_id == target_id, OPEN).order_by(delivery.c.ordinal).limit(limit)
    )


def for_a_person(tx: Tx, target_id: int, *, limit: int) -> list[tuple[int, int]]:
    """Ids and batches of those of a target that nothing will prove any more."""
    d = delivery.c
    mine = (d.state == DeliveryState.UNKNOWN_FINAL) | POISON
    query = select(d.id, d.batch_id).where(d.target_id == target_id, mine).order_by(d.ordinal).limit(limit)
    return [(row.id, row.batch_id) for row in tx.execute(query)]


def count_for_a_person(tx: Tx, target_id: int) -> int:
    d = delivery.c
    mine = (d.target_id == target_id) & ((d.state == DeliveryState.UNKNOWN_FINAL) | POISON)
    return int(tx.execute(select(func.count()).select_from(delivery).where(mine)).scalar_one())


def all_found(tx: Tx, ids: Collection[int], *, code: str, text: str) -> int:
    """They were taken after all, says somebody who asked. How many nobody knew of before."""
    values = {"state": DeliveryState.ACCEPTED, "code": code, "operator_text": text, "settled_at": tx.now()}
    mine = delivery.c.id.in_(ids) & OPEN
    return tx.execute(update(delivery).where(mine).values(**values, **NOT_UNKNOWN)).rowcount


def by_uid(tx: Tx, uid: str) -> Unknown | None:
    """One of them."""
    query = _select().where(delivery.c.uid == uid, OPEN)
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
        .add_columns(accounts.c.id.label("account_id"), accounts.c.name.label("account"))
        .add_columns(_of_thread(d.ordinal).label("part"), _of_thread(target.c.planned_total).label("parts"))
        .join(target, target.c.id == d.target_id)
        .join(accounts, accounts.c.id == last_account())
        .join(broadcast, broadcast.c.id == d.broadcast_id)
        .join(message, message.c.id == broadcast.c.message_id)
    )


def _of_thread(number: ColumnElement[int]) -> ColumnElement[int]:
    """1 where it is no part of a thread; the ordinals of recipients count people."""
    in_thread = target.c.audience_version_id.is_(None) & (delivery.c.ordinal > 0)
    return case((in_thread, number), else_=1)


def _read(tx: Tx, query: Select[*tuple[object, ...]]) -> list[Unknown]:
    return [Unknown(**{**r._mapping, "state": DeliveryState(r.state)}) for r in tx.execute(query)]


def _update(tx: Tx, delivery_id: int, values: dict[str, object]) -> bool:
    mine = (delivery.c.id == delivery_id) & OPEN
    return tx.execute(update(delivery).where(mine).values(**values)).rowcount == 1
