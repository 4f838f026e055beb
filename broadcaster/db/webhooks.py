"""Webhooks, and what is still to be told to each."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, select, update

from broadcaster.db import audit_log
from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_uid
from broadcaster.db.tables import audit_event, person, webhook, webhook_message
from broadcaster.domain.audit import AuditEvent

W, M, E = webhook.c, webhook_message.c, audit_event.c


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """`types` empty: all. `waiting` messages have not arrived yet."""

    id: int
    uid: str
    url: str
    types: tuple[str, ...]
    added_by: str
    created_at: datetime
    seen_no: int
    failing_since: datetime | None
    disabled_at: datetime | None
    bound_to: bytes
    secret_sealed: bytes
    waiting: int


@dataclass(frozen=True, kw_only=True)
class Message:
    """`tries` counts this one."""

    id: int
    uid: str
    type: str
    content: str
    tries: int
    webhook: Webhook


@dataclass(frozen=True, kw_only=True)
class Told:
    """One thing that a webhook was or is to be told. `next_at` is None where it arrived or was given up; `said` is what its
    receiver answered last."""

    uid: str
    type: str
    tries: int
    created_at: datetime
    sent_at: datetime | None
    next_at: datetime | None
    said: str

    @property
    def state(self) -> str:
        return "arrived" if self.sent_at else "waiting" if self.next_at else "given up"


def insert(
    tx: Tx, *, uid: str, url: str, types: Collection[str], bound_to: bytes, secret_sealed: bytes, by: int
) -> None:
    """What happened before is not told."""
    row = {"uid": uid, "url": url, "types": " ".join(types), "bound_to": bound_to, "added_by": by}
    row |= {"secret_sealed": secret_sealed, "created_at": tx.now(), "seen_no": audit_log.size(tx)}
    tx.insert(webhook, row)


def every(tx: Tx) -> list[Webhook]:
    waiting = select(func.count()).where(M.webhook_id == W.id, M.next_at.is_not(None)).scalar_subquery()
    query = (
        select(webhook, person.c.name.label("by"), waiting.label("waiting"))
        .join(person, person.c.id == W.added_by)
        .order_by(W.id)
    )
    return [_webhook(row) for row in tx.execute(query)]


def find(tx: Tx, uid: str) -> Webhook | None:
    return next((each for each in every(tx) if each.uid == uid), None)


def change(tx: Tx, webhook_id: int, *, url: str, types: Collection[str]) -> None:
    tx.execute(update(webhook).where(W.id == webhook_id).values(url=url, types=" ".join(types)))


def set_secret(tx: Tx, webhook_id: int, sealed: bytes) -> None:
    tx.execute(update(webhook).where(W.id == webhook_id).values(secret_sealed=sealed))


def newest(tx: Tx, webhook_id: int, *, limit: int) -> list[Told]:
    columns = (M.uid, M.type, M.tries, M.created_at, M.sent_at, M.next_at, M.said)
    rows = tx.execute(select(*columns).where(M.webhook_id == webhook_id).order_by(M.id.desc()).limit(limit))
    return [Told(**row._mapping) for row in rows]


def remove(tx: Tx, webhook_id: int) -> None:
    tx.execute(delete(webhook_message).where(M.webhook_id == webhook_id))
    tx.execute(delete(webhook).where(W.id == webhook_id))


def trouble(tx: Tx, since: datetime) -> list[Webhook]:
    """Those that are disabled, or nothing has reached since then."""
    return [
        each for each in every(tx) if each.disabled_at or (each.failing_since and each.failing_since <= since)
    ]


# --- what is to be told -----------------------------------------------------------------------------------


def events_after(tx: Tx, no: int, acts: Collection[str], *, limit: int) -> list[AuditEvent]:
    """In the order of the signed log: an event without a place in it may still get one before these."""
    query = select(E.id).where(E.no > no, E.act.in_(acts)).order_by(E.no).limit(limit)
    found = audit_log.by_ids(tx, list(tx.execute(query).scalars()))
    return sorted(found, key=lambda event: event.no or 0)


def lock(tx: Tx, webhook_id: int) -> int | None:
    """Up to which event it was looked; nobody else looks until the transaction ends. None where it is gone."""
    query = select(W.seen_no).where(W.id == webhook_id, W.disabled_at.is_(None)).with_for_update()
    return tx.execute(query).scalar_one_or_none()


def set_seen(tx: Tx, webhook_id: int, no: int) -> None:
    tx.execute(update(webhook).where(W.id == webhook_id).values(seen_no=no))


def add_message(tx: Tx, webhook_id: int, *, kind: str, content: str, due: bool = True) -> tuple[int, str]:
    """Its id, and the one that its receiver knows it by, the same at each try."""
    uid = new_uid()
    row = {"uid": uid, "webhook_id": webhook_id, "type": kind, "content": content, "tries": 0, "said": ""}
    row |= {"next_at": tx.now() if due else None, "sent_at": None, "created_at": tx.now()}
    return tx.insert(webhook_message, row), uid


# --- telling it -------------------------------------------------------------------------------------------


def is_due(tx: Tx) -> bool:
    return tx.execute(select(M.id).where(M.next_at <= tx.now()).limit(1)).one_or_none() is not None


def claim(tx: Tx, *, lease: timedelta) -> list[Message]:
    """Of each webhook the oldest that is due. Where whoever claims them dies, they are due again after the lease."""
    found = []
    for hook in every(tx):
        mine = select(webhook_message).where(M.webhook_id == hook.id, M.next_at <= tx.now())
        row = tx.execute(mine.order_by(M.id).limit(1).with_for_update(skip_locked=True)).one_or_none()
        if row is not None:
            values = {"tries": row.tries + 1, "next_at": tx.now() + lease}
            tx.execute(update(webhook_message).where(M.id == row.id).values(**values))
            found.append(_message(row, hook))
    return found


def arrived(tx: Tx, message_id: int, webhook_id: int, said: str) -> None:
    values = {"sent_at": tx.now(), "next_at": None, "said": said}
    tx.execute(update(webhook_message).where(M.id == message_id).values(**values))
    tx.execute(update(webhook).where(W.id == webhook_id).values(failing_since=None))


def failed(tx: Tx, message_id: int, webhook_id: int, said: str, *, next_at: datetime | None) -> None:
    """`next_at` None: it is given up."""
    tx.execute(update(webhook_message).where(M.id == message_id).values(next_at=next_at, said=said))
    first = update(webhook).where(W.id == webhook_id, W.failing_since.is_(None))
    tx.execute(first.values(failing_since=tx.now()))


def disable(tx: Tx, webhook_id: int) -> bool:
    """False where it was, or is gone. What waits for it is given up."""
    mine = update(webhook).where(W.id == webhook_id, W.disabled_at.is_(None)).values(disabled_at=tx.now())
    if tx.execute(mine).rowcount != 1:
        return False
    tx.execute(update(webhook_message).where(M.webhook_id == webhook_id).values(next_at=None))
    return True


def enable(tx: Tx, webhook_id: int) -> None:
    """What happened while it was disabled is not told."""
    values = {"disabled_at": None, "failing_since": None, "seen_no": audit_log.size(tx)}
    tx.execute(update(webhook).where(W.id == webhook_id).values(**values))


def wipe(tx: Tx, created_before: datetime) -> int:
    """What arrived or was given up."""
    old = delete(webhook_message).where(M.created_at < created_before, M.next_at.is_(None))
    return tx.execute(old).rowcount


def _webhook(row: Row[Any]) -> Webhook:
    data = {name: value for name, value in row._mapping.items() if name not in {"by", "types", "added_by"}}
    return Webhook(**data, types=tuple(row.types.split()), added_by=row.by)


def _message(row: Row[Any], of: Webhook) -> Message:
    return Message(
        id=row.id, uid=row.uid, type=row.type, content=row.content, tries=row.tries + 1, webhook=of
    )
