"""The files of the data key: `data.key`, and beside it `data.key.old` while the key is being changed.

Each is written whole under another name first, so that a crash at any point leaves a key that opens every row.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from broadcaster.domain.errors import Unavailable

SEAL_BYTES = 32
KEY_BYTES = 64  # 32 to seal, 32 to index
BUSY = (
    "A backup is being made, or a key is being changed, on this data directory. Nothing was changed. "
    "Wait until it is done, then try again."
)


class DataKeyFiles:
    """`path` is the key in use."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._old = path.with_name(f"{path.name}.old")
        self._new = path.with_name(f"{path.name}.new")
        self._seen: tuple[object, ...] = ()

    def changed(self) -> Sequence[bytes]:
        """The keys, the one in use first, where they are not those of the last call; nothing where they are."""
        seen = (_state(self._path), _state(self._old))
        if seen == self._seen:
            return ()
        keys = [self._path.read_bytes()]
        with suppress(FileNotFoundError):
            keys.append(self._old.read_bytes())
        self._seen = seen
        return keys

    @property
    def changing(self) -> bool:
        """A change was begun, and not every number is sealed anew yet."""
        return self._old.exists()

    def begin(self) -> None:
        """A new half to seal with is in use from now on, and what it replaces is kept beside it. Where this was begun
        before, it goes on from there.

        The half that indexes stays: by it opt-outs are found, and audiences that were approved are digested.
        """
        current = self._path.read_bytes()
        if not self._old.exists():
            _write(self._old, current)
        if self._old.read_bytes() == current:
            _write(self._new, os.urandom(SEAL_BYTES) + current[SEAL_BYTES:])
            self._new.replace(self._path)
            _sync_folder(self._path.parent)

    def end(self) -> None:
        """Nothing needs what was replaced any more."""
        self._old.unlink(missing_ok=True)
        _sync_folder(self._path.parent)

    @property
    def fingerprint(self) -> str:
        """By which people tell keys apart; nothing can be opened with it."""
        return hashlib.sha256(b"broadcaster data key\0" + self._path.read_bytes()).hexdigest()[:16]


def load_or_create_key(path: Path) -> bytes:
    """The data key's bytes. Created once, readable by its owner only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f".{path.name}-{os.getpid()}")
        _write(draft, os.urandom(KEY_BYTES))
        with suppress(FileExistsError):
            os.link(draft, path)  # refuses where another process was quicker: its key is whole already
        draft.unlink()
        _sync_folder(path.parent)
    return path.read_bytes()


@contextmanager
def keys_held(folder: Path) -> Iterator[None]:
    """Nobody else changes the keys in this folder, or copies them, meanwhile. A backup that held the numbers under one
    key and only the other key could not be read. Unavailable where somebody does."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Unavailable(BUSY) from None
    try:
        yield
    finally:
        os.close(descriptor)  # closing lets go of the lock


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _write(path: Path, content: bytes) -> None:
    """Whole and on the disk, or not there."""
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
