"""T36: many writers, and two sealers of which one is killed every few seconds. T37: the stand-alone verifier on a long log."""

import json
import os
import re
import subprocess
import sys
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from sqlalchemy import func, select

from broadcaster.audit import export
from broadcaster.audit.anchors import AnchorFolder
from broadcaster.audit.notes import Signer, checkpoint
from broadcaster.audit.stand_alone import NAME, stand_alone
from broadcaster.audit.verifier.reading import verify_file
from broadcaster.db import audit_log
from broadcaster.db.engine import Database
from broadcaster.db.tables import audit_event
from broadcaster.domain.audit import AuditEvent, event_leaf
from broadcaster.domain.tree import Frontier
from broadcaster.service.audit import Audit
from broadcaster.settings import Settings
from tests.faults.audit_writers import change
from tests.faults.frame import Figures, Place, Scenario

PROCESSES = 4
SEALERS = 2  # one starts, which takes seconds on a machine that is busy, while the other one seals
COST_SHARE = 0.25  # of the time, before
TURNS = 4  # with and without by turns: what else this machine does then falls on both
BURST = 100  # events in one transaction
COST = 1.5
KEPT_UP = 0.99  # of 500 events a second of each writer
SEALED_WITHIN_S = 180.0  # sealers that were killed just now start anew first
LAG_S = 2.0
VERIFY_CPU_S, VERIFY_MB = 20.0, 300


def killed_sealer(
    place: Place,
    figures: Figures,
    *,
    writers: int,
    seconds: float,
    bursts_per_s: float,
    changes_per_s: float,
    kill_every_s: float,
    timed: bool,
) -> None:
    """Of each writer: `changes_per_s` without an event and then with one, which is what the log costs; and then
    `bursts_per_s` of many events each, while sealers are killed. `timed`: what depends on how fast this machine is has to
    hold too."""
    settings = Settings(data_dir=place.folder, database_url=place.database_url)
    database = Database(place.database_url)
    with Sealers(settings) as sealers:
        change(database, "first", events=1)
        wait_for_the_seal(database)  # they are there
        calm = {"writers": writers, "seconds": seconds * COST_SHARE / TURNS, "rate": changes_per_s}
        without: list[float] = []
        with_one: list[float] = []
        for events, each in ((0, without), (1, with_one)) * TURNS:
            each.extend(took(started(place, **calm, events=events)))
        running = started(place, writers=writers, seconds=seconds, rate=bursts_per_s, events=BURST)
        next_kill = time.monotonic() + kill_every_s
        while any(each.poll() is None for each in running):
            time.sleep(0.05)
            if time.monotonic() >= next_kill:
                sealers.kill_one()
                next_kill += kill_every_s
        in_bursts = took(running)
        wait_for_the_seal(database)
    with database.read() as tx:
        numbers = (func.count(), func.max(audit_event.c.no), func.count(audit_event.c.no))
        count, last, sealed = tx.execute(select(*numbers)).one()
        lag = seal_lag(tx)
    verdict = Audit(database, AnchorFolder(settings.anchors)).verify()
    database.close()
    figures.add("kills", sealers.kills, at_least=1)
    figures.add("events", count, at_least=1)
    committed = (len(in_bursts) + writers) * BURST + len(with_one) + writers * TURNS + 1
    figures.add("committed", committed, equals=count)
    figures.add("sealed", sealed, equals=count)
    figures.add("last number", last, equals=count)
    figures.add("verifier's code", verdict.code, equals=0)
    asked = round(writers * bursts_per_s * seconds) * BURST
    share = round(len(in_bursts) * BURST / asked, 3)
    figures.add("of the rate asked for", share, **({"at_least": KEPT_UP} if timed else {}))
    figures.add("seal lag p99 s", round(lag, 2), **({"at_most": LAG_S} if timed else {}))
    ratio = p99(with_one) / p99(without)
    figures.add("commit p99, times that without", round(ratio, 2), **({"at_most": COST} if timed else {}))


