"""Which audience versions hold numbers that nothing needs any more, and wiping those.

Of a wiped version its size, its digest and the deliveries to it stay; its rows go.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, or_, select, update

from broadcaster.db import holds
from broadcaster.db.engine import Tx
from broadcaster.db.submissions import OPEN
from broadcaster.db.tables import (
    audience,
    audience_version,
    broadcast,
    message_version,
    recipient,
    submission,
    target,
)
from broadcaster.domain.broadcast import BroadcastState


@dataclass(frozen=True, kw_only=True)
class OldVersion:
    id: int
    audience: str
    no: int
    size: int


def kept_long_enough(tx: Tx, before: datetime) -> OldVersion | None:
    """The oldest version whose numbers nothing needs any more: a newer one took its place before that moment, no message
    to it waits for approval, no broadcast to it is under way or ended after that moment, and no legal hold covers it."""
    v, newer = audience_version.c, audience_version.alias()
    superseded = exists().where(
        newer.c.audience_id == v.audience_id, newer.c.no > v.no, newer.c.sealed_at <= before
    )
    submitted = (
        exists()
        .where(message_version.c.audience_version_id == v.id)
        .where(submission.c.message_version_id == message_version.c.id, submission.c.state == OPEN)
    )
    b = broadcast.c
    young = or_(b.state == BroadcastState.SENDING, b.released_at > before, b.ended_at > before)
    used = exists().where(target.c.audience_version_id == v.id, b.id == target.c.broadcast_id, young)
    query = (
        _versions()
        .where(v.sealed_at.is_not(None), v.wiped_at.is_(None), superseded, ~submitted, ~used)
        .where(v.id.not_in(holds.held_versions()))
        .limit(1)
    )
    row = tx.execute(query).one_or_none()
    return OldVersion(**row._mapping) if row else None


def half_wiped(tx: Tx) -> OldVersion | None:
    """One that cannot be used any more and still has rows: whoever wiped it did not come to the end."""
    row = tx.execute(
        _versions().where(audience_version.c.wiped_at.is_not(None), _has_rows()).limit(1)
    ).one_or_none()
    return OldVersion(**row._mapping) if row else None


def set_wiped(tx: Tx, version_id: int) -> None:
    """From now on it cannot be used; its rows go in chunks."""
    mine = (audience_version.c.id == version_id) & audience_version.c.wiped_at.is_(None)
    tx.execute(update(audience_version).where(mine).values(wiped_at=tx.now()))


def has_rows(tx: Tx, version_id: int) -> bool:
    query = select(recipient.c.id).where(recipient.c.audience_version_id == version_id).limit(1)
    return tx.execute(query).one_or_none() is not None


def _versions() -> Select[Any]:
    v = audience_version.c
    return (
        select(v.id, audience.c.name.label("audience"), v.no, v.size)
        .join(audience, audience.c.id == v.audience_id)
        .order_by(v.id)
    )


def _has_rows() -> ColumnElement[bool]:
    return exists().where(recipient.c.audience_version_id == audience_version.c.id)
