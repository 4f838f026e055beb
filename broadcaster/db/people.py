"""Users of this system and their tokens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Row, func, select

from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_uid
from broadcaster.db.tables import person, token


@dataclass(frozen=True, kw_only=True)
class Person:
    id: int
    uid: str
    name: str
    roles: frozenset[str]

    @classmethod
    def from_row(cls, row: Row[Any]) -> Self:
        return cls(id=row.id, uid=row.uid, name=row.name, roles=frozenset(row.roles.split()))


def insert(tx: Tx, *, name: str, roles: frozenset[str]) -> Person:
    values = {"uid": new_uid(), "name": name, "roles": " ".join(sorted(roles)), "created_at": tx.now()}
    return by_id(tx, tx.insert(person, values))


def count(tx: Tx) -> int:
    return int(tx.execute(select(func.count()).select_from(person)).scalar_one())


def by_name(tx: Tx, name: str) -> Person | None:
    row = tx.execute(
        select(person).where(person.c.name == name, person.c.disabled_at.is_(None))
    ).one_or_none()
    return Person.from_row(row) if row else None


def by_id(tx: Tx, person_id: int) -> Person:
    return Person.from_row(tx.execute(select(person).where(person.c.id == person_id)).one())


def names(tx: Tx) -> list[str]:
    return list(tx.execute(select(person.c.name).order_by(person.c.name)).scalars())


def insert_token(tx: Tx, *, person_id: int, sha256: str, expires_at: datetime) -> None:
    tx.execute(
        token.insert().values(person_id=person_id, sha256=sha256, created_at=tx.now(), expires_at=expires_at)
    )


def by_token(tx: Tx, sha256: str) -> Person | None:
    """The user whose token this is, unless the token has lapsed or was revoked, or the user was disabled."""
    query = (
        select(person)
        .join(token, token.c.person_id == person.c.id)
        .where(token.c.sha256 == sha256, token.c.expires_at > tx.now())
        .where(token.c.revoked_at.is_(None), person.c.disabled_at.is_(None))
    )
    row = tx.execute(query).one_or_none()
    return Person.from_row(row) if row else None


def any_token(tx: Tx) -> bool:
    """Whether a token has ever been issued, to anybody."""
    return tx.execute(select(token.c.id).limit(1)).one_or_none() is not None
