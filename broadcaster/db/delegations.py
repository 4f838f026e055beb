"""Who may approve what without being an approver."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_reference
from broadcaster.db.tables import delegation, person
from broadcaster.domain.canonical import Json, canonical
from broadcaster.domain.delegation import Covers, Delegation

G = delegation.c


def insert(
    tx: Tx,
    *,
    person_id: int,
    covers: Mapping[str, Json],
    scheme: str,
    starts_at: datetime,
    ends_at: datetime,
    by: int,
) -> str:
    """Its reference."""
    ref = new_reference()
    values: dict[str, Any] = {"ref": ref, "person_id": person_id, "covers": canonical(covers).decode()}
    values |= {"scheme": scheme, "starts_at": starts_at, "ends_at": ends_at}
    tx.insert(delegation, {**values, "given_by": by, "given_at": tx.now()})
    return ref


def in_force(tx: Tx, person_id: int) -> list[Delegation]:
    """A person's, locked until the end of this transaction: who ends one waits until what it allowed just now is done."""
    mine = (
        (G.person_id == person_id) & G.ended_at.is_(None) & (G.starts_at <= tx.now()) & (G.ends_at > tx.now())
    )
    query = _all().where(mine).order_by(G.id).with_for_update(of=delegation)
    return [_delegation(row) for row in tx.execute(query)]


def listed(tx: Tx, *, person_id: int | None = None) -> list[Delegation]:
    """Those that are in force or come first, the newest first."""
    query = _all().order_by(G.id.desc())
    if person_id is not None:
        query = query.where(G.person_id == person_id)
    return [_delegation(row) for row in tx.execute(query.limit(500))]


def find(tx: Tx, ref: str) -> Delegation | None:
    row = tx.execute(_all().where(G.ref == ref.strip().upper())).one_or_none()
    return _delegation(row) if row else None


def end(tx: Tx, ref: str) -> bool:
    """False where it was over."""
    mine = (G.ref == ref) & G.ended_at.is_(None) & (G.ends_at > tx.now())
    return bool(tx.execute(update(delegation).where(mine).values(ended_at=tx.now())).rowcount)


def _all() -> Any:
    by = person.alias()
    return (
        select(delegation, person.c.name.label("person"), by.c.name.label("giver"))
        .join(person, person.c.id == G.person_id)
        .join(by, by.c.id == G.given_by)
    )


def _delegation(row: Row[Any]) -> Delegation:
    return Delegation(
        ref=row.ref,
        person=row.person,
        covers=Covers.from_json(json.loads(row.covers)),
        scheme=row.scheme,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        given_by=row.giver,
        given_at=row.given_at,
        ended_at=row.ended_at,
    )
