"""Broadcasts and their targets."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, exists, func, select, update

from broadcaster.db import storm
from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_uid
from broadcaster.db.messages import refuse_other_mode
from broadcaster.db.tables import (
    account,
    approval,
    batch,
    broadcast,
    delivery,
    intent_group,
    message,
    post,
    submission,
    target,
)
from broadcaster.domain.broadcast import BROADCAST_TRANSITIONS, BatchState, BroadcastState, Lane
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.follow_up import Act
from broadcaster.domain.message import Kind
from broadcaster.domain.storm import Held


@dataclass(frozen=True, kw_only=True)
class Broadcast:
    id: int
    uid: str
    message_id: int
    ref: str
    mode: str
    sequence: int
    state: BroadcastState
    precedence: int
    on_unknown: str
    storm: Held
    released_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    kind: str = Kind.ALERT
    superseded_by_id: int | None = None  #: the newest broadcast that took its place somewhere


@dataclass(frozen=True, kw_only=True)
class Target:
    """`planned` of `planned_total` deliveries exist; between the two, planning goes on where it stopped."""

    id: int
    broadcast_id: int
    account_id: int
    account: str
    channel: str
    lane: Lane
    language: str
    audience_version_id: int | None
    planned_total: int
    planned: int
    speaking: str = ""  #: see `domain/languages.py`
    several: bool = False  #: whether its broadcast speaks several languages
    act: Act = Act.POST
    superseded_by_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class ApprovedPost:
    """What a worker needs to prove that a stored post is the approved one, and to fill its late slots."""

    content: bytes
    manifest: bytes
    approved_sha256: str
    channel: str
    account: str
    language: str
    released_at: datetime
    sequence: int
    expires_at: datetime
    on_unknown: str
    act: Act = Act.POST


def insert(tx: Tx, values: Mapping[str, object]) -> int:
    """How it stands towards storm mode is found out here, in the transaction that releases it, whoever releases."""
    row: dict[str, Any] = {**values, "uid": new_uid(), "state": BroadcastState.SENDING}
    row["released_at"] = tx.now()
    refuse_other_mode(tx, row["incident_id"], row["mode"])
    row |= storm.standing(tx, row)
    return tx.insert(broadcast, row)


def insert_target(tx: Tx, values: Mapping[str, object]) -> int:
    return tx.insert(target, {**values, "uid": new_uid()})


def by_message(tx: Tx, message_id: int) -> Broadcast | None:
    return _one(tx, broadcast.c.message_id == message_id)


def by_id(tx: Tx, broadcast_id: int) -> Broadcast:
    row = tx.execute(_by_id(), {"wanted": broadcast_id}).one()
    return _broadcast(row)


@cache  # workers ask with every group, and building it takes longer than asking
def _by_id() -> Select[Any]:
    return _query().where(broadcast.c.id == bindparam("wanted"))


def _one(tx: Tx, condition: ColumnElement[bool]) -> Broadcast | None:
    rows = _many(tx, condition)
    return rows[0] if rows else None


def unfinished(tx: Tx) -> list[Broadcast]:
    """Broadcasts that are sending, or have ended with batches that still hold pending deliveries."""
    not_begun = batch.c.state.in_([BatchState.READY, BatchState.HELD])
    waiting = exists().where(batch.c.broadcast_id == broadcast.c.id, not_begun)
    return _many(tx, (broadcast.c.state == BroadcastState.SENDING) | waiting)


def _many(tx: Tx, condition: ColumnElement[bool]) -> list[Broadcast]:
    query = _query().where(condition).order_by(broadcast.c.id.desc())
    return [_broadcast(row) for row in tx.execute(query)]


def _query() -> Select[Any]:
    c = broadcast.c
    names = (c.id, c.uid, c.message_id, c.mode, c.sequence, c.state, c.precedence, c.on_unknown, c.storm)
    query = select(*names, c.released_at, c.expires_at, c.ended_at, message.c.ref)
    query = query.add_columns(c.kind, c.superseded_by_id)
    return query.join(message, message.c.id == c.message_id)


def _broadcast(row: Row[Any]) -> Broadcast:
    return Broadcast(**{**row._mapping, "state": BroadcastState(row.state), "storm": Held(row.storm)})


def any_expired(tx: Tx, since: datetime) -> bool:
    """Whether the time of one has run out after `since`, whatever became of it."""
    times = (broadcast.c.expires_at > since) & (broadcast.c.expires_at <= tx.now())
    query = select(broadcast.c.id).where(broadcast.c.state.in_(list(BroadcastState)), times)
    return tx.execute(query.limit(1)).first() is not None


def end(tx: Tx, row: Broadcast, state: BroadcastState, *, reason: str = "") -> bool:
    """False where it has ended already, or may not end like this."""
    before = [s for s, after in BROADCAST_TRANSITIONS.items() if state in after]
    statement = update(broadcast).where(broadcast.c.id == row.id, broadcast.c.state.in_(before))
    return tx.execute(statement.values(state=state, ended_at=tx.now(), stop_reason=reason)).rowcount == 1


def reopen(tx: Tx, row: Broadcast) -> bool:
    """A person sends something of an ended broadcast again. False where it may not go on."""
    if BroadcastState.SENDING not in BROADCAST_TRANSITIONS[row.state]:
        return False
    storm.hold_again(tx, row.id)
    statement = update(broadcast).where(broadcast.c.id == row.id, broadcast.c.state == row.state)
    return tx.execute(statement.values(state=BroadcastState.SENDING, ended_at=None)).rowcount == 1


def targets(tx: Tx, broadcast_id: int) -> list[Target]:
    return _targets(tx, target.c.broadcast_id == broadcast_id)


def target_by_id(tx: Tx, target_id: int) -> Target:
    (found,) = _targets(tx, target.c.id == target_id)
    return found


def _targets(tx: Tx, condition: ColumnElement[bool]) -> list[Target]:
    c = target.c
    names = (c.id, c.broadcast_id, c.account_id, c.channel, c.lane, c.language, c.audience_version_id)
    query = (
        select(*names, c.planned_total, c.planned, account.c.name.label("account"))
        .add_columns(c.act, c.superseded_by_id, c.speaking, _in_several().label("several"))
        .join(account, account.c.id == c.account_id)
        .where(condition)
        .order_by(c.id)
    )
    return [Target(**{**r._mapping, "lane": Lane(r.lane), "act": Act(r.act)}) for r in tx.execute(query)]


def _in_several() -> ColumnElement[bool]:
    other = target.alias("in_another")
    mine = (other.c.broadcast_id == target.c.broadcast_id) & (other.c.language != target.c.language)
    return exists().where(mine).correlate(target)


def targets_with_unknown(tx: Tx) -> list[Target]:
    """Targets with deliveries whose outcome is unknown."""
    d = delivery.c
    mine = (d.target_id == target.c.id) & (d.state == DeliveryState.UNKNOWN) & d.unknown_since.is_not(None)
    return _targets(tx, exists().where(mine))


def lock_target(tx: Tx, target_id: int) -> int | None:
    """How many of its deliveries are planned; None where somebody else is planning it. Nobody else plans it until the
    transaction ends; what is planned already can be sent meanwhile (`key_share`)."""
    query = select(target.c.planned).where(target.c.id == target_id)
    found: int | None = tx.execute(
        query.with_for_update(skip_locked=True, key_share=True)
    ).scalar_one_or_none()
    return found


def set_planned(tx: Tx, target_id: int, planned: int) -> None:
    tx.execute(update(target).where(target.c.id == target_id).values(planned=planned))


def goes_on(tx: Tx, broadcast_id: int) -> bool:
    """Whether it is being sent, now and until the transaction ends: whoever stops it waits so long."""
    query = select(broadcast.c.state).where(broadcast.c.id == broadcast_id).with_for_update(read=True)
    return BroadcastState(tx.execute(query).scalar_one()) is BroadcastState.SENDING


def is_over(tx: Tx, broadcast_id: int) -> bool:
    """No batch is left and no outcome is unknown. In one statement, so that nothing slips from one to the other."""
    batches = exists().where(batch.c.broadcast_id == broadcast_id, batch.c.state != BatchState.DONE)
    d = delivery.c
    unknown = exists().where(
        d.broadcast_id == broadcast_id, d.state == DeliveryState.UNKNOWN, d.unknown_since.is_not(None)
    )
    return bool(tx.execute(select(~batches & ~unknown)).scalar_one())


def unplanned(tx: Tx) -> list[int]:
    """Ids of sending broadcasts with targets whose planning is not finished; not of what storm mode holds."""
    query = (
        select(target.c.broadcast_id)
        .join(broadcast, broadcast.c.id == target.c.broadcast_id)
        .where(broadcast.c.state == BroadcastState.SENDING, target.c.planned < target.c.planned_total)
        .where(storm.NOT_HELD)
        .distinct()
    )
    return list(tx.execute(query).scalars())


def approved_post(tx: Tx, target_id: int) -> ApprovedPost:
    query = (
        select(
            post.c.content,
            submission.c.manifest,
            approval.c.manifest_sha256.label("approved_sha256"),
            target.c.channel,
            account.c.name.label("account"),
            target.c.language,
            broadcast.c.released_at,
            broadcast.c.sequence,
            broadcast.c.expires_at,
            broadcast.c.on_unknown,
            target.c.act,
        )
        .join(post, post.c.id == target.c.post_id)
        .join(account, account.c.id == target.c.account_id)
        .join(broadcast, broadcast.c.id == target.c.broadcast_id)
        .join(approval, approval.c.id == broadcast.c.approval_id)
        .join(submission, submission.c.id == approval.c.submission_id)
        .where(target.c.id == target_id)
    )
    row = tx.execute(query).one()
    return ApprovedPost(**{**row._mapping, "manifest": row.manifest.encode(), "act": Act(row.act)})


def tally(tx: Tx, target_id: int) -> dict[DeliveryState, int]:
    """How many deliveries of a target are in each state. `sending` is derived from its open intent groups."""
    query = (
        select(delivery.c.state, func.count().label("number"))
        .where(delivery.c.target_id == target_id)
        .group_by(delivery.c.state)
    )
    counts = {DeliveryState(row.state): row.number for row in tx.execute(query)}
    open_groups = select(func.coalesce(func.sum(intent_group.c.size), 0)).where(
        intent_group.c.target_id == target_id, intent_group.c.closed_at.is_(None)
    )
    in_flight = min(int(tx.execute(open_groups).scalar_one()), counts.get(DeliveryState.PENDING, 0))
    if in_flight:
        counts[DeliveryState.SENDING] = in_flight
        counts[DeliveryState.PENDING] -= in_flight
    return {state: n for state, n in counts.items() if n}
