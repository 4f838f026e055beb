"""The processes that a measurement needs beside the product: the stub gateway, and callers that do nothing else.

Each leads a session of its own, so that Ctrl-C reaches only the one who started it, who ends them; and the kernel ends them
where that one is killed.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import requests

from broadcaster.processes import end_with_parent

WITHIN_S = 900.0  # nothing that is measured takes so long


class Stub:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def counts(self) -> dict[str, int]:
        found: dict[str, int] = requests.get(f"{self.url}/counts", timeout=10).json()
        return found


@contextmanager
def child(
    command: Sequence[str], environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Ends with the block, whatever it does."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
        preexec_fn=end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one thread here
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def stub(latency_s: float) -> Iterator[Stub]:
    with child([sys.executable, "-m", "tests.bench.stub", str(latency_s)]) as process:
        assert process.stdout
        yield Stub(int(process.stdout.readline()))


def at_once(
    module: str, *arguments: str, processes: int, environment: Mapping[str, str] | None = None
) -> list[str]:
    """Run a module so many times side by side; the last line that each printed."""
    command = [sys.executable, "-m", module, *arguments]
    with ExitStack() as stack:
        running = [stack.enter_context(child(command, environment)) for _ in range(processes)]
        return _told(running)


def in_step(module: str, parts: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Run a module once for each of these, which is its argument; they begin together, when all are `ready`."""
    with ExitStack() as stack:
        commands = ([sys.executable, "-m", module, part] for part in parts)
        running = [stack.enter_context(child(command, environment)) for command in commands]
        for process in running:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        return _told(running, "begin\n")


def _told(running: Sequence[subprocess.Popen[str]], said: str = "") -> list[str]:
    for process in running:
        assert process.stdin
        process.stdin.write(said)
        process.stdin.flush()
    told = [process.communicate(timeout=WITHIN_S)[0] for process in running]
    assert all(process.returncode == 0 for process in running), [process.args for process in running]
    return [each.strip().splitlines()[-1] for each in told]
