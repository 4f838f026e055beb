"""What the console's home page shows: what waits for an approval, what is in force, and what somebody has begun."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, func, select

from broadcaster.db.engine import Tx
from broadcaster.db.submissions import OPEN
from broadcaster.db.tables import broadcast, message, message_version, person, submission, target
from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.message import MessageState


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A submission that waits for a second person."""

    ref: str
    mode: str
    headline: str
    area: str
    submitted_by: str
    submitted_by_id: int
    submitted_at: datetime
    expires_at: datetime
    recipients: int
    channels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class InForce:
    """A broadcast that is being sent, or whose end has not come."""

    ref: str
    mode: str
    headline: str
    area: str
    state: BroadcastState
    released_at: datetime
    expires_at: datetime
    sequence: int
    planned: int


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A draft."""

    ref: str
    mode: str
    headline: str
    author: str
    changed_at: datetime


def waiting(tx: Tx) -> list[Waiting]:
    """The one that has waited longest first."""
    s, v, m = submission.c, message_version.c, message.c
    query = (
        select(m.ref, m.mode, v.facts, s.manifest, s.submitted_at, s.expires_at)
        .add_columns(person.c.name.label("submitted_by"), s.submitted_by.label("submitted_by_id"))
        .join(message_version, v.id == s.message_version_id)
        .join(message, m.id == v.message_id)
        .join(person, person.c.id == s.submitted_by)
        .where(s.state == OPEN, s.expires_at > tx.now(), m.state == MessageState.SUBMITTED)
        .order_by(s.submitted_at, s.id)
    )
    return [_waiting(row._mapping) for row in tx.execute(query)]


def _waiting(row: RowMapping) -> Waiting:
    facts, manifest = json.loads(row["facts"]), json.loads(row["manifest"])
    kept = ("ref", "mode", "submitted_by", "submitted_by_id", "submitted_at", "expires_at")
    return Waiting(
        **{name: row[name] for name in kept},
        headline=facts["headline"],
        area=facts["area"],
        recipients=manifest["audience"]["count"] if manifest["audience"] else 0,
        channels=tuple(dict.fromkeys(t["channel"] for t in manifest["targets"])),
    )


def in_force(tx: Tx, *, limit: int) -> list[InForce]:
    """What is being sent, then what has been and has not ended, the newest first."""
    b, m, v = broadcast.c, message.c, message_version.c
    planned = select(func.coalesce(func.sum(target.c.planned_total), 0)).where(target.c.broadcast_id == b.id)
    query = (
        select(m.ref, m.mode, v.facts, b.state, b.released_at, b.expires_at, b.sequence)
        .add_columns(planned.scalar_subquery().label("planned"))
        .join(message, m.id == b.message_id)
        .join(message_version, (v.message_id == m.id) & (v.no == m.version))
        .where(
            (b.state == BroadcastState.SENDING) | (b.state == BroadcastState.DONE), b.expires_at > tx.now()
        )
        .order_by(b.state.desc(), b.id.desc())
        .limit(limit)
    )
    return [_in_force(row._mapping) for row in tx.execute(query)]


def _in_force(row: RowMapping) -> InForce:
    facts = json.loads(row["facts"])
    kept = ("ref", "mode", "released_at", "expires_at", "sequence")
    return InForce(
        **{name: row[name] for name in kept},
        headline=facts["headline"],
        area=facts["area"],
        state=BroadcastState(row["state"]),
        planned=int(row["planned"]),
    )


def drafts(tx: Tx, *, limit: int) -> list[Begun]:
    """Messages that were begun and handed to nobody, or came back, the newest first."""
    m, v = message.c, message_version.c
    query = (
        select(m.ref, m.mode, v.facts, v.created_at, person.c.name.label("author"))
        .join(message_version, (v.message_id == m.id) & (v.no == m.version))
        .join(person, person.c.id == m.author_id)
        .where(m.state.in_([MessageState.DRAFT, MessageState.EXPIRED]))
        .order_by(v.created_at.desc())
        .limit(limit)
    )
    return [
        Begun(
            ref=row.ref,
            mode=row.mode,
            headline=json.loads(row.facts)["headline"],
            author=row.author,
            changed_at=row.created_at,
        )
        for row in tx.execute(query)
    ]
