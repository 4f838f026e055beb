"""Retired notice templates in the console: a form and a notice on their pages, and nothing of them where one is chosen."""

import re

import pytest

from broadcaster.db.tables import template_version, worksheet
from tests.integration.planning import approved, set_clock
from tests.integration.programs import program
from tests.integration.test_retired_templates import SATURDAY, TIP, WHY, retire
from tests.integration.visitor import visitor
from tests.integration.weather import Fetching, look, watch

DATABASES = ("sqlite",)


@pytest.fixture(autouse=True)
def staff(world):
    """There before anything is refused."""
    return world.administrator, world.officer, world.approver


def test_a_template_is_retired_and_brought_back_in_the_pages(world):
    ada = visitor(world, "ada", "administrator")
    assert "Retired" not in ada.get("/manage/templates").words
    assert "Retire this template" in ada.get("/manage/templates/flood").words
    acts = world.acts()
    without = ada.post("/manage/templates/flood/retire", base="0")
    assert (without.status, "Give a reason" in without.words) == (409, True)
    assert re.search(r'<details class="govuk-details" open>.{0,200}Retire this template', without.text)
    late = ada.post("/manage/templates/flood/retire", base="3", reason=WHY)
    assert (late.status, "changed meanwhile" in late.words) == (409, True)
    assert world.acts() == acts
    assert ada.post("/manage/templates/flood/retire", base="0", reason=WHY).status == 303
    assert world.acts()[len(acts) :] == ["template_retired"]
    listed = ada.get("/manage/templates").words.partition("Nothing new is written from these")
    assert "Flood" not in listed[0]
    assert "ada" in listed[2]
    assert WHY in listed[2]
    shown = ada.get("/manage/templates/flood")
    assert "ada retired it" in shown.words
    assert WHY in shown.words
    assert "Retire this template" not in shown.words
    assert "Edit it, which brings it back" in shown.words
    assert (shown.status, "retired: " + WHY in shown.words) == (200, True)
    assert ada.get("/manage/templates/flood/diff?before=0&after=1").status == 200
    version = re.search(r'name="version" value="(\d+)"', shown.text)[1]
    empty = ada.post("/manage/templates/flood/put-back", version=version, reason=" ")
    assert (empty.status, "Give a reason" in empty.words) == (409, True)
    assert ada.post("/manage/templates/flood/put-back", version=version, reason="needed").status == 303
    assert "ada retired it" not in ada.get("/manage/templates/flood").words
    assert "Retired" not in ada.get("/manage/templates").words


def test_the_forms_do_not_offer_a_retired_one_and_say_why_where_it_is_asked_for(world):
    olga, anna = visitor(world, "olga", "officer"), visitor(world, "petra", "approver")
    places = ((olga, "/messages/new"), (olga, "/schedules/new"), (anna, "/manage/pre-authorised"))
    assert all("Flood" in who.get(path).words for who, path in places)
    retire(world)
    assert not any("Flood" in who.get(path).words for who, path in places)
    for path in ("/messages/new/flood", "/schedules/new/flood"):
        refused = olga.get(path)
        assert (refused.status, WHY in refused.words) == (409, True)
    assert "Flood" not in olga.get("/drills").words
    assert "Flood" not in olga.get("/manage/feeds").words


def test_who_may_only_look_sees_that_it_is_retired_and_no_form(world):
    petra = visitor(world, "petra", "approver")
    assert "Retire this template" not in petra.get("/manage/templates/flood").words
    assert petra.post("/manage/templates/flood/retire", base="0", reason=WHY).status == 409
    assert world.size(template_version) == 0
    retire(world)
    shown = petra.get("/manage/templates/flood").words
    assert "adam retired it" in shown
    assert "Bring it back" not in shown


def test_a_warning_is_not_written_from_with_it_and_nobody_is_said_to_be_at_it(world):
    source = Fetching()
    feed = watch(world, source)
    source.issue(hours=1_000)
    look(world, feed)
    world.parts.feeds.remove(world.administrator, feed)
    retire(world, "severe-weather")
    (waits,) = world.parts.feed_warnings.waiting(world.officer)
    olga = visitor(world, "olga", "officer")
    assert olga.get(f"/warnings/{waits.uid}").status == 200
    refused = olga.post(f"/warnings/{waits.uid}/write")
    assert (refused.status, WHY in refused.words) == (409, True)
    assert world.rows(worksheet) == []
    assert "olga is writing from it" not in visitor(world, "otto", "officer").get("/").words


def test_the_pages_of_schedules_say_it_beforehand(world):
    set_clock(world, SATURDAY)
    ref = approved(world)
    retire(world, TIP)
    rita = visitor(world, "rita", "auditor")
    (listed,) = program(world, "rita").get("/schedules").json["items"]
    assert WHY in listed["problem"]
    for path in ("/schedules", f"/schedules/{ref}"):
        assert WHY in rita.get(path).words
    assert rita.get("/schedules/calendar?month=2027-01").words.count("cannot go out") == 4
