"""Workers that are late, stop or die: nothing twice, and a death in the middle costs no knowledge."""

import json

import pytest

from broadcaster.db.tables import attempt, batch, delivery, intent_group, target
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import NotSent, OutcomeUnknown, Refused
from broadcaster.service.opening import INTENT_FRESH_S
from tests.builders import LIFE_SAFETY, NO_HURRY, number
from tests.fakes import Took, WorkerDied, die


@pytest.fixture
def world_settings():
    return {"max_in_flight": 8}


# --- leases and fences --------------------------------------------------------------------------------------


def test_every_group_renews_the_lease(world):
    leases = []

    def look(_keys):
        leases.append(world.batches()[0].lease_until)
        world.clock.advance(15)

    world.gateway.on_call = look
    other = world.beside()
    world.release_texts(12)
    world.work_bulk()
    assert leases == sorted(set(leases))
    assert len(leases) == 3
    assert other.reconcile.take_over() == 0


def test_a_worker_whose_lease_was_taken_begins_nothing_new_and_its_late_answer_still_counts(world):
    other = world.beside()
    freed = []

    def stall(_keys):
        world.gateway.on_call = lambda _keys: None
        world.clock.advance(21)
        freed.append(other.reconcile.take_over())
        freed.append(sorted({d.state for d in world.deliveries("sms")}))

    world.gateway.on_call = stall
    released = world.release_texts(12)
    attempted = world.parts.deliver.work(
        "live", Lane.BULK, for_s=30, running=iter([True, True, True, False]).__next__
    )
    assert freed == [1, ["pending", "unknown"]]
    assert attempted == 4
    assert len(world.gateway.calls) == 1
    assert world.totals(released.ref) == {"accepted": 4, "pending": 8}
    assert world.row(batch).owner == ""
    assert {d.platform_id != "" for d in world.deliveries("sms")[:4]} == {True}

    world.work(Lane.BULK, parts=other)
    assert world.totals(released.ref) == {"accepted": 12}
    assert sorted(world.gateway.addresses) == [number(n) for n in range(1, 13)]


def test_a_late_worker_writes_no_intent_while_another_one_holds_the_batch(world):
    other = world.beside()
    fences = []

    def second(_keys):
        world.gateway.on_call = lambda _keys: None
        fences.append(world.row(batch).fence)

    def stall(_keys):
        world.gateway.on_call = second
        world.clock.advance(21)
        other.reconcile.take_over()
        world.work(Lane.BULK, parts=other)

    world.gateway.on_call = stall
    released = world.release_texts(12)
    world.work_bulk()
    assert fences == [2]
    assert [g.fence for g in world.rows(intent_group)] == [1, 2, 2]
    assert world.totals(released.ref) == {"accepted": 12}
    assert len(world.gateway.ledger) == 12


LATE = {
    "accepted": (None, "accepted"),
    "not sent": (NotSent("refused_connection"), "pending"),
    "refused": (Refused("too_rude"), "failed"),
    "unknown": (OutcomeUnknown("read_timeout"), "unknown"),
}


@pytest.mark.parametrize("what", LATE)
def test_a_late_answer_says_what_became_of_an_unknown(world, what):
    answer, state = LATE[what]

    def stall(_keys):
        world.page.on_call = lambda _keys: None
        world.clock.advance(21)
        assert world.beside().reconcile.take_over() == 1
        world.once(Lane.PUBLIC)
        assert world.state("facebook") == "unknown"
        assert world.row(batch).state == "done"

    world.page.on_call = stall
    world.page.answers.append(answer)
    released = world.release(channels=("facebook",), **NO_HURRY)
    world.once(Lane.PUBLIC)
    assert world.totals(released.ref) == {state: 1}
    world.clock.advance(61)
    world.work_public()
    assert world.totals(released.ref) == {"accepted" if state == "pending" else state: 1}


