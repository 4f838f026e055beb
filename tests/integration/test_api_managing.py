"""The API of the rota, notice templates, users, the policy to read, and of what needs somebody now."""

import pytest

from broadcaster.db import proposals
from broadcaster.render.notices import shipped_notices
from tests.integration.api_acts import each_leaves_one_event
from tests.integration.api_acts_of_managing import ACTS_OF_MANAGING, BECAUSE, ActsOfManaging, edited
from tests.integration.identities import enter, person
from tests.integration.programs import API, program

DATABASES = ("sqlite",)
ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@pytest.fixture
def olive(world):
    return program(world, "olive", "officer")


@pytest.fixture
def ada(world):
    return program(world, "ada", "administrator")


@ON_POSTGRES
def test_each_act_leaves_exactly_one_event_and_none_without_the_right_scope(world, subtests):
    each_leaves_one_event(world, ACTS_OF_MANAGING, ActsOfManaging(world), subtests)


# --- the rota ----------------------------------------------------------------------------------------------


def test_the_rota_says_who_is_on_call_how_they_are_reached_and_where_nobody_is(world, olive, ada):
    duty = ActsOfManaging(world).duty()
    assert olive.ask("PUT", "/me/contact", {"phone": "01632 960123", "mail": ""}).status == 200
    first, again = (ada.post("/rota", duty, Idempotency_Key="k1") for _ in range(2))
    assert (first.status, again.body) == (201, first.body)
    rota = olive.get("/rota").json
    ((now,), (mine,)) = rota["now"], rota["mine"]
    assert (now["duty"]["person"], now["contact"]["phone"]) == ("olive", "01632 960123")
    assert [(gap["role"], gap["until"]) for gap in rota["gaps"]] == [("duty-officer", None)]
    assert ada.post(f"/rota/{mine['uid']}/seen").json["type"] == f"{API}/problems/not-allowed"
    assert olive.post(f"/rota/{mine['uid']}/seen").json["mine"] == []
    over = ada.post("/rota", {**duty, "ends_at": duty["starts_at"]})
    assert (over.status, "end after it begins" in over.json["detail"]) == (422, True)
    assert program(world, "eva", "auditor").ask("DELETE", f"/rota/{mine['uid']}").status == 403
    assert program(world, "kay", "data-keeper").get("/rota").status == 403


def test_a_token_that_only_reads_gives_nobodys_word_and_changes_no_number(world, olive, ada):
    ada.ask("PUT", "/staff-policy", {"words": "Warn early."})
    uid = ada.post("/rota", ActsOfManaging(world).duty()).json["planned"][0]["uid"]
    narrow = program(world, "olive", scopes=("read",))
    for method, path, body in (
        ("POST", f"/rota/{uid}/seen", None),
        ("PUT", "/me/contact", {"phone": "01632 960199"}),
        ("POST", "/me/policy", {"version": 1}),
    ):
        refused = narrow.ask(method, path, body)
        assert (refused.status, "good for read only" in refused.json["detail"]) == (403, True)


# --- notice templates --------------------------------------------------------------------------------------


def test_each_shipped_template_is_told_whole_so_that_it_comes_back_as_it_was(world, olive, subtests):
    for name in shipped_notices():
        with subtests.test(name):
            same = olive.ask("PUT", f"/templates/{name}", edited(olive, name))
            assert (same.status, "word for word" in same.json["detail"]) == (409, True), same.json


def test_a_wording_is_tried_put_in_force_compared_and_put_back(world, olive):
    body = edited(olive, area="((area)) and all around")
    tried = olive.post("/templates/flood/try", body["template"]).json
    assert (tried["problems"], {post["channel"] for post in tried["posts"]} >= {"website", "x"}) == ([], True)
    assert any("and all around" in text for post in tried["posts"] for text in post["parts"])
    done = olive.ask("PUT", "/templates/flood", body).json
    assert (done["version"], done["changed_by"], done["overdue"]) == (1, "olive", False)
    late = olive.ask("PUT", "/templates/flood", body)
    assert (late.status, "changed meanwhile by olive" in late.json["detail"]) == (409, True)
    (changed,) = olive.get("/templates/flood/changes?before=0&after=1").json
    assert (changed["name"], "and all around" in changed["said"]) == ("Where", True)
    back = olive.post("/templates/flood/put-back", {"version": 0, **BECAUSE}).json
    assert back["version"] == 2
    versions = olive.get("/templates/flood/versions").json["items"]
    assert [(v["no"], v["put_back_no"]) for v in versions] == [(2, 0), (1, None), (0, None)]
    assert program(world, "eva", "auditor").ask("PUT", "/templates/flood", edited(olive)).status == 403


