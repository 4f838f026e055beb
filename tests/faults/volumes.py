"""Small volumes that can be filled up: a tmpfs where this is root, else a limit to the size of files."""

import os
import resource
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

CHUNK = b"\0" * 65_536
FILLER = "filler"


class Volume(Protocol):
    def fill(self) -> None:
        """Until not one byte more can be written."""
        ...

    def free(self) -> None: ...


class Mounted:
    """A file system of its own on this folder."""

    def __init__(self, folder: Path) -> None:
        self._filler = folder / FILLER

    def fill(self) -> None:
        with self._filler.open("ab", buffering=0) as file, suppress(OSError):
            for chunk in (CHUNK, b"\0"):
                with suppress(OSError):
                    while file.write(chunk):
                        pass

    def free(self) -> None:
        self._filler.unlink()


class Limited:
    """Where nothing can be mounted: no file of these processes may be written at all, which fills every volume at once."""

    def __init__(self, pids: Callable[[], Sequence[int]]) -> None:
        self._pids = pids

    def fill(self) -> None:
        self._limit(1)

    def free(self) -> None:
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        for pid in self._pids():
            with suppress(ProcessLookupError):
                _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, most))


def can_mount() -> bool:
    return os.geteuid() == 0


@contextmanager
def mounted(folder: Path, *, mb: int, owner: int | None = None) -> Iterator[Mounted]:
    """What was in the folder is covered, and back afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mb}m", "tmpfs", folder], check=True)
    try:
        if owner is not None:
            os.chown(folder, owner, owner)
        yield Mounted(folder)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
