"""What stops each worker that sends it: it costs two workers and itself, and nobody else their message."""

import json
from contextlib import nullcontext

import pytest

from broadcaster.cli.unknowns import DOING
from broadcaster.db.tables import audit_event, batch, delivery, post, target
from broadcaster.domain.broadcast import BroadcastState, Lane
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.errors import NotFound, NotSent, OutcomeUnknown, Stale
from broadcaster.service.reconcile import IDEMPOTENT_TRIES
from tests.builders import LIFE_SAFETY, NO_HURRY, World, a_world
from tests.fakes import FakeDeduplicating, FakeQueryable, Took, WorkerDied

DATABASES = ("sqlite",)

IN_FLIGHT = 5  # of a hundred: as many as the policy may send again by itself
WAIT_S = 120
ROUNDS = 20


@pytest.fixture
def world_settings():
    return {"max_in_flight": 2 * IN_FLIGHT, "receipt_wait_s": WAIT_S}


def stops_on(*poison):
    def on_call(keys):
        if set(poison) & set(keys):
            raise WorkerDied

    return on_call


def goes_on(world, lane=Lane.BULK, rounds=ROUNDS) -> int:
    """Workers that die are replaced, and all that tends to the unknown does so. How many died."""
    deaths = 0
    for _ in range(rounds):
        try:
            world.work(lane)
        except WorkerDied:
            deaths += 1
        world.clock.advance(WAIT_S + 1)
        world.parts.sweep.sweep()
        world.parts.read_back.look("live")
    return deaths


def poisoned(world: World, size=100, ordinal=50, **values):
    """Texts to so many, one of which stops whoever sends it."""
    released = world.release_texts(size, **(values or LIFE_SAFETY))
    poison = world.deliveries("sms")[ordinal - 1]
    world.gateway.on_call = stops_on(poison.uid)
    return released, poison


def one(world, row):
    return world.row(delivery, id=row.id)


def quarantined_events(world):
    return [json.loads(e.payload) for e in world.rows(audit_event, act="deliveries_quarantined")]


# --- bounded ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ordinal", [1, 50, 100])
def test_one_recipient_of_a_hundred_stops_two_workers_and_is_quarantined_and_all_others_get_it(
    world, ordinal
):
    released, poison = poisoned(world, ordinal=ordinal)
    assert goes_on(world) == 2
    assert world.totals(released.ref) == {"accepted": 99, "quarantined": 1}
    assert one(world, poison).state == "quarantined"
    assert len(set(world.gateway.keys)) == len(world.gateway.keys) == 99
    assert world.broadcast(released.ref).state == BroadcastState.DONE
    (noted,) = quarantined_events(world)
    assert (noted["count"], noted["reason"]) == (1, "poison")
    assert "deliveries_quarantined" in world.acts()


def test_where_people_are_to_be_asked_nothing_is_sent_again_and_nothing_loops(world):
    released, _ = poisoned(world, **NO_HURRY)
    assert goes_on(world) == 1
    assert world.totals(released.ref) == {"accepted": 95, "unknown_final": IN_FLIGHT}
    assert not any(row.resends for row in world.rows(delivery))


def test_two_of_a_group_cost_three_workers(world):
    released = world.release_texts(100, **LIFE_SAFETY)
    rows = world.deliveries("sms")
    world.gateway.on_call = stops_on(rows[10].uid, rows[13].uid)
    assert goes_on(world) == 3
    assert world.totals(released.ref) == {"accepted": 98, "quarantined": 2}


def test_nobody_who_was_never_sent_to_waits_for_those_that_go_one_by_one(world):
    """The first group died, so its rows are the first in order; the others come before them all the same."""
    _, _poison = poisoned(world, ordinal=1)
    with pytest.raises(WorkerDied):
        world.work_bulk()
    world.clock.advance(21)
    world.parts.reconcile.take_over()
    world.clock.advance(WAIT_S + 1)
    world.parts.reconcile.look_into()
    assert world.states()[:IN_FLIGHT] == ["pending"] * IN_FLIGHT
    world.gateway.calls.clear()
    with pytest.raises(WorkerDied):
        world.work_bulk()
    assert [len(keys) for keys in world.gateway.calls] == [IN_FLIGHT] * 19 + [1]
    assert world.states().count("accepted") == 95


