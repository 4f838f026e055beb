"""Sealing stored numbers anew under another key: which rows, and putting back what was sealed. Nothing here opens them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.tables import audience_version, recipient


@dataclass(frozen=True, kw_only=True, slots=True)
class Sealed:
    id: int
    index: bytes
    sealed: bytes


def some(tx: Tx, *, after_id: int, limit: int) -> list[Sealed]:
    """Recipients by id, locked: what is erased meanwhile stays erased."""
    r = recipient.c
    query = (
        select(r.id, r.number_index.label("index"), r.number_sealed.label("sealed"))
        .where(r.id > after_id)
        .order_by(r.id)
        .limit(limit)
        .with_for_update()
    )
    return [Sealed(**row._mapping) for row in tx.execute(query)]


def put_back(tx: Tx, rows: Sequence[Sealed]) -> None:
    """Each sealed anew, under its id."""
    statement = update(recipient).where(recipient.c.id == bindparam("row_id"))
    values = [{"row_id": row.id, "row_sealed": row.sealed} for row in rows]
    tx.connection.execute(statement.values(number_sealed=bindparam("row_sealed")), values)


def importing(tx: Tx) -> bool:
    """Whether an audience is being imported, or an import that broke off is still to be taken back."""
    query = select(func.count()).where(audience_version.c.sealed_at.is_(None))
    return bool(tx.execute(query).scalar_one())
