"""A real RabbitMQ for the tests: one node on loopback with ports, data and a cookie of its own, ended by its process ids."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import amqp

from broadcaster.processes import end_with_parent
from tests.installation import free_port, wait_for

PROGRAMS = Path("/usr/lib/rabbitmq/bin")  # Debian's; those on the PATH insist on a user of their own
INSTALLED = (PROGRAMS / "rabbitmq-server").exists() and shutil.which("epmd") is not None
MISSING = "RabbitMQ is not installed: apt-get install --no-install-recommends rabbitmq-server"
START_WITHIN_S = 180  # ten on a machine that is not busy


class Rabbit:
    """A node that can be killed, and started again with or without its data."""

    def __init__(self, folder: Path, *, address: str = "127.0.0.1") -> None:
        self._folder = folder
        self._address = address
        self._port, self._name_port, self._cluster_port = free_port(), free_port(), free_port()
        self._names: subprocess.Popen[bytes] | None = None
        self._node: subprocess.Popen[bytes] | None = None
        settings = [
            f"listeners.tcp.1 = {address}:{self._port}",
            "loopback_users = none",
            "disk_free_limit.absolute = 1MB",
        ]
        (folder / "rabbitmq.conf").write_text("\n".join(settings) + "\n")
        (folder / "enabled_plugins").write_text("[].\n")

    @property
    def url(self) -> str:
        return self.url_at(self._address)

    def url_at(self, host: str, user: str = "guest:guest") -> str:
        return f"amqp://{user}@{host}:{self._port}//"

    def with_few_rights(self) -> str:
        """The address for a new user who may do what docs/operating.md tells administrators to grant, and nothing else."""
        manual = (Path(__file__).parents[1] / "docs" / "operating.md").read_text("utf-8")
        [line] = [each for each in manual.splitlines() if each.startswith("rabbitmqctl set_permissions")]
        _, command, user, *rights = shlex.split(line)
        self.tell("add_user", user, "secret")
        self.tell(command, user, *rights)
        return self.url_at(self._address, f"{user}:secret")

    @property
    def log(self) -> str:
        return "".join(path.read_text(errors="replace") for path in (self._folder / "log").glob("*.log"))

    def start(self) -> None:
        if self._names is None:
            names = ["epmd", "-address", "127.0.0.1", "-port", str(self._name_port)]
            self._names = self._run(names)
        self._node = self._run([str(PROGRAMS / "rabbitmq-server")])
        wait_for(self.answers, within_s=START_WITHIN_S)

    def kill(self, *, forget: bool = False) -> None:
        """At once. With `forget`, what it had on the disk is gone as well."""
        if self._node is not None:
            _kill(self._node)
            self._node = None
        if forget:
            shutil.rmtree(self._folder / "data", ignore_errors=True)

    def end(self) -> None:
        self.kill()
        if self._names is not None:
            _kill(self._names)
            self._names = None

    def pause(self) -> None:
        """It takes connections, and answers nothing."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def answers(self) -> bool:
        assert self._node is None or self._node.poll() is None, f"RabbitMQ did not start: {self.log[-2000:]}"
        try:
            with self._connected():
                return True
        except (OSError, amqp.AMQPError):
            return False

    @contextmanager
    def channel(self) -> Iterator[amqp.Channel]:
        with self._connected() as connection:
            yield connection.channel()

    def waiting(self, queue: str) -> int:
        """Bells that nobody has in his hands."""
        with self.channel() as channel:
            return int(channel.queue_declare(queue, passive=True).message_count)

    def queues(self) -> dict[str, str]:
        """The type of each, by name."""
        said = self.tell("-q", "--no-table-headers", "list_queues", "name", "type")
        return dict(line.split("\t") for line in said.splitlines())

    def in_hand(self, queue: str) -> int:
        """Bells that somebody has taken and not acknowledged. RabbitMQ counts them anew every few seconds."""
        said = self.tell("-q", "--no-table-headers", "list_queues", "name", "messages_unacknowledged")
        return int(dict(line.split("\t") for line in said.splitlines())[queue])

    def full(self) -> None:
        """The memory alarm: who publishes is not read from any more."""
        self.tell("set_vm_memory_high_watermark", "absolute", "1")
        wait_for(lambda: "memory resource limit alarm set" in self.log)

    def no_longer_full(self) -> None:
        self.tell("set_vm_memory_high_watermark", "0.4")

    def tell(self, *words: str) -> str:
        done = subprocess.run(
            [PROGRAMS / "rabbitmqctl", *words],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"rabbitmqctl {words}: {done.stderr or done.stdout}"
        return done.stdout

    @contextmanager
    def _connected(self) -> Iterator[amqp.Connection]:
        connection = amqp.Connection(f"{self._address}:{self._port}", connect_timeout=5, read_timeout=5)
        connection.connect()
        try:
            yield connection
        finally:
            with suppress(OSError, amqp.AMQPError):
                connection.close()

    def _signal(self, number: int) -> None:
        assert self._node is not None
        os.killpg(self._node.pid, number)

    def _run(self, command: list[str]) -> subprocess.Popen[bytes]:
        with (self._folder / "out").open("ab") as out:
            return subprocess.Popen(
                command,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self._folder,
                start_new_session=True,
                preexec_fn=end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no lock is held
            )

    def _environment(self) -> dict[str, str]:
        folder = self._folder
        local = "-kernel inet_dist_use_interface {127,0,0,1}"
        return {
            "PATH": f"{os.environ['PATH']}:/usr/sbin:/usr/bin",
            "LANG": "C.UTF-8",
            "HOME": str(folder),  # where Erlang keeps its cookie
            "ERL_EPMD_PORT": str(self._name_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": "bells@localhost",
            "RABBITMQ_DIST_PORT": str(self._cluster_port),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),  # nothing of the machine's own set-up
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{local} +S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none",
        }


@contextmanager
def own_rabbit(**options: str) -> Iterator[Rabbit]:
    """Running, in a folder of its own. Start it from a thread that lives as long as it shall."""
    with tempfile.TemporaryDirectory(prefix="rabbit-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        rabbit = Rabbit(Path(folder), **options)
        try:
            rabbit.start()
            yield rabbit
        finally:
            rabbit.end()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """With whatever it started: each leads a session of its own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(0.05)
