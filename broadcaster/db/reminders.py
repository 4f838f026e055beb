"""Messages whose next update is due, and those that end or have ended without another word."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Row, Select, exists, select

from broadcaster.db.engine import Tx
from broadcaster.db.tables import broadcast, ending, message, message_version
from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.languages import Spoken
from broadcaster.domain.message import Kind

SOON = timedelta(
    minutes=10
)  # before a promised update is due: a minute to write it, and some to have it approved
ENDS_SOON = timedelta(minutes=30)
REMINDED_FOR = timedelta(hours=24)  # after its end


@dataclass(frozen=True, kw_only=True)
class Reminder:
    """A message in whose story a word is due `at`. `ref` is the newest of its story."""

    ref: str
    mode: str
    headline: str
    area: str
    at: datetime
    broadcast_id: int
    languages: tuple[str, ...] = ()  #: that have to follow


def updates_due(tx: Tx) -> list[Reminder]:
    """What promised an update that is due in ten minutes, or is overdue, and is in force; the most overdue first."""
    b, v = broadcast.c, message_version.c
    query = _query().add_columns(v.next_update_at.label("at"))
    query = query.where(v.next_update_at <= tx.now() + SOON, b.expires_at > tx.now())
    return [_reminder(row) for row in tx.execute(query.order_by(v.next_update_at))]


def endings(tx: Tx) -> list[Reminder]:
    """What ends within half an hour, or ended within a day, and of which nobody has said that it may: the oldest first."""
    b = broadcast.c
    answered = exists().where(ending.c.broadcast_id == b.id)
    query = _query().add_columns(b.expires_at.label("at")).where(~answered, b.kind != Kind.CANCEL)
    query = query.where(b.expires_at <= tx.now() + ENDS_SOON, b.expires_at > tx.now() - REMINDED_FOR)
    return [_reminder(row) for row in tx.execute(query.order_by(b.expires_at))]


def languages_due(tx: Tx) -> list[Reminder]:
    """What went without a language that was to follow, and is in force: the most overdue first."""
    b, v = broadcast.c, message_version.c
    query = _query().add_columns(b.expires_at.label("at"), v.languages)
    found = []
    for row in tx.execute(query.where(v.languages.contains('"later"'), b.expires_at > tx.now())):
        later = Spoken.from_json(json.loads(row.languages)).later
        at = min(datetime.fromisoformat(each) for each in later.values())
        found.append(replace(_reminder(row), at=at, languages=tuple(later)))
    return sorted(found, key=lambda each: each.at)


def answer(tx: Tx, broadcast_id: int, person_id: int, reason: str) -> None:
    row = {"broadcast_id": broadcast_id, "person_id": person_id, "reason": reason, "at": tx.now()}
    tx.add_missing(ending, [row])


def is_answered(tx: Tx, broadcast_id: int) -> bool:
    query = select(ending.c.id).where(ending.c.broadcast_id == broadcast_id)
    return tx.execute(query).one_or_none() is not None


def _query() -> Select[tuple[object, ...]]:
    """Of what nothing newer has taken the place of, anywhere."""
    b, m, v = broadcast.c, message.c, message_version.c
    return (
        select(m.ref, m.mode, v.facts, b.id.label("broadcast_id"))
        .join(message, m.id == b.message_id)
        .join(message_version, (v.message_id == m.id) & (v.no == m.version))
        .where(b.superseded_by_id.is_(None), b.state.in_([BroadcastState.SENDING, BroadcastState.DONE]))
    )


def _reminder(row: Row[tuple[object, ...]]) -> Reminder:
    facts = json.loads(row.facts)
    return Reminder(
        ref=row.ref,
        mode=row.mode,
        headline=facts["headline"],
        area=facts["area"],
        at=row.at,
        broadcast_id=row.broadcast_id,
    )
