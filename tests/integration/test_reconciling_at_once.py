"""Unknown outcomes and several that look into them at once: decided once, buried never, and within the bound."""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from tests.builders import LIFE_SAFETY, NO_HURRY
from tests.fakes import WorkerDied, die
from tests.integration.unknown_texts import SILENCE, WAIT_S, look_into, sent_again, texts_with_unknown


@pytest.fixture
def world_settings():
    return {"receipt_wait_s": WAIT_S, "max_in_flight": 100}


def test_two_that_look_at_once_decide_once(world):
    other = world.beside()
    for _ in range(5):
        texts = texts_with_unknown(world, 40, 2, **LIFE_SAFETY)
        world.clock.advance(WAIT_S + 1)
        with ThreadPoolExecutor(2) as pool:
            decided = list(pool.map(lambda p: p.reconcile.look_into(), (world.parts, other)))
        assert sum(decided) == 2
        world.work_bulk()
        assert world.totals(texts.ref) == {"accepted": 40}
    assert sent_again(world) == 10


def test_a_batch_that_ends_just_then_does_not_bury_what_is_to_be_sent_again(world):
    """A worker has found its batch empty and is about to end it when a delivery of it becomes pending again."""
    other = world.beside()
    world.site.answers.append(SILENCE)
    released = world.release(channels=("website",))
    with ThreadPoolExecutor(1) as pool:
        looked = []

        def look():
            looked.append(pool.submit(other.reconcile.look_into))
            wait(looked, timeout=0.5)  # where it has to wait for the worker, the worker goes on

        with world.meanwhile(world.database, "min(delivery.next_at)", look):
            world.work_public()
        assert looked[0].result() == 1
    world.work_public()
    assert world.totals(released.ref) == {"accepted": 1}


def test_late_answers_and_takeovers_at_once_lock_nobody_out(world):
    """A silent worker comes back just when its batch is taken over."""
    other = world.beside()
    for _ in range(10):
        pool = ThreadPoolExecutor(1)
        taken = []

        def stall(_keys, pool=pool, taken=taken):
            world.clock.advance(21)
            taken.append(pool.submit(other.reconcile.take_over))

        world.gateway.on_call = stall
        released = world.release_texts(3, **NO_HURRY)
        world.work_bulk()
        assert taken[0].result() in {0, 1}
        pool.shutdown()
        assert world.totals(released.ref) == {"accepted": 3}


def test_two_that_take_over_at_once_take_each_batch_once(world):
    other = world.beside()
    for _ in range(5):
        world.gateway.on_call = die
        released = world.release_texts(3, **NO_HURRY)
        with pytest.raises(WorkerDied):
            world.work_bulk()
        world.clock.advance(21)
        with ThreadPoolExecutor(2) as pool:
            taken = list(pool.map(lambda p: p.reconcile.take_over(), (world.parts, other)))
        assert sum(taken) == 1
        assert world.totals(released.ref) == {"unknown": 3}
    assert world.acts().count("batch_taken_over") == 5


@pytest.mark.parametrize(
    ("recipients", "becomes"),
    [(600, {"pending": 550, "unknown_final": 50}), (1_200, {"pending": 1_200})],
)
def test_a_group_that_died_before_its_first_byte_goes_again_only_within_the_bound(world, recipients, becomes):
    released = world.release_texts(recipients, **LIFE_SAFETY)
    world.gateway.on_call = die
    with pytest.raises(WorkerDied):
        world.work_bulk()
    world.clock.advance(60)
    world.parts.reconcile.take_over()
    world.clock.advance(WAIT_S + 1)
    look_into(world)
    assert world.totals(released.ref) == becomes
    assert world.gateway.ledger == []