class Sealers:
    """So many processes, of which the oldest is killed now and then. All end with the block."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._running: deque[subprocess.Popen[bytes]] = deque()
        self.kills = 0

    def __enter__(self) -> Self:
        for _ in range(SEALERS):
            self._start()
        return self

    def __exit__(self, *_: object) -> None:
        for sealer in self._running:
            sealer.terminate()
            sealer.wait(30)

    def kill_one(self) -> None:
        killed = self._running.popleft()
        killed.kill()
        killed.wait()
        self._start()
        self.kills += 1

    def _start(self) -> None:
        with (self._settings.root / "sealer.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "worker.sealer"],
                env={**os.environ, **self._settings.environment()},
                stdout=log,
                stderr=log,
            )
        self._running.append(process)


def started(
    place: Place, *, writers: int, seconds: float, rate: float, events: int
) -> list[subprocess.Popen[str]]:
    each = [str(n) for n in (writers // PROCESSES, seconds, rate, events)]
    command = [sys.executable, "-m", "tests.faults.audit_writers", place.database_url, *each]
    return [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]


def took(running: list[subprocess.Popen[str]]) -> list[float]:
    """The seconds of every committed transaction."""
    said = [each.communicate()[0] for each in running]
    assert [each.returncode for each in running] == [0] * len(running)
    return [seconds for text in said for seconds in json.loads(text)]


def wait_for_the_seal(database: Database) -> None:
    ends = time.monotonic() + SEALED_WITHIN_S
    while time.monotonic() < ends:
        with database.read() as tx:
            if audit_log.unsealed_since(tx) is None:
                return
        time.sleep(0.1)


def seal_lag(tx) -> float:
    """Seconds from an event's time to that of the checkpoint over it, at the 99th percentile of the events."""
    lags, signed = [], list(audit_log.checkpoints(tx))
    notes = iter([(c.size, datetime.fromisoformat(re.search(r"\ntime (\S+)", c.note)[1])) for c in signed])
    size, at = next(notes)
    for page in audit_log.sealed(tx):
        for event in page:
            while event.no > size:
                size, at = next(notes)
            lags.append((at - datetime.fromisoformat(event.at)).total_seconds())
    return p99(lags)


def p99(figures: list[float]) -> float:
    return sorted(figures)[int(len(figures) * 0.99)] if figures else 0.0


# --- T37 ----------------------------------------------------------------------------------------------------


def long_log(place: Place, figures: Figures, *, events: int, under_one: int, timed: bool) -> None:
    """`under_one` events stand under each checkpoint."""
    path, verifier = place.folder / "audit.jsonl", place.folder / NAME
    verifier.write_text(stand_alone())
    write_log(path, events=events, under_one=under_one)
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(verifier), str(path), "--json"],
        stdout=subprocess.PIPE,
        env={},
        cwd="/",
    )
    said = json.loads(process.stdout.read())
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    figures.add("verifier's code", process.returncode, equals=0)
    figures.add("events", said["events"], equals=events)
    figures.add("checkpoints", said["checkpoints"], equals=-(-events // under_one))
    figures.add("wall s", round(time.monotonic() - began, 1))
    figures.add(
        "CPU s", round(used.ru_utime + used.ru_stime, 1), **({"at_most": VERIFY_CPU_S} if timed else {})
    )
    figures.add("memory MB", used.ru_maxrss // 1024, at_most=VERIFY_MB)
    altered = path.read_bytes().replace(b'"number":1,', b'"number":2,', 1)
    path.write_bytes(altered)
    figures.add("altered: first bad", verify_file(str(path), keys=[], anchors=[]).first_bad, equals=2)
    path.unlink()


def write_log(path: Path, *, events: int, under_one: int) -> None:
    signer, tree, note, signed = Signer.new("wyre.example/broadcasts"), Frontier(), "", 0
    start = datetime(2026, 11, 21, 3, tzinfo=UTC)
    now = start + timedelta(seconds=1)
    with path.open("w") as file:
        print(export.header_line(exported_at=now, exported_by="ada", keys=[signer.public]), file=file)
        for no in range(1, events + 1):
            at = start + timedelta(microseconds=no)
            event = AuditEvent(
                id=no,
                no=no,
                at=at.isoformat(timespec="microseconds"),
                actor="olive",
                act="message_submitted",
                subject="7F3K2M",
                payload=f'{{"manifest_sha256":"{"0123456789abcdef" * 4}","number":{no - 1},"targets":4}}',
                leaf=None,
            )
            leaf = event_leaf(event)
            tree.append(leaf)
            file.write(export.event_line(AuditEvent(**{**vars(event), "leaf": leaf.hex()})) + "\n")
            if no % under_one == 0 or no == events:
                note = checkpoint(signer, size=no, root=tree.root(), at=at, previous=note)
                signed += 1
                file.write(export.checkpoint_line(no, note) + "\n")
        file.write(export.end_line(events=events, checkpoints=signed) + "\n")


SCENARIOS = (
    Scenario(
        test="T36",
        title="many write, and of two sealers one is killed every few seconds",
        run=killed_sealer,
        small={
            "writers": 4,
            "seconds": 4.0,
            "bursts_per_s": 4.0,
            "changes_per_s": 20.0,
            "kill_every_s": 1.5,
            "timed": False,
        },
        full={
            "writers": 16,
            "seconds": 60.0,
            "bursts_per_s": 5.0,
            "changes_per_s": 20.0,
            "kill_every_s": 5.0,
            "timed": True,
        },
        n="writers",
        pushed=False,
    ),
    Scenario(
        test="T37",
        title="the stand-alone verifier on a long log",
        run=long_log,
        small={"events": 5_000, "under_one": 10, "timed": False},
        full={"events": 1_000_000, "under_one": 100, "timed": True},
        n="events",
        databases=("sqlite",),
    ),
)