def test_the_others_go_out_at_once_after_the_quarantine(world):
    released, poison = poisoned(world, ordinal=1)
    with pytest.raises(WorkerDied):
        world.work_bulk()
    world.clock.advance(21)
    world.parts.sweep.sweep()
    world.clock.advance(WAIT_S + 1)
    world.parts.sweep.sweep()
    with pytest.raises(WorkerDied):
        world.work_bulk()
    world.clock.advance(21)
    world.parts.sweep.sweep()
    assert one(world, poison).state == "quarantined"
    world.work_bulk()  # no time passes
    assert world.totals(released.ref) == {"accepted": 99, "quarantined": 1}
    assert world.row(batch).deaths == 2


def test_the_website_stops_two_workers_and_not_ten(world):
    released = world.release(channels=("website",))
    world.site.on_call = stops_on(world.delivery("website").uid)
    assert goes_on(world, Lane.PUBLIC) == 2 < IDEMPOTENT_TRIES
    assert world.totals(released.ref) == {"quarantined": 1}


# --- not poison ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deaths", [0, 1, 5])
def test_a_last_text_that_was_never_sent_before_is_unknown_at_its_first_death(world, deaths):
    released = world.release_texts(IN_FLIGHT + 1, **NO_HURRY)
    world.change(batch, {"deaths": deaths}, lane="bulk")
    last = world.deliveries("sms")[-1]
    world.gateway.on_call = stops_on(last.uid)
    with pytest.raises(WorkerDied):
        world.work_bulk()
    world.clock.advance(21)
    world.parts.reconcile.take_over()
    assert world.totals(released.ref) == {"accepted": IN_FLIGHT, "unknown": 1}
    assert quarantined_events(world) == []


def test_a_second_try_on_a_batch_that_nobody_died_on_is_unknown_at_its_first_death(world):
    world.site.answers.extend([OutcomeUnknown("read_timeout"), WorkerDied()])
    released = world.release(channels=("website",))
    world.work_public()
    world.parts.reconcile.look_into()
    with pytest.raises(WorkerDied):
        world.work_public()
    world.clock.advance(21)
    world.parts.reconcile.take_over()
    assert world.totals(released.ref) == {"unknown": 1}


def test_a_post_that_can_be_read_back_stays_unknown_and_is_found(world):
    """Its platform took it both times it stopped the worker, or had it from the first: reading tells."""
    world.page.answers.extend([WorkerDied(), Took(WorkerDied())])
    world.page.readings.extend([None] * 2)
    released = world.release(channels=("facebook",), **LIFE_SAFETY)
    assert goes_on(world, Lane.PUBLIC, rounds=4) == 2
    assert (world.row(batch).deaths, world.state("facebook")) == (2, "unknown")
    goes_on(world, Lane.PUBLIC, rounds=2)
    assert world.totals(released.ref) == {"accepted": 1}
    assert len(world.page.calls) == 2
    assert quarantined_events(world) == []


def test_a_post_that_can_be_read_back_and_stops_everybody_is_sent_twice_and_left_to_a_person(world):
    released = world.release(channels=("facebook",), **LIFE_SAFETY)
    world.page.on_call = stops_on(world.delivery("facebook").uid)
    assert goes_on(world, Lane.PUBLIC) == 2
    assert world.totals(released.ref) == {"unknown_final": 1}


@pytest.mark.parametrize(
    ("gateway", "ends"), [(FakeQueryable, "unknown_final"), (FakeDeduplicating, "quarantined")]
)
def test_a_gateway_that_can_be_asked_is_asked_and_one_that_cannot_is_not_sent_to_a_third_time(
    database_url, tmp_path, gateway, ends
):
    gateway = gateway("gateway")
    gateway.deduplicates_for_s = 10 * WAIT_S
    with a_world(database_url, tmp_path, max_in_flight=1, gateway=gateway) as world:
        released, _ = poisoned(world, size=1, ordinal=1)
        assert goes_on(world) == 2
        assert world.totals(released.ref) == {ends: 1}


# --- out of quarantine --------------------------------------------------------------------------------------


