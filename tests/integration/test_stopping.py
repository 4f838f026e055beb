"""Stopping and expiry: nothing new goes out, what is under way ends as what it is, and everything adds up."""

import threading

import pytest
from sqlalchemy import update

from broadcaster.db.tables import audit_event, batch, broadcast, delivery, intent_group
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import Invalid, NotAllowed, NotSent, OutcomeUnknown, Refused, Stale
from broadcaster.service import ending
from tests.builders import NO_HURRY
from tests.fakes import Took, WorkerDied

DATABASES = ("sqlite",)


@pytest.fixture
def world_settings():
    return {"max_in_flight": 8}


def end(world, released, how):
    if how == "stopped":
        world.stop(released.ref)
    else:
        world.clock.advance(13 * 3600)
        world.parts.sweep.sweep()


NEVER_SENT = {"stopped": "cancelled", "expired": "expired"}
HOW = pytest.mark.parametrize("how", NEVER_SENT)


@HOW
def test_before_anything_was_sent_nothing_is_ever_sent(world, how):
    world.add_audience("residents", 9)
    released = world.release(channels=("website", "facebook", "x", "sms"), audience="residents")
    end(world, released, how)
    world.clock.advance(10)
    world.parts.plan.plan(world.broadcast_id(released.ref))
    assert world.work_public() == world.work_bulk() == 0
    assert world.totals(released.ref) == {NEVER_SENT[how]: 12}
    assert all(p.calls == [] for p in (world.site, world.page, world.feed, world.gateway))


@HOW
def test_in_the_middle_of_a_batch_the_group_under_way_ends_as_it_is_and_no_other_begins(world, how):
    def end_in_the_middle(_keys):
        world.gateway.on_call = lambda _keys: None
        end(world, released, how)

    world.gateway.on_call = end_in_the_middle
    world.gateway.answers.extend([None, Refused("no"), Took(OutcomeUnknown("t")), NotSent("n")])
    released = world.release_texts(12, **NO_HURRY)
    world.work_bulk()
    world.parts.sweep.sweep()
    assert len(world.gateway.calls) == 1
    never = NEVER_SENT[how]
    assert world.totals(released.ref) == {"accepted": 1, "failed": 1, "unknown": 1, never: 9}


@HOW
def test_what_was_not_planned_yet_counts_too(world, how):
    world.add_audience("residents", 9)
    released = world.release(channels=("facebook", "sms"), audience="residents")
    world.work_public()
    assert world.totals(released.ref) == {"accepted": 1, "pending": 9}
    end(world, released, how)
    world.parts.sweep.sweep()
    assert world.totals(released.ref) == {"accepted": 1, NEVER_SENT[how]: 9}


@HOW
def test_a_plan_that_was_under_way_leaves_nothing_that_could_be_sent(world, how):
    world.add_audience("residents", 5_001)
    released = world.release(channels=("sms",), audience="residents")
    broadcast_id = world.broadcast_id(released.ref)

    def end_in_the_middle():
        world.bells.on_ring = lambda: None
        end(world, released, how)

    world.bells.on_ring = end_in_the_middle
    world.parts.plan.plan(broadcast_id)
    assert world.work_bulk() == 0
    world.parts.sweep.sweep()
    assert world.totals(released.ref) == {NEVER_SENT[how]: 5_001}
    assert {b.state for b in world.batches()} == {"done"}


@HOW
def test_a_death_before_the_end_is_still_unknown_after_it(world, how):
    world.gateway.answers.append(Took(WorkerDied()))
    released = world.release_texts(6, **NO_HURRY)
    with pytest.raises(WorkerDied):
        world.work_bulk()
    end(world, released, how)
    world.clock.advance(21)
    world.parts.sweep.sweep()
    world.parts.sweep.sweep()
    assert world.totals(released.ref) == {"unknown": 4, NEVER_SENT[how]: 2}
    assert world.work_bulk() == 0


def test_many_batches_are_ended_a_few_at_a_time(world):
    released = world.release_texts(ending.CLOSED_AT_ONCE + 1)
    (one,) = world.batches()
    with world.database.write() as tx:  # a batch for each, instead of one for all
        for each in world.deliveries("sms")[1:]:
            made = tx.insert(batch, {k: v for k, v in one._mapping.items() if k != "id"})
            tx.execute(update(delivery).where(delivery.c.id == each.id).values(batch_id=made))
    world.stop(released.ref)
    assert world.totals(released.ref) == {"cancelled": released.recipients}
    noted = world.rows(audit_event, act="deliveries_cancelled")
    assert len(noted) == 2


