"""Who is on call when, and how staff are reached at work."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, delete, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_uid
from broadcaster.db.tables import duty, person, work_contact
from broadcaster.domain.rota import Duty

D = duty.c


class Contact(NamedTuple):
    """Of work: each may be empty."""

    phone: str = ""
    mail: str = ""


def insert(
    tx: Tx,
    *,
    person_id: int,
    role: str,
    starts_at: datetime,
    ends_at: datetime,
    covers_id: int | None,
    by: int,
) -> str:
    uid = new_uid()
    values: dict[str, Any] = {"uid": uid, "person_id": person_id, "role": role, "covers_id": covers_id}
    values |= {"starts_at": starts_at, "ends_at": ends_at, "entered_by": by, "entered_at": tx.now()}
    tx.insert(duty, values)
    return uid


def find(tx: Tx, uid: str) -> Duty | None:
    """One that was not taken out."""
    row = tx.execute(_all().where(D.uid == uid)).one_or_none()
    return _duty(row) if row else None


def from_now(tx: Tx) -> list[Duty]:
    """Those that are or come, the first one first."""
    query = _all().where(D.ends_at > tx.now()).order_by(D.starts_at, D.id)
    return [_duty(row) for row in tx.execute(query)]


def remove(tx: Tx, uid: str) -> bool:
    mine = (D.uid == uid) & D.removed_at.is_(None)
    return bool(tx.execute(update(duty).where(mine).values(removed_at=tx.now())).rowcount)


def acknowledge(tx: Tx, uid: str) -> bool:
    mine = (D.uid == uid) & D.removed_at.is_(None) & D.acknowledged_at.is_(None)
    return bool(tx.execute(update(duty).where(mine).values(acknowledged_at=tx.now())).rowcount)


def set_contact(tx: Tx, person_id: int, contact: Contact) -> None:
    tx.execute(delete(work_contact).where(work_contact.c.person_id == person_id))
    if any(contact):
        values = {"person_id": person_id, "phone": contact.phone, "mail": contact.mail}
        tx.insert(work_contact, {**values, "changed_at": tx.now()})


def contacts(tx: Tx) -> dict[str, Contact]:
    """By name."""
    c = work_contact.c
    query = select(person.c.name, c.phone, c.mail).join(person, person.c.id == c.person_id)
    return {row.name: Contact(row.phone, row.mail) for row in tx.execute(query)}


def _all() -> Any:
    covered, by = person.alias(), person.alias()
    columns = (
        D.uid,
        person.c.name.label("person"),
        D.role,
        D.starts_at,
        D.ends_at,
        covered.c.name.label("covers"),
        by.c.name.label("entered_by"),
        D.acknowledged_at,
    )
    return (
        select(*columns)
        .join(person, person.c.id == D.person_id)
        .join(by, by.c.id == D.entered_by)
        .outerjoin(covered, covered.c.id == D.covers_id)
        .where(D.removed_at.is_(None))
    )


def _duty(row: Row[Any]) -> Duty:
    return Duty(**{**row._mapping, "covers": row.covers or ""})
