"""Sweeping and the tasks: each step twice or by two at once has one effect, and one that fails stops no other."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from broadcaster.db.tables import audit_event, broadcast, leader, submission
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import InTheWay, NotConfigured, NotSent, OutcomeUnknown, Stale
from broadcaster.domain.message import Mode
from broadcaster.service.sweep import BELLS, LEADER_LEASE_S, Sweep
from tests.builders import LIFE_SAFETY, NO_HURRY
from tests.fakes import Took, WorkerDied, die
from worker import tasks


@pytest.fixture
def world_settings():
    return {"max_in_flight": 8}


def a_sweeper(world, owner, parts=None):
    parts = parts or world.parts
    return Sweep(
        parts.database,
        world.bells,
        parts.reconcile,
        parts.receipts,
        parts.recording,
        parts.alarms,
        owner=owner,
    )


def busy_world(world):
    """A broadcast with something due for every step. Its reference."""
    world.submit(headline="Nobody approves this one")
    world.gateway.answers.extend([None, None, Took(OutcomeUnknown("t")), Took(OutcomeUnknown("t"))])
    released = world.release_texts(12, **LIFE_SAFETY)
    world.once(Lane.BULK)
    world.gateway.on_call = die
    with pytest.raises(WorkerDied):
        world.work_bulk()
    world.gateway.on_call = lambda _keys: None
    world.receive(world.deliveries("sms")[0].uid, "delivered")
    finished = world.release(channels=("facebook",))
    world.work_public()
    world.clock.advance(31 * 60)
    return released, finished


def assert_swept(world, released, finished):
    assert world.totals(released.ref) == {
        "accepted": 1, "delivered": 1, "unknown": 4, "unknown_final": 2, "pending": 4,
    }  # fmt: skip
    assert world.status(finished.ref).state == "done"
    acts = world.acts()
    for act in ("batch_taken_over", "receipts_applied", "unknown_left_to_a_person", "broadcast_done"):
        assert acts.count(act) == 1, act
    assert acts.count("submission_expired") == 1


def test_sweeping_twice_has_the_effect_of_once(world):
    released, finished = busy_world(world)
    world.parts.seal.seal()
    world.parts.sweep.sweep()
    assert_swept(world, released, finished)
    before = world.snapshot()
    world.parts.sweep.sweep()
    assert world.snapshot() == before


def test_two_sweepers_at_once_have_the_effect_of_one(world):
    released, finished = busy_world(world)
    other = a_sweeper(world, "two", world.beside())
    barrier = threading.Barrier(2)

    def sweep(sweeper):
        barrier.wait()
        sweeper.sweep()
        sweeper.sweep()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(sweep, (a_sweeper(world, "one"), other)))
    assert_swept(world, released, finished)


STEPS = {
    "take_over": lambda w: w.parts.reconcile,
    "look_into": lambda w: w.parts.reconcile,
    "apply_all": lambda w: w.parts.receipts,
    "forget_old": lambda w: w.parts.receipts,
}


class Broken:
    """A service whose one method fails; everything else is the real one."""

    def __init__(self, real, name, problem=None):
        self._real, self._name = real, name
        self._problem = problem or RuntimeError("this step is broken")

    def __getattr__(self, name):
        if name == self._name:
            return self._fail
        return getattr(self._real, name)

    def _fail(self):
        raise self._problem


@pytest.mark.parametrize("name", STEPS)
def test_a_step_that_fails_keeps_no_other_from_running(world, name):
    _, finished = busy_world(world)
    real = STEPS[name](world)
    reconcile = Broken(real, name) if real is world.parts.reconcile else world.parts.reconcile
    receipts = Broken(real, name) if real is world.parts.receipts else world.parts.receipts
    world.bells.rung.clear()
    recording, alarms = world.parts.recording, world.parts.alarms
    Sweep(world.database, world.bells, reconcile, receipts, recording, alarms, owner="one").sweep()
    assert world.status(finished.ref).state == "done"
    assert "submission_expired" in world.acts()
    assert ("batch_taken_over" in world.acts()) == (name != "take_over")
    assert ("unknown_left_to_a_person" in world.acts()) == (name != "look_into")
    assert ("receipts_applied" in world.acts()) == (name != "apply_all")
    assert bool(world.bells.rung) == (name != "take_over")


def test_a_step_that_came_in_the_way_of_another_change_is_no_fault_and_is_done_by_the_next_sweep(world):
    _, finished = busy_world(world)
    parts = world.parts
    once = Broken(parts.receipts, "apply_all", InTheWay("Two changes came in each other's way."))
    for receipts in (once, parts.receipts):
        Sweep(
            world.database, world.bells, parts.reconcile, receipts, parts.recording, parts.alarms, owner="one"
        ).sweep()
        assert ("receipts_applied" in world.acts()) == (receipts is parts.receipts)
    assert not [log for log in world.logs if log["event"] == "sweep_step_failed"]
    assert world.status(finished.ref).state == "done"


# --- who leads ----------------------------------------------------------------------------------------------


def test_one_sweeper_leads_until_its_lease_runs_out(world):
    one, two = a_sweeper(world, "one"), a_sweeper(world, "two", world.beside())
    assert [one.lead(), two.lead(), one.lead()] == [True, False, True]
    world.clock.advance(LEADER_LEASE_S - 1)
    assert not two.lead()
    assert one.lead()  # renewed
    world.clock.advance(LEADER_LEASE_S - 1)
    assert not two.lead()
    world.clock.advance(2)
    assert [two.lead(), one.lead()] == [True, False]


def test_of_many_that_start_at_once_one_leads(world):
    sweepers = [a_sweeper(world, f"sweeper-{n}", world.beside()) for n in range(6)]
    for _ in range(5):
        barrier = threading.Barrier(len(sweepers))

        def lead(sweeper, barrier=barrier):
            barrier.wait()
            return sweeper.lead()

        with ThreadPoolExecutor(len(sweepers)) as pool:
            assert sum(pool.map(lead, sweepers)) == 1
        with world.database.write() as tx:
            tx.execute(leader.delete())


# --- bells --------------------------------------------------------------------------------------------------


def rung(world):
    world.bells.rung.clear()
    world.parts.sweep.ring()
    return world.bells.rung


def test_lanes_with_work_are_rung_for_and_plans_that_are_not_finished(world):
    assert rung(world) == []
    world.add_audience("residents", 700)
    released = world.release(channels=("facebook", "sms"), audience="residents")
    broadcast_id = world.broadcast_id(released.ref)
    assert rung(world) == [("ring", "live", Lane.PUBLIC, 1), ("plan", broadcast_id, "live")]
    world.parts.plan.plan(broadcast_id)
    assert sorted(rung(world)) == [("ring", "live", Lane.BULK, 2), ("ring", "live", Lane.PUBLIC, 1)]
    world.work_public()
    world.work_bulk()
    assert rung(world) == []


def test_no_more_bells_than_there_are_workers_to_hear_them(world):
    for _ in range(BELLS[Lane.PUBLIC] + 3):
        world.release(channels=("facebook",))
    assert rung(world) == [("ring", "live", Lane.PUBLIC, BELLS[Lane.PUBLIC])]


def test_nobody_is_rung_for_what_may_not_be_sent(world):
    world.page.always = NotConfigured("bad_token")
    world.release(channels=("facebook",))
    world.work_public()
    world.clock.advance(5)
    assert rung(world) == []  # paused
    world.feed.always = NotSent("rate_limited", retry_after_s=100)
    world.release(channels=("x",))
    world.work_public()
    assert rung(world) == []  # put off
    stopped = world.release(channels=("website",))
    world.stop(stopped.ref)
    assert rung(world) == []
    world.release(channels=("website",))
    world.clock.advance(13 * 3600)
    assert rung(world) == []  # expired


# --- submissions and ends -----------------------------------------------------------------------------------


def test_a_submission_that_nobody_approved_in_time_expires_and_can_be_edited(world):
    submitted = world.submit()
    world.parts.sweep.expire_submissions()
    assert world.status(submitted.ref).message_state == "submitted"
    world.clock.advance(31 * 60)
    world.parts.sweep.expire_submissions()
    assert world.status(submitted.ref).message_state == "expired"
    assert world.row(submission).state == "void"
    world.edit(submitted.ref)
    assert world.approve(world.parts.compose.submit(world.officer, submitted.ref)).ref == submitted.ref


def test_submissions_that_expire_while_others_are_decided_lock_nobody_out(world):
    other = world.beside()
    assert world.approver
    refs = [world.submit(channels=("facebook",)).ref for _ in range(8)]
    world.clock.advance(31 * 60)
    with ThreadPoolExecutor(2) as pool:
        sweeping = pool.submit(world.parts.sweep.expire_submissions)
        for ref in refs[::-1]:
            try:
                other.approve.send_back(world.approver, ref, "Too late.")
            except Stale as late:  # any other problem would be a deadlock
                assert "waits for nobody" in late.text  # noqa: PT017 - one of the two comes first, either way
        sweeping.result()
    states = [world.status(ref).message_state for ref in refs]
    assert set(states) <= {"expired", "draft"}
    decided = [a for a in world.acts() if a in {"submission_expired", "message_returned"}]
    assert len(decided) == len(refs)


def test_a_broadcast_is_done_when_nothing_is_left_to_do_and_not_before(world):
    world.feed.answers.append(NotSent("rate_limited", retry_after_s=30))
    released = world.release()
    world.parts.sweep.sweep()
    assert world.status(released.ref).state == "sending"
    world.work_public()
    world.parts.sweep.sweep()
    assert world.status(released.ref).state == "sending"
    world.clock.advance(31)
    world.work_public()
    world.parts.sweep.sweep()
    assert world.status(released.ref).state == "done"


def test_a_broadcast_with_an_unknown_or_an_unfinished_plan_is_not_done(world):
    world.page.answers.append(Took(OutcomeUnknown("t")))
    unknown = world.release(channels=("facebook",), **NO_HURRY)
    world.work_public()
    world.add_audience("residents", 3)
    unplanned = world.release(channels=("x", "sms"), audience="residents")
    world.work_public()
    world.parts.sweep.sweep()
    assert world.status(unknown.ref).state == "sending"
    assert world.status(unplanned.ref).state == "sending"


def test_a_broadcast_that_ends_while_an_unknown_is_decided_is_not_done_too_early(world):
    other = world.beside()
    for _ in range(6):
        world.site.answers.append(Took(OutcomeUnknown("t")))
        released = world.release(channels=("website",))
        world.work_public()
        with ThreadPoolExecutor(2) as pool:
            one = pool.submit(other.reconcile.look_into)
            two = pool.submit(world.parts.sweep.end_what_is_over)
            one.result()
            two.result()
        assert world.status(released.ref).state == "sending"
        world.work_public()
        world.parts.sweep.end_what_is_over()
        assert world.status(released.ref).state == "done"
        assert world.totals(released.ref) == {"accepted": 1}


# --- the tasks ----------------------------------------------------------------------------------------------


@pytest.fixture
def as_worker(world):
    """This process is a worker of the live mode."""
    tasks._built[Mode.LIVE] = world.parts
    yield
    tasks._built.clear()


@pytest.mark.usefixtures("as_worker")
def test_each_task_run_twice_has_the_effect_of_once(world):
    world.add_audience("residents", 9)
    released = world.release(channels=("website", "facebook", "sms"), audience="residents")
    broadcast_id = world.broadcast_id(released.ref)
    for _ in range(2):
        tasks.plan(broadcast_id, "live")
    assert len(world.deliveries("sms")) == 9
    for _ in range(2):
        tasks.deliver("live", "public")
    for _ in range(2):
        tasks.deliver("live", "bulk")
    assert world.totals(released.ref) == {"accepted": 11}
    assert len(set(world.gateway.keys)) == len(world.gateway.keys) == 9
    assert len(world.site.keys) == len(world.page.keys) == 1


@pytest.mark.usefixtures("as_worker")
def test_bells_that_come_many_times_over_change_nothing(world):
    released = world.release_texts(40)
    with ThreadPoolExecutor(5) as pool:
        for _ in pool.map(lambda _: tasks.deliver("live", "bulk"), range(10)):
            pass
    assert world.totals(released.ref) == {"accepted": 40}
    assert len(set(world.gateway.keys)) == len(world.gateway.keys) == 40


@pytest.mark.usefixtures("as_worker")
@pytest.mark.parametrize("bell", [("dead", "public"), ("live", "nowhere")])
def test_a_bell_for_a_lane_that_there_is_not_is_an_error_and_sends_nothing(world, bell):
    world.release(channels=("facebook",))
    with pytest.raises(ValueError, match="is not a valid"):
        tasks.deliver(*bell)
    assert world.page.calls == []
    assert "outcomes_recorded" not in [e.act for e in world.rows(audit_event)]


def test_the_website_is_refreshed_at_once_and_then_once_a_minute(world):
    world.site.refresh_error = NotSent("disk_full")
    exercise = world.channels["exercise"]["site"]
    for _ in range(3):
        world.parts.refreshing.look()
    assert (world.site.refreshes, exercise.refreshes) == (1, 1)


def test_what_ends_is_shown_as_ended_without_waiting_for_the_minute(world):
    world.release(channels=("website",))
    world.parts.refreshing.look()
    before = world.site.refreshes
    world.clock.advance(60)
    world.parts.refreshing.look()
    assert world.site.refreshes == before
    world.change(broadcast, {"expires_at": world.now()})
    world.clock.advance(1)
    world.parts.refreshing.look()
    assert world.site.refreshes == before + 1
    for _ in range(3):
        world.clock.advance(1)
        world.parts.refreshing.look()
    settled = world.site.refreshes
    world.clock.advance(5)
    world.parts.refreshing.look()
    assert world.site.refreshes == settled
