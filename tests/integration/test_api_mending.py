"""The API of the live board and of what people do beside it, of accounts, and of answering a page."""

import pytest

from broadcaster.db.tables import by_hand, page_request, target
from broadcaster.domain.errors import Refused
from tests.builders import NO_HURRY, number
from tests.integration.alarms import looked, pause
from tests.integration.api_acts import each_leaves_one_event
from tests.integration.api_acts_of_mending import ACTS_OF_MENDING, ActsOfMending
from tests.integration.at_the_board import RUDE, SILENCE
from tests.integration.programs import API, program

DATABASES = ("sqlite",)
ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@pytest.fixture
def olive(world):
    return program(world, "olive", "officer")


@ON_POSTGRES
def test_each_act_leaves_exactly_one_event_and_none_without_the_right_scope(world, subtests):
    each_leaves_one_event(world, ACTS_OF_MENDING, ActsOfMending(world), subtests)


def test_the_board_groups_what_failed_by_why_and_says_what_may_be_tried_again(world, olive):
    world.gateway.by_address = {number(1): RUDE, number(2): SILENCE, number(4): Refused("odd")}
    ref = world.release_texts(4, **NO_HURRY).ref
    world.work_bulk()
    world.gateway.by_address = {}
    board = olive.get(f"/messages/{ref}/board").json
    (place,) = board["places"]
    assert place["states"] == {"accepted": 1, "failed": 2, "unknown": 1}
    why = {group["code"]: (group["count"], group["can_retry"]) for group in place["groups"]}
    assert (why["too_rude"], why["odd"], why["read_timeout"]) == ((1, True), (1, True), (1, False))
    where = f"/messages/{ref}/again/{place['target']}/too_rude"
    done = olive.post(where, {"reason": "They allow it now"})
    assert (done.status, done.json["again"]) == (200, 1)
    assert olive.post(where, {"reason": "Once more"}).json["type"] == f"{API}/problems/stale"
    world.work_bulk()
    (place,) = olive.get(f"/messages/{ref}/board").json["places"]
    assert place["states"] == {"accepted": 2, "failed": 1, "unknown": 1}


def test_a_post_by_hand_is_the_approved_text_and_is_attested_once(world, olive):
    path = ActsOfMending(world).waiting_post()
    assert "Keep off the seafront." in olive.get(path).json["parts"][0]
    body = {"at": world.now().isoformat(), "link": "https://x.test/7"}
    ahead = olive.post(path, {**body, "at": world.later(3600).isoformat()})
    assert (ahead.status, "lies ahead" in ahead.json["detail"]) == (422, True)
    first, again = (olive.post(path, body, Idempotency_Key="k1") for _ in range(2))
    assert (first.status, again.body) == (200, first.body)
    (place,) = first.json["places"]
    assert [(p["who"], p["link"]) for p in place["by_hand"]] == [("olive", "https://x.test/7")]
    assert (place["states"], place["wants_hand"], len(world.rows(by_hand))) == ({"cancelled": 1}, False, 1)


def test_how_people_were_told_besides_stands_on_the_board(world, olive):
    ref = world.release(channels=("x",)).ref
    body = {"way": "doors", "at": world.now().isoformat(), "words": "Dock Street"}
    told = olive.post(f"/messages/{ref}/told", body)
    assert [(t["way"], t["words"], t["who"]) for t in told.json["told"]] == [
        ("doors", "Dock Street", "olive")
    ]
    draft = olive.post(f"/messages/{world.draft()}/told", body)
    assert (draft.status, "nobody has approved it" in draft.json["detail"]) == (409, True)
    text = world.row(target, channel="x").id
    assert olive.get(f"/messages/{world.draft()}/by-hand/{text}").status == 409


def test_accounts_are_asked_at_once_and_a_paused_one_goes_on(world, olive):
    pause(world)
    ada = program(world, "ada", "administrator")
    (page,) = [each for each in olive.get("/channels").json["items"] if each["name"] == "page"]
    assert page["paused_at"]
    asked = olive.post("/channels/check")
    assert asked.status == 200
    assert {each["name"] for each in asked.json} >= {"page", "site"}
    assert olive.post("/channels/check?name=pge").json["type"] == f"{API}/problems/not-found"
    assert olive.post("/channels/live/page/resume").status == 403
    assert ada.post("/channels/live/page/resume").json == {"mode": "live", "name": "page", "paused": False}
    assert ada.post("/channels/live/page/resume").status == 409


def test_whoever_may_see_to_an_alarm_answers_its_page_by_its_id(world, olive):
    ada = program(world, "ada", "administrator")
    pause(world)
    looked(world)
    (asked,) = [each for each in olive.get("/pages").json["items"] if each["subject"] == "live/page"]
    path = f"/pages/{asked['uid']}/on-it"
    assert olive.post(path).status == 403
    done = ada.post(path)
    assert (done.status, done.json["acknowledged_by"], done.json["state"]) == (200, "ada", "closed")
    assert world.row(page_request).acknowledged_way == "program"
    assert ada.post(path).status == 404
