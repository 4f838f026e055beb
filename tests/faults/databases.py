"""Databases for scenarios: each gets one that is freshly migrated."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from broadcaster.db.engine import Database
from broadcaster.db.migrate import migrate
from tests.conftest import postgres_database


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
