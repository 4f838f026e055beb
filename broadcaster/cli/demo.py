"""The demo: one message from draft to every channel, with stand-ins for the platforms, told as it happens."""

import csv
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
import requests
from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from broadcaster.bootstrap import Parts, build
from broadcaster.cli import terminal
from broadcaster.cli.demo_check import compare
from broadcaster.cli.demo_check import shown as comparison_shown
from broadcaster.cli.sandbox_setup import ensure_people, prepare_sandbox
from broadcaster.cli.show import audit_table, proof
from broadcaster.cli.show import status as status_shown
from broadcaster.db.migrate import migrate
from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.errors import Problem
from broadcaster.render.notices import shipped_example, shipped_notice, shipped_picture
from broadcaster.service.media import Attached
from broadcaster.service.report import Status
from broadcaster.settings import Settings

UP_WITHIN_S, DONE_WITHIN_S, RECEIPTS_WITHIN_S = 90.0, 180.0, 60.0
LOOK_EVERY_S = 0.25
FAULT_AFTER = 0.2  # share of the recipients that are accepted when something is broken
FEW = 3  # events of one act that the demo shows whole
RESERVED_NUMBERS = 1_000  # Ofcom keeps 07700 900000 to 900999 for fiction
TEMPLATE, AUDIENCE = "severe-weather", "wyre-residents"
PICTURE_SHOWS = "Drawing: three houses by the water in heavy rain, and trees bent low by the wind."


class DemoFailed(Exception):
    """The demo did not end as it must."""


def run_demo(fault: str | None, recipients: int, *, keep: bool) -> int:
    """Tell the story on the terminal. 0 where the stand-ins' ledger and the database agree on every delivery."""
    console = terminal.console()
    with _folder(keep=keep) as folder:
        try:
            return _Demo(console, folder, fault, recipients).tell()
        except (Problem, DemoFailed) as error:
            console.print(Text(str(error), style="bold red"))
            _show_logs(console, folder / "logs")
            return 1
        finally:
            if keep:
                console.print(f"Kept: {folder}")


@contextmanager
def _folder(*, keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="broadcaster-demo-"))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


