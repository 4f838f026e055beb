"""The console's pages for administrators: people, proposals, policies, tokens and accounts."""

import re

import pytest
from sqlalchemy import func, select

from broadcaster.db import accounts, proposals
from broadcaster.db.tables import account, audit_event, person, token
from broadcaster.domain.readiness import Readiness, ReadinessState
from tests.fakes import FakeProbed
from tests.integration.visitor import Visitor, later, visitor

DATABASES = ("sqlite",)


def two_are_needed(world):
    with world.database.write() as tx:
        proposals.set_switch(tx, "second-administrator", "on")


def events(world):
    with world.database.read() as tx:
        return tx.execute(select(func.count()).select_from(audit_event)).scalar_one()


@pytest.fixture
def ada(world):
    return visitor(world, "ada", "administrator")


def test_one_administrator_proposes_in_the_page_and_another_confirms_what_it_shows(world, ada):
    bob = visitor(world, "bob", "administrator")
    two_are_needed(world)
    ada.get("/manage/users/new")
    before = events(world)
    made = ada.post(
        "/manage/users/new",
        [("name", "olive"), ("roles", "officer"), ("roles", "auditor"), ("reason", "new")],
    )
    assert (made.status, events(world) - before) == (303, 1)
    ref = made.onward.rpartition("#")[2]
    mine = ada.get("/manage").words
    assert "Another administrator must confirm it: bob." in mine
    assert "Withdraw it" in mine
    assert "Confirm it" not in mine

    shown = bob.get("/manage")
    assert "Add the user olive as auditor and officer, with an invitation" in shown.words
    assert "Proposed by ada" in shown.words
    digest = re.search(r'name="hash" value="(\w+)"', shown.text).group(1)
    stale = bob.post(f"/manage/proposals/{ref}/confirm", hash="0" * 64)
    assert (stale.status, "is not what you were shown" in stale.words) == (409, True)
    assert world.rows(person, name="olive") == []
    before = events(world)
    done = bob.post(f"/manage/proposals/{ref}/confirm", hash=digest)
    assert (done.status, events(world) - before) == (200, 1)
    link = re.search(r'id="link">([^<]+)<', done.text).group(1)
    assert Visitor(world.parts).get("/invitation/" + link.rpartition("/")[2]).status == 200
    assert link not in bob.get("/manage").text + bob.get("/manage/users/olive").text
    assert "invited" in bob.get("/manage").words
    assert world.row(person, name="olive").roles == "auditor officer"


def test_who_proposed_withdraws_and_who_declines_says_why(world, ada):
    bob = visitor(world, "bob", "administrator")
    visitor(world, "olive", "officer")
    two_are_needed(world)
    ada.get("/manage/users/olive")
    ref = ada.post("/manage/users/olive/disable", reason="left").onward.rpartition("#")[2]
    bob.get("/manage")
    refused = bob.post(f"/manage/proposals/{ref}/decline", reason="")
    assert (refused.status, f'href="#reason-{ref}"' in refused.text) == (409, True)
    before = events(world)
    assert bob.post(f"/manage/proposals/{ref}/decline", reason="she stays").status == 303
    ref = ada.post("/manage/users/olive/disable", reason="left").onward.rpartition("#")[2]
    assert ada.post(f"/manage/proposals/{ref}/decline").status == 303
    assert events(world) - before == 3
    assert world.acts()[-3:] == ["change_declined", "change_proposed", "change_withdrawn"]
    assert world.row(person, name="olive").disabled_at is None


def test_each_change_of_a_user_is_one_event(world, ada):
    visitor(world, "olive", "officer")
    ada.get("/manage/users/olive")
    for act, fields, told in (
        ("roles", {"roles": "auditor"}, "roles_changed"),
        ("invite", {}, "user_invited"),
        ("invite", {"factors": "yes"}, "user_invited"),
        ("sign-out", {}, "sessions_ended"),
        ("disable", {"reason": "left"}, "user_disabled"),
    ):
        before = events(world)
        answer = ada.post(f"/manage/users/olive/{act}", fields)
        assert (answer.status in {200, 303}, events(world) - before) == (True, 1)
        assert world.acts()[-1] == told


