"""Failed tries, counted under keyed marks, and until when the next one must wait."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.tables import brake

B = brake.c


@dataclass(frozen=True, kw_only=True)
class Brake:
    """`failures` in a row, none of them longer ago than the last but one by `forgotten_after`."""

    failures: int
    blocked_until: datetime | None
    good_at: datetime | None


def read(tx: Tx, mark: bytes, *, forgotten_after: timedelta) -> Brake:
    """Locked, and there from now on: two tries at once are counted one after the other."""
    tx.add_missing(brake, {"mark": mark, "failures": 0, "touched_at": tx.now()})
    row = tx.execute(select(brake).where(B.mark == mark).with_for_update()).one()
    old = row.failed_at is None or tx.now() - row.failed_at >= forgotten_after
    return Brake(failures=0 if old else row.failures, blocked_until=row.blocked_until, good_at=row.good_at)


def failed(tx: Tx, mark: bytes, *, failures: int, wait_s: int) -> None:
    until = tx.now() + timedelta(seconds=wait_s) if wait_s else None
    values = {"failures": failures, "failed_at": tx.now(), "blocked_until": until, "touched_at": tx.now()}
    tx.execute(update(brake).where(B.mark == mark).values(values))


def forgive(tx: Tx, mark: bytes, before: Brake, *, all_of_it: bool) -> None:
    """It was the right one after all: nothing failed, or one try less has."""
    values = {"failures": 0, "failed_at": None} if all_of_it else {"failures": B.failures - 1}
    mine = (B.mark == mark) & (B.failures > 0)
    tx.execute(update(brake).where(mine).values({**values, "blocked_until": before.blocked_until}))


def got_in(tx: Tx, mark: bytes) -> None:
    tx.execute(update(brake).where(B.mark == mark).values(good_at=tx.now(), touched_at=tx.now()))


def delete_old(tx: Tx, *, kept: timedelta, limit: int) -> int:
    old = select(B.id).where(B.touched_at < tx.now() - kept).limit(limit)
    return tx.execute(delete(brake).where(B.id.in_(old.scalar_subquery()))).rowcount
