"""Planning: a mass audience becomes deliveries once, however often, by however many, and wherever it broke off."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from broadcaster.db import broadcasts
from broadcaster.db.tables import delivery, recipient, target
from broadcaster.domain.broadcast import Lane
from broadcaster.service import plan
from tests.builders import number
from tests.fakes import WorkerDied

SIZE = plan.CHUNK + 7


def release(world, size):
    world.add_audience("residents", size)
    return world.release(channels=("facebook", "sms"), audience="residents")


def assert_planned_once(world, size):
    """Dense ordinals, each recipient once, batches of the right sizes, and nothing that was not approved."""
    rows = world.deliveries("sms")
    assert [d.ordinal for d in rows] == list(range(1, size + 1))
    assert [d.recipient_id for d in rows] == [r.id for r in world.rows(recipient)][:size]
    assert len({d.uid for d in rows}) == size
    sizes = [b.size for b in world.batches() if b.lane == Lane.BULK]
    assert sum(sizes) == size
    assert max(sizes) <= plan.BATCH
    members = {}
    for row in rows:
        members[row.batch_id] = members.get(row.batch_id, 0) + 1
    assert sorted(members.values()) == sorted(sizes)
    found = world.row(target, channel="sms")
    assert (found.planned, found.planned_total) == (size, size)


@pytest.mark.parametrize("size", [1, plan.BATCH, plan.BATCH + 1])
def test_every_recipient_becomes_one_delivery(world, size):
    released = release(world, size)
    assert world.parts.plan.plan(world.broadcast_id(released.ref)) == size
    assert_planned_once(world, size)
    assert world.totals(released.ref) == {"pending": size + 1}


def test_planning_again_plans_nothing(world):
    broadcast_id = world.broadcast_id(release(world, 7).ref)
    assert [world.parts.plan.plan(broadcast_id) for _ in range(3)] == [7, 0, 0]
    assert_planned_once(world, 7)


def test_planning_that_broke_off_between_chunks_goes_on_where_it_stopped(world):
    released = release(world, SIZE)
    broadcast_id = world.broadcast_id(released.ref)

    def die():
        raise WorkerDied

    world.bells.on_ring = die  # it rings after each chunk
    with pytest.raises(WorkerDied):
        world.parts.plan.plan(broadcast_id)
    assert world.size(delivery) == plan.CHUNK + 1
    assert world.totals(released.ref) == {"pending": SIZE + 1}

    world.bells.on_ring = lambda: None
    assert world.beside().plan.plan(broadcast_id) == SIZE - plan.CHUNK
    assert_planned_once(world, SIZE)


def test_four_planners_at_once_plan_once(world):
    released = release(world, SIZE)
    broadcast_id = world.broadcast_id(released.ref)
    planners = [world.parts, *(world.beside() for _ in range(3))]
    with ThreadPoolExecutor(4) as pool:
        made = sum(pool.map(lambda parts: parts.plan.plan(broadcast_id), planners))
    assert made == SIZE
    assert_planned_once(world, SIZE)


def test_workers_are_rung_for_after_each_chunk_and_can_send_it_already(world):
    released = release(world, SIZE)
    other, sent = world.beside(), []

    def send_some():
        world.bells.on_ring = lambda: None
        sent.append(other.deliver.work("live", Lane.BULK, for_s=0.2))

    world.bells.on_ring = send_some
    world.parts.plan.plan(world.broadcast_id(released.ref))
    assert sent[0] > 0
    assert world.totals(released.ref) == {"accepted": sent[0], "pending": SIZE + 1 - sent[0]}


def test_recipients_added_after_the_approval_are_not_planned(world):
    released = release(world, 5)
    world.add_recipient(world.row(target, channel="sms").audience_version_id, 6)
    broadcast_id = world.broadcast_id(released.ref)
    assert [world.parts.plan.plan(broadcast_id) for _ in range(2)] == [5, 0]
    world.work_bulk()
    assert number(6) not in world.gateway.addresses
    assert world.totals(released.ref) == {"accepted": 5, "pending": 1}


def test_a_stopped_broadcast_is_not_planned_any_further(world):
    released = release(world, 5)
    world.stop(released.ref)
    assert world.parts.plan.plan(world.broadcast_id(released.ref)) == 0
    assert world.totals(released.ref) == {"cancelled": 6}


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)  # SQLite has one writer at a time
def test_a_chunk_during_which_it_is_stopped_is_taken_back_and_whoever_stops_it_does_not_wait(
    world, monkeypatch
):
    released, planned = release(world, 5), broadcasts.set_planned

    def meanwhile(tx, target_id, count):
        planned(tx, target_id, count)
        world.stop(released.ref)

    monkeypatch.setattr(broadcasts, "set_planned", meanwhile)
    assert world.parts.plan.plan(world.broadcast_id(released.ref)) == 0
    assert world.deliveries("sms") == []
    assert world.totals(released.ref) == {"cancelled": 6}


def test_a_broadcast_without_texts_has_nothing_to_plan(world):
    released = world.release()
    assert world.parts.plan.plan(world.broadcast_id(released.ref)) == 0


def test_unfinished_plans_are_found_by_the_pump_when_they_are_overdue(world):
    released = release(world, 5)
    broadcast_id = world.broadcast_id(released.ref)
    assert world.parts.sweep.overdue_plans("live", 10) == []
    world.clock.advance(11)
    assert world.parts.sweep.overdue_plans("exercise", 10) == []
    assert world.parts.sweep.overdue_plans("live", 10) == [broadcast_id]
    world.parts.plan.plan(broadcast_id)
    assert world.parts.sweep.overdue_plans("live", 10) == []
