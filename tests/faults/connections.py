"""How many connections to the database each process of an installation has open, by the kernel."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.installation import Installation

LOOK_EVERY_S = 0.25
ESTABLISHED = "01"


@dataclass(frozen=True, kw_only=True)
class Door:
    """A file that each connection opens (SQLite), or a port of this machine (PostgreSQL)."""

    path: str = ""
    port: int = 0

    def goods(self) -> set[str]:
        """What a file descriptor that leads through this door is a link to."""
        return {self.path} if self.path else {f"socket:[{inode}]" for inode in _inodes_to(self.port)}


@dataclass
class Seen:
    """`most` is the greatest number so far, by the process's name."""

    samples: int = 0
    most: dict[str, int] = field(default_factory=dict)


@contextmanager
def connections_of(found: Installation, door: Door) -> Iterator[Seen]:
    seen, stop = Seen(), threading.Event()

    def look() -> None:
        while not stop.wait(LOOK_EVERY_S):
            goods = door.goods()
            for name, pid in found.processes().items():
                seen.most[name] = max(seen.most.get(name, 0), _open_of(pid, goods))
            seen.samples += 1

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def _open_of(pid: int, goods: set[str]) -> int:
    """How many descriptors of the process are such links. None of a process that is gone."""
    with suppress(OSError):
        return sum(_leads_to(fd) in goods for fd in Path(f"/proc/{pid}/fd").iterdir())
    return 0


def _leads_to(descriptor: Path) -> str:
    with suppress(OSError):
        return str(descriptor.readlink())
    return ""


def _inodes_to(port: int) -> set[str]:
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[9] for row in rows if row[3] == ESTABLISHED and int(row[2].rpartition(":")[2], 16) == port}
