"""A log with its sealer, and a clock that is turned by hand: what the tests of anchors have in common."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from broadcaster.audit.anchors import AnchorFolder
from broadcaster.audit.notes import SealKey
from broadcaster.audit.verifier.reading import verify
from broadcaster.db import alarms, audit_log
from broadcaster.db.engine import Database
from broadcaster.service.audit import Audit
from broadcaster.service.seal import Seal


@dataclass
class Clock:
    passed: float = 0.0
    start: datetime = field(default_factory=lambda: datetime(2026, 11, 21, 3, 0, tzinfo=UTC))

    def __call__(self):
        return self.passed

    def now(self, _=None):
        return self.start + timedelta(seconds=self.passed)


class Sealed:
    """Events are written and sealed at once. `database` goes by `clock`."""

    def __init__(self, url, folder):
        self.clock = Clock()
        self.database = Database(url, clock=self.clock.now)
        self.folder = AnchorFolder(folder / "anchors")
        self.seal = Seal(
            self.database, SealKey(folder / "keys" / "seal.key", name="wyre.example/log"), self.folder
        )
        self.logs = []

    def act(self, *acts):
        for act in acts:
            with self.database.write() as tx:
                audit_log.append(tx, actor="ann", act=act, subject="7F3K2M", payload={"count": 3})
        self.seal.seal()
        return self.newest()

    def newest(self):
        with self.database.read() as tx:
            return audit_log.last_checkpoints(tx)[0].note

    def alarms(self):
        with self.database.read() as tx:
            return [(a.code, a.subject) for a in alarms.open_ones(tx)]

    def said(self, event):
        return [entry for entry in self.logs if entry["event"] == event]

    def export(self):
        self.seal.seal()
        return list(Audit(self.database, self.folder)._lines("ada"))

    def verdict(self, **given):
        lines = (f"{line}\n".encode() for line in self.export())
        return verify(lines, **{"keys": [], "anchors": [], **given})

    def close(self):
        self.database.close()


def sealed(url, folder):
    log = Sealed(url, folder)
    try:
        with structlog.testing.capture_logs() as log.logs:
            yield log
    finally:
        log.close()
