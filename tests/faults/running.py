"""Runs one scenario on a database of its own, and says how it went."""

import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import Any

import structlog

from tests.faults.databases import fresh_database
from tests.faults.frame import Figures, Place, Row, Scenario
from tests.faults.house import shared_house
from tests.faults.scenarios import SCENARIOS


def processes(at_once: int) -> ProcessPoolExecutor:
    """Fresh ones for `run_named`, one per scenario: some fork, and Alembic migrates one database at a time."""
    return ProcessPoolExecutor(at_once, mp_context=get_context("spawn"), max_tasks_per_child=1)


def run_named(name: tuple[str, str], database: str, size: str, seed: int, server: str) -> Row:
    """The scenario of this name, in a process and a folder of its own; a miss leaves its folder behind."""
    scenario = next(s for s in SCENARIOS if s.name == name)
    print(f"{scenario.test} on {database} begins: {scenario.title}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix=f"faults-{scenario.test}-"))
    with _logging_to(folder):
        row = run(scenario, database, size=size, seed=seed, folder=folder, server=server)
    if row.passed:
        shutil.rmtree(folder, ignore_errors=True)
    return row


def run_sharing(names: Sequence[tuple[str, str]], database: str, seed: int) -> list[Row]:
    """The small rows of these scenarios, by their turns, in one installation; after a row that missed in a new one, since
    nobody knows in what state it left the old."""
    left = sorted((s for s in SCENARIOS if s.name in names), key=lambda s: s.turn)
    rows: list[Row] = []
    while left:
        folder = Path(tempfile.mkdtemp(prefix=f"faults-{database}-"))
        with _logging_to(folder), ExitStack() as stack:
            rows += _in_one_house(stack, left, database, seed, folder)
        if rows[-1].passed:
            shutil.rmtree(folder, ignore_errors=True)
    return rows


def _in_one_house(
    stack: ExitStack, left: list[Scenario], database: str, seed: int, folder: Path
) -> Iterator[Row]:
    """Takes from `left` what was run. The house is begun with the first row, whose figures say where it cannot."""
    begun: list[Place] = []
    while left:
        scenario = left.pop(0)

        def measured(figures: Figures, scenario: Scenario = scenario) -> None:
            if not begun:
                begun.append(stack.enter_context(shared_house(database, folder, seed)))
            scenario.run(begun[0], figures, **scenario.small)

        row = _row(scenario, database, scenario.small, seed, folder, measured)
        yield row
        if not row.passed:
            return


@contextmanager
def _logging_to(folder: Path) -> Iterator[None]:
    """What the product says is expected here, and not the report."""
    with (folder / "scenario.log").open("w") as log:
        structlog.configure(logger_factory=structlog.WriteLoggerFactory(log))
        yield


def run(scenario: Scenario, database: str, *, size: str, seed: int, folder: Path, server: str) -> Row:
    """What came of it; never raises. `server` is the address of a PostgreSQL with a migrated `template`."""
    chosen = scenario.full if size == "full" else scenario.small

    def measured(figures: Figures) -> None:
        with fresh_database(database, folder, server) as url:
            place = Place(database=database, database_url=url, folder=folder, seed=seed)
            scenario.run(place, figures, **chosen)

    return _row(scenario, database, chosen, seed, folder, measured)


def _row(
    scenario: Scenario,
    database: str,
    size: Mapping[str, Any],
    seed: int,
    folder: Path,
    measured: Callable[[Figures], None],
) -> Row:
    figures, error, started, used = Figures(), "", time.monotonic(), cpu_s()
    try:
        measured(figures)
    except Exception:  # noqa: BLE001 - a scenario that breaks off is a row of the report, as one that misses is
        error = traceback.format_exc()
    return Row(
        test=scenario.test,
        title=scenario.title,
        database=database,
        n=size[scenario.n],
        seed=seed,
        seconds=time.monotonic() - started,
        figures=figures,
        folder=folder,
        error=error,
        cpu_s=cpu_s() - used,
    )


def cpu_s() -> float:
    """Seconds of CPU that this process used, and those of its processes that ended."""
    both = (getrusage(RUSAGE_SELF), getrusage(RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in both)
