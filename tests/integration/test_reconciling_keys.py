"""Unknown outcomes where a repeated key does no harm: tried again with it, so long as the platform remembers it."""

import json

import pytest

from broadcaster.db.tables import audit_event, delivery
from broadcaster.domain.errors import NotSent
from broadcaster.service.reconcile import IDEMPOTENT_TRIES
from channels.base import AfterUnknown
from tests.builders import LIFE_SAFETY, NO_HURRY, a_world
from tests.fakes import FakeDeduplicating, FakeGateway, Took, WorkerDied
from tests.integration.unknown_texts import SILENCE, WAIT_S, end, look_into

DATABASES = ("sqlite",)  # the state machine plays all of it on both


@pytest.fixture
def world_settings():
    return {"receipt_wait_s": WAIT_S}


# --- platforms that tell a repeated key -------------------------------------------------------------------


def test_the_website_is_put_again_at_once_with_the_same_key(world):
    world.site.answers.append(SILENCE)
    released = world.release()
    world.work_public()
    assert world.totals(released.ref) == {"accepted": 2, "unknown": 1}
    assert look_into(world) == 1
    world.work_public()
    assert world.totals(released.ref) == {"accepted": 3}
    assert len(set(world.site.keys)) == 1


def test_a_website_that_never_says_what_became_of_it_is_left_to_a_person(world):
    world.site.always = SILENCE
    released = world.release(channels=("website",))
    for _ in range(20):
        world.work_public()
        look_into(world)
    assert world.totals(released.ref) == {"unknown_final": 1}
    assert len(world.site.calls) == IDEMPOTENT_TRIES + 1


def test_a_thousand_waiting_texts_do_not_keep_the_website_waiting(world):
    world.add_audience("residents", 1_030)
    world.site.answers.append(SILENCE)
    released = world.release(channels=("website", "sms"), audience="residents", **NO_HURRY)
    world.parts.plan.plan(world.broadcast_id(released.ref))
    world.gateway.always = SILENCE
    world.work_bulk()
    world.work_public()
    assert look_into(world) == 1
    world.work_public()
    assert world.state("website") == "accepted"


@pytest.mark.parametrize("how", ["stopped", "expired"])
def test_a_website_that_may_be_up_when_the_broadcast_ends_is_not_reported_as_never_published(world, how):
    world.site.answers.append(SILENCE)
    released = world.release(channels=("website",))
    world.work_public()
    end(world, released, how)
    for _ in range(3):
        world.parts.sweep.sweep()
        world.work_public()
    assert world.totals(released.ref) == {"unknown_final": 1}
    assert len(world.site.calls) == 1


# --- platforms that refuse a repeated key -------------------------------------------------------------------

WINDOW_S = 60


@pytest.fixture
def remembering(database_url, tmp_path):
    gateway = FakeDeduplicating("gateway")
    gateway.deduplicates_for_s = WINDOW_S
    with a_world(database_url, tmp_path, receipt_wait_s=WAIT_S, gateway=gateway) as world:
        yield world


def tries_again(world, times=1, every_s=1):
    for _ in range(times):
        world.clock.advance(every_s)
        world.parts.sweep.sweep()
        world.work_bulk()


@pytest.mark.parametrize("policy", [LIFE_SAFETY, NO_HURRY])
@pytest.mark.parametrize("taken", [True, False])
def test_a_text_goes_again_with_its_key_to_the_same_gateway_and_nobody_gets_two(remembering, policy, taken):
    """Whatever the policy: it cannot double. All of them at once, too: there are no bounds to keep."""
    world = remembering
    world.gateway.answers.extend([SILENCE if taken else SILENCE.error] * 20)
    released = world.release_texts(20, **policy)
    world.work_bulk()
    assert world.totals(released.ref) == {"unknown": 20}
    tries_again(world)
    assert world.totals(released.ref) == {"accepted": 20}
    assert len(world.gateway.ledger) == len(set(world.gateway.keys)) == 20
    assert {row.resends for row in world.rows(delivery)} == {1}
    assert {(row.platform_id[:4]) for row in world.rows(delivery)} == {"sms-"}


