"""Batches: who works on what. Claims, leases and fences; intent groups say what was about to be sent."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Select, Update, bindparam, func, select, update

from broadcaster.db import accounts, routes
from broadcaster.db.engine import Tx
from broadcaster.db.storm import NOT_HELD
from broadcaster.db.tables import account, batch, broadcast, intent_group, target
from broadcaster.domain.broadcast import BatchState, BroadcastState, Lane
from broadcaster.domain.ways import PROBE_EVERY, Choice, WayNow, choose


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A batch that this worker holds until `lease_until` of its row; `fence` proves it.

    `account` is the one of its target's `ways` that it goes through now, with one delivery only where it is a `probe`.
    Before something `routine` is begun, storm mode is asked. `keep` are accounts among them that notice a repeated key: what was tried through one goes nowhere else.
    """

    id: int
    broadcast_id: int
    target_id: int
    account_id: int
    fence: int
    deaths: int
    account: str = ""
    routine: bool = True
    ways: int = 1
    probe: bool = False
    keep: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OpenGroup:
    id: int
    batch_id: int
    target_id: int
    account_id: int
    delivery_ids: tuple[int, ...]
    opened_at: datetime


def insert(
    tx: Tx,
    *,
    broadcast_id: int,
    target_id: int,
    account_id: int,
    mode: str,
    lane: Lane,
    precedence: int,
    size: int,
    next_at: datetime,
) -> int:
    row = {
        "broadcast_id": broadcast_id,
        "target_id": target_id,
        "account_id": account_id,
        "mode": mode,
        "lane": lane,
        "precedence": precedence,
        "state": BatchState.READY,
        "size": size,
        "next_at": next_at,
    }
    return tx.insert(batch, row)


def claim(
    tx: Tx,
    *,
    mode: str,
    lane: Lane,
    owner: str,
    lease_s: float,
    waited_s: float = 0,
    keeps: Collection[str] = (),
) -> Claimed | None:
    """The lane's most urgent claimable batch, now leased to `owner` and bound for one of its target's accounts; None
    where there is none.

    With `waited_s`, only batches that nobody has claimed for so long: what the pump takes. `keeps` names accounts that
    notice a key which they have had before.
    """
    row = tx.execute(_most_urgent(tx, mode, lane, waited_s)).one_or_none()
    if row is None:
        return None
    ways = routes.ways_now(tx, row.target_id)
    choice = _choice(tx, row.id, ways, keeps)
    if choice is None:  # paused by somebody at this very moment
        return None
    claimed = Claimed(
        **{**row._mapping, "fence": row.fence + 1, "routine": bool(row.routine)},
        account_id=choice.way.account_id,
        account=choice.way.account,
        ways=len(ways),
        probe=choice.probe,
        keep=tuple(w.account_id for w in ways if len(ways) > 1 and w.account in keeps),
    )
    values = {"state": BatchState.LEASED, "owner": owner, "fence": claimed.fence}
    values["account_id"] = claimed.account_id
    tx.execute(
        update(batch)
        .where(batch.c.id == row.id)
        .values(**values, lease_until=tx.now() + timedelta(seconds=lease_s))
    )
    return claimed


def _most_urgent(tx: Tx, mode: str, lane: Lane, waited_s: float) -> Select[Any]:
    """The claimable batch of the lane that goes first, locked; one that another worker takes now is passed over."""
    c = batch.c
    due = tx.now() - timedelta(seconds=waited_s)
    return (
        select(c.id, c.broadcast_id, c.target_id, c.fence, c.deaths, broadcast.c.routine)
        .join(broadcast, broadcast.c.id == c.broadcast_id)
        .where(c.mode == mode, c.lane == lane, c.state == BatchState.READY, c.next_at <= due)
        .where(broadcast.c.state == BroadcastState.SENDING, broadcast.c.expires_at > tx.now())
        .where(routes.can_go(), NOT_HELD)
        .order_by(c.precedence, c.broadcast_id, c.id)
        .limit(1)
        .with_for_update(of=batch, skip_locked=True)
    )


