"""What scenarios over whole installations share: a slow gateway, waiting for the end, and the checker's verdict."""

import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from random import Random

import requests
from sqlalchemy import select

from broadcaster.db.tables import audit_event
from broadcaster.domain.evidence import check
from tests.faults.evidence import gather
from tests.faults.frame import Figures
from tests.installation import Installation, wait_for

LOOK_EVERY_S = 0.2
IN_FLIGHT = 100  # two bulk workers with 50 each
WORKERS = ("live-public-1", "live-bulk-1", "live-bulk-2")
LISTENS_FOR_S = 1.5  # a worker asks the broker anew every second
QUICKEST_S, SLOWEST_S = 0.05, 2.0  # beyond two seconds calls would come near their time-out


class Brake:
    """Makes the gateway so slow that a send of `n` texts is still going on when the last fault hits."""

    def __init__(self, found: Installation, n: int) -> None:
        self._found = found
        self._n = n

    def last_for(self, seconds: float) -> None:
        """So that of what is left about a fifth is left after so many seconds."""
        wanted = 0.8 * (self._n - taken(self._found)) / max(seconds, 0.1)
        delay_s = min(SLOWEST_S, max(QUICKEST_S, IN_FLIGHT / max(wanted, 1.0)))
        self._found.clear_faults()
        self._found.fault(platform="sms", kind="delay", seconds=round(delay_s, 3))


def taken(found: Installation) -> int:
    """Texts that the gateway took so far."""
    summary = requests.get(f"{found.sandbox}/_sandbox/ledger/summary", timeout=30).json()
    return int(summary["sms"]["accepted"])


def wait_until_over(found: Installation, ref: str, *, within_s: float) -> float:
    """How many seconds it took until nothing more would happen by itself."""
    started = time.monotonic()
    while not found.status(ref).over:
        left = found.status(ref).totals
        assert time.monotonic() - started < within_s, f"not over within {within_s:.0f} seconds: {left}"
        time.sleep(LOOK_EVERY_S)
    return time.monotonic() - started


def judge(
    found: Installation,
    ref: str,
    figures: Figures,
    *,
    planned: int,
    sent: bool = True,
    in_process: bool = False,
) -> None:
    """The checker's verdict. With `sent`, every delivery has to have been accepted as well."""
    findings = check(gather(found, ref, in_process=in_process))
    counts = findings.counts
    figures.add("planned", counts["planned"], equals=planned)
    for name in ("lost", "duplicated", "unexpected"):
        figures.add(name, counts[name], equals=0)
    resent = sum(int(str(event["count"])) for event in events(found, "unknown_sent_again", ref))
    figures.add("sent_again", resent)
    figures.add("duplicated_after_unknown", counts["duplicated_after_unknown"], at_most=resent)
    figures.add("unknown", counts["unknown"])
    figures.add("ok", counts["ok"], **({"equals": planned} if sent else {}))
    broken = "; ".join(f"{b.invariant} {b.subject}: {b.text}" for b in findings.broken[:3])
    figures.add("broken", broken or "none", equals="none")


def acceptances(found: Installation) -> list[datetime]:
    """When the gateway took each text, the earliest first."""
    return sorted(datetime.fromisoformat(str(row["at"])) for row in found.ledger("sms"))


def longest_wait_s(moments: Sequence[datetime], accepted: Sequence[datetime]) -> float:
    """The longest time from one of these moments to the next acceptance. A moment after the last is a mistake."""
    waits = [next((at - moment for at in accepted if at > moment), None) for moment in moments]
    assert None not in waits, "the send was over before the last fault"
    return max(wait.total_seconds() for wait in waits if wait is not None)


def events(found: Installation, act: str, ref: str = "") -> list[dict[str, object]]:
    """The payloads of this act in the audit log, in order; with `ref` only those about this message."""
    e = audit_event.c
    query = select(e.payload).where(e.act == act).order_by(e.no)
    query = query.where(e.subject == ref) if ref else query
    with found.parts.database.read() as tx:
        return [json.loads(payload) for payload in tx.execute(query).scalars()]


def spilled_bytes(found: Installation) -> int:
    path = found.settings.root / "spill" / "outcomes.jsonl"
    return path.stat().st_size if path.exists() else 0


@contextmanager
def deaf_workers(found: Installation) -> Iterator[None]:
    """Nobody listens at the broker, so that a bell rung meanwhile stays there, and is lost with it."""
    pids = [found.processes()[name] for name in WORKERS]
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(LISTENS_FOR_S)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def kill_one_of(found: Installation, names: Sequence[str], dice: Random) -> str:
    """Kill -9 of one of these children that is alive, by chance; its name."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        running = found.processes()
        for name in dice.sample(names, len(names)):
            if name in running and killed(running[name]):
                return name
        time.sleep(0.05)
    raise AssertionError(f"none of {', '.join(names)} was alive for 15 seconds")


def killed(pid: int) -> bool:
    """False where it was dead already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def all_started_again(found: Installation, *, within_s: float = 30) -> None:
    """Until the supervisor lives, and so does every child that it says is running."""
    assert found.supervisor.poll() is None, "the supervisor died"
    wait_for(lambda: all(alive(pid) for pid in found.processes().values()), within_s=within_s)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