def in_quarantine(world):
    """A text that stopped two workers, of a broadcast that goes on for the day."""
    released, poison = poisoned(world, size=20, ordinal=1)
    world.change(target, {"planned_total": 20}, channel="sms")
    with pytest.raises(WorkerDied):
        world.once(Lane.BULK, parts=world.beside(max_in_flight=1))
    for _ in range(2):
        world.clock.advance(WAIT_S + 1)
        world.parts.sweep.sweep()
        with nullcontext() if one(world, poison).state != "pending" else pytest.raises(WorkerDied):
            world.work_bulk()
    world.clock.advance(WAIT_S + 1)
    world.parts.sweep.sweep()
    assert world.totals(released.ref) == {"accepted": 19, "quarantined": 1}
    return released, one(world, poison)


def test_a_person_reads_what_happened_and_what_to_do(world):
    _, poison = in_quarantine(world)
    (listed,) = world.parts.unknowns.undecided()
    assert (listed.uid, listed.state) == (poison.uid, DeliveryState.QUARANTINED)
    assert "stopped the worker at least twice" in listed.operator_text
    assert "may or may not have been sent" in listed.operator_text
    assert "unknown resolve" in DOING[listed.state]
    assert poison.code == "poison"


def test_a_person_who_found_it_sent_takes_it_out(world):
    released, poison = in_quarantine(world)
    world.parts.unknowns.mark_sent(world.officer, poison.uid, link="https://log.test/1", reason="in its log")
    assert world.totals(released.ref) == {"accepted": 20}
    assert world.parts.unknowns.undecided() == []


def test_a_person_may_have_it_sent_again_when_the_cause_is_mended(world):
    released, poison = in_quarantine(world)
    world.gateway.on_call = lambda _keys: None
    world.parts.unknowns.send_again(world.officer, poison.uid, reason="mended")
    assert world.work_bulk() == 1
    assert world.totals(released.ref) == {"accepted": 20}
    assert world.gateway.keys.count(poison.uid) == 1


def test_where_it_is_not_mended_it_costs_one_worker_more_and_is_quarantined_again(world):
    released, poison = in_quarantine(world)
    world.parts.unknowns.send_again(world.officer, poison.uid, reason="mended, they say")
    assert goes_on(world) == 1
    assert world.totals(released.ref) == {"accepted": 19, "quarantined": 1}
    assert len(quarantined_events(world)) == 2


def test_a_late_answer_that_it_was_accepted_takes_it_out_and_any_other_does_not(world, subtests):
    """The worker was not dead at all, but slow."""
    for what, ends in ((None, "accepted"), (NotSent("busy"), "quarantined")):
        with subtests.test(ends):
            released = world.release(channels=("website",))
            uid = world.deliveries("website")[-1].uid
            world.site.on_call = stops_on(uid)
            with pytest.raises(WorkerDied):
                world.work_public()
            world.clock.advance(21)
            world.parts.sweep.sweep()
            world.site.answers.append(what)

            def stall(_keys, uid=uid):
                world.clock.advance(21)
                world.beside().reconcile.take_over()
                assert world.row(delivery, uid=uid).state == "quarantined"

            world.site.on_call = stall
            world.work_public()
            assert world.totals(released.ref) == {ends: 1}


@pytest.mark.parametrize("state", ["accepted", "delivered", "undelivered"])
def test_a_receipt_takes_it_out(world, state):
    released, poison = in_quarantine(world)
    world.receive(poison.uid, state)
    world.parts.receipts.apply_all()
    assert one(world, poison).state == state
    assert world.totals(released.ref)["accepted"] == (20 if state == "accepted" else 19)
    assert world.parts.unknowns.undecided() == []


def test_what_was_altered_was_never_sent_and_stays_in_quarantine(world):
    released = world.release(channels=("facebook",), **LIFE_SAFETY)
    row = world.row(post, channel="facebook")
    world.change(post, {"content": row.content.replace(b"seafront", b"seafrond")}, id=row.id)
    world.work_public()
    assert world.totals(released.ref) == {"quarantined": 1}
    assert world.parts.unknowns.undecided() == []
    with pytest.raises(NotFound):
        world.parts.unknowns.send_again(world.officer, world.delivery("facebook").uid, reason="why not")


def test_after_the_end_it_stays_where_it_is(world):
    released, poison = in_quarantine(world)
    world.clock.advance(13 * 3600)
    goes_on(world, rounds=3)
    assert world.totals(released.ref) == {"accepted": 19, "quarantined": 1}
    with pytest.raises(Stale):
        world.parts.unknowns.send_again(world.officer, poison.uid, reason="too late")