def test_a_late_unknown_never_lowers_what_is_known_already(world):
    def stall(keys):
        world.gateway.on_call = lambda _keys: None
        world.clock.advance(21)
        world.parts.reconcile.take_over()
        receipts = [{"key": key, "state": "delivered"} for key in keys]
        world.parts.receipts.store([read(world, receipt) for receipt in receipts])
        world.parts.receipts.apply_all()

    world.gateway.on_call = stall
    world.gateway.answers.extend([OutcomeUnknown("t"), Refused("r"), NotSent("n"), None])
    released = world.release_texts(4, **NO_HURRY)
    world.work_bulk()
    assert world.totals(released.ref) == {"delivered": 4}
    assert len(world.gateway.calls) == 1


def read(world, receipt):
    world.parts.receipts.prepare()
    return world.parts.receipts.read(
        "live", "gateway", query={}, body=json.dumps(receipt).encode(), headers={}
    )


@pytest.mark.parametrize("what", ["refused", "not sent", "unknown"])
def test_a_late_answer_to_the_first_try_does_not_decide_about_the_second(world, what):
    """The first try was given up and sent again; the second is under way when the first one's answer comes."""
    answer, _ = LATE[what]
    other = world.beside()

    def second(_keys):
        world.gateway.on_call = lambda _keys: None

    def stall(_keys):
        world.gateway.on_call = second
        world.clock.advance(21)
        other.reconcile.take_over()
        world.clock.advance(121)
        assert other.reconcile.look_into() == 1
        assert world.state("sms") == "pending"

    world.gateway.on_call = stall
    world.gateway.answers.append(answer)
    released = world.release_texts(1, **LIFE_SAFETY)
    world.once(Lane.BULK)
    assert world.totals(released.ref) == {"pending": 1}
    world.work(Lane.BULK, parts=other)
    assert world.totals(released.ref) == {"accepted": 1}


# --- stopped between the intent and the first byte ----------------------------------------------------------


def stands_still(world, platform, seconds, then=lambda: None):
    """Once, between the intent and the call to this platform, as a paused machine does."""

    def stop():
        platform.on_check = lambda: None
        world.clock.advance(seconds)
        then()

    platform.on_check = stop


def test_an_intent_that_another_worker_has_sent_meanwhile_is_not_sent(world):
    """The fence keeps a stopped worker from writing; only its own clock keeps it from sending."""
    stopped, other = world.stoppable(), world.beside()

    def sent_by_another():
        other.reconcile.take_over()
        other.reconcile.look_into()
        world.work(Lane.PUBLIC, parts=other)

    released = world.release(channels=("website",))
    stands_still(world, world.site, 21, sent_by_another)
    world.work(Lane.PUBLIC, parts=stopped)
    assert len(world.site.calls) == len(world.site.ledger) == 1
    assert world.totals(released.ref) == {"accepted": 1}
    codes = [a.code for a in world.attempts(world.delivery("website").id)]
    assert sorted(codes) == ["", "stale_intent"]


def test_texts_of_a_worker_that_stood_still_go_out_once_by_the_next(world):
    stopped, other = world.stoppable(), world.beside()
    released = world.release_texts(8, **NO_HURRY)
    world.before_the_first_byte(lambda: (world.clock.advance(21), other.reconcile.take_over()))
    world.work(Lane.BULK, parts=stopped)
    world.clock.advance(10)
    world.work_bulk()
    assert world.totals(released.ref) == {"accepted": 8}
    assert len(world.gateway.ledger) == 8
    assert {row.resends for row in world.deliveries("sms")} == {0}  # not sent: no second sending
    assert [a.code for a in world.rows(attempt)].count("stale_intent") == 4


def test_a_worker_that_stood_still_for_less_than_its_lease_tries_again_by_itself(world):
    stopped = world.stoppable()
    released = world.release(channels=("facebook",))
    stands_still(world, world.page, INTENT_FRESH_S + 1)
    world.work(Lane.PUBLIC, parts=stopped)
    world.clock.advance(5)
    world.work(Lane.PUBLIC, parts=stopped)
    assert world.totals(released.ref) == {"accepted": 1}
    assert len(world.page.calls) == 1
    assert [a.code for a in world.attempts(world.delivery("facebook").id)] == ["stale_intent", ""]


