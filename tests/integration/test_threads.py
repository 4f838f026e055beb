"""Threads: a delivery for each part, each sent when the part before is surely there, and nothing doubled unawares."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import event, select

from broadcaster.cli.ledger import of_broadcast
from broadcaster.cli.status import as_json_data, parts_of
from broadcaster.cli.unknowns import place
from broadcaster.db import media
from broadcaster.db.tables import audit_event, batch, delivery, target
from broadcaster.db.tables import media as pictures
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused, Stale
from broadcaster.domain.evidence import check
from broadcaster.domain.evidence_facts import Acceptance
from broadcaster.domain.media import Image
from tests.builders import LIFE_SAFETY, NO_HURRY, a_world
from tests.fakes import FakeReadable, FakeThreading, Took, WorkerDied

SILENCE = OutcomeUnknown("read_timeout")
TWO, THREE = "2/3 Rest centre: Marine Hall.", "3/3 Bring your medicines."
THREAD = (TWO, THREE)
LEASE_S = 20


@pytest.fixture
def world(database_url, tmp_path):
    with a_world(database_url, tmp_path, feed=FakeThreading("x", "feed"), lease_s=LEASE_S) as world:
        yield world


def answers(world, *said):
    world.feed.answers.extend(said)


def sent(world):
    """Text and what it answers, of all that the platform took."""
    return [(t.post.text, t.post.in_reply_to) for t in world.feed.ledger]


def codes(world):
    return [row.code for row in world.deliveries("x")]


def after(world, seconds):
    world.clock.advance(seconds)
    world.parts.sweep.sweep()
    world.parts.read_back.look("live")
    world.work_public()


def verdict(world, released):
    """The checker's, with what the platform says it took."""
    found = world.parts.report.evidence(world.person("ada", "auditor"), released.ref)
    taken = [
        Acceptance(
            platform="x",
            key="",
            text=each.post.text,
            platform_id=platform_id,
            in_reply_to=each.post.in_reply_to,
        )
        for each, platform_id in zip(world.feed.ledger, world.feed.ledger_ids, strict=True)
    ]
    return check(replace(found, accepted=tuple(taken)))


def ends_soundly(world, released, **totals):
    """It is over, its states add up to the parts, and the three witnesses agree."""
    world.parts.sweep.sweep()
    assert world.broadcast(released.ref).state == "done"
    assert world.totals(released.ref) == totals
    found = verdict(world, released)
    assert found.broken == ()
    return found.counts


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


# --- unknown in the middle ----------------------------------------------------------------------------------


def test_while_a_part_is_unknown_the_later_ones_wait_and_the_broadcast_goes_on(world):
    answers(world, None, SILENCE)
    released = world.release_thread(*THREAD)
    assert world.work_public() == 2
    world.parts.sweep.sweep()
    assert world.work_public() == 0
    assert world.states("x") == ["accepted", "unknown", "pending"]
    assert world.broadcast(released.ref).state == "sending"


def test_a_part_found_by_reading_back_lets_the_next_go_at_once(world):
    answers(world, None, Took(SILENCE))
    released = world.release_thread(*THREAD)
    world.work_public()
    after(world, 2)
    assert sent(world)[1:] == [(TWO, "1001"), (THREE, "1002")]
    assert codes(world) == ["", "read_back", ""]
    counts = ends_soundly(world, released, accepted=3)
    assert counts["ok"] == 3


def test_the_platform_is_asked_for_the_part_and_what_it_answers(world):
    asked = []
    looked = world.feed.find
    world.feed.find = lambda post, key, since: asked.append(post) or looked(post, key, since)
    answers(world, None, Took(SILENCE))
    world.release_thread(*THREAD)
    world.work_public()
    after(world, 2)
    assert [(post.text, post.further, post.in_reply_to) for post in asked] == [(TWO, (), "1001")]


