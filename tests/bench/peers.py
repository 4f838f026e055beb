"""The processes that a measurement needs beside the product: the stub gateway, and callers that do nothing else."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import requests


class Stub:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def counts(self) -> dict[str, int]:
        found: dict[str, int] = requests.get(f"{self.url}/counts", timeout=10).json()
        return found


@contextmanager
def stub(latency_s: float) -> Iterator[Stub]:
    command = [sys.executable, "-m", "tests.bench.stub", str(latency_s)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield Stub(int(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait(timeout=10)


def at_once(
    module: str, *arguments: str, processes: int, environment: Mapping[str, str] | None = None
) -> list[str]:
    """Run a module so many times side by side; the last line that each printed."""
    command = [sys.executable, "-m", module, *arguments]
    around = {**os.environ, **(environment or {})}
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=around) for _ in range(processes)
    ]
    told = [process.communicate(timeout=600)[0] for process in running]
    assert all(process.returncode == 0 for process in running), f"{module} failed"
    return [each.strip().splitlines()[-1] for each in told]
