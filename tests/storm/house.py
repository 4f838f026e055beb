"""The product as a child process: `broadcaster up --sandbox`, in a folder of its own, on ports of its own."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from broadcaster.processes import end_with_parent

UP_WITHIN_S = 240.0
DOWN_WITHIN_S = 45.0
COMMAND = Path(sys.executable).with_name("broadcaster")


class NotUp(Exception):
    """It did not start; what it said."""


@dataclass(frozen=True, kw_only=True)
class House:
    """Where the console, the public site and the stand-ins answer. More than that nobody here is told."""

    console: str
    site: str
    sandbox: str
    exercise_sandbox: str


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[House]:
    """Up until the block ends; then it is asked to end, and ended. Its processes end with it, and with us."""
    told = {name: value for name, value in os.environ.items() if not name.startswith("BROADCASTER_")}
    told |= {f"BROADCASTER_{name.upper()}": value for name, value in settings.items()}
    told |= {
        "BROADCASTER_DATA_DIR": str(folder / "data"),
        "BROADCASTER_WEB_PORT": "0",
        "PYTHONUNBUFFERED": "1",
    }
    process = subprocess.Popen(
        [str(COMMAND), "up", "--sandbox", "--sandbox-port", "0"],
        env=told,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no lock is held
    )
    said: list[str] = []
    reading = threading.Thread(target=_read, args=(process, said), daemon=True)
    reading.start()
    try:
        yield _where(process, said)
    finally:
        process.terminate()
        try:
            process.wait(DOWN_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reading.join(5)


def _read(process: "subprocess.Popen[str]", said: list[str]) -> None:
    assert process.stdout
    for line in process.stdout:
        said.append(line)  # noqa: PERF402 - each as it comes


def _where(process: "subprocess.Popen[str]", said: list[str]) -> House:
    end = time.monotonic() + UP_WITHIN_S
    while time.monotonic() < end and process.poll() is None:
        text = "".join(list(said))
        if "Ctrl-C stops it" in text:
            return House(
                console=_address(text, "Console"),
                site=_address(text, "Public pages"),
                sandbox=_address(text, "Wall"),
                exercise_sandbox=_address(text, "For drills"),
            )
        time.sleep(0.1)
    raise NotUp("".join(said) or "It said nothing.")


def _address(text: str, what: str) -> str:
    found = re.search(rf"^ *{what} +(http\S+)", text, re.MULTILINE)
    if not found:
        raise NotUp(f"It did not say where {what} is:\n{text}")
    return found[1].rstrip("/")
