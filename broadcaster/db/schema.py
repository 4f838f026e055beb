"""Which schema a database has and which this code knows, without Alembic: it takes longer to load than all of this, and
every command and every question after our health asks.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from broadcaster.db.engine import Database
from broadcaster.domain.errors import Unavailable

MIGRATIONS = Path(__file__).parent / "migrations"


def check_schema(database: Database) -> None:
    """Unavailable, saying what to do, where the schema is older or newer than this code works with."""
    with database.read() as tx:
        missing = missing_revisions(tx.connection)
    if missing:
        raise Unavailable(
            f"The database lacks {len(missing)} change(s) that this version of broadcaster needs "
            f"({', '.join(missing)}). Nothing was started. To apply them, run `broadcaster migrate`."
        )


def known_revisions() -> list[str]:
    """Of this version, the oldest first. Each is a file that begins with its number."""
    return sorted(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def missing_revisions(connection: Connection) -> list[str]:
    """Those not applied yet, the oldest first. Unavailable where the database is newer than this code."""
    known, current = known_revisions(), _current(connection)
    if current is None:
        return known
    if current not in known:
        raise Unavailable(
            f"The database has schema {current}, which is newer than this version of broadcaster knows "
            f"(up to {known[-1]}). Nothing was changed. Install the version that made it, or a newer one."
        )
    return known[known.index(current) + 1 :]


def _current(connection: Connection) -> str | None:
    """The newest that was applied, as Alembic wrote it down."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
