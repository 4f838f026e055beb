"""Storm mode and drills in the console: who may, what is shown over every page, and that nothing typed is lost."""

import re
from types import SimpleNamespace

import pytest

from broadcaster.db.tables import drill, storm
from broadcaster.db.tables import incident as incidents
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.message import Mode
from tests.builders import NO_HURRY
from tests.integration.acts_of_the_desk import hours
from tests.integration.visitor import visitor

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
STRIP = "Routine messages wait"


@pytest.fixture
def olive(world):
    return visitor(world, "olive", "officer")


@pytest.fixture
def anna(world):
    return visitor(world, "anna", "approver")


@pytest.fixture
def rita(world):
    return visitor(world, "rita", "auditor")


def test_storm_mode_stands_over_every_page_while_it_is_on(world, olive, anna, rita):
    assert STRIP not in olive.get("/").text
    olive.get("/storm")
    assert olive.post("/storm/on", {"reason": " "}).status == 409
    assert world.rows(storm) == []
    rita.get("/storm")
    assert rita.post("/storm/on", {"reason": "wind"}).status == 403
    assert world.rows(storm) == []
    assert olive.post("/storm/on", {"reason": "Red wind warning"}).status == 303
    for page in ("/", "/messages", "/incidents", "/me", "/storm", "/drills", "/messages/new"):
        assert STRIP in anna.get(page).text, page
    assert olive.post("/storm/off", {"reason": "It is calm"}).status == 303
    assert STRIP not in anna.get("/").text


def a_plan(world, **changes):
    return {
        "name": "Storm surge",
        "scenario": "The wall is low.",
        "template": "flood",
        "parts": "olive",
        "injects": "0 The mast reports 90 mph",
        "starts": hours(SimpleNamespace(world=world), 2),
        **changes,
    }


def test_a_drill_is_planned_run_and_told_and_says_exercise_at_both_ends(world, olive, anna):
    olive.get("/drills")
    wrong = olive.post("/drills", a_plan(world, injects="soon", **{"bar-approve": "15"}))
    assert (wrong.status, "minutes after the start" in wrong.words) == (422, True)
    assert 'value="Storm surge"' in wrong.text
    assert 'value="15"' in wrong.text
    assert world.rows(drill) == []
    anna.get("/drills")
    assert anna.post("/drills", a_plan(world)).status == 403
    assert olive.post("/drills", a_plan(world)).status == 303
    ref = world.row(drill).ref
    assert "The wall is low" not in anna.get(f"/drills/{ref}").words  # nobody learns it beforehand
    assert olive.post(f"/drills/{ref}/start").status == 303
    assert "EXERCISE: Storm surge" in olive.get("/").words
    page = olive.get(f"/drills/{ref}")
    assert page.text.count('govuk-template__body exercise"') == 1
    assert re.search(r"<title>EXERCISE: .* - EXERCISE</title>", page.text)
    assert re.search(
        r"^EXERCISE\b.*EXERCISE\W*$", page.words.split("Skip to main content")[-1].strip(), re.DOTALL
    )
    assert "The mast reports 90 mph" in page.words
    incident = world.row(incidents, id=world.row(drill).incident_id).ref
    form = olive.get(f"/messages/new/flood?mode=exercise&incident={incident}")
    assert f'<option value="{incident}" selected' in form.text
    assert 'govuk-template__body exercise"' in olive.get(f"/incidents/{incident}").text
    assert olive.post(f"/drills/{ref}/end", {"reason": ""}).status == 303
    lines = olive.get(f"/drills/{ref}/report.csv").text.splitlines()
    assert lines[0].startswith("drill,name,step")
    assert all(line.endswith(",no") for line in lines[1:])
    assert "olive,never,0,0,yes" in olive.get("/drills/people.csv").text


def test_an_approver_reads_that_it_will_wait_and_the_board_says_that_it_is_held(world, rita):
    ref = world.release(channels=("x",), **NO_HURRY).ref
    waiting = world.submit(channels=("x",), **NO_HURRY).ref
    world.parts.storm.switch_on(world.officer, "Red wind warning")
    assert "waits until somebody lets it go" in rita.get(f"/messages/{waiting}/approve").words
    assert "Storm mode holds what is not sent" in rita.get(f"/messages/{ref}/board").words
    both = visitor(world, "otto", "officer")
    assert ref in both.get("/storm").words
    wrong = both.post(f"/storm/held/{ref}", {"decision": "drop", "why": ""})
    assert (wrong.status, "Give a reason" in wrong.words) == (409, True)
    assert world.broadcast(ref).state == "sending"
    assert both.post(f"/storm/held/{ref}", {"decision": "go-on", "why": ""}).status == 303
    world.work(Lane.PUBLIC, mode=Mode.LIVE)
    assert len(world.feed.ledger) == 1
