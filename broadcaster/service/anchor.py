"""Laying checkpoints down outside of the database, so that whoever can write the database cannot replace the log unseen."""

import time
from collections.abc import Callable

import structlog

from broadcaster.audit.anchors import AnchorFolder
from broadcaster.db import audit_log
from broadcaster.db.audit_log import Checkpoint
from broadcaster.db.engine import Database
from broadcaster.domain.alarm import AlarmCode
from broadcaster.service.alarms import raise_alarm, take_back
from broadcaster.service.findings import nobody_anchors

log = structlog.get_logger()

FILE_EVERY_S = 60.0
RETRY_S = 15.0
ALARM_AFTER_S = 15 * 60.0
#: What people decide and what a broadcast ends with is laid down at once.
AT_ONCE = frozenset({"message_approved_and_released", "broadcast_stopped", "broadcast_done"})


class AnchorAlarm:
    """Tells people where one way of laying down does not work, and takes it back where it works again.

    The sealer does so and not the sweeper, which knows neither its folder nor whom it reaches.
    """

    def __init__(self, database: Database, where: str, since: str) -> None:
        self._database = database
        self._finding = nobody_anchors(where, since)
        self._told: bool | None = None  # None: not known what the process before this one told

    def judge(self, *, overdue: bool) -> None:
        if overdue is self._told:
            return
        with self._database.write() as tx:
            if overdue:
                raise_alarm(tx, self._finding)
            else:
                take_back(tx, AlarmCode.NOBODY_ANCHORS, self._finding.subject)
        self._told = overdue


class Anchor:
    """`clock` gives seconds that only grow."""

    def __init__(
        self,
        database: Database,
        folder: AnchorFolder,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._folder = folder
        self._clock = clock
        self._alarm = AnchorAlarm(database, "file", "for 15 minutes")
        self._looked_at = 0  # size of the last checkpoint that was looked at
        self._laid_down: str | None = None  # the newest in the file; None: not looked yet
        self._not_before = float("-inf")
        self._fails_since: float | None = None

    def lay_down(self) -> None:
        """Add the newest checkpoint to the file where a minute has passed, or a decision is under it."""
        with self._database.read() as tx:
            newest = next(iter(audit_log.last_checkpoints(tx)), None)
            if newest is None or newest.note == self._laid_down:
                return
            decided = newest.size != self._looked_at and audit_log.has_act(
                tx, AT_ONCE, after=self._looked_at, up_to=newest.size
            )
        self._looked_at = newest.size
        if self._clock() >= self._not_before or (decided and self._fails_since is None):
            self._add(newest)

    def _add(self, newest: Checkpoint) -> None:
        """Compared by its text and not by its size: a log that was restored from a backup goes on from a smaller one."""
        try:
            if next(iter(self._folder.latest(1)), "") != newest.note:
                self._folder.add(newest.note)
                log.info("checkpoint_laid_down", events=newest.size)
        except OSError as error:
            self._failed(error)
            return
        self._laid_down, self._fails_since = newest.note, None
        self._not_before = self._clock() + FILE_EVERY_S
        self._alarm.judge(overdue=False)

    def _failed(self, error: OSError) -> None:
        now = self._clock()
        self._fails_since = now if self._fails_since is None else self._fails_since
        self._not_before = now + RETRY_S
        log.warning("checkpoint_not_laid_down", file=str(self._folder.file), error=error.strerror)
        if now - self._fails_since >= ALARM_AFTER_S:
            self._alarm.judge(overdue=True)
