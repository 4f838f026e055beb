"""Where people's own calendars read the scheduled notices: one address for each person, kept as the digest of its secret."""

from sqlalchemy import select

from broadcaster.db.engine import Tx
from broadcaster.db.people import Person
from broadcaster.db.tables import calendar_address, person

C = calendar_address.c


def replace(tx: Tx, person_id: int, secret_sha256: str) -> None:
    remove(tx, person_id)
    row = {"person_id": person_id, "secret_sha256": secret_sha256, "created_at": tx.now()}
    tx.insert(calendar_address, row)


def remove(tx: Tx, person_id: int) -> bool:
    return bool(tx.execute(calendar_address.delete().where(C.person_id == person_id)).rowcount)


def has(tx: Tx, person_id: int) -> bool:
    return tx.execute(select(C.id).where(C.person_id == person_id)).one_or_none() is not None


def reader(tx: Tx, secret_sha256: str) -> Person | None:
    """Whose address it is; None where it is nobody's, or that user was disabled."""
    query = (
        select(person)
        .join(calendar_address, C.person_id == person.c.id)
        .where(C.secret_sha256 == secret_sha256, person.c.disabled_at.is_(None))
    )
    row = tx.execute(query).one_or_none()
    return Person.from_row(row) if row else None
