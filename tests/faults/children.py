"""Has processes forked that will die or stop by themselves, and learns from the kernel what became of them."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Self

REPOSITORY = Path(__file__).parents[2]
START_WITHIN_S, END_WITHIN_S = 60.0, 20.0


class Child:
    """`status` is an exit code, or minus the signal that killed it; None while it lives."""

    def __init__(self) -> None:
        self.pid = 0
        self.status: int | None = None
        self.started, self.stopped, self.ended = (threading.Event() for _ in range(3))

    @property
    def killed(self) -> bool:
        return self.status == -signal.SIGKILL

    def signal(self, number: int) -> None:
        if not self.ended.is_set():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def end(self) -> None:
        """Whatever it does, it is gone when this returns."""
        self.signal(signal.SIGKILL)
        assert self.ended.wait(END_WITHIN_S), f"process {self.pid} does not end"


class Children:
    """The process that forks; all of its children end with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        self._children: dict[int, Child] = {}
        self._writing = threading.Lock()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.crashing"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(END_WITHIN_S)
        self._process.stdout.close()

    def start(self, task: str, **order: Any) -> Child:
        with self._writing:
            number = next(self._numbers)
            child = self._children[number] = Child()
            log = str(self._folder / f"{number}-{task}.log")
            line = json.dumps({"number": number, "task": task, "log": log, **order})
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        assert child.started.wait(START_WITHIN_S), f"{task} was not started"
        return child

    def _read(self) -> None:
        for line in self._process.stdout:
            told = json.loads(line)
            child = self._children[told["number"]]
            if told["event"] == "started":
                child.pid = told["value"]
            elif told["event"] == "ended":
                child.status = told["value"]
            getattr(child, told["event"]).set()
