"""The supervisor as a child of `broadcaster up`: started, waited for, and stopped with it."""

import http.client
import os
import signal
import subprocess
import sys
import time
from types import FrameType, TracebackType
from typing import Self

from broadcaster.cli.terminal import say
from broadcaster.processes import end_with_parent, reachable
from broadcaster.settings import Settings

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_EVERY_S = 0.1
SLOW_AFTER_S = 30.0
ANSWER_WITHIN_S = 2.0


class Supervised:
    """Signals that would end this process are handed to the supervisor, which ends its children in order."""

    def __init__(
        self, settings: Settings, *, sandbox_port: int | None, exercise_port: int | None = None
    ) -> None:
        self._settings = settings
        self._command = [sys.executable, "-m", "worker.supervisor"]
        if sandbox_port is not None:
            self._command += ["--sandbox-port", str(sandbox_port)]
        if exercise_port is not None:
            self._command += ["--exercise-sandbox-port", str(exercise_port)]
        self._stopping = False

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603 - our own command, no shell
            self._command,
            env={**os.environ, **self._settings.environment()},
            start_new_session=True,  # Ctrl-C reaches this process alone, which passes it on once
            preexec_fn=end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one thread here
        )
        for number in STOP_SIGNALS:
            signal.signal(number, self._stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Whatever went wrong here, nothing is left running."""
        self._process.terminate()
        self._process.wait()

    def wait_until_up(self) -> bool:
        """True once the web process answers; False where the supervisor ended, which has said why."""
        slow_at = time.monotonic() + SLOW_AFTER_S
        while self._process.poll() is None:
            if _is_healthy(self._settings):
                return True
            if time.monotonic() > slow_at:
                say(f"Still waiting for the web process. Why: {self._settings.root / 'logs' / 'web.log'}")
                slow_at = float("inf")
            time.sleep(LOOK_EVERY_S)
        return False

    def wait(self) -> int:
        """The exit code once the supervisor has ended: 0 where it was asked to."""
        code = self._process.wait()
        return 0 if self._stopping and code in {0, -signal.SIGTERM} else code or 1

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        self._process.terminate()


def _is_healthy(settings: Settings) -> bool:
    """Asked directly: a proxy of the environment would answer for others."""
    connection = http.client.HTTPConnection(
        reachable(settings.web_host), settings.web_port, timeout=ANSWER_WITHIN_S
    )
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
