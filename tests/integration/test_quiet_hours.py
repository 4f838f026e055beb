"""Quiet hours hold routine texts only, and are said beforehand; before an election names are marked, and safety notices are not."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from broadcaster.domain.broadcast import Lane
from broadcaster.domain.election import named
from broadcaster.domain.errors import Invalid
from broadcaster.domain.quiet import QuietHours
from tests.builders import LIFE_SAFETY, NO_HURRY

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LONDON = ZoneInfo("Europe/London")
NIGHT = QuietHours.read("21:00-08:00")


@pytest.fixture
def world_settings():
    return {"quiet_hours": "21:00-08:00"}


@pytest.mark.parametrize(
    ("here", "until"),
    [
        ("2026-11-21T20:59", ""),
        ("2026-11-21T21:00", "2026-11-22T08:00"),
        ("2026-11-22T07:59", "2026-11-22T08:00"),
        ("2026-11-22T08:00", ""),
        ("2027-03-27T23:00", "2027-03-28T08:00"),  # the clocks go forward in that night
    ],
)
def test_quiet_hours_end_by_the_clock_on_the_wall(here, until):
    found = NIGHT.until(datetime.fromisoformat(here).replace(tzinfo=LONDON), LONDON)
    assert (f"{found:%Y-%m-%dT%H:%M}" if found else "") == until


def test_by_day_and_none_at_all():
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert QuietHours(begins=time(11), ends=time(13)).until(noon, LONDON)
    assert QuietHours.read("none").until(noon, LONDON) is None
    with pytest.raises(ValueError, match="21:00-08:00"):
        QuietHours.read("late")


def at(world, clock):
    """On the evening of this day, by the clock on the wall."""
    here = world.now().astimezone(LONDON)
    hour, minute = map(int, clock.split(":"))
    wanted = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if wanted <= here:
        wanted += timedelta(days=1)
    world.clock.advance((wanted - here).total_seconds())


def test_a_routine_text_that_was_released_at_the_last_minute_waits_for_the_morning(world):
    at(world, "20:59")
    ref = world.release_texts(2, expires="+24h", **NO_HURRY).ref
    world.clock.advance(90)
    world.work(Lane.BULK)
    assert world.gateway.addresses == []
    assert {row.state for row in world.deliveries("sms")} == {"pending"}
    at(world, "07:59")
    world.work(Lane.BULK)
    assert world.gateway.addresses == []
    world.clock.advance(61)
    world.work(Lane.BULK)
    assert len(world.gateway.addresses) == 2
    assert world.broadcast(ref)


@ON_SQLITE
def test_what_lives_depend_on_goes_in_the_night_and_so_does_an_account_without_quiet_hours(world):
    at(world, "23:00")
    world.release_texts(2, **LIFE_SAFETY)
    world.work(Lane.BULK)
    assert len(world.gateway.addresses) == 2
    world.gateway.quiet_hours = QuietHours()
    world.release_texts(2, expires="+24h", **NO_HURRY)
    world.work(Lane.BULK)
    assert len(world.gateway.addresses) == 4


@ON_SQLITE
def test_the_officer_sees_it_before_handing_over_and_what_would_come_too_late_is_a_problem(world):
    at(world, "22:00")
    world.add_audience("residents", 2)
    routine = {"channels": ("website", "sms"), "audience": "residents", **NO_HURRY}
    late = world.parts.compose.preview(world.draft(expires="+24h", **routine))
    (said,) = [each for each in late.findings if each.code == "quiet_hours"]
    assert "08:00" in said.text or "8" in said.text
    ref = world.draft(expires="+3h", **routine)
    assert any("quiet hours" in each for each in world.parts.compose.preview(ref).problems)
    with world.refused(Invalid, "cannot be submitted"):
        world.parts.compose.submit(world.officer, ref)
    urgent = world.parts.compose.preview(world.draft(expires="+3h", **{**routine, **LIFE_SAFETY}))
    assert not [each for each in urgent.findings if each.code.startswith("quiet")]


# --- before an election -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Cllr. Jo  SWAN opened it", ["Cllr Jo Swan"]),
        ("José Núñez said so", ["Jose Nunez"]),
        ("Jo Swanson lives here", []),
        ("O\u2019Brien's view", ["O'Brien"]),
    ],
)
def test_names_are_found_however_they_are_written_and_only_whole(text, found):
    assert list(named(["Cllr Jo Swan", "Jose Nunez", "O'Brien"], [text])) == found


@ON_SQLITE
def test_in_the_period_routine_messages_are_marked_and_safety_notices_are_not(world):
    admin, now = world.administrator, world.now()
    world.parts.pre_election.set_names(admin, ["Cllr Jo Swan", "Sam Reed", "Sam Reed"])
    values = {"headline": "Cllr Jo Swan opens the bridge", "channels": ("website",), **NO_HURRY}

    def codes(**more):
        proof = world.parts.compose.preview(world.draft(**{**values, **more}))
        return [each.code for each in proof.findings if each.code.startswith("election")]

    assert codes() == []
    period = world.parts.pre_election.set(admin, starts_at=now, ends_at=now + timedelta(days=30))
    assert codes() == ["election_named"]
    assert codes(headline="The bridge is open") == ["election_period"]
    assert codes(**LIFE_SAFETY) == []
    submitted = world.submit(**values)
    waiting = world.parts.compose.preview(submitted.ref)
    assert [each.code for each in waiting.findings if each.code.startswith("election")] == ["election_named"]
    world.parts.pre_election.end(admin, period.ref)
    assert codes() == []
