"""What people do beside the live board: stop, decide what is unknown, try again, post by hand."""

import pytest

from broadcaster.db.tables import alarm, audit_event, by_hand
from broadcaster.domain.errors import NotSent, Refused, Stale
from broadcaster.domain.times import last_time
from tests.builders import NO_HURRY, a_world, number
from tests.fakes import FakeThreading
from tests.integration.at_the_board import RUDE, SILENCE, Browser, events, id_of

DATABASES = ("sqlite",)


@pytest.fixture
def olga(world):
    return Browser(world, "olga", "officer")


def on_hold(world):
    """A message whose Facebook post may have gone out, and nothing will prove it."""
    world.page.answers.append(SILENCE)
    released = world.release(**NO_HURRY)
    world.work_public()
    for _ in range(4):
        world.clock.advance(65)
        world.parts.read_back.look("live")
    return released.ref


# --- stopping ----------------------------------------------------------------------------------------------


def test_stopping_asks_first_and_says_what_is_out(world, olga):
    ref = world.release().ref
    world.page.always = NotSent("busy")
    world.work_public()
    asked = olga.get(f"/messages/{ref}/stop").text
    assert "Out already" in asked
    assert "<li>X" in asked
    assert "<li>Facebook" not in asked
    refused = olga.post(f"/messages/{ref}/stop", reason=" ")
    assert refused.status == 409
    assert world.broadcast(ref).state == "sending"
    assert olga.post(f"/messages/{ref}/stop", reason="Wrong place").status == 303
    ((actor, payload),) = events(world, "broadcast_stopped")
    assert (actor, payload["reason"]) == ("olga", "Wrong place")
    shown = olga.get(f"/messages/{ref}/board").text
    assert "What is left to do" in shown
    assert "/messages/new/sent-in-error" in shown


# --- what may have gone out --------------------------------------------------------------------------------


def test_one_that_was_found_is_marked_with_its_address(world, olga):
    ref = on_hold(world)
    uid = world.delivery("facebook").uid
    assert f"/unknown/{uid}" in olga.get(f"/messages/{ref}/board").text
    assert ref in olga.get(f"/unknown/{uid}").text
    wrong = olga.post(f"/unknown/{uid}", decision="sent", reason="I saw it", link="here")
    assert wrong.status == 409
    assert "I saw it" in wrong.text
    done = olga.post(f"/unknown/{uid}", decision="sent", reason="I saw it", link="https://facebook.test/9")
    assert done.status == 303
    assert world.state("facebook") == "accepted"
    assert [(a, p["decision"]) for a, p in events(world, "unknown_decided")] == [("olga", "sent")]
    assert olga.get(f"/unknown/{uid}").status == 404


def test_one_that_is_not_there_is_sent_again(world, olga):
    ref = on_hold(world)
    uid = world.delivery("facebook").uid
    assert olga.post(f"/unknown/{uid}", reason="No button").status == 409
    done = olga.post(f"/unknown/{uid}", decision="again", reason="Not there")
    assert done.headers["location"] == f"/messages/{ref}/board"
    world.work_public()
    assert world.page.keys == [uid]


@pytest.mark.parametrize("decision", ["sent", "again"])
def test_many_texts_are_decided_at_once_with_one_event(world, olga, decision):
    world.gateway.by_address = {number(n): SILENCE for n in (1, 2)}
    ref = world.release_texts(3, **NO_HURRY).ref
    world.work_bulk()
    world.clock.advance(3600)
    world.parts.reconcile.look_into()
    assert world.states() == ["unknown_final", "unknown_final", "accepted"]
    where = f"/messages/{ref}/unknown/{id_of(world, 'sms')}"
    assert "2 texts" in olga.get(where).text
    assert olga.post(where, decision=decision, reason="").status == 409
    assert olga.post(where, decision=decision, reason="Asked the gateway").status == 303
    ((_, payload),) = events(world, "unknown_decided")
    assert payload["count"] == 2
    world.gateway.by_address = {}
    world.work_bulk()
    assert world.states() == ["accepted"] * 3
    assert len(world.gateway.ledger) == (3 if decision == "again" else 1)
    assert olga.post(where, decision=decision, reason="Twice").status == 409


# --- trying again ------------------------------------------------------------------------------------------


def test_what_was_refused_is_tried_again_under_its_key_and_nothing_else_is(world, olga):
    world.gateway.by_address = {number(1): RUDE, number(2): SILENCE, number(4): Refused("odd")}
    ref = world.release_texts(4, **NO_HURRY).ref
    world.work_bulk()
    world.gateway.by_address = {}
    where = f"/messages/{ref}/again/{id_of(world, 'sms')}/too_rude"
    assert olga.post(where, reason="").status == 409
    assert olga.post(where, reason="They allow it now").status == 303
    ((_, payload),) = events(world, "failed_tried_again")
    assert payload["failed_again"] == 1
    world.work_bulk()
    assert world.states() == ["accepted", "unknown", "accepted", "failed"]
    keys = [row.uid for row in world.deliveries("sms")]
    assert world.gateway.keys == [keys[2], keys[0]]
    assert olga.post(where, reason="Once more").status == 409


