"""Who leads: one process per role at a time, by a lease in the database."""

from datetime import timedelta

from sqlalchemy import select, update

from broadcaster.db.engine import Tx
from broadcaster.db.tables import leader


def lead(tx: Tx, *, role: str, owner: str, lease_s: float) -> bool:
    """True where this process leads until the lease runs out. Call it again before then."""
    until = tx.now() + timedelta(seconds=lease_s)
    tx.add_missing(leader, {"role": role, "owner": owner, "lease_until": until})
    row = tx.execute(select(leader).where(leader.c.role == role).with_for_update()).one()
    if row.owner != owner and row.lease_until > tx.now():
        return False
    tx.execute(update(leader).where(leader.c.role == role).values(owner=owner, lease_until=until))
    return True