def test_an_absent_part_of_an_urgent_message_is_sent_once_more_and_the_rest_after_it(world):
    answers(world, None, SILENCE)
    released = world.release_thread(*THREAD, **LIFE_SAFETY)
    world.work_public()
    for _ in range(4):
        after(world, 65)
    assert [text for text, _ in sent(world)][1:] == [TWO, THREE]
    assert [row.resends for row in world.deliveries("x")] == [0, 1, 0]
    ends_soundly(world, released, accepted=3)


def left_to_a_person(world, *said):
    answers(world, *said)
    released = world.release_thread(*THREAD, **NO_HURRY)
    world.work_public()
    for _ in range(3):
        after(world, 65)
    return released, next(u for u in world.parts.unknowns.undecided() if u.parts == 3)


def test_what_nothing_proves_ends_the_later_parts_and_the_broadcast(world):
    released, unknown = left_to_a_person(world, None, SILENCE)
    assert (unknown.part, unknown.parts) == (2, 3)
    assert place(unknown) == "x (feed), part 2 of 3"
    assert codes(world)[2] == "part_before_missing"
    assert "unknown resolve" in world.deliveries("x")[2].operator_text
    counts = ends_soundly(world, released, accepted=1, unknown_final=1, failed=1)
    assert (counts["unknown"], counts["not_sent"]) == (1, 1)


def test_the_thread_goes_on_where_a_person_has_a_part_sent_again(world):
    released, unknown = left_to_a_person(world, None, SILENCE)
    ends_soundly(world, released, accepted=1, unknown_final=1, failed=1)
    assert world.parts.unknowns.send_again(world.officer, unknown.uid, reason="not there") == 1
    world.work_public()
    assert sent(world)[1:] == [(TWO, "1001"), (THREE, "1002")]
    ends_soundly(world, released, accepted=3)
    assert [row.resends for row in world.deliveries("x")] == [0, 1, 0]


def test_the_thread_goes_on_after_the_part_that_a_person_has_found(world):
    answers(world, Took(SILENCE))
    world.feed.readings.extend([None] * 8)  # its index lags
    released, unknown = left_to_a_person(world)
    assert world.states("x") == ["unknown_final", "failed", "failed"]
    ends_soundly(world, released, unknown_final=1, failed=2)
    link = "https://x.test/feed/status/1001?s=20"
    assert world.parts.unknowns.mark_sent(world.officer, unknown.uid, link=link, reason="seen") == 2
    world.work_public()
    assert sent(world)[1:] == [(TWO, "1001"), (THREE, "1002")]
    ends_soundly(world, released, accepted=3)
    noted = [json.loads(row.payload) for row in world.rows(audit_event, act="unknown_decided")]
    assert [each["parts_again"] for each in noted] == [2]


def test_a_person_s_address_without_an_id_starts_no_part_that_would_answer_nothing(world):
    answers(world, Took(SILENCE))
    world.feed.readings.extend([None] * 8)
    released, unknown = left_to_a_person(world)
    link = "https://x.test/feed/with_replies"
    assert world.parts.unknowns.mark_sent(world.officer, unknown.uid, link=link, reason="seen") == 0
    world.work_public()
    assert len(world.feed.ledger) == 1
    ends_soundly(world, released, accepted=1, failed=2)


def test_a_part_found_by_a_person_while_it_is_looked_into_lets_the_next_go(world):
    answers(world, None, Took(SILENCE))
    released = world.release_thread(*THREAD)
    world.work_public()
    (unknown,) = world.parts.unknowns.undecided()
    world.parts.unknowns.mark_sent(world.officer, unknown.uid, link="https://x.test/feed/1002", reason="seen")
    world.work_public()
    assert sent(world)[2:] == [(THREE, "1002")]
    ends_soundly(world, released, accepted=3)


