"""Looks at everything every few seconds: each process, the database, the broker, and the pages that a monitoring asks for."""

import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import redis
import requests
from sqlalchemy import text

from tests.faults.own_broker import bells_in
from tests.soak.judging import Look
from tests.soak.place import METRICS_TOKEN, Place

PRIVATE = ("Private_Dirty:", "Private_Hugetlb:", "Swap:")
DATABASE = "database"  # all of PostgreSQL's processes together
STAND_IN = "sandbox"
PAGES = ("/", "/site/", "/log/checkpoint", "/health/live", "/health", "/health/ready", "/metrics")
READINESS = "/health/ready"
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
SIZE = "SELECT pg_database_size(current_database())"
#: Of these the largest of a page's lines counts.
FIGURES = {
    "oldest_ready_s": "broadcaster_oldest_ready_seconds",
    "oldest_unknown_s": "broadcaster_oldest_unknown_seconds",
    "seal_lag_s": "broadcaster_seal_lag_seconds",
    "receipts_waiting": "broadcaster_receipts_waiting",
    "alarms": "broadcaster_alarms_open",
    "look_s": "broadcaster_look_seconds",
}
LINE = re.compile(r"^(\w+)(?:\{[^}]*\})? ([\d.e+-]+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """`processes` by role and process id; `house` is what they share."""

    at_s: float
    processes: Mapping[tuple[str, int], Look]
    house: Mapping[str, float]

    def as_json(self) -> dict[str, Any]:
        seen = [{"role": role, "pid": pid, **asdict(look)} for (role, pid), look in self.processes.items()]
        return {"at_s": round(self.at_s, 1), **self.house, "processes": seen}


@dataclass
class Watcher:
    """`asked` and `refused` count the pages, `refused` those that did not answer 200, by page and what they did."""

    place: Place
    every_s: float
    samples: list[Sample] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self._http = requests.Session()
        self._http.trust_env = False
        self._broker = redis.Redis(unix_socket_path=str(self.place.found.settings.broker_socket))
        self._cpu = _cpu()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(60)

    def now_s(self) -> float:
        return time.monotonic() - self._began

    def lives(self, *, until_s: float) -> dict[tuple[str, int], list[Look]]:
        """Each process, by role and process id, with what was seen of it up to then."""
        found: dict[tuple[str, int], list[Look]] = defaultdict(list)
        for sample in self.samples:
            for who, look in sample.processes.items():
                if look.at_s <= until_s:
                    found[who].append(look)
        return dict(found)

    def _watch(self) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due += self.every_s
            try:
                self.samples.append(self._look())
            except Exception as error:  # noqa: BLE001 - a look that fails is told; the next one may not
                self.failed.append(f"{type(error).__name__}: {error}")

    def _look(self) -> Sample:
        at_s = self.now_s()
        house = {**self._idle(), **self._database(), **self._of_broker(), **self._pages()}
        return Sample(at_s=at_s, processes=dict(self._processes(at_s)), house=house)

    def _processes(self, at_s: float) -> Iterator[tuple[tuple[str, int], Look]]:
        for name, pid in self.place.roots.items():
            with suppress(OSError):  # it ended just now
                yield (role_of(name), pid), look_at(pid, at_s)
        if self.place.server:
            yield (DATABASE, self.place.server), _together(self.place.server, at_s)

    def _idle(self) -> dict[str, float]:
        """The share of this machine that did nothing since the last look."""
        before, self._cpu = self._cpu, _cpu()
        total = self._cpu[1] - before[1]
        return {"idle": round((self._cpu[0] - before[0]) / total, 3) if total else 1.0}

    def _database(self) -> dict[str, float]:
        if not self.place.server:
            files = self.place.found.settings.database.removeprefix("sqlite:///")
            sizes = {kind: _size(Path(files + kind)) for kind in ("", "-wal")}
            return {"database_mb": sizes[""], "wal_mb": sizes["-wal"]}
        with self.place.found.parts.database.read() as tx:
            size, connections = (tx.execute(text(query)).scalar_one() for query in (SIZE, CONNECTIONS))
        return {"database_mb": round(size / 2**20, 1), "connections": connections}

    def _of_broker(self) -> dict[str, float]:
        memory = self._broker.info("memory")["used_memory"]
        return {"broker_mb": round(memory / 2**20, 2), "bells": bells_in(self._broker)}

    def _pages(self) -> dict[str, float]:
        """As a load balancer, a monitoring and people ask. What they say of waiting is the product's own word."""
        found: dict[str, float] = {}
        for page in PAGES:
            self.asked[page] += 1
            try:
                answer = self._http.get(
                    f"{self.place.found.web}{page}",
                    headers={"Authorization": f"Bearer {METRICS_TOKEN}"},
                    timeout=10,
                )
            except requests.RequestException as error:
                self.refused[f"{page} {type(error).__name__}"] += 1
                continue
            if answer.status_code != 200:
                self.refused[f"{page} {answer.status_code}"] += 1
            elif page == "/metrics":
                found = figures_in(answer.text)
        return found


def figures_in(page: str) -> dict[str, float]:
    """Those of FIGURES on a page of /metrics."""
    lines = [(name, float(value)) for name, value in LINE.findall(page)]
    return {
        short: max((value for name, value in lines if name == long), default=0.0)
        for short, long in FIGURES.items()
    }


def role_of(name: str) -> str:
    """What several have in common: live-bulk-2 is a live-bulk."""
    return re.sub(r"-\d+$", "", name)


def look_at(pid: int, at_s: float) -> Look:
    """OSError where there is no such process."""
    process = Path(f"/proc/{pid}")
    kb = 0
    for line in (process / "smaps_rollup").read_text().splitlines():
        name, *rest = line.split()
        kb += int(rest[0]) if name in PRIVATE else 0
    return Look(
        at_s=at_s,
        memory_mb=round(kb / 1024, 2),
        fds=len(list((process / "fd").iterdir())),
        threads=len(list((process / "task").iterdir())),
    )


def _together(pid: int, at_s: float) -> Look:
    """A process and its children, as if they were one."""
    looks = []
    for each in [pid, *children_of(pid)]:
        with suppress(OSError):
            looks.append(look_at(each, at_s))
    return Look(
        at_s=at_s,
        memory_mb=round(sum(look.memory_mb for look in looks), 2),
        fds=sum(look.fds for look in looks),
        threads=sum(look.threads for look in looks),
    )


def children_of(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _size(path: Path) -> float:
    return round(path.stat().st_size / 2**20, 1) if path.exists() else 0.0


def _cpu() -> tuple[int, int]:
    """Ticks that this machine was idle, and all ticks."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)
