"""What platforms brought, as it came: sealed, once each, and gone after some days. Nothing here opens it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select

from broadcaster.db.engine import Tx
from broadcaster.db.tables import account, callback
from broadcaster.db.tables.callbacks import UNREADABLE as IS_UNREADABLE

RECEIPT, HEARD, UNREADABLE = "receipt", "heard", "unreadable"
WIPE_AT_ONCE = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    account_id: int
    kind: str
    mark: bytes
    sealed: bytes


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """What one account brought that nobody here understands."""

    account: str
    mode: str
    count: int
    since: datetime
    last: datetime


def store(tx: Tx, kept: Sequence[Kept]) -> None:
    """Repeated ones are dropped. In one order for everybody, as receipts are."""
    rows = [
        {
            "account_id": k.account_id,
            "kind": k.kind,
            "mark": k.mark,
            "raw_sealed": k.sealed,
            "received_at": tx.now(),
        }
        for k in sorted(kept, key=lambda k: (k.account_id, k.mark))
    ]
    if rows:
        tx.add_missing(callback, rows)


def wipe(tx: Tx, received_before: datetime) -> int:
    """The oldest, at most WIPE_AT_ONCE, as far as they are older. How many there were."""
    c = callback.c
    oldest = select(c.id, c.received_at).order_by(c.id).limit(WIPE_AT_ONCE).subquery()
    old = select(oldest.c.id).where(oldest.c.received_at < received_before)
    return tx.execute(delete(callback).where(c.id.in_(old))).rowcount


def unreadable(tx: Tx) -> list[Unreadable]:
    c, a = callback.c, account.c
    query = (
        select(
            a.name.label("account"),
            a.mode,
            func.count().label("count"),
            func.min(c.received_at).label("since"),
            func.max(c.received_at).label("last"),
        )
        .join(account, a.id == c.account_id)
        .where(IS_UNREADABLE)
        .group_by(a.name, a.mode)
        .order_by(a.mode, a.name)
    )
    return [Unreadable(**row._mapping) for row in tx.execute(query)]
