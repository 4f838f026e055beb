"""Opens the database and its transactions, on SQLite and PostgreSQL alike. Only `broadcaster.service` calls it."""

import fcntl
import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Executable,
    Insert,
    Table,
    bindparam,
    create_engine,
    event,
    func,
    select,
    text,
)
from sqlalchemy.engine import CursorResult, make_url
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from broadcaster.domain.errors import InTheWay, Invalid, Unavailable

Clock = Callable[[Connection], datetime]
SQLITE_NOW = text("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')")
POSTGRES_NOW = select(func.clock_timestamp())
NOT_STORED = "There is a character or a number in it that no database can hold. Nothing was changed. Type it anew, and try again."


class Tx:
    """One open transaction. `now()` is the database's clock, read once, so that all rows of one act agree."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self.connection = connection
        self._clock = clock
        self._now: datetime | None = None

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.connection.dialect.name

    def now(self) -> datetime:
        if self._now is None:
            self._now = self._clock(self.connection)
        return self._now

    def execute(self, statement: Executable, rows: Any = None) -> CursorResult[Any]:
        return self.connection.execute(statement, rows)

    def add_missing(self, table: Table, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
        """Rows that are not there yet, by the table's unique columns; those that are there stay as they are."""
        if self.dialect == "sqlite":
            from sqlalchemy.dialects.sqlite import insert  # noqa: PLC0415 - each process loads the one it uses
        else:
            from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]  # noqa: PLC0415
        self.execute(insert(table).on_conflict_do_nothing(), rows)

    def alone(self, what: str) -> None:
        """Nobody else is at the same thing until this transaction ends. On SQLite only one writes at a time anyway."""
        if self.dialect != "sqlite":
            self.execute(select(func.pg_advisory_xact_lock(_number_of(what))))

    def beside(self, what: str) -> None:
        """Whoever wants to be `alone` at this waits for the end of this transaction, and this one for theirs: what is read
        after this cannot change before this transaction ends. Any number may be beside each other."""
        if self.dialect != "sqlite":
            self.execute(select(func.pg_advisory_xact_lock_shared(_number_of(what))))

    def insert(self, table: Table, values: Mapping[str, Any]) -> int:
        """One row; its id."""
        key = self.execute(_inserting(table, tuple(values)), values).inserted_primary_key
        assert key is not None
        return int(key[0])


@cache
def _number_of(what: str) -> int:
    return int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], signed=True)


@cache
def _inserting(table: Table, names: tuple[str, ...]) -> Insert:
    return table.insert().values({name: bindparam(name, type_=table.c[name].type) for name in names})


