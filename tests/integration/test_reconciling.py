"""Unknown outcomes: never sent again blindly, decided within the approved policy and its bounds, never forgotten."""

import json

import pytest
from sqlalchemy import update

from broadcaster.db.tables import audit_event, batch, delivery
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import NotSent, Refused
from tests.builders import LIFE_SAFETY, NO_HURRY, number
from tests.integration.unknown_texts import SILENCE, WAIT_S, end, look_into, sent_again, texts_with_unknown


@pytest.fixture
def world_settings():
    return {"receipt_wait_s": WAIT_S}


# --- platforms that cannot be asked -------------------------------------------------------------------------


def test_a_text_with_an_unknown_outcome_waits_for_its_receipt_first(world):
    released = texts_with_unknown(world, 20, 1, **LIFE_SAFETY)
    world.clock.advance(WAIT_S - 5)
    assert look_into(world) == 0
    assert world.totals(released.ref) == {"accepted": 19, "unknown": 1}
    world.clock.advance(6)
    assert look_into(world) == 1
    assert world.totals(released.ref) == {"accepted": 19, "pending": 1}


def test_a_life_safety_text_is_sent_once_more_with_its_key_and_then_left_to_a_person(world):
    released = texts_with_unknown(world, 20, 1, **LIFE_SAFETY)
    for _ in range(4):
        world.gateway.by_address[number(1)] = SILENCE
        world.clock.advance(WAIT_S + 1)
        look_into(world)
        world.work_bulk()
    key = world.deliveries("sms")[0].uid
    assert world.gateway.keys.count(key) == 2
    assert world.totals(released.ref) == {"accepted": 19, "unknown_final": 1}
    assert world.acts().count("unknown_sent_again") == 1
    assert world.acts().count("unknown_left_to_a_person") == 1


def test_a_text_that_is_accepted_the_second_time_is_accepted(world):
    released = texts_with_unknown(world, 20, 1, **LIFE_SAFETY)
    world.clock.advance(WAIT_S + 1)
    look_into(world)
    assert world.work_bulk() == 1
    assert world.totals(released.ref) == {"accepted": 20}
    first = world.deliveries("sms")[0]
    assert (first.resends, first.attempts) == (1, 2)
    assert [a.outcome for a in world.attempts(first.id)] == ["unknown", "accepted"]


def test_any_other_text_is_held_for_a_person(world):
    released = texts_with_unknown(world, 20, 1, **NO_HURRY)
    world.clock.advance(WAIT_S + 1)
    assert look_into(world) == 1
    assert world.totals(released.ref) == {"accepted": 19, "unknown_final": 1}
    assert look_into(world) == 0
    assert world.work_bulk() == 0
    assert sent_again(world) == 0
    assert json.loads(world.rows(audit_event)[-1].payload)["count"] == 1


@pytest.mark.parametrize(
    ("size", "unknown", "resent"), [(20, 1, 1), (20, 2, 0), (40, 2, 2), (40, 3, 0), (3, 1, 1)]
)
def test_the_bound_of_five_percent_is_kept_to_the_row(world, size, unknown, resent):
    released = texts_with_unknown(world, size, unknown, **LIFE_SAFETY)
    world.clock.advance(WAIT_S + 1)
    look_into(world)
    assert sent_again(world) == resent
    world.work_bulk()
    left = {"unknown_final": unknown} if not resent else {}
    assert world.totals(released.ref) == {"accepted": size - (0 if resent else unknown), **left}


def test_where_everything_is_unknown_nothing_is_sent_again_not_even_the_last_of_them(world):
    """A gateway that takes a whole audience and answers nothing: each further look must not find few enough."""
    size = 1_030
    released = world.release_texts(size, **LIFE_SAFETY)
    with world.database.write() as tx:
        values = {"state": "unknown", "unknown_since": tx.now(), "attempts": 1}
        tx.execute(update(delivery).values(**values))
        tx.execute(update(batch).values(state="done"))
    world.clock.advance(WAIT_S + 1)
    decided = [look_into(world) for _ in range(4)]
    assert sum(decided) == size
    assert sent_again(world) == 0
    assert world.totals(released.ref) == {"unknown_final": size}


def test_unknowns_that_come_one_after_the_other_share_the_same_bound(world):
    released = world.release_texts(40, **LIFE_SAFETY)
    world.gateway.always = SILENCE
    world.once(Lane.BULK)  # all of them
    with world.database.write() as tx:  # all but the first three are still to be sent
        values = {"state": "pending", "unknown_since": None}
        tx.execute(update(delivery).where(delivery.c.ordinal > 3).values(**values))
        tx.execute(update(batch).values(state="ready"))
    with world.database.write() as tx:
        tx.execute(update(delivery).where(delivery.c.ordinal == 3).values(unknown_since=tx.now()))
    for _ in range(5):
        world.clock.advance(WAIT_S + 1)
        look_into(world)
    assert sent_again(world) == 0
    assert sum(world.totals(released.ref).values()) == 40