def test_a_moment_between_the_intent_and_the_call_is_no_danger(world):
    stopped = world.stoppable()
    released = world.release(channels=("facebook",))
    stands_still(world, world.page, INTENT_FRESH_S - 1)
    world.work(Lane.PUBLIC, parts=stopped)
    assert world.totals(released.ref) == {"accepted": 1}
    assert world.delivery("facebook").attempts == 1


# --- death in the middle ------------------------------------------------------------------------------------


def kill_worker(world, lane=Lane.BULK, parts=None):
    with pytest.raises(WorkerDied):
        world.work(lane, parts=parts)


def test_a_death_before_the_platform_answered_leaves_that_group_unknown_and_the_rest_goes_on(world):
    calls = []

    def die_at_second(_keys):
        calls.append(1)
        if len(calls) == 2:
            raise WorkerDied

    world.gateway.on_call = die_at_second
    released = world.release_texts(12, **NO_HURRY)
    kill_worker(world)
    assert world.totals(released.ref) == {"accepted": 4, "sending": 4, "pending": 4}
    assert world.work_bulk() == 0  # it is leased still
    world.clock.advance(21)
    assert world.parts.reconcile.take_over() == 1
    assert world.totals(released.ref) == {"accepted": 4, "unknown": 4, "pending": 4}
    assert all(group.closed_at for group in world.rows(intent_group))
    assert world.row(batch).deaths == 1
    assert world.events("batch_taken_over")[0]["unknown"] == 4
    world.work_bulk()
    assert world.totals(released.ref) == {"accepted": 8, "unknown": 4}
    assert len(world.gateway.calls) == 3  # those of the group that died are not called again


def test_a_death_after_the_platform_took_it_is_unknown_too(world):
    world.page.answers.append(Took(WorkerDied()))
    released = world.release(channels=("facebook",))
    kill_worker(world, Lane.PUBLIC)
    world.clock.advance(21)
    world.parts.reconcile.take_over()
    world.work_public()
    assert world.totals(released.ref) == {"unknown": 1}
    assert len(world.page.ledger) == 1


def test_a_death_after_the_claim_and_before_any_intent_costs_nothing(world):
    world.release_texts(4)
    running = iter([True])

    def gone():
        try:
            return next(running)
        except StopIteration:
            raise WorkerDied from None

    with pytest.raises(WorkerDied):
        world.parts.deliver.work("live", Lane.BULK, for_s=30, running=gone)
    assert world.row(batch).state == "leased"
    assert world.size(intent_group) == 0
    world.clock.advance(21)
    assert world.parts.reconcile.take_over() == 1
    assert world.row(batch).deaths == 0
    assert world.work_bulk() == 4


def test_the_supervisor_frees_what_a_dead_process_held_at_once_and_nothing_else(world):
    world.gateway.on_call = die
    released = world.release_texts(4)
    kill_worker(world)
    assert world.parts.reconcile.take_over("another-machine/1") == 0
    assert world.parts.reconcile.take_over(world.row(batch).owner) == 1
    assert world.totals(released.ref) == {"unknown": 4}


def test_one_recipient_that_kills_workers_costs_only_itself(world):
    def die_of_one(keys):
        if poison in keys:
            raise WorkerDied

    released = world.release_texts(12, **LIFE_SAFETY)
    world.change(delivery, {"resends": 0}, state="pending")
    poison = world.deliveries("sms")[5].uid
    world.gateway.on_call = die_of_one
    world.add_audience("many", 400)  # so that the bounds of sending again allow a group
    world.change(target, {"planned_total": 400}, channel="sms")
    deaths = 0
    for _ in range(20):
        try:
            world.work_bulk()
        except WorkerDied:
            deaths += 1
        world.clock.advance(130)
        world.parts.reconcile.take_over()
        world.parts.reconcile.look_into()
    assert deaths == 2
    states = [d.state for d in world.deliveries("sms")]
    assert states.count("accepted") == 11
    assert states[5] == "quarantined"
    assert len(world.gateway.ledger) == 11
    assert released
