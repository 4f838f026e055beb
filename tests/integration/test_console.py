"""The console's frame: who gets in, what every page carries, what a foreign form can do (nothing), and what is never lost."""

import json
import re

import pytest
from fastapi.routing import APIRoute

from broadcaster.db.tables import account, message, worksheet
from broadcaster.web.console.app import ROUTERS
from broadcaster.web.console.sign_in import KEPT, WHERE
from tests.integration.identities import PASSWORD, person, with_app
from tests.integration.visitor import Visitor, visitor

DATABASES = ("sqlite",)

OPEN_TO_ALL = {
    "/sign-in",
    "/sign-in/passkey",
    "/sign-in/passkey/again",
    "/sign-in/passkey/options",
    "/sign-in/code",
    "/sign-in/elsewhere",
    "/sign-in/sso",
    "/sign-in/sso/back",
    "/help",
    "/accessibility",
    "/invitation/{code}",
    "/calendar/{secret}.ics",  # whoever has the address
}
FIELDS = {
    "blank-colour": "Amber",
    "blank-hazard": "wind",
    "blank-area": "Fleetwood",
    "blank-action": "Keep off the seafront.",
    "blank-expires": "+14h",
    "blank-next_update": "+4h",
    "blank-source": "Duty officer, Wyre Council",
    "blank-phone": "01632 960123",
    "channels": "website",
}


@pytest.fixture
def officer(world):
    return visitor(world, "olive", "officer")


def routes():
    return [r for router in ROUTERS for r in router.routes if isinstance(r, APIRoute)]


def test_nobody_sees_or_does_anything_without_signing_in(world):
    stranger = Visitor(world.parts)
    for route in routes():
        if route.path in OPEN_TO_ALL:
            continue
        path = re.sub(r"\{\w+\}", "X", route.path)
        if "GET" in route.methods:
            answer = stranger.get(path)
            assert (answer.status, answer.onward[:13]) == (303, "/sign-in?next"), path
        else:
            answer = stranger.post(path, {"reason": "kept words"}, token=False)
            assert answer.status == 200, path
            assert "Your session has ended" in answer.words, path
            assert "kept words" in answer.text, path
    assert world.acts() == []


def test_every_page_refuses_scripts_and_frames_of_others_and_is_kept_nowhere(officer):
    for path in ("/", "/messages/new/flood", "/help", "/messages/NOSUCH"):
        headers = officer.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["cache-control"] == "no-store"


def test_no_page_has_a_script_or_a_style_in_itself(officer):
    for path in ("/", "/messages/new/severe-weather", "/me/second-factor"):
        text = officer.get(path).text
        assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|javascript:", text)


def test_who_says_so_is_filled_in_from_the_settings_and_then_as_this_person_said_it_last(world, officer):
    shown = officer.get("/messages/new/severe-weather").text
    assert "Duty officer, Broadcaster" not in shown  # nobody has said whose this is
    world.parts.settings = world.parts.settings.model_copy(update={"organisation": "Fylde Council"})
    assert "Duty officer, Fylde Council" in officer.get("/messages/new/severe-weather").text
    said = {**FIELDS, "blank-source": "Flood desk, Wyre Council", "blank-phone": "01632 960124"}
    assert officer.post("/messages/new/severe-weather", said).status == 303
    shown = officer.get("/messages/new/severe-weather").text
    assert "Flood desk, Wyre Council" in shown
    assert "01632 960124" in shown
    other = visitor(world, "oscar", "officer")
    assert "Duty officer, Fylde Council" in other.get("/messages/new/severe-weather").text


def test_a_form_of_another_site_does_nothing(world, officer):
    officer.get("/messages/new/severe-weather")
    assert officer.post("/messages/new/severe-weather", FIELDS, token=False).status == 403
    elsewhere = [(b"origin", b"https://evil.example"), (b"sec-fetch-site", b"cross-site")]
    body = f"csrf={officer.token}&name=olive".encode()
    kind = b"application/x-www-form-urlencoded"
    assert officer.ask("POST", "/messages/new/severe-weather", body, kind, elsewhere).status == 403
    assert officer.ask("POST", "/sign-in", body, kind, elsewhere).status == 403
    assert world.rows(message) == []


def test_signing_in_leads_on_to_our_own_pages_only(world):
    person(world, "olive", "officer")
    for wanted, to in (("/messages", "/messages"), ("//evil.example/", "/"), ("https://evil.example", "/")):
        answer = Visitor(world.parts).post(
            "/sign-in", name="olive", password=PASSWORD, next=wanted, token=False
        )
        assert (answer.status, answer.onward) == (303, to)
        assert "HttpOnly" in answer.headers["set-cookie"]


def test_a_wrong_password_says_no_more_than_that(world):
    person(world, "olive", "officer")
    answers = [
        Visitor(world.parts).post("/sign-in", name=name, password="wrong wrong wrong", token=False)
        for name in ("olive", "nobody")
    ]
    assert [a.status for a in answers] == [403, 403]
    assert answers[0].words == answers[1].words


def test_half_a_sign_in_shows_nothing(world):
    with_app(world, "anna", "approver")
    anna = Visitor(world.parts)
    assert anna.post("/sign-in", name="anna", password=PASSWORD, token=False).onward.startswith(
        "/sign-in/code"
    )
    for path in ("/", "/messages", "/me"):
        assert anna.get(path).onward == "/sign-in/code"