def test_the_bound_counts_what_was_sent_again_already(world):
    released = texts_with_unknown(world, 40, 2, **LIFE_SAFETY)
    world.clock.advance(WAIT_S + 1)
    look_into(world)
    world.work_bulk()
    assert world.totals(released.ref) == {"accepted": 40}
    third = world.deliveries("sms")[2]
    world.change(delivery, {"state": "unknown", "unknown_since": world.now()}, id=third.id)
    world.clock.advance(WAIT_S + 1)
    assert look_into(world) == 1
    assert sent_again(world) == 2
    assert world.totals(released.ref) == {"accepted": 39, "unknown_final": 1}


@pytest.mark.parametrize("how", ["stopped", "expired"])
def test_after_the_end_of_a_broadcast_nothing_is_sent_again(world, how):
    released = texts_with_unknown(world, 20, 1, **LIFE_SAFETY)
    end(world, released, how)
    world.clock.advance(WAIT_S + 1)
    for _ in range(3):
        world.parts.sweep.sweep()
        world.work_bulk()
    assert sent_again(world) == 0
    assert world.totals(released.ref) == {"accepted": 19, "unknown_final": 1}


@pytest.mark.parametrize("how", ["stopped", "expired"])
def test_what_waits_for_its_second_try_at_the_end_is_not_reported_as_never_sent(world, how):
    """The gateway took it the first time, so `cancelled` or `expired` would be a lie."""
    released = texts_with_unknown(world, 20, 1, **LIFE_SAFETY)
    world.clock.advance(WAIT_S + 1)
    look_into(world)
    assert world.states()[0] == "pending"
    end(world, released, how)
    world.parts.sweep.sweep()
    assert world.states()[0] == "unknown"
    world.clock.advance(WAIT_S + 1)
    world.parts.sweep.sweep()
    world.parts.sweep.sweep()
    assert world.totals(released.ref) == {"accepted": 19, "unknown_final": 1}
    assert world.broadcast(released.ref).state == ("stopped" if how == "stopped" else "done")


def test_a_second_try_that_was_not_sent_is_tried_further(world):
    released = texts_with_unknown(world, 20, 1, **LIFE_SAFETY)
    world.clock.advance(WAIT_S + 1)
    look_into(world)
    world.gateway.answers.append(NotSent("refused_connection"))
    world.work_bulk()
    world.clock.advance(61)
    world.work_bulk()
    assert world.totals(released.ref) == {"accepted": 20}


def test_a_refusal_of_the_second_try_says_nothing_about_the_first(world):
    """The gateway took the first one without a word: `failed` would be a lie."""
    released = texts_with_unknown(world, 20, 1, **LIFE_SAFETY)
    world.clock.advance(WAIT_S + 1)
    look_into(world)
    world.gateway.answers.append(Refused("duplicate"))
    world.work_bulk()
    assert world.totals(released.ref) == {"accepted": 19, "unknown": 1}
    world.clock.advance(WAIT_S + 1)
    look_into(world)
    assert world.totals(released.ref) == {"accepted": 19, "unknown_final": 1}


def test_a_public_post_whose_platform_can_be_read_is_not_sent_again(world):
    world.page.answers.append(SILENCE)
    released = world.release(channels=("facebook",), **LIFE_SAFETY)
    world.work_public()
    for _ in range(3):
        world.clock.advance(WAIT_S + 1)
        assert look_into(world) == 0
        assert world.work_public() == 0
    assert world.totals(released.ref) == {"unknown": 1}
    assert len(world.page.calls) == 1


def test_the_unknowns_of_an_account_that_is_gone_stay_and_keep_nobody_waiting(world):
    texts_with_unknown(world, 20, 1, **LIFE_SAFETY)
    gateway = world.channels["live"].pop("gateway")
    world.site.answers.append(SILENCE)
    world.release(channels=("website",))
    world.work_public()
    world.clock.advance(WAIT_S + 1)
    assert look_into(world) == 1
    world.channels["live"]["gateway"] = gateway
    assert look_into(world) == 1


def test_a_refusal_of_a_first_try_is_final_whatever_the_policy(world):
    world.gateway.always = Refused("number_denied")
    released = world.release_texts(3, **LIFE_SAFETY)
    world.work_bulk()
    world.clock.advance(WAIT_S + 1)
    assert look_into(world) == 0
    assert world.totals(released.ref) == {"failed": 3}
