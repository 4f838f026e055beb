"""Pre-election periods, and the names that the council keeps for them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_reference
from broadcaster.db.tables import election_name, election_period, person
from broadcaster.domain.election import Period

E, N = election_period.c, election_name.c


def insert(tx: Tx, *, starts_at: datetime, ends_at: datetime, by: int) -> str:
    ref = new_reference()
    values: dict[str, Any] = {"ref": ref, "starts_at": starts_at, "ends_at": ends_at}
    tx.insert(election_period, {**values, "set_by": by, "set_at": tx.now()})
    return ref


def end(tx: Tx, ref: str) -> bool:
    mine = (E.ref == ref.strip().upper()) & E.ended_at.is_(None) & (E.ends_at > tx.now())
    return bool(tx.execute(update(election_period).where(mine).values(ended_at=tx.now())).rowcount)


def periods(tx: Tx) -> list[Period]:
    """The newest first."""
    query = (
        select(E.ref, E.starts_at, E.ends_at, person.c.name.label("set_by"), E.set_at, E.ended_at)
        .join(person, person.c.id == E.set_by)
        .order_by(E.id.desc())
        .limit(50)
    )
    return [Period(**row._mapping) for row in tx.execute(query)]


def names(tx: Tx) -> list[str]:
    query = select(N.name).where(N.removed_at.is_(None)).order_by(N.name)
    return list(tx.execute(query).scalars())


def change_names(tx: Tx, *, added: Sequence[str], removed: Sequence[str], by: int) -> None:
    for name in added:
        tx.insert(election_name, {"name": name, "added_by": by, "added_at": tx.now()})
    gone = N.name.in_(removed) & N.removed_at.is_(None)
    tx.execute(update(election_name).where(gone).values(removed_at=tx.now()))
