"""The API: what each route does and leaves in the audit log, who may not, and how it says so."""

import json
import re
import threading

import pytest

from broadcaster.db.tables import message, request_once, submission
from broadcaster.render.notices import shipped_example
from broadcaster.web.console.guard import COOKIE
from tests.builders import VALUES
from tests.integration.asgi import web_of
from tests.integration.desk import ROOT
from tests.integration.identities import with_app
from tests.integration.programs import API, DRAFT, Program, program
from tests.integration.visitor import visitor

DATABASES = ("sqlite",)


@pytest.fixture
def values():
    return shipped_example("severe-weather")


@pytest.fixture
def olive(world):
    return program(world, "olive", "officer")


@pytest.fixture
def anna(world):
    return program(world, "anna", "approver")


@pytest.fixture
def ada(world):
    return program(world, "ada", "administrator")


def test_a_message_goes_from_a_draft_to_every_channel(world, olive, anna, values):
    made = olive.post("/messages", {**DRAFT, "values": values})
    assert (made.status, made.json["state"], made.json["problems"]) == (201, "draft", [])
    ref = made.json["reference"]
    assert made.headers["location"] == f"{API}/messages/{ref}"
    submitted = olive.post(f"/messages/{ref}/submit")
    digest = submitted.json["decision"]["manifest_sha256"]
    shown = anna.get(f"/messages/{ref}").json
    assert shown == submitted.json
    assert (shown["decision"]["submitted_by"], shown["facts"]["headline"]) == (
        "olive",
        shown["posts"][0]["title"],
    )
    other = anna.post(f"/messages/{ref}/approve", {"manifest_sha256": "0" * 64})
    assert (other.status, other.json["type"]) == (409, f"{API}/problems/stale")
    released = anna.post(f"/messages/{ref}/approve", {"manifest_sha256": digest})
    assert (released.status, released.json["public_posts"]) == (200, 1)
    world.work_public()
    told = anna.get(f"/messages/{ref}/deliveries").json
    assert (told["totals"], told["planned"], told["adds_up"]) == ({"accepted": 1}, 1, True)
    assert [m["reference"] for m in anna.get("/messages").json["items"]] == [ref]


def test_the_message_that_the_document_shows_can_be_drafted(world, olive):
    (body,) = re.findall(
        r"--data '(\{\s+\"template.*?\}\})'", (ROOT / "docs" / "api.md").read_text(), re.DOTALL
    )
    assert olive.post("/messages", json.loads(body)).json["problems"] == []


def test_how_it_would_read_is_told_and_nothing_is_kept(world, olive, values):
    olive.get("/me")  # notes that the token was used
    before = world.snapshot()
    look = olive.post("/messages/look", {**DRAFT, "values": values}).json
    assert look["posts"][0]["title"]
    assert world.snapshot() == before
    ref = world.draft()
    again = olive.post(
        f"/messages/{ref}/look", {"values": {**VALUES, "area": "Knott End"}, "channels": ["x"]}
    )
    assert "Knott End" in again.json["posts"][0]["parts"][0]
    assert world.parts.compose.preview(ref).version == 1


def test_an_edit_names_the_version_it_began_from(world, olive):
    ref = world.draft()
    edit = {"values": {**VALUES, "area": "Knott End"}, "channels": ["website"], "base": 1}
    assert olive.ask("PUT", f"/messages/{ref}", edit).json["version"] == 2
    late = olive.ask("PUT", f"/messages/{ref}", edit)
    assert (late.status, "version 2" in late.json["detail"]) == (409, True)


# --- the second factor -------------------------------------------------------------------------------------


def test_a_live_message_wants_a_second_factor_that_was_given_for_the_token(world):
    app = with_app(world, "zoe", "approver")
    zoe, made = program(world, "zoe", fresh=False), world.submit()
    body = {"manifest_sha256": made.manifest_sha256}
    refused = zoe.post(f"/messages/{made.ref}/approve", body)
    assert (refused.status, refused.json["type"]) == (403, f"{API}/problems/second-factor-wanted")
    wrong = zoe.post("/me/second-factor", {"code": "000000"})
    assert (wrong.status, zoe.get("/me").json["factor_at"]) == (403, None)
    assert zoe.post("/me/second-factor", {"code": app.next_code()}).status == 200
    assert zoe.post(f"/messages/{made.ref}/approve", body).status == 200


def test_who_guesses_codes_is_told_when_to_try_again(world):
    with_app(world, "zoe", "approver")
    zoe = program(world, "zoe", fresh=False)
    for _ in range(20):
        answer = zoe.post("/me/second-factor", {"code": "000000"})
        if answer.status == 429:
            break
    assert answer.json["type"] == f"{API}/problems/try-later"
    assert int(answer.headers["retry-after"]) > 0


