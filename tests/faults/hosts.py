"""Machines made of network namespaces: each with a name, a data directory and cables of its own to the one in the middle.

Nothing is left behind: the namespaces have no names, and are gone with their last process.
"""

import asyncio
import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from broadcaster.processes import end_with_parent
from tests.installation import wait_for

CLONE_NEWNET = 0x40000000
LONGEST_S = 3600  # a machine ends by itself, whatever becomes of the test
#: Cables of a machine: to database and broker, and to the world. Each has its network (RFC 5737), cut into pieces of four.
NETWORKS = {"inside": "192.0.2", "outside": "198.51.100"}
TOOLS = ("ip", "unshare", "nsenter", "hostname")


def no_machines() -> str:
    """Why there can be no such machines here; nothing where there can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "network namespaces need Linux, and root"
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        return f"not installed: {', '.join(missing)} (iproute2, util-linux, hostname)"
    tried = subprocess.run(
        ["unshare", "--net", "--uts", "ip", "link", "add", "one", "type", "veth", "peer", "name", "two"],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if tried.returncode == 0 else f"no network namespaces here: {tried.stderr.strip()}"


@contextmanager
def in_the_middle() -> Iterator[None]:
    """This thread, and all that it starts, is on a network of its own, where only its machines and itself are."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open() as before:
        if libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        try:
            run("ip", "link", "set", "lo", "up")
            yield
        finally:
            libc.setns(before.fileno(), CLONE_NEWNET)


class Machine:
    """`root` is its data directory. It reaches the one in the middle under another address on each cable."""

    def __init__(self, number: int, root: Path) -> None:
        self.name = f"host-{number}"
        self.root = root
        self._number = number
        self._anchor = subprocess.Popen(
            ["unshare", "--net", "--uts", "sh", "-c", f"hostname {self.name}; exec sleep {LONGEST_S}"],
            preexec_fn=end_with_parent,  # noqa: PLW1509 - no lock is held
        )
        wait_for(lambda: self._says("hostname") == self.name, within_s=20)
        run(*self.inside(), "ip", "link", "set", "lo", "up")
        for cable in NETWORKS:
            self._plug_in(cable)

    def middle(self, cable: str) -> str:
        """The address of the one in the middle."""
        return f"{NETWORKS[cable]}.{4 * self._number + 1}"

    def inside(self) -> list[str]:
        """What a command begins with to run on this machine."""
        return ["nsenter", f"--target={self._anchor.pid}", "--net", "--uts", "--"]

    def cut(self, cables: Sequence[str]) -> None:
        """Nothing passes any more, and nobody is told: connections stay open, and silent."""
        for cable in cables:
            run("ip", "link", "set", self._end_of(cable), "down")

    def heal(self, cables: Sequence[str]) -> None:
        for cable in cables:
            run("ip", "link", "set", self._end_of(cable), "up")

    def end(self) -> None:
        self._anchor.kill()
        self._anchor.wait()

    def _plug_in(self, cable: str) -> None:
        own, there = self._end_of(cable), f"{NETWORKS[cable]}.{4 * self._number + 2}/30"
        pair = ["type", "veth", "peer", "name", cable, "netns", str(self._anchor.pid)]
        run("ip", "link", "add", own, *pair)
        run("ip", "address", "add", f"{self.middle(cable)}/30", "dev", own)
        run("ip", "link", "set", own, "up")
        run(*self.inside(), "ip", "address", "add", there, "dev", cable)
        run(*self.inside(), "ip", "link", "set", cable, "up")

    def _end_of(self, cable: str) -> str:
        return f"{cable}{self._number}"

    def _says(self, command: str) -> str:
        done = subprocess.run([*self.inside(), command], capture_output=True, text=True, check=False)
        return done.stdout.strip()


@contextmanager
def machines(count: int, folder: Path) -> Iterator[list[Machine]]:
    found: list[Machine] = []
    try:
        for number in range(1, count + 1):
            root = folder / f"host-{number}"
            root.mkdir(parents=True)
            found.append(Machine(number, root))
        yield found
    finally:
        for each in found:
            each.end()


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


@contextmanager
def process(
    command: Sequence[str], *, log: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Ended, and waited for, at the end of the block."""
    with log.open("ab") as file:
        started = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            preexec_fn=end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no lock is held
        )
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(40)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


async def relay(port: int, target: int) -> None:
    """The stand-ins listen on loopback alone; this hands them what comes over the cables."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, here = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pass_on(reader, here), pass_on(there, writer))

    server = await asyncio.start_server(serve, "0.0.0.0", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(relay(*map(int, sys.argv[1:3])))
