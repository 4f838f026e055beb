"""Accounts as the database knows them: a name per mode and whether it is paused. Credentials stay in files."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from broadcaster.db.engine import Tx
from broadcaster.db.tables import account
from broadcaster.domain.ways import KNOWN_FOR


@dataclass(frozen=True, kw_only=True)
class AccountRow:
    id: int
    mode: str
    channel: str
    name: str
    paused_at: datetime | None
    pause_reason: str
    failures: int = 0
    failing_since: datetime | None = None
    open_until: datetime | None = None

    def is_failing(self, now: datetime) -> bool:
        """Its breaker is open, and something was tried through it lately."""
        return self.open_until is not None and self.open_until > now - KNOWN_FOR


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


def pause(tx: Tx, account_id: int, reason: str) -> bool:
    """True where it was not paused before."""
    statement = update(account).where(account.c.id == account_id, account.c.paused_at.is_(None))
    return tx.execute(statement.values(paused_at=tx.now(), pause_reason=reason)).rowcount == 1


def resume(tx: Tx, account_id: int) -> bool:
    """True where it was paused before."""
    statement = update(account).where(account.c.id == account_id, account.c.paused_at.is_not(None))
    return tx.execute(statement.values(paused_at=None, pause_reason="")).rowcount == 1


def lock(tx: Tx, account_id: int) -> AccountRow:
    """The row, which nobody else changes until the transaction ends; others may refer to it meanwhile (`key_share`)."""
    query = select(account).where(account.c.id == account_id).with_for_update(key_share=True)
    return _row(tx.execute(query).one()._mapping)


def set_health(
    tx: Tx, account_id: int, *, failures: int, failing_since: datetime | None, open_until: datetime | None
) -> None:
    values = {"failures": failures, "failing_since": failing_since, "open_until": open_until}
    tx.execute(update(account).where(account.c.id == account_id).values(**values))


def take_probe(tx: Tx, account_id: int, *, next_at: datetime) -> bool:
    """Whether this transaction may try a failing account again. Nobody else may before `next_at`."""
    statement = update(account).where(account.c.id == account_id, account.c.open_until <= tx.now())
    return tx.execute(statement.values(open_until=next_at)).rowcount == 1


def take_turn(tx: Tx, account_id: int, *, was: datetime | None, free_at: datetime) -> bool:
    """Whether this transaction got the account's next turn, which it saw begin at `was`. Another one may be quicker."""
    c = account.c
    mine = c.free_at.is_(None) if was is None else c.free_at == was
    statement = update(account).where(c.id == account_id, mine)
    return tx.execute(statement.values(free_at=free_at)).rowcount == 1


def keep_off(tx: Tx, account_id: int, until: datetime) -> None:
    """Its gateway asks everybody for patience."""
    c = account.c
    statement = update(account).where(c.id == account_id, c.free_at.is_(None) | (c.free_at < until))
    tx.execute(statement.values(free_at=until))


def _row(values: object) -> AccountRow:
    data = dict(values)  # type: ignore[call-overload]  # a RowMapping
    del data["created_at"], data["free_at"]
    return AccountRow(**data)
