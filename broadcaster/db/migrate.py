"""Brings a database to the schema that this code works with, and refuses one that is newer."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect

from broadcaster.db.engine import Database
from broadcaster.db.schema import MIGRATIONS, missing_revisions
from broadcaster.domain.errors import Unavailable


def migrate(database: Database) -> list[str]:
    """Applies what is missing, all or nothing. The revisions applied, oldest first; a second call applies none.

    Unavailable where the database is newer than this code. On SQLite a database that holds something is first
    copied beside itself, as `<file>.before-<newest revision>`.
    """
    with database.write() as tx:
        tx.alone("schema")  # two processes that migrate at once queue up
        missing = missing_revisions(tx.connection)
        if not missing:
            return []
        if database.is_sqlite and inspect(tx.connection).get_table_names():
            _copy(Path(database.engine.url.database or ""), missing[-1])
        command.upgrade(alembic_config(tx.connection), "head")
        return missing


def alembic_config(connection: Connection, **attributes: Any) -> Config:
    """What alembic.ini would say, for this connection."""
    config = Config(attributes={"connection": connection, **attributes})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _copy(file: Path, revision: str) -> None:
    """Whole or not there: written under another name first. The open write transaction keeps others from writing."""
    copy = file.with_name(f"{file.name}.before-{revision}")
    unfinished = file.with_name(f"{copy.name}.unfinished")
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(unfinished)) as target:
            source.backup(target)
        shutil.copymode(file, unfinished)
        unfinished.replace(copy)
    except (sqlite3.Error, OSError) as error:
        unfinished.unlink(missing_ok=True)
        raise Unavailable(
            f"The database could not be copied to {copy} before changing it ({error}). Nothing was changed. "
            f"Free some space in {os.fspath(file.parent)} or mend its permissions, then try again."
        ) from error
