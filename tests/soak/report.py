"""What a soak shows: a line a minute, and a table at its end."""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from tests.soak.judging import Growth, Look
from tests.soak.watching import Sample

COLUMNS = "{:<12} {:>8} {:>9} {:>9} {:>8} {:>9} {:>13} {:>13}"
HEAD = COLUMNS.format("role", "process", "MB first", "MB last", "growth", "MB/hour", "open files", "threads")
PEAKS = (
    "oldest_ready_s",
    "oldest_unknown_s",
    "seal_lag_s",
    "receipts_waiting",
    "bells",
    "broker_mb",
    "database_mb",
)
PEAKS_TOLD = (*PEAKS, "wal_mb", "connections", "look_s")


def line(now_s: float, soak_s: float, done: Mapping[str, int], sample: Sample | None) -> str:
    """One, with when it will be over."""
    over = time.strftime("%H:%M", time.localtime(time.time() + soak_s - now_s))
    told = f"{now_s / 60:.0f} of {soak_s / 60:.0f} min, sends until {over}: "
    told += f"{done['posts']:,} posts, {done['texts']:,} texts, {done['faults']} faults, {done['restarts']} restarts"
    if sample is None:
        return told
    memory = defaultdict(float)
    for (role, _), look in sample.processes.items():
        memory[role] += look.memory_mb
    house = sample.house
    waits = f"waits {house.get('oldest_ready_s', 0):.1f} s, unsealed {house.get('seal_lag_s', 0):.1f} s"
    return f"{told}; {waits}; idle {house['idle']:.0%}; MB " + ", ".join(
        f"{r} {m:.0f}" for r, m in memory.items()
    )


def table(found: Sequence[Growth], lives: Mapping[tuple[str, int], Sequence[Look]]) -> Iterator[str]:
    """One line for each process that was watched for long enough; how many were not. Open files and threads: at most before, at
    least at the end."""
    yield HEAD
    for each in found:
        yield COLUMNS.format(
            each.role,
            each.pid,
            *(f"{mb:.1f}" for mb in each.memory_mb),
            f"{each.share:+.1%}",
            f"{each.mb_an_hour:+.1f}",
            *(f"{first:.0f} -> {last:.0f}" for first, last in (each.fds, each.threads)),
        )
    known = {(each.role, each.pid) for each in found}
    short = Counter(role for role, pid in lives if (role, pid) not in known)
    if short:
        told = ", ".join(f"{number} {role}" for role, number in short.items())
        yield f"Too short to judge, since started anew or ended early: {told}."


def house(samples: Sequence[Sample]) -> Iterator[str]:
    """Of what all share: at its middle, and at most."""
    for name in PEAKS_TOLD:
        values = [sample.house[name] for sample in samples if name in sample.house]
        if values:
            yield f"  {name:<18} mostly {median(values):>9.2f}   at most {max(values):>9.2f}   at the end {values[-1]:>9.2f}"
    idle = [sample.house["idle"] for sample in samples]
    if idle:
        yield f"  {'machine idle':<18} mostly {median(idle):>9.0%}   at least {min(idle):>8.0%}"


def write(file: Path, samples: Sequence[Sample], **told: object) -> None:
    file.write_text(
        json.dumps({**told, "samples": [sample.as_json() for sample in samples]}, default=str) + "\n"
    )