def test_a_part_found_without_an_id_while_it_is_looked_into_ends_those_that_wait(world):
    answers(world, None, Took(SILENCE))
    released = world.release_thread(*THREAD)
    world.work_public()
    (unknown,) = world.parts.unknowns.undecided()
    world.parts.unknowns.mark_sent(world.officer, unknown.uid, link="https://x.test/feed", reason="seen")
    world.work_public()
    assert codes(world)[2] == "part_before_missing"
    assert len(world.feed.calls) == 2
    ends_soundly(world, released, accepted=2, failed=1)


@pytest.mark.parametrize("what", ["stopped", "expired"])
def test_parts_that_had_nothing_to_follow_stay_so_once_the_message_has_ended(world, what):
    answers(world, Took(SILENCE))
    world.feed.readings.extend([None] * 8)
    world.page.always = NotSent("busy")  # keeps the broadcast going
    released = world.release_thread(*THREAD, channels=("facebook", "x"), **NO_HURRY)
    world.work_public()
    for _ in range(3):
        after(world, 65)
    (unknown,) = world.parts.unknowns.undecided()
    world.stop(released.ref) if what == "stopped" else world.clock.advance(13 * 3600)
    world.parts.sweep.sweep()
    link = "https://x.test/feed/1001"
    assert world.parts.unknowns.mark_sent(world.officer, unknown.uid, link=link, reason="seen") == 0
    assert world.states("x") == ["accepted", "failed", "failed"]
    assert world.broadcast(released.ref).state == ("stopped" if what == "stopped" else "done")


@pytest.mark.parametrize("what", ["stopped", "expired"])
def test_nothing_of_an_ended_message_goes_on_whatever_a_person_finds(world, what):
    answers(world, Took(SILENCE))
    world.feed.readings.extend([None] * 12)
    released = world.release_thread(*THREAD, **NO_HURRY)
    world.work_public()
    world.stop(released.ref) if what == "stopped" else world.clock.advance(13 * 3600)
    for _ in range(3):
        after(world, 65)
    (unknown,) = world.parts.unknowns.undecided()
    link = "https://x.test/feed/1001"
    assert world.parts.unknowns.mark_sent(world.officer, unknown.uid, link=link, reason="seen") == 0
    world.work_public()
    assert len(world.feed.ledger) == 1
    ended = "cancelled" if what == "stopped" else "expired"
    assert world.totals(released.ref) == {"accepted": 1, ended: 2}
    assert verdict(world, released).broken == ()


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


def row(no, text, reply="", platform="x", body=None):
    said = json.dumps({"text": text, **({"reply": {"in_reply_to_tweet_id": reply}} if reply else {})})
    at = f"2026-11-21T18:00:0{no}+00:00"
    values = {"platform": platform, "platform_id": str(no), "key": "", "recipient": "", "link": "", "at": at}
    return {**values, "text": text, "body": said if body is None else body}


def test_the_stand_ins_posts_are_gathered_by_reference_and_by_what_answers_them():
    rows = [
        row(1, "1/3 Flood. Ref 7F3K2M"),
        row(2, "Another council's"),
        row(3, TWO, reply="1"),
        row(4, "An answer to the other", reply="2"),
        row(5, THREE, reply="3"),
        row(6, "Ref 7F3K2M", body="not JSON"),
        row(7, "by mail", platform="facebook", reply="1"),
    ]
    found = list(of_broadcast(rows, "7F3K2M", ()))
    assert [(a.platform_id, a.in_reply_to) for a in found] == [("1", ""), ("3", "1"), ("5", "3"), ("6", None)]


# --- pictures -----------------------------------------------------------------------------------------------


@pytest.fixture
def picture(world):
    with world.database.write() as tx:
        stored = media.ensure(tx, content=b"\x89PNG the map", media_type="image/png", width=640, height=480)
    names = ("sha256", "media_type", "width", "height", "size")
    return Image(**{name: getattr(stored, name) for name in names}, alt="A map of the flood")


def release_with(world, picture, *further, channel="x", **draft):
    submitted = world.submit_as(
        channel,
        lambda p: replace(p, images=(picture,), further=further),
        **{"channels": (channel,), **draft},
    )
    return world.approve(submitted)


