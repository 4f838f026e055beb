"""A loop that stops when it is told to: what the pump, the sweeper and the sealer are made of."""

import signal
import threading
from collections.abc import Callable

import structlog

from broadcaster.alive import Pulse

log = structlog.get_logger()


class Loop:
    """Runs a step every `every_s` seconds until SIGTERM or SIGINT. A step that fails is logged and tried again; one that
    hangs is seen by its missing sign of life."""

    def __init__(self, name: str, step: Callable[[], None], *, every_s: float, pulse: Pulse) -> None:
        self._name = name
        self._step = step
        self._every_s = every_s
        self._pulse = pulse
        self._stop = threading.Event()

    def running(self) -> bool:
        return not self._stop.is_set()

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        while self.running():
            try:
                with self._pulse.at_work():
                    self._step()
            except Exception:  # the database may be away for a while; the loop must be there when it is back
                log.exception("loop_step_failed", loop=self._name)
            self._stop.wait(self._every_s)

    def beside(self, look: Callable[[], object], *, every_s: float, failed: str) -> None:
        """Looks every `every_s` seconds in a thread of its own, as long as the loop runs: whatever may wait long for
        somebody outside keeps no step from its turn. `failed` is what the log calls a look that failed."""

        def keep_looking() -> None:
            while self.running():
                try:
                    look()
                except Exception:  # as above
                    log.exception(failed)
                self._stop.wait(every_s)

        threading.Thread(target=keep_looking, daemon=True).start()
