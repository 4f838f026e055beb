"""The API of records: legal holds, redactions, files for requests for information, and the audit log taken away and checked."""

import json

import pytest

from tests.builders import number
from tests.integration.api_acts import each_leaves_one_event
from tests.integration.api_acts_of_records import ACTS_OF_RECORDS, BECAUSE, PERSONAL, ActsOfRecords
from tests.integration.programs import API, program
from tests.integration.test_records import MARK, NAME, sent

DATABASES = ("sqlite",)
ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@pytest.fixture
def ada(world):
    return program(world, "ada", "administrator")


@pytest.fixture
def kim(world):
    return program(world, "kim", "auditor", "data-keeper")


@ON_POSTGRES
def test_each_act_leaves_exactly_one_event_and_none_without_the_right_scope(world, subtests):
    each_leaves_one_event(world, ACTS_OF_RECORDS, ActsOfRecords(world), subtests)


def test_words_are_counted_then_taken_out_for_good_but_never_under_a_hold(world, ada, kim):
    ref = sent(world)
    path = f"/messages/{ref}/redactions"
    held = kim.post("/records/holds", {"kind": "message", "about": ref, **BECAUSE}).json
    found = ada.post(f"{path}/find", {"words": NAME}).json["count"]
    assert found > 0
    under = ada.post(path, {"words": NAME, **PERSONAL})
    assert (under.status, held["ref"] in under.json["detail"]) == (409, True)
    assert kim.post(path, {"words": NAME, **PERSONAL}).status == 403
    assert kim.post(f"/records/holds/{held['ref']}/lift", BECAUSE).json["lifted_by"] == "kim"
    done = ada.post(path, {"words": NAME, **PERSONAL})
    assert (done.status, done.json["by"], done.json["kind"]) == (201, "ada", "text")
    assert ada.post(f"{path}/find", {"words": NAME}).json["count"] == 0
    shown = ada.get(f"/messages/{ref}")
    assert (MARK in shown.text, NAME in shown.text) == (True, False)
    assert [each["code"] for each in ada.get(path).json] == ["personal-data"]


def test_taking_out_wants_the_second_factor(world):
    ref = sent(world)
    stale = program(world, "ada", "administrator", fresh=False)
    refused = stale.post(f"/messages/{ref}/redactions", {"words": NAME, **PERSONAL})
    assert (refused.status, refused.json["type"]) == (403, f"{API}/problems/second-factor-wanted")
    assert stale.post(f"/messages/{ref}/redactions/find", {"words": NAME}).json["count"] > 0


def test_records_for_a_request_for_information_name_no_staff_and_say_that_they_are_whole(world, kim):
    ref, other = sent(world, over=False), world.release(channels=("website",)).ref
    lines = [json.loads(line) for line in kim.post("/records/export", {"form": "jsonl"}).text.splitlines()]
    assert {line["message"] for line in lines[:-1]} == {ref, other}
    assert {line["approved_by"] for line in lines[:-1]} == {"approver"}
    assert lines[-1] == {"end": {"records": len(lines) - 1}}
    one = kim.post("/records/export", {"form": "csv", "message": ref, "staff_names": True})
    assert (one.headers["content-type"], other in one.text, "anna" in one.text) == (
        "text/csv; charset=utf-8",
        False,
        True,
    )
    none = kim.post("/records/export", {"form": "csv", "message": "ZZZZZZ"})
    assert (none.status, none.headers["content-type"]) == (404, "application/problem+json")
    assert kim.get("/records/classes").json[0]["days"] is None


def test_events_are_taken_away_and_the_whole_log_is_checked(world, ada, kim):
    ref = world.release(channels=("website",)).ref
    world.parts.seal.seal()
    taken = kim.post("/audit/export", {"form": "jsonl", "about": ref})
    assert "message_approved_and_released" in taken.text
    assert kim.post("/audit/export", {"form": "csv", "act": "no_such"}).status == 422
    assert kim.post("/audit/seal/check").status == 200
    world.parts.log_check.wait(30)
    found = kim.get("/audit/seal/check").json
    assert (found["running"], found["whole"], found["by"]) == (False, True, "kim")
    assert b"def verify" in kim.get("/audit/verify_audit.py").body
    officer = program(world, "olive", "officer")
    for path in ("/audit/seal/check", "/audit/verify_audit.py", "/records/classes", "/records/holds"):
        assert officer.get(path).status == 403


def test_one_number_is_traced_by_who_may_look_people_up_and_read_the_log(world, ada, kim):
    ref = world.release_texts(3).ref
    found = kim.post("/audit/number", {"number": number(1)})
    assert ([each["ref"] for each in found.json["sent"]], found.json["versions"]) == ([ref], 1)
    assert number(1) not in found.text
    for scopes in (("audit",), ("lists",)):
        narrow = program(world, "kim", scopes=scopes)
        assert narrow.post("/audit/number", {"number": number(1)}).status == 403
    assert program(world, "eva", "auditor").post("/audit/number", {"number": number(1)}).status == 403