class _Demo:
    def __init__(self, console: Console, folder: Path, fault: str | None, recipients: int) -> None:
        self._console = console
        self._folder = folder
        self._fault = fault
        self._recipients = recipients
        self._sandbox_port = _free_port()
        plain = Settings(data_dir=folder, web_port=_free_port(), receipt_wait_s=5)
        self._settings = prepare_sandbox(plain, port=self._sandbox_port)
        self._sandbox = f"http://127.0.0.1:{self._sandbox_port}"

    def tell(self) -> int:
        started = time.monotonic()
        self._say(
            "1", "A database, a broker, workers, web and stand-in platforms start, in a folder of their own."
        )
        parts = build(self._settings)
        migrate(parts.database)
        with self._supervisor():
            self._say("2", "Three people: officer, approver and auditor, each with a token.")
            tokens = ensure_people(parts)
            agreed = self._send(parts, tokens)
        self._console.print()
        if not agreed:
            self._console.print(Text("The ledgers, the database and the log do not agree.", style="bold red"))
            return 1
        self._console.print(
            Text(
                f"Done in {time.monotonic() - started:.0f} seconds: every delivery accounted for, twice.",
                "bold green",
            )
        )
        return 0

    def _send(self, parts: Parts, tokens: dict[str, str]) -> bool:
        """Whether the platforms, the database and the log tell the same story of it."""
        officer, approver, auditor = (parts.people.who(tokens[n]) for n in ("officer", "approver", "auditor"))
        self._import(parts, tokens["officer"])
        self._say("4", f'The officer fills the template "{TEMPLATE}" from a file of facts.')
        drafted = parts.compose.draft(
            officer,
            template=shipped_notice(TEMPLATE),
            values=shipped_example(TEMPLATE),
            audience=AUDIENCE,
            images=[Attached(name="storm.jpg", content=shipped_picture(TEMPLATE), alt=PICTURE_SHOWS)],
        )
        submitted = parts.compose.submit(officer, drafted.ref)
        facts = parts.report.written(drafted.ref).facts.to_json()
        self._console.print(proof(submitted.proof, facts, self._settings.zone))
        self._say("5", f"Submitted. What a second person approves: {submitted.manifest_sha256}")
        if self._fault == "silent":
            self._silence_facebook()
        released = parts.approve.approve(approver, drafted.ref, submitted.manifest_sha256)
        self._say("6", f"Approved by {approver.name}, and so released to {released.recipients:,} people.")
        status = self._watch(parts, drafted.ref)
        self._console.print(status_shown(status, self._settings.zone), Text())
        findings = compare(parts, auditor, drafted.ref, sandbox=self._sandbox, site=f"{self._web}/site")
        self._console.print(comparison_shown(findings))
        self._say("7", "The auditor reads the record of this message.")
        self._show_record(parts.audit.events(auditor, drafted.ref))
        bad = parts.audit.first_bad_event()
        self._console.print(
            "The whole log is whole." if bad is None else f"Event {bad} of the log was altered."
        )
        return findings.sound and bad is None and status.adds_up

    def _show_record(self, events: list[AuditEvent]) -> None:
        """Every act; of those that come by the hundred, the first and how many there are."""
        acts = Counter(event.act for event in events)
        first = {event.act: event for event in reversed(events)}
        shown = [e for e in events if acts[e.act] <= FEW or first[e.act] is e]
        self._console.print(audit_table(shown, self._settings.zone))
        for act, count in acts.items():
            if count > FEW:
                self._console.print(f"     {act}: {count:,} events in all, the first is shown")

    def _import(self, parts: Parts, token: str) -> None:
        path = self._folder / "residents.csv"
        _write_numbers(path, self._recipients)
        result = parts.audiences.import_csv(
            actor=parts.people.who(token),
            name=AUDIENCE,
            path=path,
            source="demo",
            lawful_basis="public task",
            purpose="emergency warnings",
        )
        self._say(
            "3",
            f"{result.count:,} numbers imported from {path.name}; {result.problems} rows could not be read:",
        )
        for problem in result.examples[:3]:
            self._console.print(Text(f"     row {problem.row}: {problem.reason}"))

    def _watch(self, parts: Parts, ref: str) -> Status:
        """Live progress until nothing more will happen; the fault, if any, comes on the way."""
        deadline, broken = time.monotonic() + DONE_WITHIN_S, self._fault not in {"kill", "flush"}
        with _progress(
            self._console, lambda: status_shown(parts.report.status(ref), self._settings.zone)
        ) as refresh:
            while time.monotonic() < deadline:
                status = parts.report.status(ref)
                refresh(status)
                if not broken and _accepted_texts(status) >= self._recipients * FAULT_AFTER:
                    self._break_something()
                    broken = True
                if status.over:
                    return self._await_receipts(parts, ref, refresh)
                time.sleep(LOOK_EVERY_S)
        raise DemoFailed(f"The broadcast was not over after {DONE_WITHIN_S:.0f} seconds.")

    def _await_receipts(self, parts: Parts, ref: str, refresh: Callable[[Status], None]) -> Status:
        """The stand-in gateway sends a delivery receipt for every text; they may still be on their way."""
        deadline = time.monotonic() + RECEIPTS_WITHIN_S
        while True:
            status = parts.report.status(ref)
            refresh(status)
            waiting = sum(
                t.states.get(DeliveryState.ACCEPTED, 0) for t in status.targets if t.channel == "sms"
            )
            if not waiting or time.monotonic() > deadline:
                return status
            time.sleep(LOOK_EVERY_S)

    def _silence_facebook(self) -> None:
        """The stand-in takes the next post and never answers: only reading it back can tell."""
        order = {"platform": "facebook", "kind": "accept_then_silence", "count": 1}
        requests.post(f"{self._sandbox}/_sandbox/faults", json=order, timeout=10).raise_for_status()
        self._say("!", "Fault: Facebook will take the post and never answer.")

    def _break_something(self) -> None:
        if self._fault == "kill":
            name, pid = next((n, p) for n, p in self._processes().items() if n.startswith("live-bulk"))
            os.kill(pid, signal.SIGKILL)
            self._say(
                "!", f"Fault: the worker {name} (process {pid}) was killed with -9 while it was sending."
            )
        if self._fault == "flush":
            with redis.Redis(unix_socket_path=str(self._settings.broker_socket)) as broker:
                broker.flushall()
            self._say("!", "Fault: the broker was flushed; every queued bell is lost.")

    def _processes(self) -> dict[str, int]:
        found: dict[str, int] = json.loads((self._folder / "processes.json").read_text())
        return found

    @property
    def _web(self) -> str:
        return f"http://127.0.0.1:{self._settings.web_port}"

    @contextmanager
    def _supervisor(self) -> Iterator[None]:
        command = [sys.executable, "-m", "worker.supervisor", "--sandbox-port", str(self._sandbox_port)]
        environment = {**os.environ, **self._settings.environment()}
        with (self._folder / "supervisor.log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603 - our own command
        try:
            self._await_up(process)
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()

    def _await_up(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + UP_WITHIN_S
        waiting = {f"{self._web}/health", f"{self._sandbox}/_sandbox/ledger/summary"}
        while waiting:
            if process.poll() is not None or time.monotonic() > deadline:
                raise DemoFailed(
                    (self._folder / "supervisor.log").read_text() or "The processes did not start in time."
                )
            waiting = {address for address in waiting if not _answers(address)}
            time.sleep(0.1)

    def _say(self, number: str, text: str) -> None:
        self._console.print(Text.assemble((f"\n{number}  ", "bold cyan"), (text, "bold")))


@contextmanager
def _progress(console: Console, draw: Callable[[], RenderableType]) -> Iterator[Callable[[Status], None]]:
    """A table that redraws itself on a terminal; elsewhere a line whenever something has changed."""
    if not console.is_terminal:
        said: list[str] = []

        def line(status: Status) -> None:
            text = ", ".join(f"{t.channel} {t.accepted:,}/{t.planned:,}" for t in status.targets)
            if text not in said[-1:]:
                said.append(text)
                console.print(f"     {text}")

        yield line
        return
    with Live(draw(), console=console, refresh_per_second=8, transient=True) as live:
        yield lambda _: live.update(draw())


def _accepted_texts(status: Status) -> int:
    return sum(t.accepted for t in status.targets if t.channel == "sms")


def _write_numbers(path: Path, count: int) -> None:
    """A list as councils have it, with a few rows that nobody can read. No number of it can belong to anyone: the first
    thousand are reserved for fiction, the others begin with 06, which is not in use in the United Kingdom."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "mobile", "postcode"])
        for i in range(count):
            number = f"07700 900{i:03d}" if i < RESERVED_NUMBERS else f"060{i:08d}"
            writer.writerow([f"Resident {i + 1}", number, "FY7 6AA"])
        writer.writerow(["Mistyped", "0770 90", "FY7 6AA"])
        writer.writerow(["From a spreadsheet", "7.7009E+09", "FY7 6AA"])
        writer.writerow(["Empty", "", "FY7 6AA"])


def _answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=1).ok
    except requests.RequestException:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _show_logs(console: Console, folder: Path) -> None:
    """The last lines of every process that wrote any: the reason is usually there."""
    for path in sorted(folder.glob("*.log")):
        lines = path.read_text(errors="replace").splitlines()[-15:]
        if lines:
            console.print(Text(f"--- {path.name}\n" + "\n".join(lines)))