def test_a_broadcast_that_was_done_goes_on_and_one_that_is_over_does_not(world, olga):
    world.page.answers.append(RUDE)
    ref = world.release(channels=("facebook",)).ref
    world.work_public()
    world.parts.sweep.end_what_is_over()
    assert world.broadcast(ref).state == "done"
    where = f"/messages/{ref}/again/{id_of(world, 'facebook')}/too_rude"
    assert olga.post(where, reason="Mended").status == 303
    world.page.answers.append(RUDE)
    world.work_public()
    world.clock.advance(13 * 3600)
    with world.refused(Stale, "is over"):
        world.parts.try_again.try_again(world.officer, ref, id_of(world, "facebook"), "too_rude", reason="x")


def test_the_rest_of_a_thread_follows_a_first_part_that_is_tried_again(database_url, tmp_path):
    with a_world(database_url, tmp_path, feed=FakeThreading("x", "feed")) as world:
        world.feed.answers.append(RUDE)
        ref = world.release_thread("2/2 more").ref
        world.work_public()
        assert world.states("x") == ["failed", "failed"]
        where, tried = id_of(world, "x"), world.parts.try_again
        assert tried.try_again(world.officer, ref, where, "too_rude", reason="Mended") == 2
        world.work_public()
        assert world.states("x") == ["accepted", "accepted"]


def test_what_failed_before_a_restore_is_never_tried_again(world):
    world.page.answers.append(RUDE)
    ref = world.release(channels=("facebook",)).ref
    world.work_public()
    world.add(alarm, code="restored", subject="a time", text="", size=1, raised_at=world.now())
    with world.refused(Stale, "a backup was restored"):
        world.parts.try_again.try_again(world.officer, ref, id_of(world, "facebook"), "too_rude", reason="x")


# --- by hand -----------------------------------------------------------------------------------------------


def test_a_post_by_hand_is_attested_and_what_waits_is_not_sent_any_more(world, olga):
    world.page.always = NotSent("busy", "Facebook is busy.")
    ref = world.release(channels=("facebook", "x")).ref
    world.work_public()
    where = f"/messages/{ref}/by-hand/{id_of(world, 'facebook')}"
    shown = olga.get(where).text
    assert "Keep off the seafront." in shown
    at = f"{world.now().astimezone(world.parts.settings.zone):%H:%M}"
    assert olga.post(where, at="soon", link="https://facebook.test/7").status == 409
    assert olga.post(where, at=at, link="facebook").status == 409
    assert world.rows(by_hand) == []
    assert olga.post(where, at=at, link="https://facebook.test/7").status == 303
    ((actor, payload),) = events(world, "posted_by_hand")
    assert (actor, payload["link"]) == ("olga", "https://facebook.test/7")
    assert "Posted by hand by olga at" in olga.get(f"/messages/{ref}/board").text
    world.page.always = None
    world.clock.advance(600)
    world.work_public()
    assert world.page.ledger == []
    assert world.state("facebook") == "cancelled"


def test_nobody_posts_by_hand_what_may_be_there(world):
    ref = on_hold(world)
    with world.refused(Stale, "may be there"):
        world.parts.by_hand.posted(
            world.officer, ref, id_of(world, "facebook"), at=world.now(), link="https://f.test/1"
        )


def test_what_was_posted_by_hand_is_not_tried_again(world):
    world.page.answers.append(RUDE)
    ref = world.release(channels=("facebook",)).ref
    world.work_public()
    where = id_of(world, "facebook")
    world.parts.by_hand.posted(world.officer, ref, where, at=world.now(), link="https://f.test/1")
    with world.refused(Stale, "Nothing of it can be tried again"):
        world.parts.try_again.try_again(world.officer, ref, where, "too_rude", reason="x")


def test_that_people_were_told_at_doors_is_noted_and_its_words_are_not_in_the_log(world, olga):
    ref = world.release(channels=("x",)).ref
    at = f"{world.now().astimezone(world.parts.settings.zone):%H:%M}"
    assert olga.post(f"/messages/{ref}/told", way="", at=at, words="").status == 409
    told = olga.post(f"/messages/{ref}/told", way="doors", at=at, words="Marine Road, Mrs Hill too")
    assert told.status == 303
    assert "Marine Road" in olga.get(f"/messages/{ref}/board").text
    assert "Marine Road" not in world.row(audit_event, act="told_by_hand").payload


def test_a_time_is_the_last_one_that_the_clock_showed(world):
    zone = world.parts.settings.zone
    now = world.now().astimezone(zone).replace(hour=0, minute=10)
    assert (now - last_time("23:55", now, zone)).total_seconds() < 16 * 60
    assert last_time("00:05", now, zone).date() == now.date()
