"""What a browser sees where something is not there, must wait, or broke; and what a program gets at the same time."""

import json

import pytest
from fastapi import APIRouter

from broadcaster.web.console.pages import page as _  # noqa: F401 - the console is part of the app
from tests.integration.asgi import web_of
from tests.integration.identities import person
from tests.integration.visitor import Visitor, visitor

DATABASES = ("sqlite",)

PROGRAM = [(b"accept", b"application/json")]


def as_program(who, path):
    """Without the browser's own wish for a page: the later header stands."""
    return who.ask("GET", path, headers=PROGRAM)


@pytest.fixture
def stranger(world):
    return Visitor(world.parts)


def test_an_address_that_is_not_there_is_a_page_in_the_frame_signed_in_or_not(world, stranger):
    olive = visitor(world, "olive", "officer")
    for who, has_menu in ((stranger, False), (olive, True)):
        for path in ("/no-such-page", "/messages/7F3K2M/by-hand/not-a-number"):
            answer = who.get(path)
            if answer.status == 303:  # nobody learns without signing in which pages there are
                assert who is stranger
                continue
            assert (answer.status, "There is no such page" in answer.words) == (404, True), path
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")
            assert ('href="/messages"' in answer.text) is has_menu


@pytest.mark.parametrize("path", ["/health/nothing", "/hooks/live", "/log/nothing", "/metrics/x"])
def test_where_programs_call_json_stays_even_for_a_browser(stranger, path):
    answer = stranger.get(path)
    assert (answer.status, json.loads(answer.text)) == (404, {"detail": "Not Found"})


def test_the_api_says_it_as_rfc_9457_has_it_even_to_a_browser(stranger):
    answer = stranger.get("/api/v1/nothing")
    assert (answer.status, json.loads(answer.text)["title"]) == (404, "There is no such thing")


def test_what_breaks_is_a_calm_page_that_tells_nothing_of_it(world, stranger):
    web, broken = web_of(world.parts), APIRouter()

    @broken.get("/breaks")
    def breaks():
        raise RuntimeError("canary-7 at /srv/secret")

    web.include_router(broken)
    answer = stranger.get("/breaks")
    assert (answer.status, "Something unexpected went wrong" in answer.words) == (500, True)
    assert "canary-7" not in answer.text
    world.parts.sessions = None  # what knows who asks is broken too
    assert stranger.get("/breaks").status == 500


def test_whoever_tried_too_often_is_told_how_long_to_wait(world, stranger):
    person(world, "olive", "officer")
    stranger.get("/sign-in")
    answers = [stranger.post("/sign-in", name="olive", password=f"wrong {n}") for n in range(6)]
    assert {a.status for a in answers[:3]} == {403}
    last = answers[-1]
    assert (last.status, 1 <= int(last.headers["retry-after"]) <= 60) == (429, True)
    assert 'value="olive"' in last.text
