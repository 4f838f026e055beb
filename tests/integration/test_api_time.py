"""The API of what brings time: what each route does and leaves in the audit log, and that it tells what the command line tells."""

import pytest

from broadcaster.db.tables import incident, schedule_run
from broadcaster.render.notices import shipped_example
from tests.builders import NO_HURRY
from tests.integration.api_acts import each_leaves_one_event
from tests.integration.api_acts_of_time import ACTS_OF_TIME, FOR_READERS, WATCHED, ActsOfTime
from tests.integration.asgi import web_of
from tests.integration.planning import approved, fire, set_clock
from tests.integration.programs import API, Program, program
from tests.integration.weather import Fetching, lay, watch, watching

DATABASES = ("sqlite",)
ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@pytest.fixture
def olive(world):
    return program(world, "olive", "officer")


@pytest.fixture
def anna(world):
    return program(world, "anna", "approver")


@ON_POSTGRES
def test_each_act_leaves_exactly_one_event_and_none_without_the_right_scope(world, subtests):
    watching(world, Fetching())
    each_leaves_one_event(world, ACTS_OF_TIME, ActsOfTime(world), subtests, for_readers=FOR_READERS)


def test_a_correction_begins_with_what_was_said_and_goes_through_the_four_eyes(world, olive, anna):
    ref = world.release(channels=("website",)).ref
    world.work_public()
    known = olive.get(f"/messages/{ref}/follow-ups").json
    assert (known["purposes"][0], known["sent_in_error"]) == ("correction", None)
    begun = olive.get(f"/messages/{ref}/follow-ups/correction").json
    assert (begun["said"]["area"], begun["channels"]) == (begun["values"]["area"], ["website"])
    body = {"purpose": "correction", "values": {"action": "Stay indoors."}}
    made = olive.post(f"/messages/{ref}/follow-ups", body, idempotency_key="a-key")
    again = olive.post(f"/messages/{ref}/follow-ups", body, idempotency_key="a-key")
    assert (made.status, again.body) == (201, made.body)
    follow_up = made.json["reference"]
    assert made.headers["location"] == f"{API}/messages/{follow_up}"
    assert made.json["facts"]["instruction"] == "Stay indoors."
    follows = olive.get(f"/messages/{follow_up}/follow-ups").json["follows"]
    assert (follows["reference"], follows["said"]["instruction"] != "Stay indoors.") == (ref, True)
    digest = olive.post(f"/messages/{follow_up}/submit").json["decision"]["manifest_sha256"]
    assert anna.post(f"/messages/{follow_up}/approve", {"manifest_sha256": digest}).status == 200
    missing = olive.post(f"/messages/{ref}/follow-ups", {"purpose": "sent-in-error"})
    assert (missing.status, "comes down" in missing.json["detail"]) == (422, True)


def test_what_lies_ready_is_told_and_sent_once(world, olive):
    acts = ActsOfTime(world)
    who, path, body = acts.in_error()
    ref = path.split("/")[2]
    ready = who.get(f"/messages/{ref}/follow-ups").json["sent_in_error"]
    assert ready["posts"][0]["channel"] == "website"
    sent = who.post(path, body)
    assert (sent.status, sent.json["reference"]) == (200, ready["reference"])
    twice = who.post(path, body)
    assert (twice.status, twice.json["type"]) == (409, f"{API}/problems/stale")


def test_a_series_stays_in_the_languages_that_were_named_until_others_are(world, olive):
    body = ActsOfTime(world).whole()
    new = {**body, "template": "service-disruption", "mode": "live", "languages": ["cy"]}
    made = olive.post("/schedules", new).json
    assert made["languages"] == ["en", "cy"]
    path = f"/schedules/{made['reference']}"
    assert olive.ask("PUT", path, {**body, "base": 1}).json["languages"] == ["en", "cy"]
    assert olive.ask("PUT", path, {**body, "base": 2, "languages": []}).json["languages"] == []
    many = {**new, "languages": [f"{letter * 60}" for letter in "abcdefghij"]}
    for refused in (many, {**new, "languages": ["fr"]}):
        answer = olive.post("/schedules", refused)
        assert (answer.status, "has no wording in" in answer.text) == (422, True)