def test_a_template_is_retired_listed_apart_and_brought_back(world, olive):
    done = olive.post("/templates/flood/retire", {"base": 0, **BECAUSE}).json
    assert (done["version"], done["retired"], done["changed_by"]) == (1, True, "olive")
    assert done["reason"] == BECAUSE["reason"]
    assert "flood" not in {each["name"] for each in olive.get("/templates").json["items"]}
    (gone,) = olive.get("/templates?retired=true").json["items"]
    assert (gone["name"], gone["retired"]) == ("flood", True)
    assert olive.get("/templates/flood").json["retired"] is True
    assert olive.get("/templates/flood/versions").json["items"][0]["retired"] is True
    assert olive.post("/templates/flood/try").json["problems"] == []
    values = olive.get("/templates/flood").json["example"]
    body = {"template": "flood", "mode": "live", "values": values, "channels": ["website"]}
    refused = olive.post("/messages", body)
    assert (refused.status, "olive retired the notice template" in refused.json["detail"]) == (409, True)
    again = olive.post("/templates/flood/retire", BECAUSE)
    assert (again.status, "retired it already" in again.json["detail"]) == (409, True)
    needed = olive.post("/templates/all-clear/retire", BECAUSE)
    assert (needed.status, "All clear" in needed.json["errors"][0]["detail"]) == (422, True)
    assert olive.post("/templates/heat-cold-snow/retire", {"base": 4, **BECAUSE}).status == 409
    back = olive.post("/templates/flood/put-back", {"version": 0, **BECAUSE}).json
    assert (back["version"], back["retired"]) == (2, False)
    assert olive.get("/templates?retired=true").json["items"] == []
    assert olive.post("/messages", body).status == 201
    assert program(world, "eva", "auditor").post("/templates/flood/retire", BECAUSE).status == 403


def test_a_wording_that_lacks_something_is_not_put_in_force_and_says_what(world, olive):
    body = edited(olive, headline="((nowhere))")
    refused = olive.ask("PUT", "/templates/flood", body)
    assert (refused.status, any("nowhere" in each["detail"] for each in refused.json["errors"])) == (
        422,
        True,
    )
    past = edited(olive)
    past["template"]["review_by"] = "2020-01-01"
    tried = olive.post("/templates/flood/try", past["template"]).json
    assert any("review_by" in problem for problem in tried["problems"])


# --- users -------------------------------------------------------------------------------------------------


def test_one_user_is_told_with_what_signs_in_and_is_signed_out_everywhere(world, olive, ada):
    person(world, "tom", "officer")
    enter(world, "tom")
    found = ada.get("/users/tom").json
    assert (found["roles"], found["has_password"], found["sso"]) == (["officer"], True, False)
    assert ada.post("/users/tom/sign-out").json == {"name": "tom", "sessions": 1}
    assert ada.get("/users/tim").json["type"] == f"{API}/problems/not-found"
    assert olive.get("/users/tom").status == 403
    assert olive.post("/users/olive/sign-out").status == 403


def test_where_two_administrators_decide_no_program_goes_round_the_second(world, ada):
    person(world, "tom", "officer")
    program(world, "carl", "administrator")
    before = ada.get("/users/tom").json, ada.get("/policies").json
    with world.database.write() as tx:
        proposals.set_switch(tx, "second-administrator", "on")
    before[1]["second-administrator"] = "on"
    asked = [
        ada.ask("PUT", "/users/tom/single-sign-on", {"allowed": True}),
        ada.ask("PUT", "/users/tom/roles", {"roles": ["administrator"]}),
        ada.post("/users/tom/invite", {"factors": True}),
        ada.post("/users/tom/disable", {}),
        ada.post("/tokens", {"person": "tom", "days": 3}),
        ada.ask("PUT", "/policies/second-administrator", {"value": "off"}),
    ]
    assert [each.json.get("done", each.json) for each in asked] == [False] * len(asked)
    assert not any(each.json["token"] or each.json["invitation"] for each in asked)
    assert (ada.get("/users/tom").json, ada.get("/policies").json) == before
    for each in asked:
        own = ada.post(f"/proposals/{each.json['proposal']}/confirm", {"sha256": each.json["sha256"]})
        assert (own.status, own.json["type"]) == (403, f"{API}/problems/not-allowed")
    assert (ada.get("/users/tom").json, ada.get("/policies").json) == before


def test_the_policy_to_read_is_written_read_and_acknowledged_as_it_was_shown(world, olive, ada):
    assert olive.get("/me/policy").json["text"] is None
    assert olive.ask("PUT", "/staff-policy", {"words": "Guess."}).status == 403
    assert ada.ask("PUT", "/staff-policy", {"words": "Warn early."}).json["no"] == 1
    assert ada.ask("PUT", "/staff-policy", {"words": "Warn early. Never guess."}).json["no"] == 2
    old = olive.post("/me/policy", {"version": 1})
    assert (old.status, "version 2 counts now" in old.json["detail"]) == (409, True)
    assert olive.post("/me/policy", {"version": 2}).json["has_read"] is True
    assert [each["no"] for each in ada.get("/staff-policy").json] == [2, 1]


# --- what needs somebody now -------------------------------------------------------------------------------


def test_home_says_what_waits_what_is_in_force_and_who_is_on_call(world, olive, ada):
    ada.post("/rota", ActsOfManaging(world).duty())
    waits, sent = world.submit().ref, world.release(channels=("website",)).ref
    draft = world.draft()
    home = olive.get("/home").json
    assert [each["ref"] for each in home["waiting"]] == [waits]
    assert [each["ref"] for each in home["in_force"]] == [sent]
    assert [each["ref"] for each in home["drafts"]] == [draft]
    assert [each["duty"]["person"] for each in home["on_call"]] == ["olive"]
    assert (home["storm"], home["alarms"]) == (False, [])
    assert program(world, "kay", "data-keeper").get("/home").status == 403
