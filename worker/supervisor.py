"""One machine: starts the broker, the workers, the pump, the sweeper, the sealer and the web, and restarts what dies."""

import argparse
import fcntl
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

import structlog

from broadcaster.bootstrap import Parts, build
from broadcaster.db.migrate import migrate
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import Invalid, Problem
from broadcaster.domain.message import Mode
from broadcaster.logs import configure
from broadcaster.parts.shared import owner_name
from broadcaster.settings import Settings
from channels.accounts import sources
from channels.base import Holds
from worker import broker, roles
from worker.children import Child

log = structlog.get_logger()

LOOK_EVERY_S = 0.1
STOP_WITHIN_S = 10.0
#: glibc keeps a heap for each thread, up to eight a core, and gives little of it back: of two, a process of 20 threads grows
#: half as fast. The Dockerfile says the same.
HEAPS = {"MALLOC_ARENA_MAX": "2"}
BROKER = "broker"


class Supervisor:
    """`sandbox_ports` also start stand-in platforms, for trying things out: those of each mode know nothing of the other's."""

    def __init__(self, settings: Settings, parts: Parts, *, sandbox_ports: Mapping[Mode, int]) -> None:
        self._settings = settings
        self._parts = parts
        self._children = apart(
            children(settings, modes=_modes(parts), sandbox_ports=sandbox_ports), settings.credentials
        )
        self._environment = {**HEAPS, **os.environ, **settings.environment(), "PYTHONUNBUFFERED": "1"}
        self._logs = settings.root / "logs"
        self._stop = threading.Event()

    def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        self._logs.mkdir(parents=True, exist_ok=True)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        for child in self._children:
            self._start(child)
        while not self._stop.wait(LOOK_EVERY_S):
            for child in self._children:
                self._look_at(child)
        self._end()

    def _look_at(self, child: Child) -> None:
        if child.died():
            assert child.process
            self._free(child.process.pid)
            child.process = None
        if child.process is None and time.monotonic() >= child.not_before:
            self._start(child)

    def _start(self, child: Child) -> None:
        child.start(environment=self._environment, logs=self._logs)
        self._write_processes()

    def _free(self, pid: int) -> None:
        """What the dead process held is free at once, instead of when its lease runs out."""
        try:
            self._parts.reconcile.take_over(owner_name(pid))
        except Problem:
            log.warning("lease_left_to_run_out", pid=pid)

    def _write_processes(self) -> None:
        """Names and process ids, for people and for the next start."""
        running = {c.name: c.process.pid for c in self._children if c.process}
        path = self._settings.root / "processes.json"
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(running, indent=1))
        fresh.replace(path)

    def _end(self) -> None:
        """Senders first, the broker last: they may still ring it."""
        broker_last = sorted(self._children, key=lambda c: c.name == BROKER)
        for group in (broker_last[:-1], broker_last[-1:]):
            for child in group:
                child.terminate()
            for child in group:
                child.end(STOP_WITHIN_S)
        (self._settings.root / "processes.json").unlink(missing_ok=True)


def children(settings: Settings, *, modes: list[Mode], sandbox_ports: Mapping[Mode, int]) -> list[Child]:
    """What runs on one machine, in the order in which it is started."""
    found = [] if settings.broker_url else [Child(name=BROKER, command=lambda: broker.command(settings))]
    found += [_sandbox(settings, mode, port) for mode, port in sandbox_ports.items()]
    for mode in modes:
        for lane, count in ((Lane.PUBLIC, settings.public_workers), (Lane.BULK, settings.bulk_workers)):
            found += [_python(*roles.worker(mode, lane, number)) for number in range(1, count + 1)]
        found.append(_python(*roles.pump(mode)))
    return [*found, *(_python(*role) for role in roles.FOR_BOTH_MODES)]


def apart(found: list[Child], credentials: Path) -> list[Child]:
    """The same, none of which inherits a secret of an account that it may not hold. Invalid where a secret is missing: whoever
    needs it would die at once, again and again."""
    every = {mode: sources(credentials, mode) for mode in Mode}
    if missing := [text for each in every.values() for text in each.missing]:
        raise Invalid("Some accounts cannot be used.", details=tuple(missing))
    nobodys = frozenset().union(*(each.variables for each in every.values()))
    webs = frozenset().union(*(sources(credentials, mode, Holds.CALLBACKS).variables for mode in Mode))
    for child in found:
        own = next((every[mode].variables for mode in Mode if child.name.startswith(f"{mode}-")), frozenset())
        child.without = webs if child.name == "web" else nobodys - own
    return found


def _python(name: str, module: Sequence[str]) -> Child:
    """A child that runs one of our modules."""
    return Child(name=name, command=lambda: [sys.executable, "-m", *module])


def _sandbox(settings: Settings, mode: Mode, port: int) -> Child:
    live = mode is Mode.LIVE
    site = settings.site_dir if live else settings.exercise_site_dir
    address = f"http://{settings.web_host}:{settings.web_port}/{site.name}"
    folder = settings.root / ("sandbox" if live else "sandbox-exercise")
    words = ["--port", str(port), "--data", str(folder), "--site-url", address]
    return _python(
        "sandbox" if live else "exercise-sandbox",
        ["channels.sandbox", *words, *([] if live else ["--exercise"])],
    )


def _modes(parts: Parts) -> list[Mode]:
    """Live always; exercise where it has accounts."""
    return [m for m in Mode if m is Mode.LIVE or parts.channels.get(m)]


def _only_one(root: Path) -> TextIO:
    """Held while the supervisor lives: a second one on the same data would start everything twice."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = (root / "supervisor.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(
            f"The broadcaster is already running on {root}. Stop it first, or use another data directory."
        ) from None
    return file


def _end_leftovers(path: Path) -> None:
    """Where a supervisor was killed on a system that does not end its children (macOS), end them now."""
    if not path.exists():
        return
    for name, pid in _processes(path).items():
        try:
            os.kill(pid, signal.SIGTERM)
            log.warning("leftover_ended", name=name, pid=pid)
        except (ProcessLookupError, PermissionError):
            continue


def _processes(path: Path) -> Mapping[str, int]:
    """The leftovers that are surely ours: they lead a session of their own, as every child of a supervisor does."""
    found = {}
    for name, pid in json.loads(path.read_text()).items():
        try:
            if os.getsid(pid) == pid:
                found[name] = pid
        except (ProcessLookupError, PermissionError):
            continue
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sandbox-port", type=int, default=None)
    arguments.add_argument("--exercise-sandbox-port", type=int, default=None)
    given = arguments.parse_args()
    try:
        settings = Settings.load()
        configure("supervisor", form=settings.log_format, level_name=settings.log_level)
        lock = _only_one(settings.root)
        _end_leftovers(settings.root / "processes.json")
        parts = build(settings)
        migrate(parts.database)
        ports = {Mode.LIVE: given.sandbox_port, Mode.EXERCISE: given.exercise_sandbox_port}
        wanted = {mode: port for mode, port in ports.items() if port is not None}
        supervisor = Supervisor(settings, parts, sandbox_ports=wanted)
    except Problem as problem:
        raise SystemExit(str(problem)) from problem
    supervisor.run()
    lock.close()


if __name__ == "__main__":
    main()
