"""Sealing stored numbers anew under another key: which rows, and putting back what was sealed. Nothing here opens them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Column, ColumnElement, bindparam, case, func, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.tables import audience_version, callback, heard, recipient, totp, totp_begun, webhook


@dataclass(frozen=True, kw_only=True, slots=True)
class Sealed:
    id: int
    index: bytes
    sealed: bytes


class Place(NamedTuple):
    """A column of sealed values, and what each is bound to."""

    sealed: Column[bytes]
    bound_to: ColumnElement[bytes]


_H = heard.c
PLACES = (
    Place(recipient.c.number_sealed, recipient.c.number_index),
    Place(callback.c.raw_sealed, callback.c.mark),
    # one that came from no number is bound to its mark
    Place(_H.number_sealed, case((_H.number_index == b"", _H.mark), else_=_H.number_index)),
    Place(_H.text_sealed, _H.mark),
    Place(totp.c.secret_sealed, totp.c.bound_to),
    Place(totp_begun.c.secret_sealed, totp_begun.c.bound_to),
    Place(webhook.c.secret_sealed, webhook.c.bound_to),
)


def some(tx: Tx, place: Place, *, after_id: int, limit: int) -> list[Sealed]:
    """Rows by id, locked: what is erased meanwhile stays erased."""
    c = place.sealed.table.c
    query = (
        select(c.id, place.bound_to.label("index"), place.sealed.label("sealed"))
        .where(c.id > after_id)
        .order_by(c.id)
        .limit(limit)
        .with_for_update()
    )
    return [Sealed(**row._mapping) for row in tx.execute(query)]


def put_back(tx: Tx, place: Place, rows: Sequence[Sealed]) -> None:
    """Each sealed anew, under its id."""
    table = place.sealed.table
    statement = update(table).where(table.c.id == bindparam("row_id"))
    values = [{"row_id": row.id, "row_sealed": row.sealed} for row in rows]
    tx.connection.execute(statement.values({place.sealed: bindparam("row_sealed")}), values)


def importing(tx: Tx) -> bool:
    """Whether an audience is being imported, or an import that broke off is still to be taken back."""
    query = select(func.count()).where(audience_version.c.sealed_at.is_(None))
    return bool(tx.execute(query).scalar_one())
