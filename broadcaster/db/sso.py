"""Who may sign in by single sign-on, and as whom the provider knows each."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.tables import sso_user

U = sso_user.c


@dataclass(frozen=True, kw_only=True)
class SsoUser:
    """`subject` is None until the first sign-in."""

    person_id: int
    issuer: str | None
    subject: str | None
    linked_at: datetime | None


def allow(tx: Tx, person_id: int) -> bool:
    """False where it is allowed already."""
    if of_person(tx, person_id):
        return False
    tx.add_missing(sso_user, {"person_id": person_id, "allowed_at": tx.now()})
    return True


def forget(tx: Tx, person_id: int) -> bool:
    """False where it was not allowed."""
    return bool(tx.execute(delete(sso_user).where(U.person_id == person_id)).rowcount)


def of_person(tx: Tx, person_id: int, *, lock: bool = False) -> SsoUser | None:
    query = select(U.person_id, U.issuer, U.subject, U.linked_at).where(U.person_id == person_id)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return SsoUser(**row._mapping) if row else None


def person_of(tx: Tx, issuer: str, subject: str) -> int | None:
    """Whom this subject is linked to."""
    query = select(U.person_id).where(U.issuer == issuer, U.subject == subject)
    found: int | None = tx.execute(query).scalar_one_or_none()
    return found


def link(tx: Tx, person_id: int, issuer: str, subject: str) -> bool:
    """True for the one who comes first."""
    mine = (U.person_id == person_id) & U.subject.is_(None)
    values = {"issuer": issuer, "subject": subject, "linked_at": tx.now()}
    return bool(tx.execute(update(sso_user).where(mine).values(values)).rowcount)


def is_linked(tx: Tx, person_id: int) -> bool:
    found = of_person(tx, person_id)
    return found is not None and found.subject is not None