def test_a_disabled_user_is_marked_and_can_be_enabled_again(world, ada):
    visitor(world, "olive", "officer")
    ada.get("/manage/users/olive")
    ada.post("/manage/users/olive/disable", reason="left")
    assert "disabled" in ada.get("/manage").words
    assert "Enable olive again" in ada.get("/manage/users/olive").words
    assert ada.post("/manage/users/olive/enable", reason="is back").status == 303
    assert world.acts()[-1] == "user_enabled"


def test_the_code_is_asked_for_in_place_and_nothing_that_was_ticked_gets_lost(world, ada):
    ada.get("/manage/users/new")
    later(world)
    typed = [("name", "olive"), ("roles", "officer"), ("roles", "auditor"), ("reason", "new")]
    before = events(world)
    asked = ada.post("/manage/users/new", typed)
    assert (asked.status, events(world)) == (403, before)
    assert "Nothing has been changed yet" in asked.words
    kept = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked.text)
    assert sorted(pair for pair in kept if pair[0] != "csrf") == sorted(typed)
    wrong = ada.post("/manage/users/new", [*typed, ("code", "000000")])
    assert (wrong.status, 'value="auditor"' in wrong.text) == (403, True)
    assert "That code is not right" in wrong.words
    assert world.rows(person, name="olive") == []
    done = ada.post("/manage/users/new", [*typed, ("code", ada.app.next_code())])
    assert (done.status, world.row(person, name="olive").roles) == (200, "auditor officer")
    assert ada.get("/manage").status == 200  # the new cookie is the browser's


def test_a_name_that_cannot_be_is_said_beside_what_was_typed(world, ada):
    ada.get("/manage/users/new")
    answer = ada.post("/manage/users/new", [("name", "o live"), ("roles", "officer"), ("reason", "new")])
    assert answer.status == 422
    assert 'value="o live"' in answer.text
    assert re.search(r'value="officer" checked', answer.text)


def test_a_policy_is_said_in_words_and_changed_by_one_event(world, ada):
    assert "ONE administrator alone may change users" in ada.get("/manage").words
    before = events(world)
    assert ada.post("/manage/policies/second-factor", value="all", reason="audit").status == 303
    assert events(world) - before == 1
    assert "Everybody needs a second factor." in ada.get("/manage").words


def test_the_only_administrator_is_told_what_to_do_first_without_a_command(world, ada):
    visitor(world, "olive", "officer")
    two_are_needed(world)
    assert "You are the only administrator. Add a second one" in ada.get("/manage").words
    ada.get("/manage/users/olive")
    refused = ada.post("/manage/users/olive/disable", reason="left").words
    assert "this needs a second one" in refused
    assert "broadcaster user" not in refused


def test_tokens_are_listed_without_their_texts_and_ended_at_once(world, ada):
    visitor(world, "olive", "officer")
    ada.get("/manage/tokens")
    made = ada.post(
        "/manage/tokens", [("name", "olive"), ("label", "weather"), ("days", "30"), ("scopes", "read")]
    )
    text = re.search(r'id="token">([^<]+)<', made.text).group(1)
    assert world.parts.people.who(text).name == "olive"
    listed = ada.get("/manage/tokens")
    assert text not in listed.text
    for told in ("weather", "olive", "read"):
        assert told in listed.words
    before = events(world)
    assert ada.post(f"/manage/tokens/{world.row(token).id}/revoke").status == 303
    assert events(world) - before == 1
    assert "There is no token that can be used." in ada.get("/manage/tokens").words
    again = ada.post(f"/manage/tokens/{world.row(token).id}/revoke")
    assert again.status == 409


ADMINISTRATORS_ONLY = [
    ("GET", "/manage/users/new"),
    ("GET", "/manage/users/ada"),
    ("GET", "/manage/tokens"),
    ("POST", "/manage/users/new"),
    ("POST", "/manage/users/ada/roles"),
    ("POST", "/manage/users/ada/invite"),
    ("POST", "/manage/users/ada/disable"),
    ("POST", "/manage/users/ada/enable"),
    ("POST", "/manage/users/ada/sign-out"),
    ("POST", "/manage/policies/second-factor"),
    ("POST", "/manage/proposals/7F3K2M/confirm"),
    ("POST", "/manage/proposals/7F3K2M/decline"),
    ("POST", "/manage/tokens"),
    ("POST", "/manage/tokens/1/revoke"),
    ("POST", "/manage/accounts/live/page/resume"),
    ("GET", "/manage/person"),
    ("POST", "/manage/person"),
    ("POST", "/manage/person/erase"),
]


