"""Numbers that nothing needs any more are wiped, and no others: what was sent stays provable by count."""

from datetime import timedelta

import pytest

from broadcaster.db.tables import audience_version, message, recipient
from broadcaster.domain.errors import Problem
from broadcaster.service.retention import LOOK_EVERY_S, Retention

DATABASES = ("sqlite",)

DAY_S = 24 * 60 * 60


@pytest.fixture
def retention(world):
    """As the sweeper runs it, with a clock of its own that goes as the database's."""
    return Retention(world.database, kept_days=30, monotonic=world.clock.monotonic)


def left(world):
    """How many numbers each version still has."""
    return [len(world.rows(recipient, audience_version_id=v.id)) for v in world.rows(audience_version)]


def send_to_residents(world):
    released = world.release(channels=("sms",), audience="residents", expires="+1h")
    world.parts.plan.plan(world.broadcast_id(released.ref))
    world.work_bulk()
    world.parts.sweep.sweep()
    return released


def test_a_replaced_version_loses_its_numbers_after_its_days_and_its_counts_stay(world, retention):
    world.add_audience("residents", 3)
    released = send_to_residents(world)
    world.add_audience("residents", 4)
    world.clock.advance(29 * DAY_S)
    retention.wipe_old_numbers()
    assert left(world) == [3, 4]
    world.clock.advance(2 * DAY_S)
    retention.wipe_old_numbers()
    assert left(world) == [0, 4]
    old = world.rows(audience_version)[0]
    assert (old.size, old.wiped_at is None) == (3, False)
    assert world.totals(released.ref) == {"accepted": 3}
    assert world.acts()[-1] == "audience_numbers_wiped"
    assert world.events("audience_numbers_wiped") == [{"version": 1, "count": 3, "kept_days": 30}]


def test_the_newest_version_is_the_list_itself_and_stays_however_old(world, retention):
    world.add_audience("residents", 3)
    world.add_audience("schools", 2)
    world.clock.advance(4000 * DAY_S)
    retention.wipe_old_numbers()
    assert left(world) == [3, 2]


def test_what_is_still_needed_stays_until_it_is_not(world, retention):
    world.add_audience("residents", 3)
    submitted = world.submit(channels=("sms",), audience="residents", expires="+30d")
    world.add_audience("residents", 4)
    world.clock.advance(31 * DAY_S)
    retention.wipe_old_numbers()
    assert left(world) == [3, 4], "a message to it waits for approval"
    world.parts.sweep.expire_submissions()
    world.clock.advance(LOOK_EVERY_S)
    retention.wipe_old_numbers()
    assert left(world) == [0, 4]
    assert world.row(message, ref=submitted.ref).state == "expired"


def test_a_broadcast_keeps_its_numbers_while_it_is_sent_and_for_the_days_after(world, retention):
    world.add_audience("residents", 3)
    ref = world.draft(channels=("sms",), audience="residents", expires="+99d")
    world.add_audience("residents", 4)
    world.clock.advance(31 * DAY_S)
    submitted = world.parts.compose.submit(world.officer, ref)
    released = world.approve(submitted)
    world.clock.advance(31 * DAY_S)
    retention.wipe_old_numbers()
    assert left(world) == [3, 4], "a broadcast to it is under way"
    world.parts.plan.plan(world.broadcast_id(released.ref))
    world.work_bulk()
    world.parts.sweep.sweep()
    assert world.status(released.ref).state == "done"
    world.clock.advance(29 * DAY_S)
    retention.wipe_old_numbers()
    assert left(world) == [3, 4], "a broadcast to it ended not long ago"
    world.clock.advance(2 * DAY_S)
    retention.wipe_old_numbers()
    assert left(world) == [0, 4]


def test_a_draft_to_a_wiped_version_is_refused_with_what_to_do(world, retention):
    world.add_audience("residents", 3)
    ref = world.draft(channels=("sms",), audience="residents", expires="+40d")
    world.add_audience("residents", 4)
    world.clock.advance(31 * DAY_S)
    retention.wipe_old_numbers()
    with pytest.raises(Problem) as refused:
        world.parts.compose.submit(world.officer, ref)
    assert "residents, version 1, were wiped" in "".join((refused.value.text, *refused.value.details))
    world.edit(ref, channels=("sms",), audience="residents")
    world.approve(world.parts.compose.submit(world.officer, ref))


def test_it_looks_once_an_hour_and_never_where_that_is_set(world, retention):
    retention.wipe_old_numbers()
    world.add_audience("residents", 3)
    world.add_audience("residents", 4)
    when = world.now() - timedelta(days=31)
    for version in world.rows(audience_version):
        world.change(audience_version, {"sealed_at": when, "created_at": when}, id=version.id)
    world.clock.advance(LOOK_EVERY_S - 1)
    retention.wipe_old_numbers()
    Retention(world.database, kept_days=0, monotonic=world.clock.monotonic).wipe_old_numbers()
    assert left(world) == [3, 4]
    world.clock.advance(1)
    retention.wipe_old_numbers()
    assert left(world) == [0, 4]


def test_what_another_process_began_to_wipe_is_finished_and_told_of_once(world):
    world.add_audience("residents", 3)
    world.change(audience_version, {"wiped_at": world.now()}, no=1)
    for _ in range(2):
        Retention(world.database, kept_days=30).wipe_old_numbers()
    assert left(world) == [0]
    assert world.acts() == ["audience_numbers_wiped"]


def test_the_sweeper_does_it(world):
    world.add_audience("residents", 3)
    world.add_audience("residents", 4)
    world.clock.advance(31 * DAY_S)
    world.parts.sweep.sweep()
    assert left(world) == [0, 4]
