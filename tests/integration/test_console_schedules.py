"""Schedules in the console: planned, approved with the next ten runs in sight, left out, in the month and in one's own calendar."""

import re

import pytest
from icalendar import Calendar
from typer.testing import CliRunner

from broadcaster.cli.main import app
from broadcaster.db.tables import schedule
from tests.integration.identities import token_of
from tests.integration.planning import SCHEDULE_FORM, approved, fire, set_clock, written
from tests.integration.visitor import visitor

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_a_planner_sets_up_a_weekly_notice_with_an_exception_and_sees_it_approved_calendared_and_sent(world):
    set_clock(world, "2027-01-02T12:00")
    olive, anna = visitor(world, "olive", "officer"), visitor(world, "anna", "approver")
    assert "Nothing is planned yet" in olive.get("/schedules").words
    olive.get("/schedules/new/service-disruption")
    wrong = olive.post("/schedules/new/service-disruption", {**SCHEDULE_FORM, "last": "soon"})
    assert (wrong.status, "Keep it and see the next runs" in wrong.text) == (422, True)
    assert "must be a day such as" in wrong.words
    assert "Tip closed on Mondays" in wrong.text
    kept = olive.post("/schedules/new/service-disruption", SCHEDULE_FORM)
    assert kept.status == 303
    address = kept.onward
    shown = olive.get(address).words
    assert "Every Monday at 09:00" in shown
    assert "Monday 11 January 2027, 09:00" not in shown.partition("The next runs")[2]
    assert "until 6pm Tuesday 5 January" in shown
    assert olive.post(f"{address}/submit").status == 303
    assert olive.post(f"{address}/approve", {"real": "yes", "hash": "x"}).status == 403

    assert "Schedule: Tip closed on Mondays" in anna.get("/").words
    seen = anna.get(f"{address}/approve")
    assert len(re.findall(r'<details class="govuk-details run"', seen.text)) == 10
    found = re.search(r'name="hash" value="([0-9a-f]{64})"', seen.text)
    assert anna.post(f"{address}/approve", {"hash": found[1]}).status == 409
    assert anna.post(f"{address}/approve", {"hash": found[1], "real": "yes"}).status == 303
    month = olive.get("/schedules/calendar?month=2027-01").words
    assert month.count("Tip closed on Mondays") == 3
    set_clock(world, "2027-01-04T09:00:01")
    fire(world)
    world.work_public()
    assert len(world.site.ledger) == 1
    rita = visitor(world, "rita", "auditor")  # olive's session has ended meanwhile
    assert "09:00 sent" in rita.get(address).words.partition("What became of past runs")[2]
    rita.get("/schedules")
    assert rita.post(f"{address}/pause", {"pause_reason": "x"}).status == 403


def test_of_two_who_change_one_the_second_is_told_and_keeps_what_was_typed(world):
    set_clock(world, "2027-01-02T12:00")
    ref = world.parts.schedule_writing.add(world.person("otto", "officer"), written()).ref
    olive, odile = visitor(world, "olive", "officer"), visitor(world, "odile", "officer")
    address = f"/schedules/{ref}/change"
    (base,) = {re.search(r'name="base" value="(\d+)"', who.get(address).text)[1] for who in (olive, odile)}
    assert olive.post(address, {**SCHEDULE_FORM, "name": "Tip open", "base": base}).status == 303
    late = odile.post(address, {**SCHEDULE_FORM, "name": "Tip shut", "base": base})
    assert (late.status, "changed meanwhile by olive" in late.words, "Tip shut" in late.text) == (
        422,
        True,
        True,
    )
    assert world.row(schedule).name != "Tip shut"
    again = re.search(r'name="base" value="(\d+)"', late.text)[1]
    assert odile.post(address, {**SCHEDULE_FORM, "name": "Tip shut", "base": again}).status == 303


def test_a_calendar_program_reads_what_is_planned_under_its_own_address_until_that_ends(world):
    set_clock(world, "2027-01-02T12:00")
    approved(world, without=("2027-01-11",))
    olive = visitor(world, "otto", "officer")
    olive.get("/schedules/calendar")
    made = olive.post("/schedules/calendar/address")
    secret = re.search(r"/calendar/([\w-]{43})\.ics", made.text)[1]
    nobody = visitor(world, "rita", "auditor")
    nobody.cookie = ""
    found = nobody.ask("GET", f"/calendar/{secret}.ics")
    events = Calendar.from_ical(found.body).walk("VEVENT")
    assert f"{events[0]['dtstart'].dt:%Y-%m-%d %H:%M}" == "2027-01-04 09:00"
    assert f"{events[1]['dtstart'].dt:%Y-%m-%d %H:%M}" == "2027-01-18 09:00"
    assert nobody.ask("GET", f"/calendar/{secret.swapcase()}.ics").status == 404
    olive.get("/schedules/calendar")
    olive.post("/schedules/calendar/address/end")
    assert nobody.ask("GET", f"/calendar/{secret}.ics").status == 404


def test_on_the_command_line_it_is_listed_with_its_runs_and_what_the_clocks_do(world, monkeypatch):
    set_clock(world, "2027-03-20T12:00")
    plan = {"starts": written().plan.starts.replace(hour=1, minute=30), "rule": "FREQ=DAILY"}
    ref = world.parts.schedule_writing.add(world.officer, written(**plan)).ref
    monkeypatch.setenv("BROADCASTER_DATA_DIR", str(world.folder / "var"))
    monkeypatch.setenv("BROADCASTER_DATABASE_URL", world.database.url)
    monkeypatch.setenv("BROADCASTER_TOKEN", token_of(world, world.officer))
    for command in (["list"], ["calendar"], ["calendar", "--ics"]):
        answer = CliRunner().invoke(app, ["schedule", *command])
        assert answer.exit_code == 0, answer.output
    told = {f"{r.planned.at:%d %H:%M}": r.planned.told for r in world.parts.schedules.one(ref).upcoming}
    assert "it goes at 02:00, the next moment" in told.pop("28 01:00")
    assert set(told.values()) == {""}
    assert world.size(schedule) == 1
