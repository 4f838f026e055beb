"""Sessions in a browser. Of a cookie's value only the hash is here."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_uid
from broadcaster.db.people import Person
from broadcaster.db.tables import person, session

S = session.c


@dataclass(frozen=True, kw_only=True)
class StoredSession:
    """`disabled`: its user was."""

    id: int
    uid: str
    person: Person
    disabled: bool
    created_at: datetime
    seen_at: datetime
    ends_at: datetime
    factor: str
    factor_at: datetime | None
    address: str
    agent: str


def insert(
    tx: Tx,
    *,
    person_id: int,
    sha256: str,
    ends_at: datetime,
    factor: str,
    factor_at: datetime | None,
    address: str,
    agent: str,
) -> str:
    uid = new_uid()
    values: dict[str, Any] = {"uid": uid, "person_id": person_id, "sha256": sha256, "ends_at": ends_at}
    values |= {"created_at": tx.now(), "seen_at": tx.now(), "address": address, "agent": agent}
    tx.insert(session, {**values, "factor": factor, "factor_at": factor_at})
    return uid


def find(tx: Tx, sha256: str, *, lock: bool = False) -> StoredSession | None:
    """An open one."""
    query = _open().where(S.sha256 == sha256)
    row = tx.execute(query.with_for_update(of=session) if lock else query).one_or_none()
    return _stored(row) if row else None


def of_person(tx: Tx, person_id: int) -> list[StoredSession]:
    """Those that are open, the newest first."""
    return [_stored(row) for row in tx.execute(_open().where(S.person_id == person_id).order_by(S.id.desc()))]


def touch(tx: Tx, session_id: int) -> None:
    tx.execute(update(session).where(S.id == session_id, S.ended_at.is_(None)).values(seen_at=tx.now()))


def renew(
    tx: Tx, session_id: int, *, before: str, sha256: str, factor: str = "", ends_at: datetime | None = None
) -> bool:
    """Another value for its cookie; with `factor`, it was given just now. False where somebody was quicker."""
    values: dict[str, Any] = {"sha256": sha256, "seen_at": tx.now()}
    if factor:
        values |= {"factor": factor, "factor_at": tx.now()}
    if ends_at:
        values["ends_at"] = ends_at
    mine = (S.id == session_id) & (S.sha256 == before) & S.ended_at.is_(None)
    return bool(tx.execute(update(session).where(mine).values(values)).rowcount)


def end(tx: Tx, why: str, *, session_id: int) -> bool:
    """False where it had ended before."""
    mine = (S.id == session_id) & S.ended_at.is_(None)
    return bool(tx.execute(update(session).where(mine).values(ended_at=tx.now(), why_ended=why)).rowcount)


def end_all(tx: Tx, why: str, *, person_id: int, but: str = "") -> int:
    """All of a user, but the one with this uid. How many."""
    mine = (S.person_id == person_id) & S.ended_at.is_(None) & (S.uid != but)
    return tx.execute(update(session).where(mine).values(ended_at=tx.now(), why_ended=why)).rowcount


def delete_old(tx: Tx, *, kept: timedelta, limit: int) -> int:
    """Those that are over for so long, and what they tell about where somebody was."""
    before = tx.now() - kept
    over = select(S.id).where((S.ended_at < before) | (S.ends_at < before)).limit(limit)
    return tx.execute(delete(session).where(S.id.in_(over.scalar_subquery()))).rowcount


def _open() -> Any:
    columns = (person.c.name, person.c.roles, person.c.disabled_at, person.c.uid.label("person_uid"))
    return select(session, *columns).join(person, person.c.id == S.person_id).where(S.ended_at.is_(None))


def _stored(row: Row[Any]) -> StoredSession:
    who = Person(
        id=row.person_id,
        uid=row.person_uid,
        name=row.name,
        roles=frozenset(row.roles.split()),
        factor=row.factor,
        factor_at=row.factor_at,
        session=row.uid,
    )
    names = ("id", "uid", "created_at", "seen_at", "ends_at", "factor", "factor_at", "address", "agent")
    values = {name: getattr(row, name) for name in names}
    return StoredSession(**values, person=who, disabled=row.disabled_at is not None)