def _choice(tx: Tx, batch_id: int, ways: Sequence[WayNow], keeps: Collection[str]) -> Choice | None:
    keep, now = routes.to_keep(tx, batch_id, ways, keeps), tx.now()
    choice = choose(ways, now=now, batch_id=batch_id, keep=keep)
    if choice is None or not choice.probe:
        return choice
    account_id = choice.way.account_id
    fit = account_id in keep or routes.has_untried(tx, batch_id)
    if fit and accounts.take_probe(tx, account_id, next_at=now + PROBE_EVERY):
        return choice
    return choose(ways, now=now, batch_id=batch_id, keep=keep, probes=False)  # or somebody else tries it now


def next_due(tx: Tx, *, mode: str, lane: Lane) -> datetime | None:
    """When the next batch of this lane may be claimed, or None where none waits."""
    c = batch.c
    query = (
        select(c.next_at)
        .join(broadcast, broadcast.c.id == c.broadcast_id)
        .where(c.mode == mode, c.lane == lane, c.state == BatchState.READY)
        .where(broadcast.c.state == BroadcastState.SENDING, broadcast.c.expires_at > tx.now())
        .where(routes.can_go(), NOT_HELD)
        .order_by(c.next_at)
        .limit(1)
    )
    return tx.execute(query).scalar_one_or_none()


def renew(tx: Tx, claimed: Claimed, *, lease_s: float) -> bool:
    """False where the batch was taken from this worker: then it may write nothing more."""
    until = tx.now() + timedelta(seconds=lease_s)
    values = {"wanted": claimed.id, "mine": claimed.fence, "until": until}
    return tx.execute(_renewing(), values).rowcount == 1


@cache  # with every group
def _renewing() -> Update:
    c = batch.c
    mine = (c.id == bindparam("wanted"), c.state == BatchState.LEASED, c.fence == bindparam("mine"))
    return update(batch).where(*mine).values(lease_until=bindparam("until", type_=c.lease_until.type))


def release(tx: Tx, claimed: Claimed, *, next_at: datetime | None) -> None:
    """Hand it back: done where nothing is left, otherwise ready again from `next_at` on."""
    if next_at is None:
        tx.execute(_mine(claimed).values(state=BatchState.DONE, owner="", lease_until=None))
    else:
        tx.execute(_mine(claimed).values(state=BatchState.READY, owner="", lease_until=None, next_at=next_at))


def put_aside(tx: Tx, claimed: Claimed) -> None:
    """Hand it back, and no worker takes it before a person decides: storm mode holds it."""
    tx.execute(_mine(claimed).values(state=BatchState.HELD, owner="", lease_until=None))


def _mine(claimed: Claimed) -> Update:
    c = batch.c
    return update(batch).where(c.id == claimed.id, c.state == BatchState.LEASED, c.fence == claimed.fence)


def bring_forward(tx: Tx, broadcast_id: int, lane: Lane) -> int:
    """Batches of this lane that wait for a time may be claimed now. How many there were."""
    c = batch.c
    statement = update(batch).where(
        c.broadcast_id == broadcast_id, c.lane == lane, c.state == BatchState.READY, c.next_at > tx.now()
    )
    return tx.execute(statement.values(next_at=tx.now())).rowcount


def open_group(tx: Tx, claimed: Claimed, *, owner: str, delivery_ids: Sequence[int]) -> int:
    row = {
        "batch_id": claimed.id,
        "target_id": claimed.target_id,
        "account_id": claimed.account_id,
        "fence": claimed.fence,
        "owner": owner,
        "delivery_ids": json.dumps(list(delivery_ids)),
        "size": len(delivery_ids),
        "opened_at": tx.now(),
    }
    return tx.insert(intent_group, row)


def close_group(tx: Tx, group_id: int) -> bool:
    """False where somebody closed it before."""
    return tx.execute(_closing(), {"wanted": group_id, "now": tx.now()}).rowcount == 1


@cache  # with every group
def _closing() -> Update:
    c = intent_group.c
    open_still = update(intent_group).where(c.id == bindparam("wanted"), c.closed_at.is_(None))
    return open_still.values(closed_at=bindparam("now", type_=c.closed_at.type))


def lapsed(tx: Tx, *, dead_owner: str = "") -> Claimed | None:
    """A leased batch whose lease has run out, or whose owner is known to be dead; None where there is none."""
    c = batch.c
    condition = c.lease_until < tx.now()
    if dead_owner:
        condition = condition | (c.owner == dead_owner)
    query = (
        select(c.id, c.broadcast_id, c.target_id, c.account_id, c.fence, c.deaths)
        .add_columns(account.c.name.label("account"))
        .join(account, account.c.id == c.account_id)
        .where(c.state == BatchState.LEASED, condition)
        .order_by(c.id)
        .limit(1)
        .with_for_update(of=batch, skip_locked=True)
    )
    row = tx.execute(query).one_or_none()
    return Claimed(**row._mapping) if row else None


