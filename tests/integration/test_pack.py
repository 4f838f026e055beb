"""The inquiry pack: what it says of a message from first draft to last receipt, who may have it, and that it can be read."""

import hashlib
import json
from zoneinfo import ZoneInfo

import pytest

from broadcaster.db import audit_log, messages
from broadcaster.db.tables import post
from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.errors import NotAllowed, NotFound
from broadcaster.service.pack_chart import MOST_BARS, deliveries_over_time
from broadcaster.service.redacting import Authority
from tests.builders import number
from tests.integration.asgi import web_of
from tests.integration.browsing import Browser
from tests.integration.identities import enter, person
from tests.papers import must_be_accessible, read

DATABASES = ("sqlite",)

NASTY = 'Amber *wind* #warning $x$ <ref> @a `b` \\ "c" // d \U0001f6a8 \u062e\u0637\u0631'


@pytest.fixture
def auditor(world):
    return world.person("audrey", "auditor")


def exported(world):
    with world.database.read() as tx:
        return [e for e in audit_log.events(tx) if e.act == "inquiry_pack_exported"]


def strings(said):
    """Every text in what was read out of JSON."""
    if isinstance(said, str):
        return {said}
    inner = said.values() if isinstance(said, dict) else said if isinstance(said, list) else ()
    return {text for each in inner for text in strings(each)}


def sent(world):
    """Returned once, changed, approved after 95 seconds, sent to everybody, one left out, and stopped at last."""
    world.add_audience("residents", 40)
    world.opt_out(7)
    first = world.submit(channels=("website", "x", "sms"), audience="residents")
    world.parts.approve.send_back(world.approver, first.ref, "Which roads?")
    world.edit(first.ref, channels=("website", "x", "sms"), audience="residents", headline=NASTY)
    again = world.parts.compose.submit(world.officer, first.ref)
    world.clock.advance(95)
    world.approve(again)
    world.parts.plan.plan(world.broadcast_id(first.ref))
    world.work_public()
    world.work_bulk()
    world.clock.advance(600)
    world.parts.by_hand.told(
        world.officer,
        first.ref,
        way="doors",
        at=world.now(),
        words="Mrs Jones of 4 High Street",
    )
    world.stop(first.ref)
    world.parts.seal.seal()
    return again


def test_the_pack_tells_a_message_from_its_first_draft_to_its_end(world, auditor):
    submitted = sent(world)
    found = world.parts.packs.of(auditor, submitted.ref.lower())
    told = read(found.content)
    must_be_accessible(told)
    assert told.title == f"Inquiry pack {submitted.ref}"
    for said in (
        'Amber *wind* #warning $x$ <ref> @a `b` \\ "c" // d',
        "Which roads?",
        "olive handed over version 2",
        "anna approved",
        "95",
        "2 versions were written",
        submitted.manifest_sha256[:40],
        "39 accepted by the platform; 1 left out, since people opted out or were erased",
        "Planned and counted add up.",
        "Neither means that anybody read it",
        "told by doors",
        "olive stopped",
        "sent in error",
        "https://website.test/1",
        "not recorded",
        "broadcaster audit prove",
        "Sealed up to event",
    ):
        assert said in told.words, said
    assert "Mrs Jones" not in told.words
    assert "Some of what is told here was not sealed" not in told.words
    assert [text for level, text in told.headings if level == 2] == ["Version 1", "Version 2"]
    assert len(told.alts) == 1
    assert "41 accepted by platforms" in told.alts[0]
    assert NASTY in strings(told.attached)
    for ordinal in range(1, 41):
        assert number(ordinal)[3:] not in told.words.replace(" ", "")


def test_that_it_was_taken_is_one_event_with_the_digest_of_the_very_file(world, auditor):
    ref = world.release(channels=("website",)).ref
    found = world.parts.packs.of(auditor, ref)
    (event,) = exported(world)
    assert (event.actor, event.subject) == ("audrey", ref)
    assert json.loads(event.payload)["sha256"] == found.sha256 == hashlib.sha256(found.content).hexdigest()
    assert "audrey took away the inquiry pack" in read(world.parts.packs.of(auditor, ref).content).words


def test_only_who_may_read_the_log_has_one(world, auditor):
    ref = world.release(channels=("website",)).ref
    for who in (world.officer, world.approver):
        with world.refused(NotAllowed, "Only an administrator or an auditor may read the audit log"):
            world.parts.packs.of(who, ref)
    with world.refused(NotFound, "There is no message"):
        world.parts.packs.of(auditor, "ZZZZZZ")


