"""An incident: decisions with reasons, also not to warn; who agreed; what is left to do; handing over by name alone."""

import json
from datetime import timedelta

import pytest

from broadcaster.db import audit_log, incidents, messages
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound, Stale
from tests.integration.asgi import web_of
from tests.integration.browsing import Browser
from tests.integration.identities import all_the_way, enter, person, with_app
from tests.papers import must_be_accessible, read


@pytest.fixture
def service(world):
    return world.parts.incidents


@pytest.fixture
def ref(world, service):
    return service.open(world.officer, name="Storm Darragh", lead_agency="Lancashire Police").ref


def told(world, subject):
    """The acts about it and who did them, in their order."""
    with world.database.read() as tx:
        return [(e.act, e.actor) for e in audit_log.events(tx, subject=subject)]


def payloads(world, act):
    with world.database.read() as tx:
        return [json.loads(e.payload) for e in audit_log.events(tx) if e.act == act]


def test_everything_done_to_an_incident_is_kept_and_leaves_one_event_each(world, service, ref):
    olive, anna = world.officer, world.approver
    service.decide(
        olive, ref, kind="not-to-warn", what="No text tonight", reason="The surge stays below the wall"
    )
    asked = world.now()
    service.agreed(
        anna, ref, who="Insp. Hall", agency="Police", way="telephone", about="the closure", at=asked
    )
    service.to_do(olive, ref, what="Ring the care homes", who="Sam of the county", until=asked)
    (action,) = service.whole(olive, ref).left_to_do
    service.done(anna, ref, action.id)
    service.offer(olive, ref, to="anna", words="High water 04:10")
    assert service.whole(olive, ref).incident.in_hands_of == "olive"
    service.accept(anna, ref)
    service.change(olive, ref, name="Storm Darragh", lead_agency="Environment Agency")
    service.close(anna, ref, reason="The water has gone")
    service.reopen(olive, ref, reason="It came back")
    found = service.whole(olive, ref.lower())
    assert found.incident.in_hands_of == "anna"
    assert found.incident.lead_agency == "Environment Agency"
    assert [(d.kind, d.what, d.by) for d in found.decisions] == [("not-to-warn", "No text tonight", "olive")]
    assert [(a.agency, a.who, a.by, a.at) for a in found.agreements] == [
        ("Police", "Insp. Hall", "anna", asked)
    ]
    assert [(t.who, t.done_by, t.by) for t in found.to_do] == [("Sam of the county", "anna", "olive")]
    assert [(h.offered_by, h.to, h.is_open) for h in found.hand_overs] == [("olive", "anna", False)]
    assert told(world, ref) == [
        ("incident_opened", "olive"),
        ("incident_decided", "olive"),
        ("incident_agreed", "anna"),
        ("incident_action_noted", "olive"),
        ("incident_action_done", "anna"),
        ("hand_over_offered", "olive"),
        ("hand_over_accepted", "anna"),
        ("incident_changed", "olive"),
        ("incident_closed", "anna"),
        ("incident_reopened", "olive"),
    ]
    (agreed,) = payloads(world, "incident_agreed")
    assert "Hall" not in json.dumps(agreed)


def test_only_the_one_who_was_named_accepts_a_hand_over(world, service, ref):
    oscar = world.person("oscar", "officer")
    with world.refused(Stale, "not being handed over"):
        service.accept(oscar, ref)
    for to, error, why in (
        ("olive", Invalid, "somebody else than yourself"),
        ("nobody", NotFound, "cannot take it"),
        (world.person("audrey", "auditor").name, NotFound, "cannot take it"),
    ):
        with world.refused(error, why):
            service.offer(world.officer, ref, to=to)
    service.offer(world.officer, ref, to=world.approver.name)
    for who in (oscar, world.officer):
        with world.refused(NotAllowed, "Only anna can accept it"):
            service.accept(who, ref)
    with world.refused(NotAllowed, "can take that back"):
        service.take_back(oscar, ref)
    with world.refused(Stale, "handed over to anna already"):
        service.offer(world.officer, ref, to="oscar")
    service.take_back(world.approver, ref)
    with world.refused(Stale, "not being handed over"):
        service.accept(world.approver, ref)
    assert service.whole(oscar, ref).incident.in_hands_of == "olive"


def test_who_may_not_or_does_not_say_why_changes_nothing(world, service, ref):
    auditor, administrator = world.person("audrey", "auditor"), world.administrator
    for act in (
        lambda: service.open(auditor, name="Mine"),
        lambda: service.decide(auditor, ref, kind="warn", what="x", reason="y"),
        lambda: service.close(administrator, ref, reason="over"),
    ):
        with world.refused(NotAllowed, "keep the record of an incident"):
            act()
    for act, why in (
        (
            lambda: service.decide(world.officer, ref, kind="not-to-warn", what="No text", reason=" "),
            "Give a reason",
        ),
        (
            lambda: service.decide(world.officer, ref, kind="maybe", what="x", reason="y"),
            "no kind of decision",
        ),
        (lambda: service.open(world.officer, name="  "), "The name"),
        (lambda: service.to_do(world.officer, ref, what="x", who=""), "Who does it"),
        (
            lambda: service.agreed(
                world.officer,
                ref,
                who="H",
                agency="P",
                way="w",
                about="a",
                at=world.now() + timedelta(hours=1),
            ),
            "lies ahead",
        ),
    ):
        with world.refused(Invalid, why):
            act()
    with world.refused(NotFound, "There is no incident"):
        service.close(world.officer, "ZZZZZZ", reason="over")