def test_what_was_sent_after_the_session_had_ended_is_sent_again_with_one_click(world, officer):
    officer.get("/messages/new/severe-weather")
    officer.cookie = ""
    kept = officer.post("/messages/new/severe-weather", FIELDS)
    fields = dict(re.findall(rf'name="({KEPT}[\w-]+|{WHERE})" value="([^"]*)"', kept.text))
    assert fields[f"{KEPT}blank-action"] == FIELDS["blank-action"]
    wrong = officer.post("/sign-in", fields, name="olive", password="is it this", token=False)
    fields = dict(re.findall(rf'name="({KEPT}[\w-]+|{WHERE})" value="([^"]*)"', wrong.text))
    again = officer.post("/sign-in", fields, name="olive", password=PASSWORD, token=False)
    assert "What you had typed is still there" in again.words
    assert 'action="/messages/new/severe-weather"' in again.text
    fields = dict(re.findall(r'name="([\w-]+)" value="([^"]*)"', again.text))
    assert officer.post("/messages/new/severe-weather", fields).status == 303
    assert len(world.rows(message)) == 1


def test_what_is_wrong_is_named_beside_its_field_and_nothing_typed_is_lost(world, officer):
    officer.get("/messages/new/severe-weather")
    answer = officer.post("/messages/new/severe-weather", {**FIELDS, "blank-hazard": ""})
    assert answer.status == 422
    assert 'href="#blank-hazard"' in answer.text
    assert "Keep off the seafront." in answer.text
    assert world.rows(message) == []


def test_what_is_typed_is_kept_shown_as_it_would_read_and_nobody_elses(world, officer):
    officer.get("/messages/new/severe-weather")
    looked = json.loads(
        officer.ask_with(FIELDS | {"blank-area": "Cleveleys"}, "/messages/new/severe-weather/look")
    )
    assert "Cleveleys" in looked["shown"]
    assert '<mark class="late">its reference</mark>' in looked["shown"]
    assert "XXXXXX" not in looked["shown"].upper()
    assert "You were writing" in officer.get("/").words
    assert "Cleveleys" in officer.get(f"/messages/new/severe-weather?sheet={looked['sheet']}").text
    other = visitor(world, "oscar", "officer")
    assert "You were writing" not in other.get("/").words
    assert other.get(f"/messages/new/severe-weather?sheet={looked['sheet']}").status == 404
    officer.get("/messages/new/severe-weather")
    officer.post("/messages/new/severe-weather", {**FIELDS, "sheet": looked["sheet"]})
    assert world.rows(worksheet) == []
    assert "look" not in " ".join(world.acts())


def test_of_two_who_change_the_same_draft_the_second_is_told(world, officer):
    officer.get("/messages/new/severe-weather")
    ref = officer.post("/messages/new/severe-weather", FIELDS).onward.rpartition("/")[2]
    oscar = visitor(world, "oscar", "officer")
    for each in (officer, oscar):
        each.get(f"/messages/{ref}/edit")
    oscar.ask_with(FIELDS | {"base": "1"}, f"/messages/{ref}/look")
    assert "oscar is changing this message too" in officer.get(f"/messages/{ref}/edit").words
    assert oscar.post(f"/messages/{ref}/edit", {**FIELDS, "blank-area": "Bispham", "base": "1"}).status == 303
    told = officer.post(f"/messages/{ref}/edit", {**FIELDS, "blank-area": "Knott End", "base": "1"})
    assert (told.status, "changed meanwhile by oscar" in told.words) == (422, True)
    assert "Knott End" in told.text
    assert (
        officer.post(f"/messages/{ref}/edit", {**FIELDS, "blank-area": "Knott End", "base": "2"}).status
        == 303
    )
    assert [row.version for row in world.rows(message)] == [3]


def test_a_program_gets_problem_json_and_a_person_a_page(world, officer):
    assert "There is no message" in officer.get("/messages/NOSUCH").words
    assert officer.get("/messages/NOSUCH").status == 404


def test_times_that_are_needed_stand_there_already_and_can_be_sent_as_they_are(world, officer):
    text = officer.get("/messages/new/severe-weather").text
    shown = dict(re.findall(r'id="blank-(\w+)" name="[\w-]+" type="datetime-local" value="([\d:T-]+)"', text))
    assert shown.keys() == {"expires", "next_update"}
    times = {f"blank-{name}": at for name, at in shown.items()}
    assert officer.post("/messages/new/severe-weather", FIELDS | times).status == 303
    wrong = officer.post("/messages/new/severe-weather", FIELDS | {"blank-expires": "2001-01-01T00:00"})
    assert 'type="datetime-local"' not in wrong.text.partition('id="blank-expires"')[2][:100]


def test_texts_of_accounts_are_shown_as_texts(world):
    world.page.target = "<script>alert(1)</script>"
    world.release(channels=("facebook",))
    world.change(account, {"paused_at": world.now(), "pause_reason": '"><img src=x onerror=1>'}, name="page")
    page = visitor(world, "ada", "administrator").get("/manage/accounts").text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