def test_a_late_answer_after_the_stop_still_counts(world):
    def stall(_keys):
        world.stop(released.ref)
        world.clock.advance(21)
        world.parts.sweep.sweep()
        assert world.states() == ["unknown", "unknown"]

    world.gateway.on_call = stall
    world.gateway.answers.extend([None, NotSent("n")])
    released = world.release_texts(2, **NO_HURRY)
    world.work_bulk()
    world.parts.sweep.sweep()
    assert world.totals(released.ref) == {"accepted": 1, "cancelled": 1}


def test_a_receipt_after_the_stop_still_counts(world):
    released = world.release_texts(2)
    world.work_bulk()
    world.stop(released.ref)
    world.receive(world.deliveries("sms")[0].uid, "delivered")
    world.parts.sweep.sweep()
    assert world.totals(released.ref) == {"accepted": 1, "delivered": 1}


def test_stopping_is_recorded_with_who_and_why(world):
    released = world.release_texts(3)
    world.parts.recall.stop(world.approver, released.ref.lower(), "Wrong area.")
    found = world.broadcast(released.ref)
    assert (found.state, found.stop_reason, found.ended_at is not None) == ("stopped", "Wrong area.", True)
    event = world.row(audit_event, act="broadcast_stopped")
    assert (event.actor, event.subject) == ("anna", released.ref)
    assert "Wrong area." in event.payload


def test_stopping_needs_a_reason(world, subtests):
    for reason in ["", " \n"]:
        with subtests.test(str(reason)):
            released = world.release()
            stop = world.parts.recall.stop
            with world.refused(Invalid, "Give a reason"):
                stop(world.officer, released.ref, reason)


def test_only_officers_and_approvers_stop(world, subtests):
    for role in ["auditor", "administrator", "data-keeper"]:
        with subtests.test(str(role)):
            released = world.release()
            other = world.person(f"otto-{role}", role)
            stop = world.parts.recall.stop
            with world.refused(NotAllowed, "may stop a broadcast"):
                stop(other, released.ref, "no")


def test_only_what_is_being_sent_can_be_stopped(world):
    submitted = world.submit()
    stop = world.parts.recall.stop
    with world.refused(Stale, "nothing to stop"):
        stop(world.officer, submitted.ref, "no")
    world.approve(submitted)
    stop(world.officer, submitted.ref, "no")
    with world.refused(Stale, "stopped already"):
        stop(world.officer, submitted.ref, "no")


def test_what_is_finished_cannot_be_stopped(world):
    released = world.release(channels=("facebook",))
    world.work_public()
    world.parts.sweep.sweep()
    stop = world.parts.recall.stop
    with world.refused(Stale, "done already"):
        stop(world.officer, released.ref, "no")


def test_an_expired_broadcast_keeps_no_worker_busy(world):
    """Nobody may claim it any more, so nobody must wait for it either."""
    world.release(channels=("facebook",))
    world.clock.advance(13 * 3600)
    asked = []
    world.parts.deliver.work("live", Lane.PUBLIC, for_s=5, running=lambda: asked.append(1) or True)
    assert len(asked) == 1


def test_a_stop_at_any_moment_of_a_send_adds_up(world):
    other = world.beside(max_in_flight=8)
    for calls_before in (0, 1, 3, 7, 12):
        enough = threading.Event()

        def count(_keys, enough=enough, wanted=calls_before, seen=[]):  # noqa: B006 - one list per round
            seen.append(1)
            if len(seen) > wanted:
                enough.set()

        world.gateway.on_call = count
        released = world.release_texts(60, **NO_HURRY)
        worker = threading.Thread(target=world.work_bulk)
        if calls_before:
            worker.start()
            enough.wait(20)
        other.recall.stop(world.officer, released.ref, "sent in error")
        stopped_at = len(world.gateway.ledger)
        if calls_before:
            worker.join()
        world.parts.sweep.sweep()
        totals = world.totals(released.ref)
        assert set(totals) <= {"accepted", "cancelled"}
        assert sum(totals.values()) == 60
        assert len(world.gateway.ledger) - stopped_at <= 8  # the groups that were open already
        world.gateway.ledger.clear()
    assert all(g.closed_at for g in world.rows(intent_group))
    assert {b.state for b in world.rows(broadcast)} == {"stopped"}
