"""A sweeper as a process of its own, by a clock that another process drives: it looks at what is due until it is killed.

`python -m tests.schedules.sweeper DATABASE FOLDER CLOCK`
"""

import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from broadcaster.db.engine import Database
from broadcaster.domain.errors import Unavailable
from tests.builders import _parts
from tests.fakes import FakeSite, RecordingBells


def main() -> None:
    url, folder, clock = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])

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


if __name__ == "__main__":
    main()
