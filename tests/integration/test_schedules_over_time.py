"""Weeks around both changes of the clocks, with any number of sweepers that look at any time, and die at any statement.

`make schedules` does the same for two years, with real processes.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from broadcaster.domain.schedule import place
from tests.builders import a_world
from tests.fakes import WorkerDied
from tests.integration.planning import submit
from tests.schedules.due import due, moment
from tests.schedules.judging import faults

ZONES = ("Europe/London", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Auckland")
QUARTERS = [time(n // 4, n % 4 * 15) for n in range(20)]


def changing(year):
    """(zone, day) of every day of a year on which the clocks of one of the zones change."""
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    noon = [datetime.combine(day, time(12)) for day in days]
    return [
        (zone, day)
        for zone in map(ZoneInfo, ZONES)
        for day, at in zip(days, noon, strict=True)
        if zone.utcoffset(at) != zone.utcoffset(at - timedelta(days=1))
    ]


def test_a_local_time_is_the_first_moment_at_which_the_wall_shows_it_or_a_later_one():
    days = changing(2027)
    assert len(days) == 2 * len(ZONES)
    for zone, day in days:
        for at in QUARTERS:
            assert place(datetime.combine(day, at), zone).at == moment(day, at, zone), (zone, day, at)


#: Hours until the next look, which of the sweepers looks, and at which of its statements it dies; 0 for not at all.
LOOKS = st.lists(
    st.tuples(st.sampled_from((1, 3, 7, 20, 50)), st.integers(0, 1), st.sampled_from((0, 0, 0, 9, 30, 47))),
    min_size=6,
    max_size=14,
)


@pytest.mark.parametrize("first", [date(2027, 3, 24), date(2027, 10, 27)], ids=["spring", "autumn"])
@given(looks=LOOKS, zone=st.sampled_from(ZONES), at=st.sampled_from((time(1, 30), time(2, 15), time(9, 0))))
@settings(
    max_examples=3,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
def test_each_due_run_becomes_exactly_one_thing_whoever_looks_and_dies(
    tmp_path_factory, sqlite_template, first, looks, zone, at
):
    folder = tmp_path_factory.mktemp("weeks")
    (folder / "broadcaster.db").write_bytes(sqlite_template.read_bytes())
    with a_world(f"sqlite:///{folder / 'broadcaster.db'}", folder) as world:
        now = datetime.combine(first - timedelta(days=2), time(0), UTC)
        world.clock.advance((now - world.now()).total_seconds())
        last = first + timedelta(days=12)
        ref, digest = submit(
            world, name="weeks", starts=datetime.combine(first, at), zone=zone, last=last, rule="FREQ=DAILY",
            values={"expires": "=date +2 18:00"},
        )  # fmt: skip
        world.parts.schedule_approval.approve(world.approver, ref, digest)
        sweepers = [world.parts, world.beside()]
        for hours, which, dies in looks:
            world.clock.advance(hours * 3600)
            _sweep(sweepers[which], dies)
        world.clock.advance(3600)
        _sweep(world.parts, 0)
        expected = {"weeks": list(due(first, last, at, zone, weekdays=range(7)))}
        assert faults(world, expected, world.now()) == []


def _sweep(parts, dies):
    """At its `dies`th statement it is gone, with whatever it had not committed."""
    left = [dies]

    def count(*_given):
        left[0] -= 1
        if left[0] == 0:
            raise WorkerDied

    event.listen(parts.database.engine, "before_cursor_execute", count)
    try:
        parts.firing.fire()
    except WorkerDied:
        pass
    finally:
        event.remove(parts.database.engine, "before_cursor_execute", count)
