"""The API of pictures, of decisions about many texts at once, and of how often a token may ask."""

import json

import pytest

from broadcaster.db.tables import audit_event, brake, media
from broadcaster.domain.errors import TryLater
from broadcaster.service.pacing import Pacing
from tests.builders import NO_HURRY, a_world
from tests.integration.api_acts import each_leaves_one_event
from tests.integration.api_acts_of_the_desk import ACTS_OF_THE_DESK, ActsOfTheDesk, put
from tests.integration.asgi import web_of
from tests.integration.pictures import ALT, SECRET, picture
from tests.integration.programs import API, Program, program
from tests.integration.unknown_texts import WAIT_S, look_into, texts_with_unknown

DATABASES = ("sqlite",)
ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@pytest.fixture
def olive(world):
    return program(world, "olive", "officer")


def edits(world):
    return [e for e in world.rows(audit_event) if e.act == "message_edited"]


def shown(answer):
    return [(each["name"], each["alt"]) for each in answer.json["pictures"]]


@ON_POSTGRES
def test_each_act_leaves_exactly_one_event_and_none_without_the_right_scope(world, subtests):
    each_leaves_one_event(world, ACTS_OF_THE_DESK, ActsOfTheDesk(world), subtests)


def test_pictures_are_attached_with_what_they_show_described_anew_and_taken_out(world, olive):
    ref = world.draft(channels=("website", "x"))
    red, blue = picture("red"), picture("blue")
    alt = ("alt", "", ALT.encode())
    both = put(
        olive,
        ref,
        1,
        ("picture", "red.png", red.content),
        alt,
        ("picture", "blue.png", blue.content),
        ("alt", "", b""),
    )
    assert (both.status, both.json["version"]) == (200, 2), both.json
    assert shown(both) == [("red.png", ALT), ("blue.png", "")]
    assert any("alt text" in problem.lower() for problem in both.json["problems"])
    late = put(olive, ref, 1, ("picture", "red.png", red.content))
    assert (late.status, late.json["type"]) == (409, f"{API}/problems/stale")
    said = olive.ask("PUT", f"/messages/{ref}/pictures/alts", {"base": 2, "alts": [ALT, "The pier, closed."]})
    assert shown(said) == [("red.png", ALT), ("blue.png", "The pier, closed.")]
    assert (said.json["problems"], shown(olive.get(f"/messages/{ref}"))) == ([], shown(said))
    assert SECRET not in b"".join(row.content for row in world.rows(media))
    gone = olive.ask("DELETE", f"/messages/{ref}/pictures?base=3")
    assert (gone.json["version"], gone.json["pictures"]) == (4, [])
    assert len(edits(world)) == 3


def test_what_is_no_form_of_pictures_changes_nothing(world, olive):
    ref, red = world.draft(channels=("website",)), picture("red")
    alts = [("alt", "", b"one"), ("alt", "", b"two")]
    for answer, words in (
        (olive.ask("PUT", f"/messages/{ref}/pictures?base=1", {}), "multipart/form-data"),
        (put(olive, ref, 1), "No picture was sent"),
        (put(olive, ref, 1, ("picture", "red.png", red.content), *alts), "2 alt texts"),
        (put(olive, ref, 1, ("picture", "red.png", b"no picture")), "red.png"),
    ):
        assert answer.status == 422
        assert words in answer.json["detail"] + str(answer.json["errors"])
    assert edits(world) == []
    anna = program(world, "anna", "approver")
    assert put(anna, ref, 1, ("picture", "red.png", red.content)).status == 403
    assert put(Program(web_of(world.parts)), ref, 1, ("picture", "red.png", red.content)).status == 401


def test_texts_that_nothing_will_prove_are_decided_about_together(world, olive):
    ref = texts_with_unknown(world, 3, 3, **NO_HURRY).ref
    world.clock.advance(WAIT_S)
    look_into(world)
    (found,) = olive.get(f"/messages/{ref}/unknowns").json
    assert (found["channel"], found["count"]) == ("sms", 3)
    before = world.size(audit_event)
    path = f"/messages/{ref}/unknowns/{found['target']}/decision"
    body = {"decision": "sent", "reason": "The gateway says that it took them"}
    narrow = program(world, "olive", scopes=("read",)).post(path, body)
    assert (narrow.status, world.size(audit_event)) == (403, before)
    done = olive.post(path, body)
    assert (done.status, done.json["decided"], done.json["left"]) == (200, 3, 0)
    assert [json.loads(e.payload)["count"] for e in world.rows(audit_event)[before:]] == [3]
    again = olive.post(path, body)
    assert (again.status, again.json["type"]) == (409, f"{API}/problems/stale")
    assert olive.get(f"/messages/{ref}/unknowns").json == []


def test_one_token_may_ask_so_often_and_no_other_waits_for_it(database_url, tmp_path):
    with a_world(database_url, tmp_path, api_requests_per_minute=5) as world:
        olive, oscar = program(world, "olive", "officer"), program(world, "oscar", "officer")
        assert [olive.get("/me").status for _ in range(5)] == [200] * 5
        refused = olive.get("/me")
        assert (refused.status, refused.json["type"]) == (429, f"{API}/problems/try-later")
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert (oscar.get("/me").status, olive.get("/me").status) == (200, 429)


def test_all_processes_together_grant_no_more_and_most_requests_write_nothing(world):
    """As two web processes do, each with a clock of its own."""
    who = world.parts.people.who(program(world, "olive", "officer").token)
    one, two = (pacing(world, per_minute=40) for _ in range(2))
    granted = [each for each in (one, two) * 40 if is_granted(each, who)]
    assert (len(granted), len(set(granted))) == (40, 2)
    row = world.row(brake)
    assert row.failures == 40
    before = world.snapshot()
    assert not is_granted(one, who)
    assert world.snapshot() == before
    world.clock.advance(61)
    one, two = (pacing(world, per_minute=40) for _ in range(2))
    assert is_granted(one, who)
    assert world.row(brake).failures == 2


def pacing(world, **given):
    return Pacing(world.database, world.vault, clock=lambda: 0.0, **given)


def is_granted(pacing, who):
    try:
        pacing.count(who)
    except TryLater:
        return False
    return True
