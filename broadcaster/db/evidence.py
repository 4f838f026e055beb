"""Everything the database says of one broadcast, for the checker: what was approved, planned, tried, and what came of it."""

import json

from sqlalchemy import select

from broadcaster.db.engine import Tx
from broadcaster.db.tables import (
    account,
    approval,
    attempt,
    audience_version,
    batch,
    broadcast,
    delivery,
    intent_group,
    post,
    submission,
    target,
)
from broadcaster.domain.broadcast import BatchState, BroadcastState
from broadcaster.domain.delivery import DeliveryState, Outcome
from broadcaster.domain.evidence_facts import (
    AttemptFacts,
    BroadcastFacts,
    DeliveryFacts,
    Evidence,
    GroupFacts,
    LogFacts,
    TargetFacts,
)


def of_broadcast(tx: Tx, broadcast_id: int, *, ref: str, log: LogFacts) -> Evidence:
    """Without what the platforms took: only they can say that."""
    return Evidence(
        broadcast=_broadcast(tx, broadcast_id, ref),
        targets=_targets(tx, broadcast_id),
        deliveries=_deliveries(tx, broadcast_id),
        attempts=_attempts(tx, broadcast_id),
        groups=_groups(tx, broadcast_id),
        leased=_leased(tx, broadcast_id),
        accepted=(),
        log=log,
    )


def _broadcast(tx: Tx, broadcast_id: int, ref: str) -> BroadcastFacts:
    b = broadcast.c
    query = (
        select(b.uid, b.state, b.released_at, b.expires_at, b.ended_at)
        .add_columns(approval.c.manifest_sha256, submission.c.manifest)
        .join(approval, approval.c.id == b.approval_id)
        .join(submission, submission.c.id == approval.c.submission_id)
        .where(b.id == broadcast_id)
    )
    row = tx.execute(query).one()
    state = BroadcastState(row.state)
    return BroadcastFacts(
        uid=row.uid,
        ref=ref,
        state=state,
        released_at=row.released_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        stopped_at=row.ended_at if state in {BroadcastState.STOPPED, BroadcastState.SUPERSEDED} else None,
        approved_sha256=row.manifest_sha256,
        manifest=row.manifest.encode(),
    )


def _targets(tx: Tx, broadcast_id: int) -> tuple[TargetFacts, ...]:
    t = target.c
    query = (
        select(t.id, t.channel, t.language, t.audience_version_id, t.planned_total, t.planned)
        .add_columns(t.speaking, account.c.name, audience_version.c.size, post.c.content, post.c.sha256)
        .join(account, account.c.id == t.account_id)
        .join(post, post.c.id == t.post_id)
        .outerjoin(audience_version, audience_version.c.id == t.audience_version_id)
        .where(t.broadcast_id == broadcast_id)
        .order_by(t.id)
    )
    return tuple(
        TargetFacts(
            id=row.id,
            channel=row.channel,
            account=row.name,
            language=row.language,
            to_audience=row.audience_version_id is not None,
            audience_size=1 if row.audience_version_id is None else row.size,
            planned_total=row.planned_total,
            planned=row.planned,
            post=row.content,
            post_sha256=row.sha256,
            speaking=row.speaking,
        )
        for row in tx.execute(query)
    )


def _deliveries(tx: Tx, broadcast_id: int) -> tuple[DeliveryFacts, ...]:
    d = delivery.c
    query = (
        select(d.uid, d.target_id, d.batch_id, d.ordinal, d.recipient_id, d.state, d.code, d.resends)
        .where(d.broadcast_id == broadcast_id)
        .order_by(d.id)
    )
    return tuple(
        DeliveryFacts(
            key=row.uid,
            target=row.target_id,
            batch=row.batch_id,
            ordinal=row.ordinal,
            recipient=row.recipient_id,
            state=DeliveryState(row.state),
            code=row.code,
            resends=row.resends,
        )
        for row in tx.execute(query)
    )


def _attempts(tx: Tx, broadcast_id: int) -> tuple[AttemptFacts, ...]:
    """Those of a group in the order in which they were recorded: their Merkle root depends on it."""
    a = attempt.c
    query = (
        select(a.intent_group_id, delivery.c.uid, a.outcome, a.code, a.platform_id, a.link)
        .add_columns(a.started_at, a.ended_at)
        .join(delivery, delivery.c.id == a.delivery_id)
        .where(delivery.c.broadcast_id == broadcast_id)
        .order_by(a.intent_group_id, a.id)
    )
    return tuple(
        AttemptFacts(
            group=row.intent_group_id,
            key=row.uid,
            outcome=Outcome(row.outcome),
            code=row.code,
            platform_id=row.platform_id,
            link=row.link,
            started_at=row.started_at,
            ended_at=row.ended_at,
        )
        for row in tx.execute(query)
    )


def _groups(tx: Tx, broadcast_id: int) -> tuple[GroupFacts, ...]:
    g = intent_group.c
    keys: dict[int, str] = {
        row.id: row.uid
        for row in tx.execute(
            select(delivery.c.id, delivery.c.uid).where(delivery.c.broadcast_id == broadcast_id)
        )
    }
    query = (
        select(g.id, g.batch_id, g.delivery_ids, g.opened_at, g.closed_at)
        .join(batch, batch.c.id == g.batch_id)
        .where(batch.c.broadcast_id == broadcast_id)
        .order_by(g.id)
    )
    return tuple(
        GroupFacts(
            id=row.id,
            batch=row.batch_id,
            keys=tuple(keys[i] for i in json.loads(row.delivery_ids) if i in keys),
            opened_at=row.opened_at,
            closed_at=row.closed_at,
        )
        for row in tx.execute(query)
    )


def _leased(tx: Tx, broadcast_id: int) -> tuple[int, ...]:
    query = select(batch.c.id).where(batch.c.broadcast_id == broadcast_id, batch.c.state == BatchState.LEASED)
    return tuple(tx.execute(query).scalars())