def test_a_post_goes_out_with_the_bytes_of_its_pictures(world, picture):
    release_with(world, picture, channel="facebook")
    world.work_public()
    (taken,) = world.page.ledger
    assert [(i.content, i.alt) for i in taken.post.images] == [(b"\x89PNG the map", "A map of the flood")]


def test_the_first_part_of_a_thread_has_the_pictures_and_no_other(world, picture):
    release_with(world, picture, *THREAD)
    world.work_public()
    assert [len(t.post.images) for t in world.feed.ledger] == [1, 0, 0]
    assert world.feed.ledger[0].post.images[0].content == b"\x89PNG the map"


@pytest.mark.parametrize("what", ["altered", "missing"])
@pytest.mark.parametrize("further", [(), THREAD])
def test_a_picture_that_is_not_the_approved_one_is_not_sent_nor_its_text(world, picture, what, further):
    released = release_with(world, picture, *further)
    values = {"content": b"\x89PNG another"} if what == "altered" else {"sha256": "0" * 64}
    world.change(pictures, values, sha256=picture.sha256)
    world.work_public()
    assert not world.feed.calls
    assert set(codes(world)) == {"not_what_was_approved"}
    assert world.totals(released.ref) == {"quarantined": 1 + len(further)}
    assert "deliveries_quarantined" in world.acts()


@pytest.mark.parametrize("with_picture", [True, False])
def test_a_worker_that_uploads_pictures_is_not_taken_for_a_dead_one(world, picture, with_picture):
    left_s = []

    def look(_keys):
        with world.database.read() as tx:
            (until,) = tx.execute(select(batch.c.lease_until)).scalars()
            left_s.append((until - tx.now()).total_seconds())

    world.page.on_call = look
    release_with(world, picture, channel="facebook") if with_picture else world.release(
        channels=("facebook",)
    )
    world.work_public()
    assert len(left_s) == 1
    assert (left_s[0] > LEASE_S + 30) == with_picture


def test_reading_back_needs_no_bytes(world, picture):
    answers(world, Took(SILENCE))
    release_with(world, picture)
    world.work_public()
    world.change(pictures, {"content": b""}, sha256=picture.sha256)
    after(world, 2)
    assert world.states("x") == ["accepted"]


@pytest.fixture
def reads(world):
    """Statements that read the bytes of pictures, or the parts of a thread."""
    found = []

    def look(_connection, _cursor, statement, *_rest):
        words = " ".join(statement.split())
        if "FROM media" in words or "delivery.ordinal AS no" in words:
            found.append(words)

    event.listen(world.database.engine, "after_cursor_execute", look)
    return found


def test_texts_and_single_posts_pay_nothing_for_pictures_and_threads(world, reads):
    world.add_audience("residents", 30)
    released = world.release(channels=("x", "facebook", "sms"), audience="residents")
    world.parts.plan.plan(world.broadcast_id(released.ref))
    world.work_public()
    world.work_bulk()
    assert reads == []


def test_pictures_are_read_once_for_all_parts(world, picture, reads):
    release_with(world, picture, *THREAD)
    world.work_public()
    assert sum("FROM media" in each for each in reads) == 1


def test_nobody_sends_a_later_part_again_by_itself(world):
    """Only what may have been sent can be decided about: what waited in vain follows its part."""
    released, _ = left_to_a_person(world, None, SILENCE)
    ended = world.deliveries("x")[2]
    with pytest.raises(Exception, match="No delivery with an unknown outcome"):
        world.parts.unknowns.send_again(world.officer, ended.uid, reason="now")
    world.clock.advance(13 * 3600)
    second = world.deliveries("x")[1]
    with pytest.raises(Stale):
        world.parts.unknowns.send_again(world.officer, second.uid, reason="late")
    assert world.totals(released.ref) == {"accepted": 1, "unknown_final": 1, "failed": 1}
