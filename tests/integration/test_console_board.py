"""The live board through its pages: what is shown, what a person does from it, and who may not."""

import asyncio
import csv
import json
from urllib.parse import urlencode

import pytest

from broadcaster.db.tables import alarm, audit_event, by_hand, sighting, target
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import NotSent, OutcomeUnknown, Refused, Stale, Unavailable
from broadcaster.domain.sight import Sight
from broadcaster.domain.times import last_time
from broadcaster.service.outcomes_file import line
from broadcaster.service.sessions import form_key
from broadcaster.web.console.guard import COOKIE, CSRF
from broadcaster.web.console.live import Look, Watchers
from tests.builders import NO_HURRY, a_world, number
from tests.fakes import FakeThreading
from tests.integration.asgi import TESTSERVER, ask, web_of
from tests.integration.browsing import FORM
from tests.integration.identities import enter, person

DATABASES = ("sqlite",)

SILENCE = OutcomeUnknown("read_timeout", "The platform did not answer.")
RUDE = Refused("too_rude", "The platform finds it too rude.")


class Browser:
    """Somebody at the console, through the real app, as a server would hand it the requests."""

    def __init__(self, world, name, *roles):
        self.person = person(world, name, *roles)
        self.cookie = enter(world, name).cookie
        self._app = web_of(world.parts)

    def get(self, path):
        return self._ask("GET", path)

    def post(self, path, **fields):
        body = urlencode({CSRF: form_key(self.cookie), **fields}).encode()
        return self._ask("POST", path, body, FORM)

    def _ask(self, method, path, body=b"", *more):
        cookie = (b"cookie", f"{COOKIE}={self.cookie}".encode())
        return ask(self._app, method, path, body, [TESTSERVER, (b"accept", b"text/html"), cookie, *more])


@pytest.fixture
def olga(world):
    return Browser(world, "olga", "officer")


def id_of(world, channel):
    return world.row(target, channel=channel).id


def events(world, act):
    return [(row.actor, json.loads(row.payload)) for row in world.rows(audit_event, act=act)]


def on_hold(world):
    """A message whose Facebook post may have gone out, and nothing will prove it."""
    world.page.answers.append(SILENCE)
    released = world.release(**NO_HURRY)
    world.work_public()
    for _ in range(4):
        world.clock.advance(65)
        world.parts.read_back.look("live")
    return released.ref


# --- what it shows ----------------------------------------------------------------------------------------


def test_the_board_tells_of_each_channel_and_holds_no_number(world, olga):
    world.gateway.by_address[number(2)] = RUDE
    world.add_audience("residents", 3)
    ref = world.release(channels=("website", "x", "sms"), audience="residents").ref
    world.parts.plan.plan(world.broadcast_id(ref))
    world.work_public()
    world.work_bulk()
    shown = olga.get(f"/messages/{ref}/board").text
    assert "https://x.test/1" in shown
    assert '2</span> of <span class="number">3</span> accepted' in shown
    assert "The platform finds it too rude." in shown
    assert f"/again/{id_of(world, 'sms')}/too_rude" in shown
    assert not any(number(n) in shown or number(n)[1:] in shown for n in (1, 2, 3))


def test_without_javascript_it_loads_itself_anew_where_that_is_wished_for(world, olga):
    ref = world.release(channels=("x",)).ref
    assert 'http-equiv="refresh"' not in olga.get(f"/messages/{ref}/board").text
    assert '<meta http-equiv="refresh" content="5">' in olga.get(f"/messages/{ref}/board?every=1").text


def test_the_rate_and_the_rest_are_told_while_texts_go_out(world):
    ref = world.release_texts(1200).ref
    world.once(Lane.BULK)
    (place,) = world.parts.boards.of(ref).places
    assert place.accepted
    assert place.rate > 0
    assert place.left_s == pytest.approx((1200 - place.accepted) / place.rate)


# --- reading back ------------------------------------------------------------------------------------------


def looked(world, seconds=61):
    world.clock.advance(seconds)
    return world.parts.sightings.look("live")


def test_a_post_is_looked_for_a_minute_after_it_was_accepted_and_once(world, olga):
    ref = world.release(channels=("x",)).ref
    world.work_public()
    assert looked(world, 50) == 0
    assert looked(world, 11) == 1
    assert "Seen there at" in olga.get(f"/messages/{ref}/board").text
    assert looked(world) == 0
    assert [p["found"] for _, p in events(world, "post_looked_at")] == ["there"]
    assert world.state("x") == "accepted"