def test_who_is_no_administrator_changes_and_sees_nothing_of_it(world, ada, subtests):
    with world.database.write() as tx:
        row = accounts.ensure(tx, mode="live", channel="facebook", name="page")
        accounts.pause(tx, row.id, "The token was refused.")
    olive = visitor(world, "olive", "officer")
    olive.get("/me")
    before = world.snapshot()
    fields = {"roles": "officer", "value": "all", "reason": "x", "name": "eve", "number": "+447700900001"}
    for method, path in ADMINISTRATORS_ONLY:
        with subtests.test(path):
            answer = olive.ask("GET", path) if method == "GET" else olive.post(path, fields)
            if path.startswith("/manage/accounts"):
                assert (answer.status, "Only an administrator may" in answer.words) == (409, True)
                olive.get("/me")
            else:
                assert answer.status == 403
    assert world.snapshot() == before
    assert olive.get("/manage").onward == "/manage/audiences"


def test_a_form_without_its_token_changes_nothing(world, ada):
    before = world.snapshot()
    assert ada.post("/manage/users/new", {"name": "eve", "roles": "officer"}, token=False).status == 403
    assert ada.post("/manage/policies/second-factor", {"value": "all"}, token=False).status == 403
    assert world.snapshot() == before


def test_accounts_say_what_was_found_and_a_paused_one_goes_on_when_it_is_mended(world, ada):
    with world.database.write() as tx:
        row = accounts.ensure(tx, mode="live", channel="facebook", name="page")
        accounts.pause(tx, row.id, "The token was refused.")
    hall = world.channels["live"]["hall"] = FakeProbed("facebook", "hall")
    hall.readiness = Readiness(
        state=ReadinessState.NOT_READY, code="x", operator_text="Its key has ended. Make a new one."
    )
    assert "has not been checked yet" in ada.get("/manage/accounts").words
    assert ada.post("/manage/accounts/check").onward == "/manage/accounts?asked=1"
    waiting = ada.get("/manage/accounts?asked=1")
    assert "The answers appear here as they come." in waiting.words
    assert 'content="2; url=/manage/accounts?asked=2"' in waiting.text
    assert hall.probes == 0, "the console holds no credentials: a process of that mode asks"
    assert world.parts.checks.look("live") == 1
    shown = ada.get("/manage/accounts?asked=2")
    assert "http-equiv" not in shown.text
    shown = shown.words
    for told in ("The token was refused.", "NOT READY", "Its key has ended. Make a new one."):
        assert told in shown
    assert "Let page send again" in shown
    before = events(world)
    assert ada.post("/manage/accounts/live/page/resume").status == 303
    assert events(world) - before == 1
    assert world.row(account, name="page").paused_at is None
    assert "PAUSED" not in ada.get("/manage/accounts").words
    assert ada.post("/manage/accounts/live/page/resume").status == 409


def test_a_data_keeper_who_sees_no_messages_begins_where_the_work_is(world):
    kim = visitor(world, "kim", "data-keeper")
    assert kim.get("/").onward == "/manage"
    assert kim.get("/manage").onward == "/manage/audiences"
    assert kim.get("/manage/accounts").status == 403


def test_an_approval_asks_for_the_code_in_its_own_page_and_keeps_the_choice(world):
    anna = visitor(world, "anna", "approver")
    submitted = world.submit()
    page = f"/messages/{submitted.ref}/approve"
    later(world)
    anna.get(page)
    choice = {"real": "yes", "hash": submitted.manifest_sha256}
    asked = anna.post(page, choice)
    assert (asked.status, "it was given too long ago for this" in asked.words) == (409, True)
    assert re.search(r'value="yes" checked', asked.text)
    assert "broadcaster login" not in asked.words
    assert "message_approved" not in world.acts()
    done = anna.post(page, choice, code=anna.app.next_code())
    assert (done.status, done.onward) == (303, f"/messages/{submitted.ref}/board")
    assert anna.get("/").status == 200
