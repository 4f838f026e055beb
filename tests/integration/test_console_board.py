"""The live board through its pages: what is shown, what a person does from it, and who may not."""

import asyncio
import csv
import itertools

import pytest

from broadcaster.db.tables import alarm, sighting
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import NotSent, Refused, Unavailable
from broadcaster.domain.sight import Sight
from broadcaster.service import board
from broadcaster.service.board import Boards
from broadcaster.web.console.live import Look, Watchers
from tests.builders import number
from tests.integration.at_the_board import RUDE, Browser, events, id_of

DATABASES = ("sqlite",)


@pytest.fixture
def olga(world):
    return Browser(world, "olga", "officer")


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


def test_a_count_of_many_is_kept_for_as_long_as_it_is_worth_and_one_of_few_is_not(world, monkeypatch):
    seconds = itertools.count()  # each count takes one, so ten are bought with it
    boards = Boards(world.database, monotonic=lambda: next(seconds))
    ref = world.release_texts(1200).ref

    def sent_more():
        before = accepted()
        world.once(Lane.BULK)
        return accepted() > before

    def accepted():
        return boards.of(ref).places[0].accepted

    assert sent_more()
    monkeypatch.setattr(board, "KEPT_FROM", 1200)
    assert not sent_more()
    assert len({accepted() for _ in range(12)}) == 2


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
