"""How fast texts go through an account, by all processes together: the account's row says from when on the next may leave.

A group is a fortieth of what may leave in a second, and one that came late may catch up as much: so in no second more
than a twentieth too many leave. Taken with the intent and before the first byte, so that what is counted is too much
rather than too little.
"""

from datetime import timedelta

from broadcaster.db import accounts
from broadcaster.db.engine import Tx
from broadcaster.domain.post import Post
from broadcaster.domain.ways import WayNow
from channels.base import Channel, Paced

GROUPS_A_SECOND = 40


def rate_of(channel: Channel | None, post: Post) -> float:
    """How many times this post may leave in a second; 0 where nobody has said."""
    return channel.per_second(post) if channel is not None and isinstance(channel, Paced) else 0.0


def group_size(per_second: float, *, most: int) -> int:
    return max(1, min(most, int(per_second / GROUPS_A_SECOND))) if per_second else most


def take_turn(tx: Tx, mine: WayNow, count: int, per_second: float) -> float | None:
    """In how many seconds the next group may begin; None where another process has just taken this turn."""
    if not per_second:
        return 0.0
    now = tx.now()
    catching_up = timedelta(seconds=1 / GROUPS_A_SECOND if per_second >= GROUPS_A_SECOND else 0)
    free_at = max(mine.free_at or now, now - catching_up) + timedelta(seconds=count / per_second)
    if not accounts.take_turn(tx, mine.account_id, was=mine.free_at, free_at=free_at):
        return None
    return max(0.0, (free_at - now).total_seconds())
