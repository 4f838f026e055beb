"""Keeps what shows which messages are still in force up to date: once a minute, and when a message ends."""

import time
from datetime import datetime, timedelta

import structlog

from broadcaster.db import broadcasts
from broadcaster.db.engine import Database
from broadcaster.domain.errors import SendError
from channels.base import ChannelsOfMode, Refreshes

log = structlog.get_logger()

REFRESH_EVERY_S = 60.0
#: What shows an end does so by its own clock. Where that is a little behind, it is looked at once more.
CLOCKS_APART = timedelta(seconds=2)


class Refreshing:
    def __init__(self, database: Database, channels: ChannelsOfMode) -> None:
        self._database = database
        self._channels = channels
        self._refresh_at = 0.0  # by this process's own clock
        self._refreshed_at: datetime | None = None  # by the database's

    def look(self) -> None:
        """Whatever is due. A channel that fails keeps no other from it."""
        with self._database.read() as tx:
            now = tx.now()
            ended = broadcasts.any_expired(tx, (self._refreshed_at or now) - CLOCKS_APART)
        if time.monotonic() < self._refresh_at and not ended:
            return
        self._refresh_at, self._refreshed_at = time.monotonic() + REFRESH_EVERY_S, now
        for configured in self._channels.values():
            for channel in configured.values():
                if isinstance(channel, Refreshes):
                    try:
                        channel.refresh()
                    except SendError as error:
                        log.warning("refresh_failed", channel=channel.name, code=error.code)
