"""Numbers are not kept longer than they are needed: wipes audience versions that a newer one replaced long ago.

The newest version of an audience is the list itself and stays, however old: its `review_on` says when to look again.
"""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from broadcaster.db import audiences, audit_log, erasures, retention
from broadcaster.db.engine import Database
from broadcaster.db.retention import OldVersion
from broadcaster.service.record import SYSTEM

LOOK_EVERY_S = 3600.0
WORK_FOR_S = 1.0  # at a time: the sweeper has more urgent things to do


class Retention:
    """`kept_days` is how long numbers stay after a newer version took their place; 0 keeps them until they are erased.
    `monotonic` is this process's own clock, in seconds."""

    def __init__(
        self, database: Database, *, kept_days: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._kept_days = kept_days
        self._monotonic = monotonic
        self._look_at = monotonic()

    def wipe_old_numbers(self) -> None:
        """A step of the sweeper: looks once an hour, and works a second at a time until nothing old is left."""
        if not self._kept_days or self._monotonic() < self._look_at:
            return
        deadline = self._monotonic() + WORK_FOR_S
        while old := self._next():
            while self._wipe_some(old):
                if self._monotonic() >= deadline:
                    return
            erasures.clear_journal(self._database)
            if self._monotonic() >= deadline:
                return
        self._look_at = self._monotonic() + LOOK_EVERY_S

    def _next(self) -> OldVersion | None:
        """One that was begun, or else the oldest that may go. From then on nothing can be sent to it."""
        with self._database.write() as tx:
            begun = retention.half_wiped(tx)
            old = begun or retention.kept_long_enough(tx, tx.now() - timedelta(days=self._kept_days))
            if old and not begun:
                retention.set_wiped(tx, old.id)
        return old

    def _wipe_some(self, old: OldVersion) -> bool:
        """A chunk, in a transaction of its own. Whether anything is left; the one that takes the last row tells of it."""
        with self._database.write() as tx:
            erasures.leave_no_traces(tx)
            removed = audiences.delete_some(tx, old.id)
            left = retention.has_rows(tx, old.id)
            if removed and not left:
                payload = {"version": old.no, "count": old.size, "kept_days": self._kept_days}
                audit_log.append(
                    tx, actor=SYSTEM, act="audience_numbers_wiped", subject=old.audience, payload=payload
                )
        return left


class Leftovers:
    """What platforms and people told us, and nobody needs any more. Each step takes some and says whether there were any."""

    def __init__(
        self, steps: Sequence[Callable[[], bool]], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._steps = steps
        self._monotonic = monotonic
        self._look_at = monotonic()

    def wipe_what_was_told(self) -> None:
        """A step of the sweeper, as above: once an hour, and a second at a time until nothing old is left."""
        if self._monotonic() < self._look_at:
            return
        deadline = self._monotonic() + WORK_FOR_S
        for step in self._steps:
            while step():
                if self._monotonic() >= deadline:
                    return
        self._look_at = self._monotonic() + LOOK_EVERY_S
