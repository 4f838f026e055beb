"""A loop that stops when it is told to: what the pump and the sweeper are made of."""

import signal
import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger()


class Loop:
    """Runs a step every `every_s` seconds until SIGTERM or SIGINT. A step that fails is logged and tried again."""

    def __init__(self, name: str, step: Callable[[], None], *, every_s: float) -> None:
        self._name = name
        self._step = step
        self._every_s = every_s
        self._stop = threading.Event()

    def running(self) -> bool:
        return not self._stop.is_set()

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        while self.running():
            try:
                self._step()
            except Exception:  # the database may be away for a while; the loop must be there when it is back
                log.exception("loop_step_failed", loop=self._name)
            self._stop.wait(self._every_s)