# --- once ---------------------------------------------------------------------------------------------------


def test_the_same_request_with_the_same_key_is_done_once_and_answered_alike(world, olive, values):
    body = {**DRAFT, "values": values}
    first = olive.post("/messages", body, idempotency_key='"a-key"')
    again = olive.post("/messages", body, idempotency_key="a-key")
    assert (again.status, again.body) == (201, first.body)
    assert again.headers["location"] == first.headers["location"]
    assert world.size(message) == 1
    ref = first.json["reference"]
    one, two = (olive.post(f"/messages/{ref}/submit", idempotency_key="another") for _ in range(2))
    assert (one.status, two.status, one.body == two.body) == (200, 200, True)
    assert world.size(submission) == 1


def test_a_key_is_for_one_request_of_one_user(world, olive, values):
    body = {**DRAFT, "values": values}
    olive.post("/messages", body, idempotency_key="a-key")
    other = olive.post("/messages", {**body, "mode": "exercise"}, idempotency_key="a-key")
    assert (other.status, other.json["type"]) == (422, f"{API}/problems/key-reused")
    oscar = program(world, "oscar", "officer")
    assert oscar.post("/messages", body, idempotency_key="a-key").status == 201
    assert world.size(message) == 2


def test_of_two_at_once_one_is_done(world, olive):
    ref, answers = world.draft(), []
    together = threading.Barrier(2)

    def submit():
        together.wait()
        answers.append(olive.post(f"/messages/{ref}/submit", idempotency_key="a-key"))

    threads = [threading.Thread(target=submit) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert world.size(submission) == 1
    statuses = sorted(a.status for a in answers)
    assert statuses in ([200, 200], [200, 409])
    if statuses == [200, 409]:
        assert [a.json["type"] for a in answers if a.status == 409] == [f"{API}/problems/key-at-work"]


def test_what_was_refused_frees_its_key_and_what_broke_off_keeps_it(world, olive):
    ref = world.draft(audience="", channels=("sms",))
    refused = olive.post(f"/messages/{ref}/submit", idempotency_key="a-key")
    assert (refused.status, bool(refused.json["errors"])) == (422, True)
    assert world.size(request_once) == 0
    ref = world.draft()
    answered = olive.post(f"/messages/{ref}/submit", idempotency_key="a-key")
    world.change(
        request_once, {"status": None}
    )  # as it is where the process died before it could write the answer down
    again = olive.post(f"/messages/{ref}/submit", idempotency_key="a-key")
    assert (answered.status, again.status, again.json["type"]) == (200, 409, f"{API}/problems/key-at-work")
    assert world.size(submission) == 1


def test_keys_are_kept_for_a_day(world, olive):
    olive.post(f"/messages/{world.draft()}/submit", idempotency_key="a-key")
    world.clock.advance(60 * 60 * 23)
    world.parts.requests_once.wipe_old()
    assert world.size(request_once) == 1
    world.clock.advance(60 * 60 * 2)
    world.parts.leftovers.wipe_what_was_told()
    assert world.size(request_once) == 0


# --- lists ---------------------------------------------------------------------------------------------------


def test_lists_come_by_pages_and_each_tells_where_the_next_begins(world, olive):
    refs = [world.draft() for _ in range(5)][::-1]
    seen, path = [], "/messages?limit=2"
    while path:
        page = olive.get(path)
        seen.append([m["reference"] for m in page.json["items"]])
        link = page.headers.get("link", "")
        assert bool(link) == bool(page.json["next"])
        path = link.partition(">")[0].removeprefix("<" + API)
    assert seen == [refs[:2], refs[2:4], refs[4:]]


def test_the_pages_of_every_list_hold_each_thing_once(world, ada, subtests):
    world.add_audience("one", 1), world.add_audience("two", 1)
    for name in ("ben", "cid", "dot"):
        program(world, name, "officer")
    for _ in range(3):
        ada.get("/me")
        ada.post("/tokens", {"days": 1})
    everything = program(world, "ed", "administrator", "officer", "auditor")
    for path, least in (
        ("/users", 4), ("/tokens?of=*", 5), ("/audiences", 2), ("/templates", 5), ("/channels", 5),
        ("/audit/events", 3), ("/proposals?past=true", 0), ("/alarms?past=true", 0), ("/unknowns", 0),
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


def test_a_cursor_that_is_none_of_ours_is_refused(world):
    ed = program(world, "ed", "administrator", "auditor")
    for path in ("/messages", "/audit/events", "/templates", "/unknowns", "/users"):
        for cursor in ("!", "bnVsbA", "W10", "eyJhIjoxfQ", "WzFlOTk5LDFd", "WyJ4Iiwi"):
            assert ed.get(f"{path}?cursor={cursor}").status == 422, (path, cursor)


# --- how it says that something went wrong --------------------------------------------------------------------


def test_each_problem_is_told_as_rfc_9457_has_it_and_its_type_leads_to_what_it_means(world, olive):
    cases = {
        "/nothing": 404, "/messages/ZZZZZZ": 404, "/messages?limit=0": 422, "/messages?limit=201": 422,
        "/messages/1": 422, "/users": 403,
    }  # fmt: skip
    for path, status in cases.items():
        answer = olive.get(path)
        assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
        assert set(answer.json) == {"type", "title", "status", "detail", "errors"}
        assert answer.json["status"] == status
        about = Program(web_of(world.parts)).get(answer.json["type"].removeprefix(API))
        assert (about.status, about.json["title"]) == (200, answer.json["title"])
    wrong = olive.ask("DELETE", "/messages")
    assert (wrong.status, "GET" in wrong.headers["allow"]) == (405, True)


def test_what_was_sent_is_not_in_the_answer_that_refuses_it(world):
    kay = program(world, "kay", "data-keeper")
    answer = kay.post("/audiences/find", {"number": ["+447700900123"], "regoin": "GB"})
    assert answer.status == 422
    assert b"900123" not in answer.body
    assert {e["pointer"] for e in answer.json["errors"]} == {"#/body/number", "#/body/regoin"}


def test_no_more_than_a_megabyte_is_read_but_for_a_list(world, olive):
    large = olive.post("/messages", {"values": {"headline": "x" * 1_100_000}})
    assert (large.status, large.json["type"]) == (413, f"{API}/problems/too-large")
    many = b"mobile,note\n" + (b"07700 900001," + b"x" * 900 + b"\n") * 1_200
    taken = olive.post("/audiences/harbour/versions?source=register", many, content_type="text/csv")
    assert (taken.status, taken.json["count"], taken.json["duplicates"]) == (201, 1, 1_199)
    assert list((world.parts.settings.root / "uploads").iterdir()) == []


def test_nothing_is_kept_on_the_way_and_a_cookie_is_nobody(world, olive):
    for path in ("/me", "/nothing", "/openapi.json"):
        assert olive.get(path).headers["cache-control"] == "no-store"
    browser = visitor(world, "vic", "officer")
    assert Program(web_of(world.parts)).get("/me", cookie=f"{COOKIE}={browser.cookie}").status == 401


def test_a_number_is_counted_and_never_told(world):
    world.add_audience("quay", 3)
    kay = program(world, "kay", "data-keeper")
    found = kay.post("/audiences/find", {"number": "+447700900001"})
    assert (found.json["ending"], found.json["audiences"]) == ("001", [{"audience": "quay", "versions": [1]}])
    erased = kay.post("/audiences/erase", {"number": "07700 900001", "reason": "asked, request 12"})
    assert (erased.json["versions"], erased.json["ending"]) == (1, "001")
    assert kay.get("/audiences").json["items"][0]["count"] == 2
    assert b"7700900001" not in found.body + erased.body


# --- reading ---------------------------------------------------------------------------------------------------


def test_an_auditor_reads_the_log_a_timeline_the_proof_and_the_seal(world):
    released = world.release()
    world.work_public()
    world.parts.seal.seal()
    ria = program(world, "ria", "auditor")
    events = ria.get(f"/audit/events?about={released.ref}&act=message_approved_and_released").json["items"]
    assert [(e["actor"], e["subject"]) for e in events] == [("anna", released.ref)]
    assert events[0]["payload"]["broadcast"] == released.broadcast
    assert "approved" in events[0]["sentence"]
    story = ria.get(f"/messages/{released.ref}/timeline").json
    assert {m["kind"] for m in story["moments"]} >= {"version", "message_submitted", "post"}
    assert story["versions"][0]["lines"]["Headline"] == "Amber wind warning"
    world.parts.seal.seal()
    proof = ria.get(f"/audit/messages/{released.ref}/proof?texts=false").json
    assert (proof["message"], proof["documents"]) == (released.ref, [])
    assert ria.get("/audit/seal").json["newest"]["size"] > 0


def test_who_looks_at_accounts_and_templates_sees_them(world, olive):
    accounts = olive.get("/channels").json["items"]
    assert {(a["mode"], a["name"]) for a in accounts} >= {("live", "page"), ("exercise", "site")}
    found = olive.get("/templates/severe-weather").json
    assert {b["name"] for b in found["blanks"]} >= set(found["example"])
    assert olive.get("/alarms").json["watching"] is False
