"""How much of its minute each token has used up: in the rows that count failed tries, under marks of their own."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from broadcaster.db.engine import Tx
from broadcaster.db.tables import brake

B = brake.c
WINDOW = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Taken:
    """`count` of a minute's requests were granted now; none where it is used up. It ends at `until`."""

    count: int
    until: datetime


def take(tx: Tx, mark: bytes, *, wanted: int, most: int) -> Taken:
    """Up to so many of what is left of the minute that runs, or of a new one."""
    tx.add_missing(brake, {"mark": mark, "failures": 0, "touched_at": tx.now()})
    row = tx.execute(select(brake).where(B.mark == mark).with_for_update()).one()
    runs = row.failed_at is not None and tx.now() - row.failed_at < WINDOW
    began, used = (row.failed_at, row.failures) if runs else (tx.now(), 0)
    count = max(0, min(wanted, most - used))
    values = {"failures": used + count, "failed_at": began, "touched_at": tx.now()}
    tx.execute(update(brake).where(B.mark == mark).values(values))
    return Taken(count=count, until=began + WINDOW)
