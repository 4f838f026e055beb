"""A sweeper as a process of its own, by a clock that another process drives: it looks at what is due until it is killed."""

import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import structlog

from broadcaster.db.engine import Database
from broadcaster.domain.errors import Unavailable
from tests.builders import _parts
from tests.fakes import FakeSite, RecordingBells


def sweep(url: str, folder: Path, clock: Path) -> None:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # every missed run is an alarm

    def now(_connection: object) -> datetime:
        return datetime.fromtimestamp(float(clock.read_text()), UTC)

    database = Database(url, clock=now)
    parts = _parts(
        database, folder, RecordingBells(), {"live": {"site": FakeSite("site")}, "exercise": {}}, {}
    )
    until = time.monotonic() + 3_600  # nobody's child for ever
    while time.monotonic() < until:
        with suppress(Unavailable):
            parts.firing.fire()
        time.sleep(0.02)
