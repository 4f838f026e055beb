"""Requests of programs that must be done once, however often they arrive, and what was answered to them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.tables import request_once

R = request_once.c


@dataclass(frozen=True, kw_only=True)
class Stored:
    """`status` is None while it is at work, and for as long as it is kept where it broke off."""

    request_sha256: str
    status: int | None
    location: str
    answer: str


def take(tx: Tx, *, person_id: int, key_sha256: str, request_sha256: str) -> bool:
    """False where this user has used the key before."""
    row = {
        "person_id": person_id,
        "key_sha256": key_sha256,
        "request_sha256": request_sha256,
        "location": "",
        "answer": "",
        "created_at": tx.now(),
    }
    tx.alone(f"request {key_sha256}")  # two at once would both find nothing
    if find(tx, person_id, key_sha256):
        return False
    tx.insert(request_once, row)
    return True


def find(tx: Tx, person_id: int, key_sha256: str) -> Stored | None:
    query = select(R.request_sha256, R.status, R.location, R.answer)
    row = tx.execute(query.where(R.person_id == person_id, R.key_sha256 == key_sha256)).one_or_none()
    return Stored(**row._mapping) if row else None


def answer(tx: Tx, person_id: int, key_sha256: str, *, status: int, location: str, answer: str) -> None:
    mine = (R.person_id == person_id) & (R.key_sha256 == key_sha256)
    tx.execute(update(request_once).where(mine).values(status=status, location=location, answer=answer))


def release(tx: Tx, person_id: int, key_sha256: str) -> None:
    """The key may be used again."""
    tx.execute(delete(request_once).where(R.person_id == person_id, R.key_sha256 == key_sha256))


def wipe(tx: Tx, created_before: datetime) -> int:
    return tx.execute(delete(request_once).where(R.created_at < created_before)).rowcount
