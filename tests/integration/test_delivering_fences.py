"""A worker whose batch another one holds by now writes nothing about it, whatever it was about to do."""

import pytest

from broadcaster.db.tables import batch, intent_group
from broadcaster.domain.broadcast import Lane
from tests.builders import NO_HURRY
from tests.fakes import WorkerDied, die


@pytest.fixture
def world_settings():
    return {"max_in_flight": 8}


@pytest.mark.parametrize("groups", [30, 1], ids=["goes on", "hands back"])
def test_a_late_worker_leaves_alone_what_the_next_one_holds(world, groups):
    other = world.beside()

    def stall(_keys):
        world.gateway.on_call = die
        world.clock.advance(21)
        assert other.reconcile.take_over() == 1
        with pytest.raises(WorkerDied):  # and so holds it still, with a group under way
            world.work(Lane.BULK, parts=other)
        world.gateway.on_call = lambda _keys: None

    world.gateway.on_call = stall
    released = world.release_texts(12, **NO_HURRY)
    world.once(Lane.BULK, groups=groups)
    held = world.row(batch)
    assert (held.state, held.fence) == ("leased", 2)
    assert [g.fence for g in world.rows(intent_group)] == [1, 2]
    assert len(world.gateway.ledger) == 4
    assert world.totals(released.ref) == {"accepted": 4, "sending": 4, "pending": 4}

    world.clock.advance(21)
    assert world.parts.reconcile.take_over() == 1
    world.work_bulk()
    assert world.totals(released.ref) == {"accepted": 8, "unknown": 4}
    assert len(set(world.gateway.addresses)) == len(world.gateway.ledger) == 8