class Database:
    """`lock_wait_s` is how long a write waits for other writers before it is refused with a clear text."""

    def __init__(self, url: str, *, lock_wait_s: float = 30.0, clock: Clock | None = None) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self._lock_wait_s = lock_wait_s
        self._clock = clock or (_sqlite_clock if self.is_sqlite else _postgres_clock)
        self.engine = _sqlite_engine(url, lock_wait_s) if self.is_sqlite else _postgres_engine(url)
        self._is_closed = False
        event.listen(self.engine, "checkin", self._close_if_late)

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """A transaction that may change rows: all of it is committed, or none. Unavailable where it cannot begin or end.

        SQLite has one writer at a time. A file lock lets writers queue fairly before `BEGIN IMMEDIATE`:
        without it a small write waited 7.8 s behind bulk writers, with it 0.19 s (measured on two cores).
        """
        with _as_unavailable(), self._writer_lock(), self.engine.connect() as connection:
            if self.is_sqlite:
                connection = connection.execution_options(begin="IMMEDIATE")  # noqa: PLW2901
            with connection.begin():
                yield Tx(connection, self._clock)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A transaction that only reads, all of it from one moment: counts taken one after the other add up."""
        with _as_unavailable(), self.engine.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")  # noqa: PLW2901
            with connection.begin():
                yield Tx(connection, self._clock)

    def close(self) -> None:
        """Each connection too that another thread still uses, as soon as it gives it back."""
        self._is_closed = True
        self.engine.dispose()

    def _close_if_late(self, _connection: object, record: ConnectionPoolEntry) -> None:
        if self._is_closed:
            record.invalidate()

    @contextmanager
    def _writer_lock(self) -> Iterator[None]:
        path = self.engine.url.database
        if not self.is_sqlite or not path:
            yield
            return
        descriptor = _open_lock(f"{path}.writer")
        try:
            _wait_for_lock(descriptor, self._lock_wait_s)
            yield
        finally:
            os.close(descriptor)  # closing lets go of the lock


def _open_lock(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(
            f"The database cannot be written ({error}). Nothing was changed. Check its folder's permissions."
        ) from error


def _wait_for_lock(descriptor: int, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"The database has been busy for {wait_s:.0f} seconds. Nothing was changed. "
                    "Try again; if it lasts, look for a backup or another program that holds the database."
                ) from None
            time.sleep(0.001)
        else:
            return


def _sqlite_engine(url: str, lock_wait_s: float) -> Engine:
    path = make_url(url).database
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        connect_args={"check_same_thread": False, "timeout": lock_wait_s},
        pool_size=20,
        hide_parameters=True,  # an error text must not show a number or a post
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # SQLAlchemy's "begin" below decides, not the driver
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('begin', 'DEFERRED')}")

    return engine


#: A line that fell silent is given up after some twenty seconds, at both of its ends. With TCP's own times a machine that
#: was cut off waits a quarter of an hour for an answer instead of spilling what it knows, and the server keeps the locks
#: of its open transaction for two hours: others wait for them as long. Without effect on a unix socket.
PROBES = {"idle": 10, "interval": 5, "count": 2}
SILENT_MS = 20_000


def _postgres_engine(url: str) -> Engine:
    servers = [f"-c tcp_keepalives_{name}={value}" for name, value in PROBES.items()]
    connect_args: dict[str, Any] = {
        "connect_timeout": 10,
        **{f"keepalives_{name}": value for name, value in PROBES.items()},
        "tcp_user_timeout": SILENT_MS,
        "options": " ".join([*servers, f"-c tcp_user_timeout={SILENT_MS}"]),
    }
    own = {name: value for name, value in connect_args.items() if name not in make_url(url).query}
    return create_engine(url, pool_size=10, pool_pre_ping=True, hide_parameters=True, connect_args=own)


def _sqlite_clock(connection: Connection) -> datetime:
    stamp = connection.execute(SQLITE_NOW).scalar_one()
    return datetime.fromisoformat(stamp).replace(tzinfo=UTC)


def _postgres_clock(connection: Connection) -> datetime:
    stamp: datetime = connection.execute(POSTGRES_NOW).scalar_one()
    return stamp.astimezone(UTC)


@contextmanager
def _as_unavailable() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, _crossed()):
            raise InTheWay(
                "Two changes came in each other's way. Nothing was changed by this one. Try again."
            ) from error
        said = _unavailable_text(error)
        if said:
            raise Unavailable(said) from error
        if isinstance(error, DataError):
            raise Invalid(NOT_STORED) from error
        raise
    except OverflowError as error:  # sqlite3: a number above 63 bits
        raise Invalid(NOT_STORED) from error


def _crossed() -> tuple[type[Exception], ...]:
    import psycopg  # noqa: PLC0415 - where SQLite is used, nothing else loads it

    return psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure


def _unavailable_text(error: DBAPIError) -> str:
    import psycopg  # noqa: PLC0415 - where SQLite is used, nothing else loads it

    cause, words = error.orig, str(error.orig).lower()
    if "is full" in words or "no space left" in words or isinstance(cause, psycopg.errors.DiskFull):
        return "The disk with the database is full. Nothing was changed. Free some space and try again."
    if isinstance(cause, sqlite3.OperationalError) and "locked" in words:
        return "The database is locked by another program. Nothing was changed. Try again in a moment."
    if "readonly" in words or "read-only" in words or "unable to open" in words:
        return f"The database cannot be written ({error.orig}). Nothing was changed. Check its folder's permissions."
    if error.connection_invalidated or (isinstance(cause, psycopg.OperationalError)):
        return "The database does not answer. Nothing was changed. Check that it is running, then try again."
    return ""
