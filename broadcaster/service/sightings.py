"""Looks for every public post once more, a minute after a platform took it, where people read it.

A platform may take a post and hide it; somebody may take it down. Nothing here changes a delivery: "accepted" stays what
the platform said, and what was seen stands beside it. It runs beside the sending and never in its way.
"""

from datetime import timedelta
from zoneinfo import ZoneInfo

import structlog

from broadcaster.db import broadcasts, follow_ups, sightings
from broadcaster.db.engine import Database
from broadcaster.db.sightings import Accepted
from broadcaster.domain.errors import SendError
from broadcaster.domain.follow_up import Act
from broadcaster.domain.sight import Sight
from broadcaster.service.approved import Tampered, part_of, verified
from broadcaster.service.record import note
from channels.base import ChannelsOfMode, ReadsBack, Withdraws

log = structlog.get_logger()

AFTER = timedelta(seconds=60)
AGAIN = timedelta(seconds=60)  # a platform's own index may lag: one clean reading proves nothing
CLEAN_READINGS = 2
MOST_TRIES = 5
AT_ONCE = 5


class Sightings:
    def __init__(self, database: Database, channels: ChannelsOfMode, *, zone: ZoneInfo) -> None:
        self._database = database
        self._channels = channels
        self._zone = zone

    def look(self, mode: str) -> int:
        """Look for what is due. How many posts were looked for."""
        names = [name for name, c in self._channels.get(mode, {}).items() if isinstance(c, ReadsBack)]
        if not names:
            return 0
        with self._database.read() as tx:
            found = sightings.due(tx, mode=mode, names=names, after=AFTER, limit=AT_ONCE)
        return sum(self._look_for(mode, each) for each in found)

    def _look_for(self, mode: str, one: Accepted) -> bool:
        """No transaction is open while the platform is read."""
        with self._database.write() as tx:
            if not sightings.begin(tx, one, next_at=tx.now() + AGAIN):
                return False
            approved = broadcasts.approved_post(tx, one.target_id)
            # an edited post is as old as the one that it was
            since = follow_ups.amended_release(tx, one.uid) if approved.act is Act.EDIT else None
        channel = self._channels[mode][one.account]
        assert isinstance(channel, ReadsBack)
        try:
            whole = verified(approved, mode, self._zone, through=one.account)
            if approved.act is Act.WITHDRAW:
                sight = _came_down(channel, one)
            else:
                post = part_of(whole, one.part, parts=one.parts, in_reply_to="")
                sight = channel.read_back(post, one.platform_id, since or approved.released_at)
        except (SendError, Tampered) as error:
            log.warning("looking_failed", delivery=one.uid, error=str(error))
            sight = Sight.UNREADABLE
        self._note(one, _after(one.tries + 1, sight))
        return True

    def _note(self, one: Accepted, sight: Sight) -> None:
        with self._database.write() as tx:
            sightings.note(tx, one.id, sight)
            if sight is not Sight.LOOKING:
                row = broadcasts.by_id(tx, one.broadcast_id)
                note(tx, row, "post_looked_at", {"delivery": one.uid, "found": sight})


def _came_down(channel: ReadsBack, one: Accepted) -> Sight:
    if not one.platform_id or not isinstance(channel, Withdraws):
        return Sight.GONE
    return Sight.GONE if channel.stands(one.platform_id) is None else Sight.DIFFERS


def _after(tries: int, sight: Sight) -> Sight:
    """What is said after so many looks: a post is missing only after two readings, and no reading that fails says so."""
    more = {Sight.ABSENT: CLEAN_READINGS, Sight.UNREADABLE: MOST_TRIES}.get(sight, 0)
    return Sight.LOOKING if tries < more else sight