def test_nothing_is_closed_that_is_not_over_and_nothing_is_added_to_what_is_closed(world, service, ref):
    service.to_do(world.officer, ref, what="Ring", who="olive")
    with world.refused(Stale, "1 of its actions are still open"):
        service.close(world.officer, ref, reason="over")
    service.done(world.officer, ref, service.whole(world.officer, ref).to_do[0].id)
    with world.refused(Stale, "done already"):
        service.done(world.officer, ref, service.whole(world.officer, ref).to_do[0].id)
    service.offer(world.officer, ref, to=world.approver.name)
    with world.refused(Stale, "being handed over to anna"):
        service.close(world.officer, ref, reason="over")
    service.take_back(world.officer, ref)
    service.close(world.officer, ref, reason="over")
    for act in (
        lambda: service.decide(world.officer, ref, kind="warn", what="x", reason="y"),
        lambda: service.close(world.officer, ref, reason="again"),
        lambda: world.draft(incident=ref),
    ):
        with world.refused(Stale, "is closed"):
            act()
    assert [e.incident.ref for e in service.listed(world.officer, closed=True)] == [ref]


def test_a_draft_moves_to_another_incident_and_what_was_handed_over_stays(world, service, ref):
    draft, waiting = world.draft(), world.submit().ref
    service.link(world.officer, draft, ref)
    service.link(world.officer, draft, ref)  # twice is once
    assert [m.ref for m in service.whole(world.officer, ref).messages] == [draft]
    assert len(service.listed(world.officer, closed=True)) == 1  # its own, which nothing is left of
    assert told(world, draft)[-1] == ("message_moved_to_incident", "olive")
    (moved,) = payloads(world, "message_moved_to_incident")
    assert moved["closed_before"] is True
    with world.refused(Stale, "it stays where it"):
        service.link(world.officer, waiting, ref)
    with world.database.read() as tx:
        own = incidents.of_message(tx, messages.find(tx, waiting).incident_id)
    assert own.name == "Amber wind warning"
    listed = {e.incident.ref: e.messages for e in service.listed(world.officer)}
    assert (listed[ref], listed[own.ref]) == (1, 1)


def test_the_pack_has_the_incident_as_a_whole_also_without_a_message(world, service, ref):
    service.decide(
        world.officer, ref, kind="not-to-warn", what="No #text *tonight*", reason="It stays $below$ the wall"
    )
    service.offer(world.officer, ref, to=world.approver.name)
    paper = read(world.parts.packs.of(world.person("audrey", "auditor"), ref).content)
    must_be_accessible(paper)
    for said in (
        "Storm Darragh",
        "Lancashire Police",
        "not to warn",
        "No #text *tonight*",
        "It stays $below$ the wall",
    ):
        assert said in paper.words
    assert "waits to be accepted" in paper.words
    assert "No message belongs to it" in paper.words


# --- in the browser ---------------------------------------------------------------------------------------


def test_an_officer_keeps_an_incident_in_the_browser_and_another_one_takes_it(world):
    person(world, "oda", "officer")
    client = Browser(web_of(world.parts))
    client.cookie = enter(world, "oda").cookie
    assert "No incident is open" in client.get("/incidents").text
    wrong = client.post("/incidents", page="/incidents", name="", lead_agency="Police")
    assert wrong.status == 422
    assert 'value="Police"' in wrong.text
    here = client.post("/incidents", page="/incidents", name="Gas <leak>", lead_agency="Fire").headers[
        "location"
    ]
    kept = client.post(f"{here}/decide", page=here, kind="not-to-warn", what="Wait & see", reason="")
    assert kept.status == 409
    assert "Wait &amp; see" in kept.text
    assert 'href="#decisions"' in kept.text
    for path, fields in (
        ("decide", {"kind": "not-to-warn", "what": "Wait & see", "reason": "Nobody lives there"}),
        (
            "agreed",
            {"who": "Insp. Hall", "agency": "Police", "way": "telephone", "about": "it", "at": "00:00"},
        ),
        ("to-do", {"task": "Ring the mast", "doer": "Sam", "until": "2026-11-22T03:00"}),
        ("offer", {"to": world.approver.name, "words": "All quiet"}),
    ):
        assert client.post(f"{here}/{path}", page="/help", **fields).status == 303, path
    text = client.get(here).text
    for said in (
        "Gas &lt;leak&gt;",
        "Not to warn: Wait &amp; see",
        "Nobody lives there",
        "Police: Insp. Hall",
        "late",
    ):
        assert said in text
    assert "I have it" not in text
    assert client.post(f"{here}/accept", page="/help").status == 403
    client.cookie = all_the_way(world, with_app(world, "ann", "approver"), "ann").cookie
    assert "I have it" not in client.get(here).text
    assert client.post(f"{here}/take-back", page="/help").status == 403


def test_a_message_is_written_into_an_incident_and_an_auditor_only_looks(world, service, ref):
    draft = world.draft()
    person(world, "oda", "officer")
    client = Browser(web_of(world.parts))
    client.cookie = enter(world, "oda").cookie
    assert f'<option value="{ref}"' in client.get("/messages/new/severe-weather").text
    assert f'<option value="{ref}"' in client.get(f"/messages/{draft}").text
    assert client.post(f"/messages/{draft}/incident", page="/help", incident=ref).status == 303
    assert f'href="/incidents/{ref}"' in client.get(f"/messages/{draft}").text
    person(world, "ada", "auditor")
    client.cookie = enter(world, "ada").cookie
    text = client.get(f"/incidents/{ref}").text
    assert draft in text
    assert "Note a decision" not in text
    assert "Take the inquiry pack away" in text
    assert client.post(f"/incidents/{ref}/close", page="/help", end_reason="over").status == 403
    assert service.whole(world.officer, ref).incident.closed_at is None
