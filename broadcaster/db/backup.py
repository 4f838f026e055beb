"""Copies of a whole database, and bringing one back: SQLite by its backup interface, PostgreSQL by its own programs."""

import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import make_conninfo
from sqlalchemy import inspect, text

from broadcaster.db.engine import Database, Tx
from broadcaster.domain.errors import Unavailable

PAGES_AT_ONCE = 2_000  # of SQLite, between two reports of progress
REPORT_EVERY_S = 2.0
ASIDE = "before_restore_"  # how the schemas are called into which PostgreSQL's old tables are moved
NO_TOOL = (
    "{tool} was not found, and PostgreSQL cannot be copied without it. Install PostgreSQL's client programs (Debian and "
    "Ubuntu: apt install postgresql-client), or name their folder in BROADCASTER_POSTGRES_BIN_DIR. Nothing was changed."
)
TOO_OLD = (
    "{tool} is version {has}, and the server is version {server}: an older one cannot read it. Install PostgreSQL's "
    "client programs of version {server} (Debian and Ubuntu: apt install postgresql-client-{server}), or name their "
    "folder in BROADCASTER_POSTGRES_BIN_DIR. Nothing was changed."
)
OTHERS = (
    "{count} other connection(s) to this database are open. Stop everything that uses it (workers, web, pump, sweeper; "
    "in a cluster on every machine), then try again. Nothing was changed."
)


def kind(database: Database) -> str:
    return "sqlite" if database.is_sqlite else "postgresql"


@dataclass(frozen=True, kw_only=True)
class PostgresTools:
    """PostgreSQL's own programs: in `folder`, or else on the PATH."""

    folder: Path | None = None

    def path(self, name: str) -> str:
        found = shutil.which(name, path=str(self.folder) if self.folder else None)
        if found is None:
            raise Unavailable(NO_TOOL.format(tool=name))
        return found

    def run(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        password: str = "",
        look: Callable[[], None] = lambda: None,
    ) -> str:
        """What it printed. Unavailable, with what it said, where it failed. `look` is called every two seconds."""
        environment = {**os.environ, "PGPASSWORD": password} if password else None
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(  # noqa: S603 - PostgreSQL's own program, no shell
                [self.path(name), *arguments], stdout=out, stderr=errors, env=environment
            )
            try:
                while process.poll() is None:
                    try:
                        process.wait(REPORT_EVERY_S)
                    except subprocess.TimeoutExpired:
                        look()
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
            errors.seek(0)
            out.seek(0)
            if process.returncode:
                said = errors.read().strip()[-2000:]
                raise Unavailable(f"{name} failed.", details=tuple(said.splitlines()))
            return out.read()

    def major(self, name: str) -> int:
        found = re.search(r"(\d+)", self.run(name, ["--version"]))
        return int(found[1]) if found else 0

    def require(self, name: str, tx: Tx) -> None:
        """Unavailable where the program is missing, or too old for this server."""
        server = int(tx.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
        has = self.major(name)
        if has < server:
            raise Unavailable(TOO_OLD.format(tool=name, has=has, server=server))


# --- taking a copy ------------------------------------------------------------------------------------------


def revision(tx: Tx) -> str:
    """The schema's revision; empty where the database holds none."""
    if not inspect(tx.connection).has_table("alembic_version"):
        return ""
    return str(tx.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() or "")


def dump(
    tx: Tx,
    database: Database,
    to: Path,
    *,
    tools: PostgresTools,
    on_progress: Callable[[str], None],
) -> None:
    """The database as this transaction sees it, into a new file, while others go on writing.

    SQLite is copied through the transaction's own connection, whose view stays: through one of its own the copy would
    begin anew with each write of somebody else.
    """
    to.touch(mode=0o600)
    if not database.is_sqlite:
        return _dump_postgres(tx, database, to, tools=tools, on_progress=on_progress)
    source = tx.connection.connection.driver_connection
    assert isinstance(source, sqlite3.Connection)

    def progress(_status: int, remaining: int, total: int) -> None:
        on_progress(f"database: {100 * (total - remaining) // max(1, total)} %")

    with closing(sqlite3.connect(to)) as target:
        source.backup(target, pages=PAGES_AT_ONCE, progress=progress)
    return None


def _dump_postgres(
    tx: Tx, database: Database, to: Path, *, tools: PostgresTools, on_progress: Callable[[str], None]
) -> None:
    tools.require("pg_dump", tx)
    snapshot = str(tx.execute(text("SELECT pg_export_snapshot()")).scalar_one())
    conninfo, password = _connection(database)
    arguments = ["--format=custom", "--no-owner", "--no-privileges", "--no-password"]
    arguments += [f"--exclude-schema={ASIDE}*", f"--snapshot={snapshot}"]
    tools.run(
        "pg_dump",
        [*arguments, f"--file={to}", f"--dbname={conninfo}"],
        password=password,
        look=lambda: on_progress(f"database: {to.stat().st_size / 1e6:,.0f} MB"),
    )


def check_copy(copy: Path, kind_of: str, *, tools: PostgresTools) -> str:
    """What is wrong inside of such a copy; empty where nothing is."""
    if kind_of != "sqlite":
        listed = tools.run("pg_restore", ["--list", str(copy)])
        return "" if "TABLE DATA public audit_event" in listed else "the dump holds no audit log"
    try:
        with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?immutable=1", uri=True)) as connection:
            said = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    except sqlite3.Error as error:
        return str(error)
    return "" if said == "ok" else said


# --- bringing one back --------------------------------------------------------------------------------------


def load_postgres(database: Database, copy: Path, *, tools: PostgresTools) -> None:
    """All tables of the copy, all or nothing, but for the schema's revision.

    Without it no process of ours begins to work on the database: none shall, until what may have been sent since the
    copy is set apart.
    """
    listed = tools.run("pg_restore", ["--list", str(copy)])
    wanted = [line for line in listed.splitlines() if "TABLE DATA public alembic_version " not in line]
    conninfo, password = _connection(database)
    with tempfile.NamedTemporaryFile("w", suffix=".list") as chosen:
        chosen.write("\n".join(wanted) + "\n")
        chosen.flush()
        arguments = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
        arguments += ["--no-password", f"--use-list={chosen.name}", f"--dbname={conninfo}", str(copy)]
        tools.run("pg_restore", arguments, password=password)


def is_empty(tx: Tx) -> bool:
    return not inspect(tx.connection).get_table_names()


def require_alone(tx: Tx) -> None:
    """Unavailable where anybody else is connected. On SQLite the lock of the data directory sees to it."""
    if tx.connection.dialect.name != "postgresql":
        return
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    count = int(tx.execute(text(query)).scalar_one())
    if count:
        raise Unavailable(OTHERS.format(count=count))


def move_aside(tx: Tx) -> str:
    """All tables into a schema of their own, which nothing of ours reads; its name. PostgreSQL only."""
    name = f"{ASIDE}{time.strftime('%Y%m%dt%H%M%S', time.gmtime())}"
    tx.execute(text(f"ALTER SCHEMA public RENAME TO {name}"))
    tx.execute(text("CREATE SCHEMA public"))
    return name


def _connection(database: Database) -> tuple[str, str]:
    """For PostgreSQL's own programs: where to connect, and the password, which no list of processes shall show."""
    _, found = database.engine.dialect.create_connect_args(database.engine.url)
    password = str(found.pop("password", ""))
    known = {name: value for name, value in found.items() if name not in {"context", "autocommit"}}
    return make_conninfo("", **known), password
