"""The audit log in the console: what is found, who may look, what a look leaves, and what can be taken away."""

import csv
import io
import json
import re

import pytest

from broadcaster.audit.verifier.reading import verify_file
from broadcaster.db import audit_log, audit_pages, messages
from broadcaster.db.tables import audit_event
from broadcaster.domain.audit_told import UNTOLD
from broadcaster.domain.audit_words import SENTENCES, sentence
from tests.builders import number
from tests.integration.asgi import web_of
from tests.integration.browsing import Browser
from tests.integration.identities import all_the_way, enter, person, with_app


@pytest.fixture
def client(world):
    return Browser(web_of(world.parts))


def sign_in(world, client, name, *roles):
    """In the browser, as somebody with these roles."""
    if set(roles) & {"administrator", "approver"}:
        opened = all_the_way(world, with_app(world, name, *roles), name)
    else:
        person(world, name, *roles)
        opened = enter(world, name)
    client.cookie = opened.cookie


def post(client, path, page="/audit", **form):
    return client.post(path, page=page, **form)


def acts(world, act):
    with world.database.read() as tx:
        return [e for e in audit_log.events(tx) if e.act == act]


def shown(text):
    return re.findall(r'<p class="log__said">([^<]+)', text)


def test_an_auditor_finds_what_was_done_by_each_filter(world, client):
    ref = world.release(channels=("website",)).ref
    world.work_public()
    sign_in(world, client, "audrey", "auditor")
    found = {
        query: shown(client.get(f"/audit?{query}").text)
        for query in (
            f"about={ref.lower()}",
            "person=anna",
            "act=message_drafted",
            f"about={ref}&state=accepted",
            "until=2001-01-01T00:00",
            "person=anna&act=message_drafted",
            "channel=website",
        )
    }
    (approved,) = found["person=anna"]
    assert "anna approved" in approved
    assert ref in approved
    assert [text.split()[0] for text in found["act=message_drafted"]] == ["olive"]
    (answered,) = found[f"about={ref}&state=accepted"]
    assert "1 accepted by the platform" in answered
    assert len(found[f"about={ref.lower()}"]) >= 4
    assert found["until=2001-01-01T00:00"] == found["person=anna&act=message_drafted"] == []


def test_an_incident_is_all_of_its_messages_and_nothing_else(world, client):
    first, other = world.submit(), world.submit()
    incident = incident_of(world, first.ref)
    sign_in(world, client, "audrey", "auditor")
    text = client.get(f"/audit?incident={incident}").text
    assert first.ref in text
    assert other.ref not in text
    assert client.get("/audit?incident=ZZZZZZ").status == 422


def incident_of(world, ref):
    with world.database.read() as tx:
        return messages.incident_ref(tx, messages.find(tx, ref).incident_id)


def test_pages_neither_skip_nor_repeat_while_events_come_in(world, client):
    sign_in(world, client, "audrey", "auditor")
    with world.database.write() as tx:
        for n in range(130):
            audit_log.append(tx, actor="olive", act="answers_read", payload={"count": n})
    path, seen = "/audit?person=olive", []
    for _ in range(3):
        text = client.get(path).text
        seen += [int(n) for n in re.findall(r"wrote to us: (\d+) message", text)]
        with world.database.write() as tx:
            audit_log.append(tx, actor="olive", act="answers_read", payload={"count": 999})
        onward = re.search(r'href="(/audit\?[^"]*after[^"]*)"', text)
        path = onward[1].replace("&amp;", "&") if onward else ""
    assert seen == list(range(130))[::-1]
    assert not path


def test_what_is_beside_every_index_is_found_a_stretch_at_a_time(world):
    with world.database.write() as tx:
        for n in range(40):
            found = "unknown" if n == 3 else "accepted"
            audit_log.append(tx, actor="system", act="outcomes_recorded", payload={"counts": {found: 1}})
    legs = (audit_pages.Leg(act="outcomes_recorded", holds=('"unknown":',)),)
    after, looks, found = None, 0, []
    while True:
        with world.database.read() as tx:
            page = audit_pages.page(tx, audit_pages.Search(legs=legs), after=after, size=50, looked_at=10)
        found, looks, after = [*found, *page.events], looks + 1, page.after
        if after is None:
            break
    assert len(found) == 1
    assert looks >= 4


def test_a_look_is_recorded_once_an_hour_for_each_filter(world, client):
    sign_in(world, client, "audrey", "auditor")
    for query in ("", "", "?person=anna", "?person=anna&after=2026-01-01T00:00:00+00:00_1", "?person=anna"):
        client.get(f"/audit{query}")
    read = acts(world, "audit_log_read")
    assert [(e.actor, json.loads(e.payload)["filter"]) for e in read] == [
        ("audrey", {}),
        ("audrey", {"person": "anna"}),
    ]
    assert "person anna" in sentence(read[1])


def test_who_may_not_read_the_log_is_refused_everywhere_and_leaves_no_trace(world, client):
    ref = world.submit().ref
    sign_in(world, client, "oscar", "officer")
    token = re.search(r'name="csrf" value="([^"]+)"', client.get("/messages").text)[1]
    before = world.rows(audit_event)
    for path in ("/audit", "/audit/seal", f"/messages/{ref}/timeline", "/audit/verify_audit.py"):
        assert client.get(path).status == 403, path
    for path in ("/audit/number", "/audit/export", "/audit/prove", "/audit/seal/check"):
        form = {"csrf": token, "form": "csv", "ref": ref, "number": number(1)}
        assert client.send(path, **form).status == 403, path
    assert world.rows(audit_event) == before
    assert "/audit" not in client.get("/messages").text