def test_a_draft_has_one_too_that_says_that_nothing_was_sent(world, auditor):
    told = read(world.parts.packs.of(auditor, world.draft()).content)
    must_be_accessible(told)
    for said in ("it was never handed over", "Nothing was sent, so there is nothing to count", "nobody"):
        assert said in told.words, said


def test_a_stored_text_that_was_altered_is_said_to_be_altered_and_not_shown(world, auditor):
    ref = world.release(channels=("website",)).ref
    stored = next(p for p in world.rows(post) if p.channel == "website")
    world.change(post, {"content": stored.content.replace(b"seafront", b"pier")}, id=stored.id)
    told = read(world.parts.packs.of(auditor, ref).content)
    assert "what is stored is NOT what was approved, so it is not shown" in told.words


def test_the_pack_of_an_incident_has_all_of_its_messages(world, auditor):
    first = world.release(channels=("website",))
    incident = incident_of(world, first.ref)
    second = world.release(channels=("website",), incident=incident, headline="Gales ease")
    other = world.release(channels=("website",))
    told = read(world.parts.packs.of(auditor, incident.lower()).content)
    must_be_accessible(told)
    chapters = [text for level, text in told.headings if text.startswith("Message ")]
    assert [text[8:14] for text in chapters] == [first.ref, second.ref]
    assert other.ref not in told.words
    assert exported(world)[-1].subject == incident


def incident_of(world, ref):
    with world.database.read() as tx:
        return messages.incident_ref(tx, messages.find(tx, ref).incident_id)


def test_an_auditor_takes_it_from_the_timeline_and_an_officer_cannot(world):
    ref = world.release(channels=("website",)).ref
    person(world, "ada", "auditor")
    client = Browser(web_of(world.parts))
    client.cookie = enter(world, "ada").cookie
    answer = client.post("/audit/pack", page=f"/messages/{ref}/timeline", ref=ref)
    assert answer.headers["content-disposition"] == f'attachment; filename="inquiry-pack-{ref}.pdf"'
    assert answer.headers["content-type"] == "application/pdf"
    assert read(answer.body).title == f"Inquiry pack {ref}"
    person(world, "oscar", "officer")
    client.cookie = enter(world, "oscar").cookie
    assert client.post("/audit/pack", page="/me", ref=ref).status == 403
    assert len(exported(world)) == 1


def event_at(second, act="outcomes_recorded", **counts):
    return AuditEvent(
        id=second,
        no=second,
        at=f"2026-11-21T{18 + second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}+00:00",
        actor="system",
        act=act,
        subject="7F3K2M",
        payload=json.dumps({"counts": counts}),
        leaf=None,
    )


@pytest.mark.parametrize(
    ("seconds", "wide"), [(40, "1 second"), (400, "10 seconds"), (2000, "1 minute"), (14000, "5 minutes")]
)
def test_the_chart_has_few_bars_and_every_delivery_however_long_it_took(seconds, wide):
    events = [event_at(n, accepted=3, not_sent=5, unknown=1) for n in range(0, seconds, 7)]
    events.append(
        event_at(seconds, "receipts_applied", **{"accepted->delivered": 9, "accepted->undelivered": 2})
    )
    chart, numbers = deliveries_over_time(events, ZoneInfo("Europe/London"))
    assert len(chart.bars) <= MOST_BARS
    assert chart.title.endswith(wide)
    made = [sum(bar[1][k] for bar in chart.bars) for k in range(3)]
    assert made == [3 * (len(events) - 1), 9, len(events) - 1]
    assert numbers.rows[-1][1:] == tuple(f"{n:,}" for n in made)


def test_what_was_redacted_is_shown_as_what_is_left_and_not_taken_for_tampering(world, auditor):
    ref = world.release(channels=("website",), action="Ring Jane Doe at the pier.").ref
    world.work_public()
    world.parts.sweep.sweep()
    world.clock.advance(86_400)
    why = Authority(code="personal-data", reason="DP-2026-31", authorised_by="A. Records")
    world.parts.redacting.redact_text(world.administrator, ref, "Jane Doe", why)
    told = read(world.parts.packs.of(auditor, ref).content)
    assert "Jane Doe" not in told.words
    assert "Ring [redacted: personal data] at the pier." in told.words
    assert "Not as it was sent: redacted under personal-data, authorised by A. Records" in told.words
    assert "NOT what was approved" not in told.words
    assert "adam redacted" in told.words
