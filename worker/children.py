"""Child processes: started so that they end with their parent, watched, and restarted when they die."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from broadcaster.processes import end_with_parent

log = structlog.get_logger()

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 4.0  # whatever dies is started again within five seconds
HEALTHY_AFTER_S = 30.0  # a child that lived so long starts again without a pause


@dataclass(kw_only=True)
class Child:
    """`command` is called at each start, since some commands prepare files first. `without` are variables of the environment
    that it is not given: secrets of accounts that it may not hold."""

    name: str
    command: Callable[[], Sequence[str]]
    without: frozenset[str] = frozenset()
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    not_before: float = field(default=0.0)

    def start(self, *, environment: Mapping[str, str], logs: Path) -> None:
        with (logs / f"{self.name}.log").open("ab") as file:
            self.process = subprocess.Popen(  # noqa: S603 - our own commands, no shell
                list(self.command()),
                env={name: value for name, value in environment.items() if name not in self.without},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,  # Ctrl-C reaches the supervisor, which ends the others in order
                preexec_fn=end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one thread here
            )
        self.started = time.monotonic()

    def died(self) -> bool:
        """True once after each death; the next start is put off longer when deaths follow each other."""
        if self.process is None or self.process.poll() is None:
            return False
        lived = time.monotonic() - self.started
        self.deaths = 1 if lived > HEALTHY_AFTER_S else self.deaths + 1
        pause = 0.0 if self.deaths == 1 else min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**self.deaths)
        self.not_before = time.monotonic() + pause
        log.error("process_died", name=self.name, pid=self.process.pid, code=self.process.returncode)
        return True

    def end(self, within_s: float) -> None:
        """Ask it to end, and end it for sure after `within_s` seconds."""
        if self.process is None:
            return
        try:
            self.process.wait(timeout=within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def terminate(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
