"""Unknown outcomes: never sent again blindly, decided within the approved policy and its bounds, never forgotten."""

import json
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from sqlalchemy import update

from broadcaster.db.tables import audit_event, batch, delivery
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import NotSent, OutcomeUnknown, Refused
from broadcaster.service.reconcile import IDEMPOTENT_TRIES
from channels.base import AfterUnknown
from tests.builders import LIFE_SAFETY, NO_HURRY, a_world, number
from tests.fakes import FakeDeduplicating, FakeGateway, Took, WorkerDied

WAIT_S = 120


@pytest.fixture
def world(database_url, tmp_path):
    with a_world(database_url, tmp_path, receipt_wait_s=WAIT_S) as world:
        yield world


SILENCE = Took(OutcomeUnknown("read_timeout"))


def texts_with_unknown(world, size, unknown, **values):
    """A broadcast of texts, the first `unknown` of which the gateway took without an answer."""
    for each in range(1, unknown + 1):
        world.gateway.by_address[number(each)] = SILENCE
    released = world.release_texts(size, **values)
    world.work_bulk()
    world.gateway.by_address.clear()
    return released


def look_into(world):
    return world.parts.reconcile.look_into()


def sent_again(world):
    return sum(d.resends for d in world.rows(delivery))


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


def end(world, released, how):
    if how == "stopped":
        world.stop(released.ref)
    else:
        world.clock.advance(13 * 3600)


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


# --- several at once ----------------------------------------------------------------------------------------


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
        world.gateway.on_call = lambda _keys: (_ for _ in ()).throw(WorkerDied)
        released = world.release_texts(3, **NO_HURRY)
        with pytest.raises(WorkerDied):
            world.work_bulk()
        world.clock.advance(21)
        with ThreadPoolExecutor(2) as pool:
            taken = list(pool.map(lambda p: p.reconcile.take_over(), (world.parts, other)))
        assert sum(taken) == 1
        assert world.totals(released.ref) == {"unknown": 3}
    assert world.acts().count("batch_taken_over") == 5


def test_a_refusal_of_a_first_try_is_final_whatever_the_policy(world):
    world.gateway.always = Refused("number_denied")
    released = world.release_texts(3, **LIFE_SAFETY)
    world.work_bulk()
    world.clock.advance(WAIT_S + 1)
    assert look_into(world) == 0
    assert world.totals(released.ref) == {"failed": 3}


@pytest.mark.parametrize(
    ("recipients", "becomes"),
    [(600, {"pending": 550, "unknown_final": 50}), (1_200, {"pending": 1_200})],
)
def test_a_group_that_died_before_its_first_byte_goes_again_only_within_the_bound(world, recipients, becomes):
    released = world.release_texts(recipients, **LIFE_SAFETY)
    world.gateway.on_call = dies
    with pytest.raises(WorkerDied):
        world.work_bulk()
    world.clock.advance(60)
    world.parts.reconcile.take_over()
    world.clock.advance(WAIT_S + 1)
    look_into(world)
    assert world.totals(released.ref) == becomes
    assert world.gateway.ledger == []


def dies(_keys):
    raise WorkerDied