def test_a_gateway_that_never_says_what_became_of_it_is_asked_so_often_and_not_for_ever(remembering):
    world = remembering
    world.gateway.always = SILENCE
    released = world.release_texts(1, **LIFE_SAFETY)
    world.work_bulk()
    tries_again(world, 20)
    assert world.totals(released.ref) == {"unknown_final": 1}
    assert len(world.gateway.calls) == IDEMPOTENT_TRIES + 1
    assert len(world.gateway.ledger) == 1


def test_after_the_window_a_person_decides_however_lately_it_became_unknown_again(remembering):
    """Each further unknown sets `unknown_since` anew: counted from there the window would never end."""
    world = remembering
    world.gateway.always = SILENCE
    released = world.release_texts(1, **LIFE_SAFETY)
    world.work_bulk()
    tries_again(world, 3, every_s=WINDOW_S // 3 + 1)
    world.gateway.forget()
    tries_again(world, 3)
    assert world.totals(released.ref) == {"unknown_final": 1}
    assert len(world.gateway.calls) == 3
    assert len(world.gateway.ledger) == 1


def test_what_was_surely_not_sent_does_not_use_the_window_up(remembering):
    world = remembering
    world.gateway.answers.extend([NotSent("slow_down", retry_after_s=WINDOW_S), SILENCE])
    released = world.release_texts(1, **NO_HURRY)
    world.work_bulk()
    world.clock.advance(WINDOW_S + 10)
    world.work_bulk()
    assert world.totals(released.ref) == {"unknown": 1}
    tries_again(world)
    assert world.totals(released.ref) == {"accepted": 1}
    assert len(world.gateway.ledger) == 1


def test_the_window_begins_with_a_try_whose_worker_died(remembering):
    world = remembering
    world.gateway.answers.append(Took(WorkerDied()))
    released = world.release_texts(1, **NO_HURRY)
    with pytest.raises(WorkerDied):
        world.work_bulk()
    world.gateway.forget()
    world.clock.advance(WINDOW_S + 1)
    tries_again(world, 2)
    assert world.totals(released.ref) == {"unknown_final": 1}
    assert len(world.gateway.calls) == 1


def test_what_waited_past_the_window_for_its_second_try_is_not_sent(remembering):
    """It was decided in time, but the account was paused, or the worker busy: the key is forgotten by now."""
    world = remembering
    world.gateway.answers.append(SILENCE)
    released = world.release_texts(1, **NO_HURRY)
    world.work_bulk()
    assert look_into(world) == 1
    world.clock.advance(WINDOW_S + 1)
    world.gateway.forget()
    world.work_bulk()
    assert world.totals(released.ref) == {"unknown": 1}
    tries_again(world, 3)
    assert world.totals(released.ref) == {"unknown_final": 1}
    assert len(world.gateway.ledger) == 1
    (noted,) = world.rows(audit_event, act="deliveries_not_resent")
    assert json.loads(noted.payload)["unknown"] == 1


def test_what_a_person_has_sent_again_goes_out_after_the_window_too(remembering):
    world = remembering
    world.gateway.answers.append(SILENCE.error)
    released = world.release_texts(1, **NO_HURRY)
    world.work_bulk()
    world.clock.advance(WINDOW_S + 1)
    assert look_into(world) == 1
    world.parts.unknowns.send_again(world.officer, world.delivery("sms").uid, reason="not in its log")
    world.work_bulk()
    assert world.totals(released.ref) == {"accepted": 1}


def test_a_gateway_that_does_not_say_how_long_it_remembers_is_not_relied_upon(database_url, tmp_path):
    with a_world(
        database_url, tmp_path, gateway=FakeGateway("gateway", after_unknown=AfterUnknown.DEDUPLICATING)
    ) as world:
        released = is_silent_about_one(world)
        assert world.totals(released.ref) == {"unknown_final": 1}
        assert len(world.gateway.calls) == 1


def is_silent_about_one(world):
    world.gateway.answers.append(SILENCE)
    released = world.release_texts(1, **LIFE_SAFETY)
    world.work_bulk()
    tries_again(world, 3)
    return released


@pytest.mark.parametrize("how", ["stopped", "expired"])
def test_after_the_end_no_key_is_repeated(remembering, how):
    world = remembering
    world.gateway.answers.append(SILENCE)
    released = world.release_texts(1, **LIFE_SAFETY)
    world.work_bulk()
    end(world, released, how)
    tries_again(world, 3)
    assert world.totals(released.ref) == {"unknown_final": 1}
    assert len(world.gateway.calls) == 1
