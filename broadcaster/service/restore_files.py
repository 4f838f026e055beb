"""The data directory at a restore: nobody works on it, and what was there is moved aside, never deleted."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from broadcaster.domain.errors import Unavailable

#: Of a data directory, what belongs to the database that is replaced. Credentials and logs stay where they are.
OF_A_DATABASE = ("keys", "spill", "anchors", "site", "broker", "processes.json")
BESIDE_SQLITE = ("", "-wal", "-shm", ".writer")


@contextmanager
def nobody_works(root: Path) -> Iterator[None]:
    """Holds what the supervisor holds while it runs. Unavailable where it does."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(root / "supervisor.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Unavailable(
            f"The broadcaster is running on {root}. Stop it first (Ctrl-C where `broadcaster up` runs), then try again. "
            "Nothing was changed."
        ) from None
    try:
        yield
    finally:
        os.close(descriptor)


def in_the_way(root: Path, database_file: Path | None, *, credentials: Path | None) -> list[Path]:
    """What a restore would replace. An empty folder is in nobody's way."""
    found = [root / name for name in OF_A_DATABASE]
    if database_file:
        found += [database_file.with_name(database_file.name + end) for end in BESIDE_SQLITE]
    if credentials:
        found.append(credentials)
    return [path for path in found if path.is_file() or (path.is_dir() and _holds_files(path))]


def move_aside(root: Path, paths: list[Path]) -> Path:
    """Into a new folder of the data directory; the folder."""
    folder = root / f"before-restore-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}"
    folder.mkdir(mode=0o700)
    for path in paths:
        shutil.move(path, folder / path.name)
    return folder


def put_in_place(file: Path, to: Path) -> None:
    """Whole under its name or not there, on another disk too."""
    to.parent.mkdir(parents=True, exist_ok=True)
    beside = to.with_name(f".{to.name}.restoring")
    shutil.move(file, beside)
    beside.replace(to)


def _holds_files(folder: Path) -> bool:
    return any(path.is_file() and path.name != ".lock" for path in folder.rglob("*"))