def test_a_post_that_two_readings_do_not_show_is_an_alarm_and_one_that_came_late_is_none(world, olga):
    ref = world.release(channels=("x", "facebook")).ref
    world.work_public()
    world.feed.seen.extend([Sight.ABSENT, Sight.ABSENT])
    world.page.seen.append(Sight.ABSENT)
    assert looked(world) == 2
    world.parts.alarms.look()
    assert world.rows(alarm, code="post_not_seen") == []
    assert looked(world) == 2
    world.parts.alarms.look()
    assert "(x)" in world.row(alarm, code="post_not_seen").text
    shown = olga.get(f"/messages/{ref}/board").text
    assert "look yourself" in shown
    assert "Post it by hand" in shown


def test_a_post_with_other_words_than_approved_is_told_of(world, olga):
    ref = world.release(channels=("x",)).ref
    world.work_public()
    world.feed.seen.append(Sight.DIFFERS)
    looked(world)
    assert "differs from what was approved" in olga.get(f"/messages/{ref}/board").text


def test_a_reading_that_fails_says_nothing_and_ends_after_some(world):
    world.release(channels=("x",))
    world.work_public()
    world.feed.seen.extend([NotSent("busy")] * 9)
    assert sum(looked(world) for _ in range(9)) == 5
    assert world.row(sighting).state == Sight.UNREADABLE
    world.parts.alarms.look()
    assert world.rows(alarm, code="post_not_seen") == []


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


# --- who may not -------------------------------------------------------------------------------------------


def test_an_auditor_sees_it_and_does_nothing(world):
    world.gateway.by_address[number(1)] = RUDE
    ref = world.release_texts(1).ref
    world.work_bulk()
    axel = Browser(world, "axel", "auditor")
    sms = id_of(world, "sms")
    shown = axel.get(f"/messages/{ref}/board")
    assert shown.status == 200
    assert "Try again" not in shown.text
    assert "Stop it" not in shown.text
    before = world.snapshot()
    paths = [f"/messages/{ref}/{end}" for end in ("stop", f"again/{sms}/too_rude", f"unknown/{sms}", "told")]
    for path in paths:
        said = axel.post(path, reason="because", decision="again", way="doors", at="00:00", words="")
        assert said.status in {403, 409}
        assert "Only " in said.text
    assert world.snapshot() == before


# --- the file ----------------------------------------------------------------------------------------------


def test_the_file_has_a_line_for_each_delivery_and_no_number_and_is_in_the_log(world, olga):
    world.gateway.by_address[number(2)] = Refused("odd", "=cmd|' /C calc'!A0")
    ref = world.release_texts(3).ref
    world.work_bulk()
    file = olga.get(f"/messages/{ref}/outcomes.csv").text
    rows = list(csv.DictReader(file.splitlines()))
    assert [row["state"] for row in rows] == ["accepted", "failed", "accepted"]
    assert rows[1]["reason"].startswith("'=cmd")
    assert not any(number(n)[1:] in file for n in (1, 2, 3))
    assert events(world, "outcomes_exported")[0][0] == "olga"


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(begins):
    assert line((f"{begins}1",)).lstrip('"').startswith("'")


# --- watching ----------------------------------------------------------------------------------------------


def test_fifty_who_watch_cost_what_one_costs():
    looks = []

    def look(ref):
        looks.append(ref)
        return Look({True: f"look {len(looks)}"})

    async def watch(watchers):
        seen = []
        async for found in watchers.follow("7F3K2M", wake_s=5):
            seen += [found.texts[True]] if found else []
            if len(seen) == 3:
                break
        return seen

    async def all_of_them():
        watchers = Watchers(look, every_s=0.05)
        found = await asyncio.gather(*(watch(watchers) for _ in range(50)))
        await asyncio.sleep(0.2)  # nobody watches any more
        return found, watchers

    found, watchers = asyncio.run(all_of_them())
    assert len(found) == 50
    assert len(looks) <= 5
    assert watchers._watched == {}


def test_a_database_that_is_away_is_told_of_and_looked_at_again():
    answers = iter([Unavailable("away"), Look({True: "back"})])

    def look(_ref):
        said = next(answers)
        if isinstance(said, Exception):
            raise said
        return said

    async def watch():
        seen = []
        async for found in Watchers(look, every_s=0.01).follow("7F3K2M", wake_s=5):
            seen += [found.texts] if found else []
            if len(seen) == 2:
                break
        return seen

    assert asyncio.run(watch()) == [{}, {True: "back"}]


def test_a_session_that_was_only_watching_is_not_kept_alive_by_it(world, olga):
    assert world.parts.sessions.is_open(olga.cookie)
    seen = world.snapshot()["session"]
    world.clock.advance(120)
    assert world.parts.sessions.is_open(olga.cookie)
    assert world.snapshot()["session"] == seen
    world.parts.sessions.sign_out(olga.cookie)
    assert not world.parts.sessions.is_open(olga.cookie)
