"""Runs tests in a copy of the tree, in a process of its own, and says what came of it. Bounded in time."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

ENDS_WITHIN_S = 30.0  # a session that is told to end stops its servers and processes first
LAST_LINES = 25
LOOKS_EVERY_S = 0.5
STOPPED_AT_A_FAILURE = {1, 2}  # pytest by itself, and with several processes

#: Set, it ends every run of this process.
STOP = threading.Event()


class Came(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    BROKEN = "broken"  #: the tests could not be run at all, or not those of the copy


@dataclass(frozen=True, kw_only=True)
class Session:
    """What came of a run. `failed` is the first test that failed, after `after_s` of the `seconds` that it all took."""

    came: Came
    seconds: float
    failed: str = ""
    after_s: float = 0.0
    said: str = ""


def run(copy: Path, tests: Sequence[str], *, within_s: float, more: Sequence[str] = ()) -> Session:
    """These tests of the copy, up to the first that fails."""
    report, output = copy.parent / "report", copy.parent / "output"
    report.unlink(missing_ok=True)
    options = ("-x", "-q", "--tb=short", "-p", "no:cacheprovider", "-p", "tests.seeded.watch")
    began = time.monotonic()
    with output.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *options, *more, *tests],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy), "SEEDED_REPORT": str(report)},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that it can be ended with all that it started
        )
        try:
            code = _ended(process, within_s)
        finally:
            _end(process)
    return _judged(copy, code, report, output, time.monotonic() - began)


def _ended(process: "subprocess.Popen[bytes]", within_s: float) -> int | None:
    """Its exit code; None where it is to be ended."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline and not STOP.is_set():
        with suppress(subprocess.TimeoutExpired):
            return process.wait(LOOKS_EVERY_S)
    return None


def _end(process: "subprocess.Popen[bytes]") -> None:
    """In order first, as by Ctrl-C; then its whole group."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(ENDS_WITHIN_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _judged(copy: Path, code: int | None, report: Path, output: Path, seconds: float) -> Session:
    told = [json.loads(line) for line in report.read_text().splitlines()] if report.exists() else []
    said = "\n".join(output.read_text(errors="replace").splitlines()[-LAST_LINES:])
    places = {place for each in told for place in each.get("imported_from", ())}
    # a fixture that fails may be the machine's doing: a server that did not start
    first = next((each for each in told if "failed" in each and each["when"] == "call"), None)
    if code is None:
        return Session(came=Came.TIMED_OUT, seconds=seconds, said=said)
    if places != {str(copy)}:
        elsewhere = f"the product was imported from {', '.join(sorted(places)) or 'nowhere'}, not from {copy}"
        return Session(came=Came.BROKEN, seconds=seconds, said=f"{elsewhere}\n{said}")
    if code in STOPPED_AT_A_FAILURE and first:
        return Session(
            came=Came.FAILED, seconds=seconds, failed=first["failed"], after_s=first["after_s"], said=said
        )
    return Session(came=Came.PASSED if code == 0 else Came.BROKEN, seconds=seconds, said=said)
