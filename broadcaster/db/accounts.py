"""Accounts as the database knows them: a name per mode and whether it is paused. Credentials stay in files."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.tables import account


@dataclass(frozen=True, kw_only=True)
class AccountRow:
    id: int
    mode: str
    channel: str
    name: str
    paused_at: datetime | None
    pause_reason: str


def ensure(tx: Tx, *, mode: str, channel: str, name: str) -> AccountRow:
    """The row of this account, made where it is missing."""
    found = by_name(tx, mode=mode, name=name)
    if found:
        return found
    tx.add_missing(account, {"mode": mode, "channel": channel, "name": name, "created_at": tx.now()})
    made = by_name(tx, mode=mode, name=name)
    assert made
    return made


def by_name(tx: Tx, *, mode: str, name: str) -> AccountRow | None:
    query = select(account).where(account.c.mode == mode, account.c.name == name)
    row = tx.execute(query).one_or_none()
    return _row(row._mapping) if row else None


def every(tx: Tx, *, mode: str) -> list[AccountRow]:
    query = select(account).where(account.c.mode == mode).order_by(account.c.channel, account.c.name)
    return [_row(r._mapping) for r in tx.execute(query)]


def is_paused(tx: Tx, account_id: int) -> bool:
    return tx.execute(_paused_at(), {"wanted": account_id}).scalar_one() is not None


@cache  # workers ask with every group
def _paused_at() -> Select[Any]:
    return select(account.c.paused_at).where(account.c.id == bindparam("wanted"))


def pause(tx: Tx, account_id: int, reason: str) -> bool:
    """True where it was not paused before."""
    statement = update(account).where(account.c.id == account_id, account.c.paused_at.is_(None))
    return tx.execute(statement.values(paused_at=tx.now(), pause_reason=reason)).rowcount == 1


def resume(tx: Tx, account_id: int) -> bool:
    """True where it was paused before."""
    statement = update(account).where(account.c.id == account_id, account.c.paused_at.is_not(None))
    return tx.execute(statement.values(paused_at=None, pause_reason="")).rowcount == 1


def _row(values: object) -> AccountRow:
    data = dict(values)  # type: ignore[call-overload]  # a RowMapping
    del data["created_at"]
    return AccountRow(**data)
