"""Users of this system."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Row, func, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_uid
from broadcaster.db.tables import person
from broadcaster.domain.policy import Role


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who acts. `factor` is the second factor that was given last where he signed in, and `factor_at` when; `session`
    and `token_id` say with what he came."""

    id: int
    uid: str
    name: str
    roles: frozenset[str]
    factor: str = ""
    factor_at: datetime | None = None
    session: str = ""
    token_id: int | None = None

    @classmethod
    def from_row(cls, row: Row[Any]) -> Self:
        return cls(id=row.id, uid=row.uid, name=row.name, roles=frozenset(row.roles.split()))


@dataclass(frozen=True, kw_only=True)
class Known:
    """A user, whether disabled or not."""

    person: Person
    created_at: datetime
    disabled_at: datetime | None


def insert(tx: Tx, *, name: str, roles: frozenset[str]) -> Person:
    values = {"uid": new_uid(), "name": name, "roles": " ".join(sorted(roles)), "created_at": tx.now()}
    return by_id(tx, tx.insert(person, values))


def count(tx: Tx) -> int:
    return int(tx.execute(select(func.count()).select_from(person)).scalar_one())


def by_name(tx: Tx, name: str) -> Person | None:
    """An enabled user."""
    found = known(tx, name)
    return found.person if found and found.disabled_at is None else None


def by_id(tx: Tx, person_id: int) -> Person:
    return Person.from_row(tx.execute(select(person).where(person.c.id == person_id)).one())


def by_uid(tx: Tx, uid: str) -> Person | None:
    """An enabled user."""
    query = select(person).where(person.c.uid == uid, person.c.disabled_at.is_(None))
    row = tx.execute(query).one_or_none()
    return Person.from_row(row) if row else None


def known(tx: Tx, name: str, *, lock: bool = False) -> Known | None:
    query = select(person).where(person.c.name == name)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return _known(row) if row else None


def known_by_id(tx: Tx, person_id: int) -> Known:
    return _known(tx.execute(select(person).where(person.c.id == person_id)).one())


def everybody(tx: Tx) -> list[Known]:
    return [_known(row) for row in tx.execute(select(person).order_by(person.c.name))]


def names(tx: Tx) -> list[str]:
    return list(tx.execute(select(person.c.name).order_by(person.c.name)).scalars())


def administrators(tx: Tx) -> list[Person]:
    """Those who are enabled."""
    rows = tx.execute(select(person).where(person.c.disabled_at.is_(None)).order_by(person.c.id))
    return [found for row in rows if Role.ADMINISTRATOR in (found := Person.from_row(row)).roles]


def set_roles(tx: Tx, person_id: int, roles: frozenset[str]) -> None:
    tx.execute(update(person).where(person.c.id == person_id).values(roles=" ".join(sorted(roles))))


def set_disabled(tx: Tx, person_id: int, disabled_at: datetime | None) -> None:
    tx.execute(update(person).where(person.c.id == person_id).values(disabled_at=disabled_at))


def _known(row: Row[Any]) -> Known:
    return Known(person=Person.from_row(row), created_at=row.created_at, disabled_at=row.disabled_at)