def test_a_series_is_planned_shown_word_for_word_approved_and_sent(world, olive, anna):
    set_clock(world, "2027-01-01T12:00")
    acts = ActsOfTime(world)
    plan = {
        "starts": "2027-01-04T09:00",
        "last": "2027-03-31",
        "rule": "FREQ=WEEKLY;BYDAY=MO",
        "zone": "Europe/London",
    }
    body = {**acts.whole(), "plan": plan, "template": "service-disruption", "mode": "live"}
    made = olive.post("/schedules", body)
    assert (made.status, made.json["state"], made.json["problems"]) == (201, "draft", [])
    ref = made.json["reference"]
    ahead = made.json["ahead"]
    assert (len(ahead), ahead[0]["at"]) == (10, "2027-01-04T09:00:00Z")
    assert "the tip in Preesall" in next(iter(ahead[0]["posts"].values()))
    digest = olive.post(f"/schedules/{ref}/submit").json["hash"]
    wrong = anna.post(f"/schedules/{ref}/approve", {"hash": "0" * 64})
    assert (wrong.status, wrong.json["type"]) == (409, f"{API}/problems/stale")
    assert anna.post(f"/schedules/{ref}/approve", {"hash": digest}).json["state"] == "approved"
    left_out = {"at": "2027-01-11T09:00", "reason": "bank holiday"}  # by the schedule's own clock
    assert olive.post(f"/schedules/{ref}/skip", left_out).status == 200
    assert olive.get(f"/schedules/{ref}").json["ahead"][1]["left_out_by"] == "olive"
    assert olive.get("/schedules").json["items"][0]["next"] == "2027-01-04T09:00:00Z"
    days = olive.get("/calendar?days=14").json["items"]
    assert [(day["ref"], day["state"]) for day in days] == [(ref, "planned"), (ref, "skipped")]
    set_clock(world, "2027-01-04T09:00")
    fire(world)
    (run,) = olive.get(f"/schedules/{ref}").json["past"]
    assert (run["state"], run["planned_at"]) == ("sent", "2027-01-04T09:00:00Z")
    assert olive.get(f"/messages/{run['message']}").status == 200
    assert [row.state for row in world.rows(schedule_run)].count("sent") == 1


def test_of_two_programs_that_change_a_schedule_the_second_is_told(world, olive):
    acts = ActsOfTime(world)
    path, whole = acts.planned(), acts.whole()
    base = olive.get(path).json["version"]
    first = olive.ask("PUT", path, {**whole, "base": base})
    assert (first.status, first.json["version"]) == (200, base + 1)
    late = program(world, "odile", "officer").ask("PUT", path, {**whole, "name": "Mine", "base": base})
    assert (late.status, "changed meanwhile by olive" in late.json["detail"]) == (409, True)
    assert (olive.get(path).json["version"], olive.ask("PUT", path, whole).status) == (base + 1, 422)


def test_an_own_calendar_is_read_under_its_address_until_that_ends(world, olive):
    set_clock(world, "2027-01-01T12:00")
    ref = approved(world)
    address = olive.post("/calendar/address").json["address"]
    path = "/" + address.partition("://")[2].partition("/")[2]
    site = Program(web_of(world.parts), prefix="")
    assert ref.encode() in site.get(path).body
    assert olive.ask("DELETE", "/calendar/address").status == 200
    assert site.get(path).status == 404


def test_a_storm_holds_and_each_thing_that_it_held_is_decided_about(world, olive):
    assert olive.get("/storm").json == {"on": None, "held": [], "past": []}
    first, second, third = (world.release(channels=("website",), **NO_HURRY).ref for _ in range(3))
    assert olive.post("/storm/on", {"reason": "Red wind warning"}).json == {"on": True, "held": 3}
    again = olive.post("/storm/on", {"reason": "Red wind warning"})
    assert (again.status, again.json["type"]) == (409, f"{API}/problems/stale")
    weather = olive.get("/storm").json
    assert (weather["on"]["on_by"], {each["ref"] for each in weather["held"]}) == (
        "olive",
        {first, second, third},
    )
    unreasoned = olive.post(f"/storm/held/{first}", {"decision": "drop"})
    assert (unreasoned.status, "reason" in unreasoned.json["detail"]) == (422, True)
    assert olive.post(f"/storm/held/{first}", {"decision": "go-on"}).json["decided"] == [first]
    kind = weather["held"][0]["template"]
    rest = olive.post(f"/storm/kinds/{kind}", {"decision": "drop", "reason": "open again"}).json
    assert (sorted(rest["decided"]), rest["hindered"]) == (sorted([second, third]), [])
    assert olive.post("/storm/off", {"reason": "It has ended"}).json == {"on": False, "waiting": 0}