def test_a_number_is_traced_by_those_who_may_and_never_written_down(world, client):
    released = world.release_texts(3)
    world.work_bulk()
    sign_in(world, client, "ada", "administrator")
    page = post(client, "/audit/number", number=number(2))
    assert released.ref in page.text
    assert "accepted" in page.text
    assert number(2) not in page.text
    (event,) = acts(world, "person_looked_up")[-1:]
    assert (event.actor, json.loads(event.payload)["deliveries"]) == ("ada", 1)
    everything = json.dumps([list(map(str, row)) for row in world.rows(audit_event)])
    assert number(2)[1:] not in everything


def test_a_number_among_the_filters_is_refused_and_not_recorded(world, client):
    sign_in(world, client, "audrey", "auditor")
    assert client.get("/audit?about=%2B447700900002").status == 422
    assert not acts(world, "audit_log_read")
    assert post(client, "/audit/number", number=number(2)).status == 403
    assert not acts(world, "person_looked_up")


def test_what_is_taken_away_is_all_of_it_safe_in_a_spreadsheet_and_recorded(world, client):
    sign_in(world, client, "audrey", "auditor")
    with world.database.write() as tx:
        for n in range(3):
            audit_log.append(
                tx, actor="olive", act="user_disabled", subject=f"=cmd|{n}", payload={"sessions": n}
            )
    table = post(client, "/audit/export", form="csv", person="olive")
    lines = post(client, "/audit/export", form="jsonl", person="olive")
    rows = list(csv.reader(io.StringIO(table.text)))
    assert [row[4] for row in rows[1:4]] == ["'=cmd|2", "'=cmd|1", "'=cmd|0"]
    assert rows[4] == ["end", "3 events"]
    told = [json.loads(line) for line in lines.text.splitlines()]
    assert [each.get("subject") for each in told] == ["=cmd|2", "=cmd|1", "=cmd|0", None]
    assert told[-1] == {"end": {"events": 3}}
    taken = [json.loads(e.payload) for e in acts(world, "audit_events_exported")]
    assert taken == [{"filter": {"person": "olive"}, "form": form} for form in ("csv", "jsonl")]
    assert post(client, "/audit/export", form="xml").status == 422


def test_a_timeline_tells_the_whole_story_with_its_texts(world, client):
    submitted = world.submit(channels=("website", "x"))
    world.parts.approve.send_back(world.approver, submitted.ref, "Which roads?")
    world.edit(submitted.ref, channels=("website", "x"), action="Keep off the A587 seafront.")
    world.approve(world.parts.compose.submit(world.officer, submitted.ref))
    world.work_public()
    sign_in(world, client, "audrey", "auditor")
    text = client.get(f"/messages/{submitted.ref}/timeline").text
    assert "olive began it." in text
    assert "Which roads?" in text
    assert "version 2" in text
    assert "anna approved" in text
    assert "site (website) accepted." in text
    assert re.search(r"<ins>A587 ?</ins>", text)
    assert "Added &#34;A587&#34;." in text
    assert text.count("Keep off the seafront.") >= 2  # of the first version, as facts and as posts
    assert len(acts(world, "audit_log_read")) == 1


def test_the_seal_is_checked_beside_the_requests_and_what_came_out_is_recorded(world, client):
    world.submit()
    sign_in(world, client, "audrey", "auditor")
    world.parts.seal.seal()
    assert "Sealed up to event" in client.get("/audit/seal").text
    assert post(client, "/audit/seal/check", page="/audit/seal").status == 303
    checking = world.parts.log_check.wait(20)
    assert checking.whole is True
    assert checking.done == checking.total > 0
    (event,) = acts(world, "audit_log_checked")
    assert (event.actor, json.loads(event.payload)["code"]) in {("audrey", 0), ("audrey", 3)}
    assert "Whole" in client.get("/audit/seal").text


def test_an_altered_log_is_told_as_altered(world, client):
    world.submit()
    sign_in(world, client, "audrey", "auditor")
    world.parts.seal.seal()
    world.change(audit_event, {"actor": "somebody"}, no=1)
    world.parts.log_check.begin(world.person("aldo", "auditor"))
    assert world.parts.log_check.wait(20).whole is False
    text = client.get("/audit/seal").text
    assert "ALTERED at event 1" in text
    assert "ALTERED from event 1" in text


def test_the_proof_of_one_message_can_be_checked_elsewhere(world, client, tmp_path):
    ref = world.submit().ref
    sign_in(world, client, "audrey", "auditor")
    world.parts.seal.seal()
    file = tmp_path / "proof.json"
    answer = post(client, "/audit/prove", page="/audit/seal", ref=ref, texts="yes")
    file.write_bytes(answer.body)
    assert verify_file(str(file), keys=[], anchors=[]).code == 0
    assert post(client, "/audit/prove", page="/audit/seal", ref="nothing").status == 422
    (event,) = acts(world, "message_proved")
    assert (event.actor, event.subject) == ("audrey", ref)
    assert client.get("/audit/verify_audit.py").text.startswith('"""Checks an export')


def test_nothing_that_really_happens_is_told_with_a_gap(world):
    released = world.release_texts(2)
    world.work_bulk()
    back = world.submit()
    world.parts.approve.send_back(world.approver, back.ref, "Not yet")
    world.parts.opt_outs.add(world.administrator, number(1), purpose="", reason="letter 12")
    world.parts.erasing.erase(world.administrator, number(2), reason="letter 13")
    with world.database.read() as tx:
        events = list(audit_log.events(tx))
    assert released.ref in {e.subject for e in events}
    for event in events:
        assert event.act in SENTENCES
        assert UNTOLD not in sentence(event), event
