"""Every fault test at its small size: the same code that `make faults` runs in full and on both databases. Here the two take
turns, so that every change pays for each fault once.
"""

from inspect import signature
from pathlib import Path

import pytest

from tests.faults.frame import BOUNDS, Figures, Place, Row
from tests.faults.running import processes, run, run_named, run_sharing
from tests.faults.scenarios import SCENARIOS

PUSHED = [scenario for scenario in SCENARIOS if scenario.pushed]
JOBS = [
    pytest.param(scenario, database, id=f"{scenario.test}-{database}")
    for no, scenario in enumerate(PUSHED)
    for database in [scenario.databases[(no + 1) % len(scenario.databases)]]
]
AT_ONCE = 3
STATED = {f"T{n}" for n in (*range(1, 14), *range(15, 26), 29, 30, 32, 36, 37, 46, 47)}


@pytest.fixture(scope="module")
def under_way(request):
    """The chosen scenarios, some at once: most of their time they wait. A function for each, which waits for its row.

    Those that have a turn share an installation, one for each database: they come first, since they take longest.
    """
    chosen = [
        tuple(item.callspec.params.values()) for item in request.session.items if item.function is JUDGE
    ]
    alone = [(scenario, database) for scenario, database in chosen if not scenario.turn]
    on_postgres = any(database == "postgres" for _, database in alone)
    server = request.getfixturevalue("postgres_server") if on_postgres else ""
    with processes(AT_ONCE) as pool:
        shared = {
            database: pool.submit(run_sharing, names, database, 1)
            for database in ("postgres", "sqlite")
            if (names := [s.name for s, on in chosen if s.turn and on == database])
        }
        by_itself = {
            (scenario.name, database): pool.submit(run_named, scenario.name, database, "small", 1, server)
            for scenario, database in alone
        }

        def row_of(scenario, database):
            if not scenario.turn:
                return by_itself[scenario.name, database].result()
            rows = shared[database].result()
            return next(row for row in rows if (row.test, row.title) == scenario.name)

        yield row_of
        pool.shutdown(cancel_futures=True)


@pytest.mark.timeout(600)  # it may have to wait for those before it
@pytest.mark.parametrize(("scenario", "database"), JOBS)
def test_the_fault_loses_nothing_and_doubles_nothing_unrecorded(scenario, database, under_way):
    row = under_way(scenario, database)
    assert not row.error, row.error
    told = "".join(f"\n{name}: {value}" for name, value in row.figures.values.items())
    assert row.figures.missed == [], told
    assert row.passed


JUDGE = test_the_fault_loses_nothing_and_doubles_nothing_unrecorded


def test_every_stated_fault_is_tested():
    assert {scenario.test for scenario in SCENARIOS} == STATED


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: f"{s.test}-{s.title}")
def test_both_sizes_fit_the_scenario(scenario):
    for size in (scenario.small, scenario.full):
        signature(scenario.run).bind(None, None, **size)
        assert scenario.n in size


@pytest.mark.parametrize(
    ("bound", "good", "bad"),
    [({"at_most": 2}, 2, 3), ({"at_least": 2}, 2, 1), ({"equals": 2}, 2, 3)],
)
def test_a_figure_outside_its_bound_is_a_miss(bound, good, bad):
    assert {*bound} < {*BOUNDS}
    held, broken = Figures(), Figures()
    held.add("lost", good, **bound)
    broken.add("lost", bad, **bound)
    assert a_row(held).passed
    assert not a_row(broken).passed
    assert broken.missed == [f"lost is {bad}, not {broken.bounds[0].removeprefix('lost ')}"]


def test_a_scenario_that_judges_nothing_does_not_pass():
    told = Figures()
    told.add("lost", 0)
    assert not a_row(told).passed


def a_row(figures):
    return Row(
        test="T0", title="none", database="sqlite", n=1, seed=1, seconds=0, figures=figures, folder=Path()
    )


def test_a_scenario_that_breaks_off_is_told_with_its_error(tmp_path):
    broken = next(s for s in SCENARIOS if s.test == "T3")
    row = run(_failing(broken), "sqlite", size="small", seed=1, folder=tmp_path, server="")
    assert not row.passed
    assert "the broker is gone" in row.error


def _failing(scenario):
    def fail(place: Place, figures: Figures, **_size):
        figures.add("lost", 0, equals=0)
        raise AssertionError("the broker is gone")

    return type(scenario)(
        test=scenario.test, title=scenario.title, run=fail, small={"n": 1}, full={"n": 1}, n="n"
    )
