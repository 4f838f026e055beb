"""A whole installation in real processes: supervisor, broker, workers, web and the stand-in platforms."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from broadcaster.bootstrap import Parts, build
from broadcaster.cli.sandbox_setup import MARK, ensure_people, prepare_sandbox
from broadcaster.processes import end_with_parent
from broadcaster.render.notices import shipped_example, shipped_notice
from broadcaster.service.compose import Submitted
from broadcaster.service.media import Attached
from broadcaster.service.report import Status
from broadcaster.settings import Settings

AUDIENCE = "residents"
STARTS_WITHIN_S = (
    240.0  # ten processes, of which each takes a second of CPU, beside whatever else this machine does
)


@dataclass(frozen=True, kw_only=True)
class Installation:
    """`people` are the tokens of officer, approver and auditor."""

    settings: Settings
    parts: Parts
    sandbox: str
    web: str
    people: Mapping[str, str]
    supervisor: subprocess.Popen[bytes]

    def import_numbers(self, count: int, *, name: str = AUDIENCE) -> None:
        path = self.settings.root / f"{name}.csv"
        path.write_text("mobile\n" + "".join(f"060{i:08d}\n" for i in range(count)))
        officer = self.parts.people.who(self.people["officer"])
        self.parts.audiences.import_csv(actor=officer, name=name, path=path)

    def release(self, *, audience: str = AUDIENCE) -> str:
        """Draft, submit and approve the shipped example; the message's reference."""
        return self.approve(self.submit(audience=audience))

    def submit(
        self,
        *,
        template: str = "severe-weather",
        audience: str = AUDIENCE,
        channels: Sequence[str] = (),
        images: Sequence[Attached] = (),
        values: Mapping[str, str] | None = None,
    ) -> Submitted:
        """A template's shipped example, with `values` in place of its own, waiting for its approval; to all of its channels
        where none is named."""
        officer = self.parts.people.who(self.people["officer"])
        draft = self.parts.compose.draft(
            officer,
            template=shipped_notice(template),
            values={**shipped_example(template), **(values or {})},
            channels=channels,
            audience=audience,
            images=images,
        )
        return self.parts.compose.submit(officer, draft.ref)

    def approve(self, submitted: Submitted) -> str:
        approver = self.parts.people.who(self.people["approver"])
        self.parts.approve.approve(approver, submitted.ref, submitted.manifest_sha256)
        return submitted.ref

    def status(self, ref: str) -> Status:
        return self.parts.report.status(ref)

    def accepted_texts(self, ref: str) -> int:
        return sum(t.accepted for t in self.status(ref).targets if t.channel == "sms")

    def processes(self) -> dict[str, int]:
        return json.loads((self.settings.root / "processes.json").read_text())

    def ledger(self, platform: str) -> list[dict[str, object]]:
        """What the stand-in accepted."""
        query = {"platform": platform, "accepted": 1}
        return requests.get(f"{self.sandbox}/_sandbox/ledger", params=query, timeout=30).json()

    def fault(self, **fault: object) -> None:
        requests.post(f"{self.sandbox}/_sandbox/faults", json=fault, timeout=10).raise_for_status()

    def clear_faults(self) -> None:
        requests.delete(f"{self.sandbox}/_sandbox/faults", timeout=10).raise_for_status()


def wait_for(what: Callable[[], object], *, within_s: float = 60.0) -> None:
    """Until it is true; a test fails, rather than hangs, where it never is."""
    deadline = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < deadline, f"not within {within_s:.0f} seconds"
        time.sleep(0.05)


@contextmanager
def installation(
    folder: Path,
    database_url: str,
    *,
    sites: int = 1,
    prepare: Callable[[Settings], object] = lambda settings: None,
    **changes: object,
) -> Iterator[Installation]:
    """A running one in this folder, over a migrated database. All of its processes end with it.

    `sites` above one adds websites with folders of their own; `prepare` may change the accounts' files before anybody
    reads them; `changes` are settings.
    """
    port, sandbox_port = free_port(), free_port()
    values = {"receipt_wait_s": 3.0, **changes}
    settings = Settings(data_dir=folder, database_url=database_url, web_port=port, **values)
    settings = prepare_sandbox(settings, port=sandbox_port)
    for no in range(2, sites + 1):
        _add_site(settings, no)
    prepare(settings)
    parts = build(settings)
    people = ensure_people(parts)
    try:
        with supervised(settings, sandbox_port) as supervisor:
            found = Installation(
                settings=settings,
                parts=parts,
                sandbox=f"http://127.0.0.1:{sandbox_port}",
                web=f"http://127.0.0.1:{port}",
                people=people,
                supervisor=supervisor,
            )
            wait_for(
                lambda: (
                    answers(f"{found.web}/health") and answers(f"{found.sandbox}/_sandbox/ledger/summary")
                ),
                within_s=STARTS_WITHIN_S,
            )
            yield found
    finally:
        parts.database.close()


def _add_site(settings: Settings, no: int) -> None:
    options = {
        "channel": "website",
        "site_dir": str(settings.root / f"site-{no}"),
        "base_url": f"http://{settings.web_host}:{settings.web_port}/site-{no}",
        "site_name": f"Wyre Council {no} (sandbox)",
    }
    path = settings.credentials / "live" / f"website-{no}.toml"
    path.write_text(MARK + "".join(f"{key} = {json.dumps(value)}\n" for key, value in options.items()))


@contextmanager
def supervised(settings: Settings, sandbox_port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "worker.supervisor", "--sandbox-port", str(sandbox_port)]
    environment = {**os.environ, **settings.environment()}
    with (settings.root / "supervisor.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            env=environment,
            stdout=log,
            stderr=log,
            preexec_fn=end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no lock is held
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=40)


def answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=1).ok
    except requests.RequestException:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
