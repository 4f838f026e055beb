"""`make faults`: every fault test at its stated size, on both databases. Exit code 1 where one misses its pass line."""

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import Future, as_completed
from dataclasses import asdict
from pathlib import Path

from tests.conftest import run_on_server
from tests.faults.databases import migrate_at
from tests.faults.frame import Row, Scenario
from tests.faults.running import processes, run_named
from tests.faults.scenarios import SCENARIOS
from tests.postgres import running_postgres

Job = tuple[Scenario, str]
PATIENT_AT_ONCE = 3


def main() -> int:
    given = _arguments()
    jobs = [
        (scenario, database)
        for scenario in SCENARIOS
        if not given.only or scenario.test in given.only
        for database in scenario.databases
        if database in given.database
    ]
    if not jobs:
        known = " ".join(dict.fromkeys(s.test for s in SCENARIOS))
        print(f"There is no such test. Known: {known}.", file=sys.stderr)
        return 2
    cannot = {scenario.name: why for scenario, _ in jobs if (why := scenario.why_not())}
    for (test, title), why in cannot.items():
        _say(f"{test} ({title}) cannot run here: {why}")
    jobs = [job for job in jobs if job[0].name not in cannot]
    with running_postgres() as server:
        run_on_server(server, "CREATE DATABASE template")
        migrate_at(server.format("template"))
        rows = _run_all(jobs, given, server)
    if given.json:
        given.json.write_text(json.dumps([_as_json(row) for row in rows], indent=1, default=str) + "\n")
    missed = [row for row in rows if not row.passed]
    _say(
        f"\n{len(rows) - len(missed)} of {len(rows)} passed."
        + "".join(f"\nMISSED: {_name(r)}" for r in missed)
        + (f" {len(cannot)} could not run here." if cannot else "")
    )
    return 1 if missed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults ARGS=...", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="TEST", help="only these, as in --only T3 T5")
    parser.add_argument(
        "--database", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"]
    )
    parser.add_argument("--size", choices=["small", "full"], default="full")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows to this file, too")
    return parser.parse_args()


def _run_all(jobs: Sequence[Job], given: argparse.Namespace, server: str) -> list[Row]:
    """Those that load the machine one after the other; those that mostly wait beside them."""
    rows = []
    with processes(1) as busy, processes(PATIENT_AT_ONCE) as patient:
        futures: list[Future[Row]] = []
        for scenario, database in jobs:
            pool = patient if scenario.patient else busy
            futures.append(pool.submit(run_named, scenario.name, database, given.size, given.seed, server))
        for future in as_completed(futures):
            rows.append(future.result())
            _say(_report(rows[-1]))
    return rows


def _report(row: Row) -> str:
    """Test, n, seed, figures, pass line, result; of a miss also what was missed, and where its data was left."""
    figures = ", ".join(f"{name} {_short(value)}" for name, value in row.figures.values.items())
    lines = [
        f"{_name(row)}  n={row.n}  seed={row.seed}  {row.seconds:.0f} s ({row.cpu_s:.0f} s of CPU)  {'PASS' if row.passed else 'MISS'}",
        f"    figures: {figures}",
        f"    pass line: {'; '.join(row.figures.bounds)}",
    ]
    if not row.passed:
        lines += [f"    MISSED {text}" for text in row.figures.missed]
        lines += [f"    data kept in {row.folder}", *(f"    {line}" for line in row.error.splitlines())]
    return "\n".join(lines)


def _name(row: Row) -> str:
    return f"{row.test} {row.database} ({row.title})"


def _short(value: object) -> str:
    return (
        f"{value:,.2f}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )


def _as_json(row: Row) -> dict[str, object]:
    return {**asdict(row), "passed": row.passed}


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
