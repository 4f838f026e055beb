"""Threads: a delivery for each part, each sent when the part before is surely there, and nothing doubled unawares."""

import json

import pytest

from broadcaster.cli.ledger import of_broadcast
from broadcaster.cli.status import as_json_data, parts_of
from broadcaster.cli.unknowns import place
from broadcaster.db.tables import batch, delivery, target
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import NotConfigured, NotSent, Refused
from tests.builders import LIFE_SAFETY, a_world
from tests.fakes import FakeReadable, FakeThreading, Took, WorkerDied
from tests.integration.threads import (
    LEASE_S,
    SILENCE,
    THREAD,
    THREE,
    TWO,
    after,
    answers,
    codes,
    ends_soundly,
    sent,
    verdict,
)

DATABASES = ("sqlite",)  # the state machine plays all of it on both


@pytest.fixture
def world_settings():
    return {"feed": FakeThreading("x", "feed"), "lease_s": LEASE_S}


# --- in order, one after the other --------------------------------------------------------------------------


def test_each_part_is_a_delivery_and_answers_the_part_before(world):
    released = world.release_thread(*THREAD)
    assert released.public_posts == 1
    planned = world.row(target)
    assert (planned.planned, planned.planned_total, world.row(batch).size) == (3, 3, 3)
    assert [row.ordinal for row in world.deliveries("x")] == [1, 2, 3]
    assert world.work_public() == 3  # by one worker, without a wait between them
    first = world.feed.ledger[0].post.text
    assert sent(world) == [(first, ""), (TWO, "1001"), (THREE, "1002")]
    assert all(not t.post.further for t in world.feed.ledger)
    assert [row.platform_id for row in world.deliveries("x")] == ["1001", "1002", "1003"]
    counts = ends_soundly(world, released, accepted=3)
    assert (counts["planned"], counts["ok"]) == (3, 3)


def test_the_parts_have_groups_of_their_own(world):
    world.release_thread(*THREAD)
    world.work_public()
    assert [len(keys) for keys in world.feed.calls] == [1, 1, 1]
    assert len(world.acts()) == len(set(world.acts())) + 2  # "outcomes_recorded" three times


def test_a_post_without_parts_stays_one_delivery_without_a_number(world):
    released = world.release(channels=("x",))
    world.work_public()
    assert [row.ordinal for row in world.deliveries("x")] == [0]
    status = world.status(released.ref)
    assert status.targets[0].parts == ()
    assert list(parts_of(status)) == []


def test_a_part_that_was_surely_not_sent_is_tried_again_before_the_next(world):
    answers(world, None, NotSent("busy"))
    released = world.release_thread(*THREAD)
    world.work_public()
    world.clock.advance(60)
    world.work_public()
    assert [text for text, _ in sent(world)][1:] == [TWO, THREE]
    ends_soundly(world, released, accepted=3)


def test_an_account_without_credentials_keeps_the_later_parts_waiting(world):
    answers(world, None, NotConfigured("bad_token"))
    released = world.release_thread(*THREAD)
    world.work_public()
    assert world.states("x") == ["accepted", "pending", "pending"]
    world.parts.accounts.resume(world.administrator, "feed", "live")
    world.clock.advance(60)
    world.work_public()
    ends_soundly(world, released, accepted=3)


def test_a_channel_without_threads_takes_no_first_part_for_the_whole(database_url, tmp_path):
    with a_world(database_url, tmp_path, feed=FakeReadable("x", "feed")) as world:
        released = world.release_thread(*THREAD)
        world.work_public()
        assert codes(world) == ["no_threads", "part_before_missing", "part_before_missing"]
        assert world.totals(released.ref) == {"failed": 3}
        assert not world.feed.calls


# --- refused, stopped, expired, altered ---------------------------------------------------------------------


@pytest.mark.parametrize(("before", "totals"), [((), {"failed": 3}), ((None,), {"accepted": 1, "failed": 2})])
def test_what_follows_a_refused_part_is_not_sent(world, before, totals):
    answers(world, *before, Refused("too_rude", "No."))
    released = world.release_thread(*THREAD)
    world.work_public()
    assert len(world.feed.calls) == len(before) + 1
    assert codes(world)[len(before) :] == ["too_rude"] + ["part_before_missing"] * (2 - len(before))
    counts = ends_soundly(world, released, **totals)
    assert counts["not_sent"] == totals["failed"]
    assert world.parts.unknowns.undecided() == []


def test_a_stop_between_parts_ends_what_was_not_sent(world):
    released = world.release_thread(*THREAD)
    world.once(Lane.PUBLIC, groups=1)
    world.stop(released.ref)
    world.work_public()
    assert world.totals(released.ref) == {"accepted": 1, "cancelled": 2}
    assert verdict(world, released).broken == ()


def test_a_stop_while_a_part_is_unknown_ends_those_that_wait(world):
    answers(world, SILENCE)
    released = world.release_thread(*THREAD)
    world.work_public()
    world.stop(released.ref)
    for _ in range(3):
        after(world, 65)
    assert world.totals(released.ref) == {"unknown_final": 1, "cancelled": 2}
    assert world.row(batch).state == "done"


def test_an_expiry_between_parts_ends_what_was_not_sent(world):
    released = world.release_thread(*THREAD, expires="+1h")
    world.once(Lane.PUBLIC, groups=2)
    world.clock.advance(7200)
    world.parts.sweep.sweep()
    world.work_public()
    ends_soundly(world, released, accepted=2, expired=1)


