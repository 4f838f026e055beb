"""Runs one scenario on a database of its own, and says how it went."""

import shutil
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from broadcaster.db.engine import Database
from broadcaster.db.migrate import migrate
from tests.conftest import postgres_database
from tests.faults.frame import Figures, Place, Row, Scenario


def run(scenario: Scenario, database: str, *, size: str, seed: int, folder: Path, server: str) -> Row:
    """What came of it; never raises. `server` is the address of a PostgreSQL with a migrated `template`."""
    figures, error, started = Figures(), "", time.monotonic()
    chosen = scenario.full if size == "full" else scenario.small
    try:
        with fresh_database(database, folder, server) as url:
            place = Place(database=database, database_url=url, folder=folder, seed=seed)
            scenario.run(place, figures, **chosen)
    except Exception:  # noqa: BLE001 - a scenario that breaks off is a row of the report, as one that misses is
        error = traceback.format_exc()
    return Row(
        test=scenario.test,
        title=scenario.title,
        database=database,
        n=chosen[scenario.n],
        seed=seed,
        seconds=time.monotonic() - started,
        figures=figures,
        error=error,
    )


@contextmanager
def fresh_database(database: str, folder: Path, server: str) -> Iterator[str]:
    """The address of a freshly migrated database."""
    if database == "postgres":
        yield from postgres_database(server, "template")
        return
    url = f"sqlite:///{folder / 'broadcaster.db'}"
    migrate_at(url)
    yield url


def migrate_at(url: str) -> None:
    database = Database(url)
    migrate(database)
    database.close()


def clear(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
