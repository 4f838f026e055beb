"""What holds routine notices up when one is due. A scheduled notice that cheerfully goes out in the middle of a disaster does
harm, so each due run asks here, in the transaction that would release it; other parts add what they know to `HOLDS`.
"""

from collections.abc import Callable, Sequence

from broadcaster.db.engine import Tx
from broadcaster.db.schedules import Schedule

#: Given the transaction and the schedule: why it may not go out now, as a sentence; empty where nothing stands against it.
Hold = Callable[[Tx, Schedule], str]
HOLDS: Sequence[Hold] = ()


def holds(tx: Tx, row: Schedule) -> tuple[str, ...]:
    """Why nothing of this schedule may go out now; nothing where it may."""
    return tuple(why for hold in HOLDS if (why := hold(tx, row)))