def test_parts_that_are_not_those_of_the_approved_post_are_not_sent(world):
    released = world.release_thread(*THREAD)
    world.change(delivery, {"ordinal": 4}, ordinal=3)
    world.work_public()
    assert not world.feed.calls
    assert world.totals(released.ref) == {"quarantined": 3}


# --- workers that die ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("taken", [True, False])
def test_a_worker_that_dies_on_a_part_doubles_nothing_and_the_thread_goes_on(world, taken):
    answers(world, None, Took(WorkerDied()) if taken else WorkerDied())
    released = world.release_thread(*THREAD, **LIFE_SAFETY)
    with pytest.raises(WorkerDied):
        world.work_public()
    for _ in range(5):
        after(world, 65)
    assert [text for text, _ in sent(world)][1:] == [TWO, THREE]
    counts = ends_soundly(world, released, accepted=3)
    assert counts["duplicated"] == counts["duplicated_after_unknown"] == 0


def test_a_worker_that_dies_between_parts_leaves_the_next_to_another(world):
    """After the answer is recorded and before the next intent: nothing is unknown, and nobody is asked."""
    released = world.release_thread(*THREAD)

    def lives():
        if any(state == "accepted" for state in world.states("x")):
            raise WorkerDied
        return True

    with pytest.raises(WorkerDied):
        world.beside().deliver.work("live", Lane.PUBLIC, for_s=30, running=lives)
    assert world.states("x") == ["accepted", "pending", "pending"]
    after(world, LEASE_S + 1)
    assert world.states("x") == ["accepted"] * 3
    assert world.feed.reads == 0
    ends_soundly(world, released, accepted=3)


def test_who_was_believed_dead_brings_its_answer_and_the_thread_goes_on(world):
    other = world.stoppable()

    def late(_keys):
        if len(world.feed.calls) == 2:
            world.clock.advance(LEASE_S + 1)
            other.reconcile.take_over()
            world.work(Lane.PUBLIC, parts=other)  # finds the second part unknown, and waits

    world.feed.on_call = late
    released = world.release_thread(*THREAD)
    world.work_public()
    assert world.states("x") == ["accepted", "accepted", "pending"]
    world.clock.advance(11)
    world.work_public()
    assert len(world.feed.ledger) == 3
    ends_soundly(world, released, accepted=3)


def test_two_workers_never_send_one_part_twice(world):
    other = world.beside()
    world.feed.on_call = lambda _keys: world.work(Lane.PUBLIC, parts=other)
    released = world.release_thread(*THREAD)
    world.work_public()
    assert len(world.feed.ledger) == 3
    ends_soundly(world, released, accepted=3)


# --- what is shown ------------------------------------------------------------------------------------------


def test_each_part_is_shown_with_its_own_link(world):
    answers(world, None, SILENCE)
    released = world.release_thread(*THREAD)
    world.work_public()
    status = world.status(released.ref)
    assert list(parts_of(status)) == [
        "x (feed), part 1 of 3: accepted, https://x.test/feed/1001",
        "x (feed), part 2 of 3: unknown",
        "x (feed), part 3 of 3: pending",
    ]
    (shown,) = as_json_data(status)["targets"]
    assert shown["link"] == "https://x.test/feed/1001"
    assert [(p["part"], p["state"]) for p in shown["parts"]] == [
        (1, "accepted"),
        (2, "unknown"),
        (3, "pending"),
    ]


def test_the_last_acceptance_of_a_thread_counts(world):
    answers(world, None, None, Took(SILENCE))
    released = world.release_thread(*THREAD)
    world.work_public()
    after(world, 30)
    (shown,) = world.status(released.ref).targets
    assert shown.seconds >= 30


def test_a_single_post_is_no_part_in_the_list_of_unknowns(world):
    world.feed.answers.append(SILENCE)
    world.release(channels=("x",))
    world.work_public()
    (unknown,) = world.parts.unknowns.undecided()
    assert (unknown.part, unknown.parts) == (1, 1)
    assert place(unknown) == "x (feed)"


def ledger_row(no, text, reply="", platform="x", body=None):
    said = json.dumps({"text": text, **({"reply": {"in_reply_to_tweet_id": reply}} if reply else {})})
    at = f"2026-11-21T18:00:0{no}+00:00"
    values = {"platform": platform, "platform_id": str(no), "key": "", "recipient": "", "link": "", "at": at}
    return {**values, "text": text, "body": said if body is None else body}


def test_the_stand_ins_posts_are_gathered_by_reference_and_by_what_answers_them():
    rows = [
        ledger_row(1, "1/3 Flood. Ref 7F3K2M"),
        ledger_row(2, "Another council's"),
        ledger_row(3, TWO, reply="1"),
        ledger_row(4, "An answer to the other", reply="2"),
        ledger_row(5, THREE, reply="3"),
        ledger_row(6, "Ref 7F3K2M", body="not JSON"),
        ledger_row(7, "by mail", platform="facebook", reply="1"),
    ]
    found = list(of_broadcast(rows, "7F3K2M", ()))
    assert [(a.platform_id, a.in_reply_to) for a in found] == [("1", ""), ("3", "1"), ("5", "3"), ("6", None)]
