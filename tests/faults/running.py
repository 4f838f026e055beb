"""Runs one scenario on a database of its own, and says how it went."""

import shutil
import tempfile
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import structlog

from tests.faults.databases import fresh_database
from tests.faults.frame import Figures, Place, Row, Scenario
from tests.faults.scenarios import SCENARIOS


def processes(at_once: int) -> ProcessPoolExecutor:
    """Fresh ones for `run_named`, one per scenario: some fork, and Alembic migrates one database at a time."""
    return ProcessPoolExecutor(at_once, mp_context=get_context("spawn"), max_tasks_per_child=1)


def run_named(name: tuple[str, str], database: str, size: str, seed: int, server: str) -> Row:
    """The scenario of this name, in a process and a folder of its own; a miss leaves its folder behind."""
    scenario = next(s for s in SCENARIOS if s.name == name)
    print(f"{scenario.test} on {database} begins: {scenario.title}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix=f"faults-{scenario.test}-"))
    with (folder / "scenario.log").open(
        "w"
    ) as log:  # what the product says is expected here, and not the report
        structlog.configure(logger_factory=structlog.WriteLoggerFactory(log))
        row = run(scenario, database, size=size, seed=seed, folder=folder, server=server)
    if row.passed:
        shutil.rmtree(folder, ignore_errors=True)
    return row


def run(scenario: Scenario, database: str, *, size: str, seed: int, folder: Path, server: str) -> Row:
    """What came of it; never raises. `server` is the address of a PostgreSQL with a migrated `template`."""
    figures, error, started = Figures(), "", time.monotonic()
    chosen = scenario.full if size == "full" else scenario.small
    try:
        with fresh_database(database, folder, server) as url:
            place = Place(database=database, database_url=url, folder=folder, seed=seed)
            scenario.run(place, figures, **chosen)
    except Exception:  # noqa: BLE001 - a scenario that breaks off is a row of the report, as one that misses is
        error = traceback.format_exc()
    return Row(
        test=scenario.test,
        title=scenario.title,
        database=database,
        n=chosen[scenario.n],
        seed=seed,
        seconds=time.monotonic() - started,
        figures=figures,
        folder=folder,
        error=error,
    )