def open_groups(tx: Tx, batch_id: int) -> list[OpenGroup]:
    c = intent_group.c
    query = select(intent_group).where(c.batch_id == batch_id, c.closed_at.is_(None))
    return [
        OpenGroup(
            id=r.id,
            batch_id=r.batch_id,
            target_id=r.target_id,
            account_id=r.account_id,
            delivery_ids=tuple(json.loads(r.delivery_ids)),
            opened_at=r.opened_at,
        )
        for r in tx.execute(query)
    ]


def take_back(tx: Tx, claimed: Claimed, *, died: bool) -> None:
    """A dead worker's batch is ready again; a worker that died with an open group counts as a death on this batch."""
    values = {"owner": "", "lease_until": None, "state": BatchState.READY, "next_at": tx.now()}
    tx.execute(_mine(claimed).values(**values, deaths=claimed.deaths + int(died)))


def lock(tx: Tx, batch_ids: Iterable[int]) -> None:
    """Whoever changes a batch and deliveries of it takes the batch first: any other order could lock two for ever."""
    ordered = select(batch.c.id).where(batch.c.id.in_(sorted(batch_ids))).order_by(batch.c.id)
    tx.execute(ordered.with_for_update(key_share=True)).all()


def of_target(tx: Tx, target_id: int) -> list[int]:
    """Of a public place: one, or none where it was never planned."""
    query = select(batch.c.id).where(
        batch.c.broadcast_id
        == select(target.c.broadcast_id).where(target.c.id == target_id).scalar_subquery(),
        batch.c.target_id == target_id,
    )
    return list(tx.execute(query).scalars())


def is_held(tx: Tx, batch_ids: Collection[int]) -> bool:
    """Whether a worker is at one of them. Lock them first."""
    held = select(batch.c.id).where(batch.c.id.in_(batch_ids), batch.c.state == BatchState.LEASED)
    return tx.execute(held.limit(1)).one_or_none() is not None


def reopen(tx: Tx, batch_ids: Iterable[int]) -> None:
    """Batches with deliveries that are to be sent again. Lock them before those are made pending: a worker that
    finds nothing pending at this moment would end the batch under them."""
    values = {"state": BatchState.READY, "next_at": tx.now()}
    tx.execute(
        update(batch)
        .where(batch.c.id.in_(list(batch_ids)), batch.c.state == BatchState.DONE)
        .values(**values)
    )


def wake(tx: Tx, batch_ids: Iterable[int]) -> None:
    """Batches that wait to look again may be claimed now."""
    c = batch.c
    statement = update(batch).where(
        c.id.in_(list(batch_ids)), c.state == BatchState.READY, c.next_at > tx.now()
    )
    tx.execute(statement.values(next_at=tx.now()))


def ready_of(tx: Tx, broadcast_id: int, *, limit: int) -> list[int]:
    """Ids of batches of a broadcast that nobody works on, locked."""
    c = batch.c
    query = (
        select(c.id)
        .where(c.broadcast_id == broadcast_id, c.state.in_([BatchState.READY, BatchState.HELD]))
        .order_by(c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(tx.execute(query).scalars())


def finish(tx: Tx, batch_ids: Sequence[int]) -> None:
    tx.execute(
        update(batch)
        .where(batch.c.id.in_(batch_ids))
        .values(state=BatchState.DONE, owner="", lease_until=None)
    )


def claimable_lanes(tx: Tx) -> list[tuple[str, Lane, int]]:
    """Mode, lane and number of batches that could be claimed now."""
    c = batch.c
    query = (
        select(c.mode, c.lane, func.count().label("number"))
        .join(broadcast, broadcast.c.id == c.broadcast_id)
        .where(
            c.state == BatchState.READY, c.next_at <= tx.now(), broadcast.c.state == BroadcastState.SENDING
        )
        .where(broadcast.c.expires_at > tx.now(), routes.can_go(), NOT_HELD)
        .group_by(c.mode, c.lane)
    )
    return [(row.mode, Lane(row.lane), row.number) for row in tx.execute(query)]