def test_a_feed_is_watched_and_its_warning_becomes_a_draft_or_a_decision(world, olive):
    fetching = Fetching()
    uid, ada = watch(world, fetching), program(world, "ada", "administrator")
    fetching.issue(headline="Amber warning of wind", event="wind")
    assert ada.post(f"/feeds/{uid}/check").json == {"uid": uid, "new": 1, "laid": 1, "said": ""}
    watched = olive.get("/feeds").json["items"][0]
    assert (watched["heard"], watched["rules"][0]["least"]) == (1, "Moderate")
    (found,) = olive.get("/warnings").json["items"]
    whole = olive.get(f"/warnings/{found['uid']}").json
    assert (whole["words"][0]["headline"], whole["state"]) == ("Amber warning of wind", "waiting")
    example = shipped_example("severe-weather")
    values = {
        name: example[name] for name in ("colour", "expires", "phone", "source", "next_update", "action")
    }
    taken = olive.post(f"/warnings/{found['uid']}/take", {"values": values, "channels": ["website"]})
    assert (taken.status, taken.json["state"]) == (201, "draft"), taken.json
    after = olive.get(f"/warnings/{found['uid']}").json
    assert (after["state"], after["ref"]) == ("written", taken.json["reference"])
    other = lay(world, 1, "second").uid
    refused = olive.post(f"/warnings/{other}/dismiss", {"reason": " "})
    assert refused.status == 422
    made = olive.post(f"/warnings/{other}/dismiss", {"reason": "Only the hills"}).json
    assert world.row(incident, ref=made["incident"]).closed_at is not None
    assert other not in {each["uid"] for each in olive.get("/warnings").json["items"]}
    assert {e["state"] for e in olive.get("/warnings?past=true").json["items"]} >= {"dismissed"}
    twice = ada.post("/feeds", {**WATCHED, "name": "met office"})
    assert (twice.status, twice.json["type"]) == (422, f"{API}/problems/invalid")


def test_a_drill_is_planned_run_and_reported(world, olive, anna):
    acts = ActsOfTime(world)
    ref = olive.post(*acts.plan_drill()[1:]).json["reference"]
    begun = olive.post(f"/drills/{ref}/start").json
    body = {"template": "flood", "mode": "exercise", "incident": begun["incident"], "channels": ["website"]}
    made = olive.post("/messages", {**body, "values": shipped_example("flood")})
    assert made.status == 201, made.json
    report = olive.get(f"/drills/{ref}").json
    assert (report["drill"]["state"], report["drill"]["injects"][0]["after_minutes"]) == ("running", 10)
    assert {score["step"]: score["bar_s"] for score in report["scores"]}["approve"] == 60
    assert olive.post(f"/drills/{ref}/end", {}).json == {"reference": ref, "state": "ended"}
    people = {each["person"]: each for each in anna.get("/practice").json["items"]}
    assert [step["step"] for step in people["olive"]["steps"] if step["met"]] == ["draft"]
    assert (people["olive"]["stale"], people["anna"]["stale"]) == (False, True)


def test_who_is_paged_and_what_was_sent_alone_is_listed(world, olive, anna):
    ref = world.submit(channels=("website",)).ref
    world.parts.paging.look()
    found = anna.get("/pages").json
    assert ([each["subject"] for each in found["items"]], found["if_nobody_answers"]) == (
        [ref],
        "nothing is sent",
    )
    assert anna.post(f"/messages/{ref}/on-it").status == 200
    assert anna.get("/pages").json["items"][0]["acknowledged_by"] == "anna"
    assert olive.get("/break-glass").json["items"] == []
    assert olive.get(f"/messages/{ref}/alone").json == {"under": None, "events": [], "lacks": []}


def test_the_pages_of_every_list_of_time_hold_each_thing_once(world, subtests):
    watching(world, Fetching())
    acts, everything = ActsOfTime(world), program(world, "ed", "administrator", "officer", "auditor")
    for _ in range(3):
        acts.planned(approved=True)
        acts.planned_drill()
    everything.post("/feeds", {**WATCHED, "name": "Met Office"})
    for no in "123":
        lay(world, 1, no)
    for path, least in (
        ("/schedules", 3), ("/calendar?days=30", 9), ("/drills", 3), ("/practice", 3), ("/feeds", 1), ("/warnings", 3),
        ("/pre-authorised", 0), ("/delegations", 0), ("/pages?past=true", 0), ("/break-glass", 0),
    ):  # fmt: skip
        with subtests.test(path):
            joint = "&" if "?" in path else "?"
            whole = everything.get(f"{path}{joint}limit=200").json["items"]
            assert len(whole) >= least
            parts, cursor = [], ""
            while cursor is not None:
                page = everything.get(f"{path}{joint}limit=2&cursor={cursor}").json
                parts += page["items"]
                cursor = page["next"]
            assert parts == whole
