"""Writes the next revision, for developers: `python -m broadcaster.db.migrations.new "what changes"`.

It migrates an empty SQLite database and compares it with `broadcaster.db.tables`; read and mend what it writes. While nothing
is released yet, delete versions/0001_first.py and run it with "first".
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate.api import AutogenContext

from broadcaster.db.engine import Database
from broadcaster.db.migrate import alembic_config, migrate
from broadcaster.db.tables.columns import Id, Time


def frozen(kind: str, item: Any, _context: AutogenContext) -> str | bool:
    """The constants of script.py.mako in place of our own types. False: Alembic's own words will do."""
    if kind == "type" and isinstance(item, Time):
        return "TIME"
    return "ID" if kind == "type" and repr(item) == repr(Id) else False


def write(title: str) -> Path:
    """The new file."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/empty.db")
        number = len(migrate(database)) + 1
        with database.write() as tx:
            config = alembic_config(tx.connection, render_item=frozen)
            script = command.revision(config, title, autogenerate=True, rev_id=f"{number:04}")
        database.close()
    return Path(script.path)  # type: ignore[union-attr]  # one revision gives one script


if __name__ == "__main__":
    sys.stdout.write(f"{write(sys.argv[1])}\n")
