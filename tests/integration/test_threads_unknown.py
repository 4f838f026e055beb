"""A part with an unknown outcome: the later ones wait for it, and nothing is doubled or left without what it answers."""

import json

import pytest

from broadcaster.cli.unknowns import place
from broadcaster.db.tables import audit_event
from broadcaster.domain.errors import NotSent, Stale
from tests.builders import LIFE_SAFETY, NO_HURRY
from tests.fakes import FakeThreading, Took
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
    assert "say what became of it first" in world.deliveries("x")[2].operator_text
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
