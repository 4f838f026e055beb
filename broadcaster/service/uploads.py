"""Files that came in a form, for as long as they are worked on. They hold numbers as they were typed: none may stay.

Whoever works on one holds a lock on it, and the kernel lets go of that when a process is killed. So what nobody holds is
left behind, however long an import takes.
"""

import fcntl
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

FOLDER = "uploads"
LOCK = "in-use"
NEW_FOR_S = 60  # a folder that was made just now, and is locked in a moment


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A private folder; `remove` when it is over."""

    folder: Path
    _lock: IO[bytes]

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()


class Uploads:
    def __init__(self, root: Path) -> None:
        self._root = root / FOLDER

    def begin(self) -> Upload:
        """OSError where there is no room."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self._root))
        lock = (folder / LOCK).open("wb")  # kept open for as long as it is worked on: `remove` closes it
        fcntl.flock(lock, fcntl.LOCK_EX)
        return Upload(folder=folder, _lock=lock)

    def sweep(self) -> bool:
        """Removes what nobody works on any more. False: nothing is left to be done."""
        for folder in self._root.glob("*/"):
            if time.time() - folder.stat().st_mtime > NEW_FOR_S and not _is_held(folder / LOCK):
                shutil.rmtree(folder, ignore_errors=True)
        return False


def _is_held(lock: Path) -> bool:
    try:
        descriptor = os.open(lock, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
