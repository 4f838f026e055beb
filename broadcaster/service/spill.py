"""Outcomes that the database could not take: kept in a file beside it, and brought in when it is back.

Without it, a database that is away for the moment between a platform's answer and our commit would turn an
accepted post into an unknown one.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Spill:
    """One file of JSON lines for all processes of a machine. Lines hold ids and codes, never a number or a text."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, line: dict[str, Any]) -> None:
        """On the disk when this returns."""
        with self._locked() as descriptor:
            os.lseek(descriptor, 0, os.SEEK_END)
            os.write(descriptor, json.dumps(line).encode() + b"\n")
            os.fsync(descriptor)

    def waiting(self) -> bool:
        return self._path.exists() and self._path.stat().st_size > 0

    def replay(self, apply: Callable[[dict[str, Any]], None]) -> int:
        """Apply every line and forget it. How many; where `apply` raises, that line and what follows it stay.

        A line cut off by a crash in the middle of writing it was never promised to anybody: it is dropped.
        """
        if not self.waiting():
            return 0
        with self._locked() as descriptor:
            lines = _whole_lines(os.pread(descriptor, os.fstat(descriptor).st_size, 0))
            done = 0
            try:
                for line in lines:
                    apply(json.loads(line))
                    done += 1
            finally:
                rest = b"".join(line + b"\n" for line in lines[done:])
                os.pwrite(descriptor, rest, 0)
                os.ftruncate(descriptor, len(rest))
                os.fsync(descriptor)
        return done

    @contextmanager
    def _locked(self) -> Iterator[int]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)  # closing lets go of the lock


def _whole_lines(content: bytes) -> list[bytes]:
    return content.split(b"\n")[:-1]  # what follows the last line's end was cut off
