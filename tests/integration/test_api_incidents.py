"""The API of incidents, and of what is said and taken away beside the posts."""

import pytest

from broadcaster.db.tables import incident_decision
from tests.integration.api_acts import each_leaves_one_event, each_look_leaves_one_event
from tests.integration.api_acts_of_incidents import ACTS_OF_INCIDENTS, GAS, NOT_TO_WARN, ActsOfIncidents
from tests.integration.programs import API, program
from tests.papers import read

DATABASES = ("sqlite",)
ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@pytest.fixture
def olive(world):
    return program(world, "olive", "officer")


@ON_POSTGRES
def test_each_act_leaves_exactly_one_event_and_none_without_the_right_scope(world, subtests):
    each_leaves_one_event(world, ACTS_OF_INCIDENTS, ActsOfIncidents(world), subtests)


def test_an_incident_is_told_with_all_that_was_decided_agreed_and_handed_over(world, olive):
    acts = ActsOfIncidents(world)
    for act in (acts.decide, acts.agree, acts.to_do):
        who, path, body = act()
        assert who.post(path, body).status == 201
    ref = world.draft(channels=("website",))
    assert olive.ask("PUT", f"/messages/{ref}/incident", {"incident": acts.ref}).json["incident"] == acts.ref
    anna = program(world, "anna")
    refused = olive.post(f"{acts.path}/close", {"reason": "over"})
    assert (refused.status, "still open" in refused.json["detail"]) == (409, True)
    assert olive.post(f"{acts.path}/hand-over", {"to": "anna", "words": "High water 04:10"}).status == 200
    not_hers = olive.post(f"{acts.path}/hand-over/accept")
    assert (not_hers.status, not_hers.json["type"]) == (403, f"{API}/problems/not-allowed")
    found = anna.post(f"{acts.path}/hand-over/accept").json
    assert (found["in_hands_of"], found["hand_overs"][0]["words"]) == ("anna", "High water 04:10")
    assert [(d["kind"], d["by"]) for d in found["decisions"]] == [("not-to-warn", "olive")]
    assert [(a["agency"], a["who"]) for a in found["agreements"]] == [("Police", "Insp. Hall")]
    assert [m["ref"] for m in found["messages"]] == [ref]
    (listed,) = olive.get("/incidents").json["items"]
    assert (listed["reference"], listed["left_to_do"], listed["live"]) == (acts.ref, 1, True)
    (left,) = olive.get("/incidents?closed=true").json["items"]  # the message came with it, and has gone
    assert (left["messages"], left["closed_at"] is not None) == (0, True)


def test_all_incidents_are_found_page_by_page_the_newest_first(world, olive):
    made = [olive.post("/incidents", {"name": f"Surge {no}"}).json["reference"] for no in range(5)]
    first = olive.get("/incidents?limit=2").json
    second = olive.get(f"/incidents?limit=2&cursor={first['next']}").json
    last = olive.get(f"/incidents?limit=2&cursor={second['next']}").json
    found = [each["reference"] for page in (first, second, last) for each in page["items"]]
    assert (found, last["next"]) == (made[::-1], None)


def test_a_decision_that_is_sent_twice_with_one_key_stands_there_once(world, olive):
    path = f"/incidents/{olive.post('/incidents', GAS).json['reference']}/decisions"
    first, again = (olive.post(path, NOT_TO_WARN, Idempotency_Key="k1") for _ in range(2))
    assert (first.status, again.body) == (201, first.body)
    assert len(world.rows(incident_decision)) == 1


def test_what_is_said_beside_the_posts_is_told_of_what_is_in_force_alone(world, olive):
    draft, sent = world.draft(channels=("website",)), world.release(channels=("website",)).ref
    found = olive.get(f"/messages/{sent}/lines").json
    assert [line["name"] for line in found["lines"]] == ["contact-centre", "press", "radio"]
    assert (found["poster"], found["lines"][0]["seconds"] > 0) == (True, True)
    none = olive.get(f"/messages/{draft}/lines").json
    assert (none["lines"], "not approved" in none["why_not"]) == ([], True)
    assert olive.get(f"/messages/{draft}/poster.pdf").status == 409


def test_what_is_taken_away_as_a_file_leaves_one_event_that_says_so(world, olive, subtests):
    ref = world.release_texts(3).ref
    ada = program(world, "ada", "auditor")
    looks = {
        f"/messages/{ref}/poster.pdf": (olive, "poster_taken", "application/pdf"),
        f"/messages/{ref}/outcomes.csv": (olive, "outcomes_exported", "text/csv; charset=utf-8"),
        f"/audit/packs/{ref}": (ada, "inquiry_pack_exported", "application/pdf"),
    }
    each_look_leaves_one_event(world, looks, subtests)
    assert "Fleetwood" in read(olive.get(f"/messages/{ref}/poster.pdf").body).words
    assert olive.get(f"/messages/{ref}/outcomes.csv").text.count("\n") == 4
    assert olive.get(f"/audit/packs/{ref}").status == 403
