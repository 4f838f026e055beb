"""The log: how fast events get their places in the signed tree, and how long an auditor waits for the check of a long one.

The events are those of people at work, written into the table as the product writes them, many at a time; they are sealed,
exported and checked by the product itself.
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from broadcaster.audit.stand_alone import NAME, stand_alone
from broadcaster.bootstrap import Parts, build
from broadcaster.cli.sandbox_setup import ensure_people, prepare_sandbox
from broadcaster.db import audit_log
from broadcaster.db.tables import audit_event
from broadcaster.domain.canonical import canonical
from broadcaster.queue import NoBells
from broadcaster.settings import Settings
from tests.bench.figures import DATABASES, Asked, Sealed, Verified
from tests.bench.house import database
from tests.bench.peers import WITHIN_S, at_once, child
from tests.installation import free_port

SEALED, VERIFIED = 2, 10  # times as many events as recipients were asked for
AT_ONCE = 10_000
CHECKING = Path(__file__).with_name("checking.py")
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#: What happens to one message.
LIFE = (
    ("olive", "message_drafted", {"version": 1}),
    ("olive", "message_submitted", {"manifest_sha256": DIGEST, "version": 1}),
    (
        "anna",
        "message_approved_and_released",
        {
            "broadcast": "0198f2c0-7b1e-7c3a-9d55-3f0c6d2e8a41",
            "factor": "token",
            "manifest_sha256": DIGEST,
            "public_posts": 3,
            "recipients": 24_310,
        },
    ),
    ("system", "broadcast_done", {"accepted": 24_300, "failed": 8, "undelivered": 2}),
)


def measure(asked: Asked) -> Iterator[Sealed | Verified]:
    """The long log is made on the last database only: what is checked is a file, which knows of no database."""
    for kind in asked.databases:
        with _installation(kind) as (parts, environment):
            events = asked.recipients * SEALED
            asked.tell(f"{events:,} events written and sealed, {DATABASES[kind]}")
            yield _sealed(kind, parts, environment, events)
            if kind == asked.databases[-1]:
                more = asked.recipients * VERIFIED - events
                asked.tell(f"{more:,} more written and sealed, all exported and checked")
                _sealed(kind, parts, environment, more)
                yield _verified(kind, parts, environment)


@contextmanager
def _installation(kind: str) -> Iterator[tuple[Parts, Mapping[str, str]]]:
    """Its parts, and the environment of its processes. Nothing runs."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, database(kind, Path(name)) as url:
        settings = Settings(data_dir=Path(name) / "data", database_url=url)
        settings = prepare_sandbox(settings, port=free_port())
        parts = build(settings, channels={}, bells=NoBells())
        try:
            ensure_people(parts)
            yield parts, settings.environment()
        finally:
            parts.database.close()


def _sealed(kind: str, parts: Parts, environment: Mapping[str, str], events: int) -> Sealed:
    _write(parts, events)
    with parts.database.read() as tx:
        before = audit_log.size(tx)
    seconds, memory_mb = _work(environment, "seal")
    with parts.database.read() as tx:
        placed = audit_log.size(tx) - before
        assert placed >= events, f"{placed} of {events} events were sealed"
    return Sealed(database=kind, events=placed, seconds=seconds, memory_mb=memory_mb)


def _write(parts: Parts, events: int) -> None:
    payloads = [canonical(payload).decode() for _, _, payload in LIFE]
    for start in range(0, events, AT_ONCE):
        with parts.database.write() as tx:
            rows = [
                {
                    "at": tx.now(),
                    "actor": LIFE[no % len(LIFE)][0],
                    "act": LIFE[no % len(LIFE)][1],
                    "subject": f"{no // len(LIFE):06d}",
                    "payload": payloads[no % len(LIFE)],
                }
                for no in range(start, min(start + AT_ONCE, events))
            ]
            tx.execute(audit_event.insert(), rows)


def _verified(kind: str, parts: Parts, environment: Mapping[str, str]) -> Verified:
    """As an auditor does it: the file, the program beside it, and the key that came by another way."""
    parts.anchor.lay_down()
    path = parts.settings.root / "audit.jsonl"
    export_s, export_mb = _work(environment, "export", str(path))
    with parts.database.read() as tx:
        events = audit_log.size(tx)
    [key, *_] = (parts.settings.root / "anchors" / "keys.txt").read_text().split()
    verifier = path.with_name(NAME)
    verifier.write_text(stand_alone())
    command = [sys.executable, "-I", str(CHECKING), str(verifier), str(path), "--key", key]
    began = time.monotonic()
    with child(command) as process:
        said, _ = process.communicate(timeout=WITHIN_S)
        seconds = time.monotonic() - began
    assert process.returncode == 0, said
    assert f"{events:,} events," in said, said
    return Verified(
        database=kind,
        events=events,
        file_mb=path.stat().st_size // 1_000_000,
        export_s=export_s,
        export_mb=export_mb,
        seconds=seconds,
        memory_mb=int(said.split()[-1]),
    )


def _work(environment: Mapping[str, str], *words: str) -> tuple[float, int]:
    [told] = at_once("tests.bench.sealing", *words, processes=1, environment=environment)
    seconds, memory_mb = told.split()
    return float(seconds), int(memory_mb)
