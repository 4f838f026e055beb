"""Signs of life: a file for each process, touched every second while it works as it should. Known to the entry points.

A process is silent where it is gone, was stopped, or where one piece of its work hangs. That it works well is not said:
whether anything is sent is for the alarms, and whether the database answers is for /health/ready.
"""

import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import structlog

log = structlog.get_logger()

BEAT_EVERY_S = 1.0
SILENT_AFTER_S = 15.0  # far above a beat: a machine under load is no reason for a restart
#: One bell is answered for 15 s and the group at hand is finished: pictures get 60 s, and every request has an end.
LONGEST_WORK_S = 180.0
FORGOTTEN_AFTER_S = 86_400.0  # containers that are gone leave theirs behind


@dataclass(frozen=True, kw_only=True)
class Sign:
    """What one process of this machine, or container, last said. `pid` is 0 where nothing can be read."""

    name: str
    pid: int
    age_s: float

    def is_silent(self, after_s: float = SILENT_AFTER_S) -> bool:
        return self.age_s > after_s


class Pulse:
    """Beats in a thread of its own as long as each piece of work in hand began less than `longest_s` ago.

    Never in the way of the work: a disk that is full or read-only stops the beats, which is told once, and nothing else.
    """

    def __init__(
        self,
        root: Path,
        name: str,
        *,
        every_s: float = BEAT_EVERY_S,
        longest_s: float = LONGEST_WORK_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = sign_path(root, name)
        self._every_s = every_s
        self._longest_s = longest_s
        self._monotonic = monotonic
        self._in_hand: dict[object, float] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._told = False
        self._thread = threading.Thread(target=self._beat_on, name="pulse", daemon=True)

    def __enter__(self) -> Self:
        _forget_old(self._path.parent)
        self.beat()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing stays behind of a process that was told to end."""
        self._stop.set()
        self._thread.join()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Around one piece of work, in whichever thread."""
        key = object()
        with self._lock:
            self._in_hand[key] = self._monotonic()
        try:
            yield
        finally:
            with self._lock:
                del self._in_hand[key]

    def hangs(self) -> bool:
        with self._lock:
            began = min(self._in_hand.values(), default=None)
        return began is not None and self._monotonic() - began > self._longest_s

    def beat(self) -> None:
        """One sign of life; none while something hangs."""
        if self.hangs():
            return
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = self._path.with_name(f".{self._path.name}")  # whoever reads meanwhile finds a whole sign
            draft.write_text(str(os.getpid()))
            draft.replace(self._path)
        except OSError as error:
            if not self._told:
                log.warning("no_sign_of_life_written", reason=error.strerror)
            self._told = True
        else:
            self._told = False

    def _beat_on(self) -> None:
        while not self._stop.wait(self._every_s):
            self.beat()


def sign_path(root: Path, name: str) -> Path:
    """Containers share the data directory, and several may run the same process: the host's name keeps them apart."""
    return root / "alive" / f"{re.sub(r'[^A-Za-z0-9_-]', '_', name)}@{socket.gethostname()[:64]}"


def sign_of(root: Path, name: str) -> Sign:
    """The last sign of this machine's process of that name; of one that never gave any, an endlessly old one."""
    return _read(sign_path(root, name), name)


def _read(path: Path, name: str) -> Sign:
    try:
        age_s = time.time() - path.stat().st_mtime
        return Sign(name=name, pid=int(path.read_text()), age_s=max(0.0, age_s))
    except (OSError, ValueError):
        return Sign(name=name, pid=0, age_s=float("inf"))


def signs(root: Path) -> list[Sign]:
    """The last sign of each process that shares this data directory. One that ended in order left none."""
    try:
        found = list((root / "alive").iterdir())
    except OSError:
        return []
    return [_read(path, path.name.partition("@")[0]) for path in found if not path.name.startswith(".")]


def _forget_old(folder: Path) -> None:
    if folder.is_dir():
        for path in folder.iterdir():
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > FORGOTTEN_AFTER_S:
                    path.unlink()
