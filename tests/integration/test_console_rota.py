"""The rota in the console: who is on call, who stands in, who has seen it, and how they are reached."""

import json
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from broadcaster.cli.main import app
from broadcaster.db.tables import audit_event, duty
from tests.integration.identities import person, token_of
from tests.integration.visitor import Visitor, visitor

DATABASES = ("sqlite",)

ZONE = ZoneInfo("Europe/London")


@pytest.fixture
def olive(world):
    return visitor(world, "olive", "officer")


@pytest.fixture
def anna(world):
    return visitor(world, "anna", "approver")


def at(world, hours):
    return f"{(world.now() + timedelta(hours=hours)).astimezone(ZONE):%Y-%m-%dT%H:%M}"


def enter(world, who, name, starts, ends, **more):
    who.get("/manage/rota")
    times = {"starts": at(world, starts), "ends": at(world, ends)}
    return who.post("/manage/rota", {"name": name, "role": "approver", **times, **more})


def one_event(world, before, act):
    rows = world.rows(audit_event)
    assert (len(rows) - before, rows[-1].act) == (1, act)
    return rows[-1].payload


def test_somebody_is_entered_says_so_and_is_found_on_home_with_a_way_to_reach_her(world, olive, anna):
    assert "Nobody is entered" in olive.get("/manage/rota").words
    before = world.size(audit_event)
    assert enter(world, olive, "anna", -1, 8).status == 303
    one_event(world, before, "duty_entered")
    home = anna.get("/")
    assert "You are on call from" in home.words
    assert "has not seen it yet" in olive.get("/").words
    before = world.size(audit_event)
    assert anna.post(re.search(r"/manage/rota/[\w-]+/seen", home.text)[0]).status == 303
    one_event(world, before, "duty_acknowledged")
    anna.get("/manage/rota")
    before = world.size(audit_event)
    assert anna.post("/manage/rota/contact", phone="01632 960123", mail="anna@wyre.example").status == 303
    payload = one_event(world, before, "contact_changed")
    assert "960123" not in payload
    assert "wyre" not in payload
    shown = olive.get("/")
    assert "On call now anna" in shown.words
    assert "has not seen it yet" not in shown.words
    assert 'href="tel:01632960123"' in shown.text
    assert "960123" not in Visitor(world.parts).get("/sign-in").text
    world.clock.advance(8.5 * 3600)
    later = visitor(world, "late", "officer")
    assert "anna" not in later.get("/").words
    assert "Nobody is entered" in later.get("/").words


def test_who_stands_in_is_on_call_instead_and_gaps_and_overlaps_are_told(world, olive, anna):
    person(world, "beth", "approver")
    enter(world, olive, "anna", 0, 4)
    enter(world, olive, "beth", 1, 2, covers="anna")
    enter(world, olive, "beth", 6, 8)
    page = olive.get("/manage/rota")
    assert page.words.count("Nobody is on call as approver from") == 2
    assert "are both on call" not in page.words
    world.clock.advance(3600 + 60)
    fresh = visitor(world, "oscar", "officer")
    assert "On call now beth , approver , for anna" in re.sub(
        r"\s+", " ", fresh.get("/").words.replace(",", " ,")
    )
    enter(world, fresh, "anna", 6, 7)
    assert "anna and beth are both on call as approver" in re.sub(
        "beth and anna", "anna and beth", fresh.get("/manage/rota").words
    )


def test_what_cannot_be_is_refused_and_nothing_typed_is_lost(world, olive, anna):
    for wrong, said in (
        ({"ends": at(world, -2)}, "It must end after it begins"),
        ({"starts": at(world, -9), "ends": at(world, -8)}, "over already"),
        ({"ends": at(world, 24 * 40)}, "more than 31 days"),
        ({"starts": "2027-03-28T01:30"}, "does not come"),
        ({"name": "nobody"}, 'no user "nobody"'),
        ({"role": "king"}, "no role on call"),
        ({"covers": "anna"}, "stand in for himself"),
    ):
        before = world.size(audit_event)
        olive.get("/manage/rota")
        fields = {"name": "anna", "role": "approver", "starts": at(world, 1), "ends": at(world, 2), **wrong}
        answer = olive.post("/manage/rota", fields)
        assert (answer.status, said in answer.words) == (422, True), said
        assert f'value="{fields["starts"]}"' in answer.text
        assert (world.size(duty), world.size(audit_event) - before) == (0, 0)
    olive.get("/manage/rota")
    assert olive.post("/manage/rota/contact", phone="ring me", mail="").status == 422
    assert olive.post("/manage/rota/contact", phone="", mail="no address").status == 422


def test_only_officers_and_administrators_change_it_and_only_one_self_says_seen(world, olive, anna):
    enter(world, olive, "anna", 0, 4)
    (entry,) = world.rows(duty)
    anna.get("/manage/rota")
    assert "Enter somebody" not in anna.page
    before = world.size(audit_event)
    fields = {"name": "anna", "role": "approver", "starts": at(world, 1), "ends": at(world, 2)}
    assert (
        "Only an administrator or an officer may change the rota" in anna.post("/manage/rota", fields).words
    )
    assert anna.post(f"/manage/rota/{entry.uid}/remove").status == 403
    olive.get("/manage/rota")
    assert "Only anna can say so" in olive.post(f"/manage/rota/{entry.uid}/seen").words
    assert world.size(audit_event) == before
    assert olive.post(f"/manage/rota/{entry.uid}/remove").status == 303
    one_event(world, before, "duty_removed")
    assert "taken out meanwhile" in olive.post(f"/manage/rota/{entry.uid}/remove").words
    kim = visitor(world, "kim", "data-keeper")
    assert kim.get("/manage/rota").status == 403


def test_the_command_line_does_the_same(world, monkeypatch):
    token = token_of(world, person(world, "olive", "officer"))
    for name, value in {
        "DATABASE_URL": world.database.url,
        "DATA_DIR": str(world.folder),
        "TOKEN": token,
    }.items():
        monkeypatch.setenv(f"BROADCASTER_{name}", value)

    def run(*words):
        return CliRunner().invoke(app, ["rota", *words])

    assert "Nobody is entered" in run("list").stdout
    now = datetime.now(UTC)  # the command line asks the real clock
    times = [f"{(now + timedelta(hours=h)).astimezone(ZONE):%Y-%m-%dT%H:%M}" for h in (-1, 2)]
    made = run("add", "olive", "--from", times[0], "--until", times[1], "--json")
    uid = json.loads(made.stdout)["id"]
    assert run("contact", "--phone", "01632 960123").exit_code == 0
    assert run("seen", uid).exit_code == 0
    assert "On call now: olive (duty-officer), 01632 960123" in run("list").stdout
    found = json.loads(run("list", "--json").stdout)
    assert (found["now"][0]["person"], found["planned"][0]["acknowledged_at"] is not None) == ("olive", True)
    assert len(found["gaps"]) == 1
    assert run("remove", uid).exit_code == 0
    assert "taken out meanwhile" in run("seen", uid).stderr
