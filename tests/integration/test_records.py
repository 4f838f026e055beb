"""Legal holds, redactions, and records for a request for information."""

import csv
import io
import json
from dataclasses import replace

import pytest

from broadcaster.audit.verifier.proof import verify_proof
from broadcaster.db import media as pictures
from broadcaster.db import messages
from broadcaster.db.records import Asked
from broadcaster.db.tables import (
    audit_event,
    legal_hold,
    message_version,
    post,
    recipient,
    redaction,
    sequel,
    suppression,
)
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound, Stale
from broadcaster.domain.follow_up import Purpose
from broadcaster.domain.records import passage
from broadcaster.render.notices import shipped_example
from broadcaster.service.prepared import digest
from broadcaster.service.redacting import NOT_KEPT, Authority
from channels.website import Website
from tests.builders import VALUES, number
from tests.contract.website_site import account
from tests.integration.visitor import visitor

DATABASES = ("sqlite",)

NAME = "Mrs O\u2019Shea of Kemp Street"
WHY = Authority(code="personal-data", reason="DP-2026-31", authorised_by="Data protection officer")
MARK = "[redacted: personal data]"
DAY = 86_400


@pytest.fixture(autouse=True)
def staff(world):
    return world.administrator, world.officer, world.approver, world.person("ava", "auditor")


def sent(world, *, over=True, **values):
    """A message that names somebody, sent and, mostly, over."""
    ref = world.release(channels=("website", "x"), **{"action": f"Ask for {NAME}. Stay in.", **values}).ref
    world.work_public()
    world.parts.sweep.sweep()
    if over:
        world.clock.advance(DAY)
    return ref


def redact(world, ref, words=NAME, why=WHY, by=None):
    return world.parts.redacting.redact_text(by or world.administrator, ref, words, why)


def everything(world):
    """All that the database holds, as text."""
    return json.dumps(
        world.snapshot(), default=lambda v: v.decode(errors="replace") if isinstance(v, bytes) else str(v)
    )


# --- holds ------------------------------------------------------------------------------------------------


def hold(world, kind, about, by=None):
    return world.parts.holding.place(
        by or world.administrator, kind, about, reason="Inquiry, letter of 3 May"
    )


def replaced(world):
    """A list that a newer one took the place of, long ago."""
    old = world.add_audience("residents", 3)
    world.release(channels=("sms",), audience="residents")
    world.stop(world.parts.report.messages()[0]["reference"])
    world.add_audience("residents", 2)
    world.clock.advance(40 * DAY)
    return old


@pytest.mark.parametrize("kind", ["message", "incident", "audience"])
def test_a_hold_keeps_the_numbers_of_what_it_covers_until_it_is_lifted(world, kind):
    old = replaced(world)
    ref = world.parts.report.messages()[0]["reference"]
    with world.database.read() as tx:
        incident = messages.incident_ref(tx, messages.find(tx, ref).incident_id)
    about = {"message": ref, "incident": incident, "audience": "residents"}[kind]
    placed = hold(world, kind, about)
    world.parts.retention.wipe_old_numbers()
    assert len(world.rows(recipient, audience_version_id=old)) == 3
    world.parts.holding.lift(world.administrator, placed.ref, reason="closed")
    world.clock.advance(2 * 3600)
    world.beside().retention.wipe_old_numbers()
    assert world.rows(recipient, audience_version_id=old) == []
    assert [a for a in world.acts() if a.startswith("hold")] == ["hold_placed", "hold_lifted"]


def test_erasing_a_person_says_what_a_hold_keeps_and_nothing_is_sent_there(world):
    kept, free = world.add_audience("held", 2), world.add_audience("other", 2)
    placed = hold(world, "audience", "held")
    found = world.parts.erasing.find(world.administrator, number(1))
    assert found.held == (f"held, version 1 (legal hold {placed.ref})",)
    erased = world.parts.erasing.erase(world.administrator, number(1), reason="DP-2026-14")
    assert (erased.versions, erased.kept_out, erased.held) == (1, True, found.held)
    index = world.vault.index(number(1))
    assert [r.audience_version_id for r in world.rows(recipient, number_index=index)] == [kept]
    assert world.row(suppression, number_index=index).reason == "kept_out"
    assert json.loads(world.rows(audit_event)[-1].payload)["held"] == [placed.ref]
    assert free
    world.parts.holding.lift(world.administrator, placed.ref, reason="closed")
    assert world.parts.erasing.erase(world.administrator, number(1), reason="DP-2026-14").held == ()
    assert world.rows(recipient, number_index=index) == []


def test_a_hold_is_placed_and_lifted_with_a_reason_by_those_who_may(world):
    ref = world.draft(channels=("website",))
    for by in (world.officer, world.approver):
        with world.refused(NotAllowed, "may place or lift a legal hold"):
            hold(world, "message", ref, by=by)
    with world.refused(Invalid, "Give a reason"):
        world.parts.holding.place(world.administrator, "message", ref, reason=" ")
    for kind, about in (("message", "ZZZZZZ"), ("incident", "ZZZZZZ"), ("audience", "nobody")):
        with world.refused(NotFound, "There is no"):
            hold(world, kind, about)
    with world.refused(Invalid, "A hold is on one of"):
        hold(world, "person", ref)
    placed = hold(world, "message", ref.lower(), by=world.person("ava"))
    assert (placed.about, placed.placed_by) == (ref, "ava")
    with world.refused(Invalid, "Give a reason"):
        world.parts.holding.lift(world.administrator, placed.ref, reason="")
    world.parts.holding.lift(world.administrator, placed.ref, reason="closed")
    with world.refused(Stale, "lifted already"):
        world.parts.holding.lift(world.administrator, placed.ref, reason="closed")
    assert len(world.rows(legal_hold)) == 1


# --- redactions -------------------------------------------------------------------------------------------


def test_redacted_words_stand_nowhere_any_more_and_the_proof_still_verifies(world):
    ref = sent(world, headline=f"Notice for {NAME}")
    digests = {p.sha256 for p in world.rows(post)}
    assert world.parts.redacting.found(world.administrator, ref, "mrs o'shea  of Kemp\nStreet") > 3
    made = redact(world, ref, "mrs o'shea  of Kemp\nStreet")
    assert set(made.digests) == digests
    assert "Shea" not in everything(world)
    assert {p.sha256 for p in world.rows(post)} == digests
    assert MARK in world.parts.compose.preview(ref).posts[0].post.text
    assert MARK in str(world.parts.timelines.of(world.administrator, ref))
    assert world.acts().count("message_redacted") == 1
    world.parts.seal.seal()
    proof = world.parts.audit.prove(world.administrator, ref)
    assert [d["name"] for d in proof["documents"]] == ["manifest"]
    assert proof["redacted"][0]["code"] == "personal-data"
    verdict = verify_proof(proof, keys=[])
    assert verdict.problems == []


def test_redacted_words_leave_our_own_website_too_where_a_page_kept_what_it_said_before(world, tmp_path):
    site = tmp_path / "site"
    world.channels["live"]["site"] = Website(account(site), now=world.now)
    ref = world.release(channels=("website",), action=f"Ask for {NAME}.").ref
    world.work_public()
    draft = world.parts.follow_ups.draft(
        world.officer, ref, Purpose.UPDATE, values={"action": "Stay in."}, reason="It has moved"
    )
    world.approve(world.parts.compose.submit(world.officer, draft.ref))
    world.work_public()
    assert world.parts.redacted_pages.look() == 0
    published = b"".join(p.read_bytes() for p in site.rglob("*") if p.is_file())
    assert "Shea" in published.decode(errors="replace")
    world.clock.advance(DAY)
    world.parts.sweep.sweep()
    made = redact(world, ref)
    assert world.parts.redacted_pages.look() == 1
    assert world.parts.redacted_pages.look() == 0
    published = b"".join(p.read_bytes() for p in site.rglob("*") if p.is_file()).decode(errors="replace")
    assert "Shea" not in published
    assert MARK in (site / "alerts" / ref.lower() / "index.html").read_text()
    assert world.events("pages_redacted") == [{"mode": "live", "pages": 1}]
    assert len(made.digests) == 1, "the digest of the post as it was is what proves it"
    beside = world.beside()
    assert beside.redacted_pages.look() == 0, "another process finds nothing left to do"


def test_words_of_what_lies_ready_beside_a_message_are_redacted_with_it(world):
    proof = world.parts.compose.draft(
        world.officer,
        template=world.parts.templates.current("severe-weather"),
        values={**shipped_example("severe-weather"), "area": f"Near {NAME}"},
        channels=("website", "x"),
    )
    ref = world.approve(world.parts.compose.submit(world.officer, proof.ref)).ref
    world.work_public()
    world.parts.sweep.sweep()
    world.clock.advance(4 * DAY)
    ready = world.row(sequel)
    assert "Shea" in ready.content
    made = redact(world, ref)
    assert "Shea" not in everything(world)
    assert digest(ready.content) in made.digests
    assert json.loads(world.row(sequel).content)["ref"] == ready.ref


def test_a_post_that_was_altered_and_not_redacted_still_spoils_the_proof(world):
    ref = sent(world)
    stored = world.rows(post)[0]
    world.change(post, {"content": stored.content.replace(b"Stay in", b"Go out.")}, id=stored.id)
    world.parts.seal.seal()
    proof = world.parts.audit.prove(world.administrator, ref)
    verdict = verify_proof(proof, keys=[])
    assert "is not what the events name" in str(verdict.problems)


def test_nothing_is_redacted_that_may_be_sent_is_in_force_or_is_held(world):
    waiting = world.submit(channels=("website",), action=f"Ask for {NAME}.").ref
    with world.refused(Stale, "being decided on or sent"):
        redact(world, waiting)
    current = sent(world, over=False)
    with world.refused(Stale, "is in force"):
        redact(world, current)
    world.clock.advance(DAY)
    placed = hold(world, "message", current)
    with world.refused(Stale, f"legal hold .{placed.ref}. covers"):
        redact(world, current)
    world.parts.holding.lift(world.administrator, placed.ref, reason="closed")
    redact(world, current)


def test_what_is_needed_for_a_redaction_is_asked_for_and_who_may_not_changes_nothing(world):
    ref = sent(world)
    for by in (world.officer, world.approver, world.person("ava")):
        with world.refused(NotAllowed, "Only an administrator may redact"):
            redact(world, ref, by=by)
    for why, said in (
        (replace(WHY, code="because"), "Choose why it is redacted"),
        (replace(WHY, reason=" "), "Give a reason"),
        (replace(WHY, authorised_by=""), "Say who authorised it"),
        (replace(WHY, reason=f"It names {NAME}"), "The reason holds the words"),
    ):
        with world.refused(Invalid, said):
            redact(world, ref, why=why)
    with world.refused(NotFound, "do not stand in"):
        redact(world, ref, "Mr Nobody")
    with world.refused(Invalid, "at least three characters"):
        redact(world, ref, "a .")
    assert world.rows(redaction) == []


def test_a_passage_is_found_with_other_quotes_dashes_and_line_breaks():
    found = passage("O'Shea - Kemp Street")
    assert found.search("of o\u2019shea \u2013 Kemp\nStreet now")
    assert not found.search("O'Shea, Kemp Street")
    assert not passage("a.b.c").search("axbxc")


def test_a_redacted_picture_is_gone_is_shown_as_redacted_and_is_not_taken_again(world):
    with world.database.write() as tx:
        stored = pictures.ensure(tx, content=b"\x89PNG-canary", media_type="image/png", width=1, height=1)
    ref = sent(world)
    images = json.dumps([{"alt": "A house", "name": "a.png", "sha256": stored.sha256}], separators=(",", ":"))
    world.change(message_version, {"images": images}, no=1)
    made = world.parts.redacting.redact_picture(world.administrator, ref, stored.sha256, WHY)
    assert (made.kind, made.digests) == ("picture", (stored.sha256,))
    assert "canary" not in everything(world)
    shown = visitor(world, "olga", "officer").get(f"/pictures/{stored.sha256}")
    assert (shown.headers["content-type"], "Picture redacted" in shown.text) == ("image/svg+xml", True)
    with pytest.raises(Invalid, match="was redacted here"), world.database.write() as tx:
        pictures.ensure(tx, content=b"\x89PNG-canary", media_type="image/png", width=1, height=1)
    with world.refused(NotFound, "no such picture any more"):
        world.parts.redacting.redact_picture(world.administrator, ref, stored.sha256, WHY)


def test_drafts_stay_unless_days_are_set_and_then_lose_their_words_but_not_where_they_are_held(world):
    released, draft = sent(world), world.draft(channels=("website",))
    held = world.draft(channels=("website",))
    hold(world, "message", held)
    world.clock.advance(100 * DAY)
    assert world.parts.redacting.wipe_old_drafts() is False
    wiping = world.beside(drafts_kept_days=90).redacting
    while wiping.wipe_old_drafts():
        pass
    assert world.parts.report.written(draft).facts.area == NOT_KEPT
    assert world.parts.report.written(held).facts.area == VALUES["area"]
    assert world.parts.report.written(released).facts.area == VALUES["area"]
    assert world.acts().count("draft_wiped") == 1


# --- records for a request --------------------------------------------------------------------------------


def test_records_are_taken_away_with_redactions_and_without_names_of_staff(world):
    ref = sent(world, headline="=Amber")
    redact(world, ref)
    lines = list(world.parts.records_file.of(world.person("ava"), Asked(ref=ref), form="jsonl"))
    found = [json.loads(line) for line in lines]
    assert found[-1] == {"end": {"records": 2}}
    assert {r["channel"] for r in found[:-1]} == {"website", "x"} or len(found) == 3
    assert all(MARK in r["text"] and r["redactions"] == ["personal-data"] for r in found[:-1])
    assert (found[0]["written_by"], found[0]["approved_by"]) == ("officer", "approver")
    assert "olive" not in "".join(lines)
    assert world.acts()[-1] == "records_exported"
    table = "".join(world.parts.records_file.of(world.person("ava"), Asked(), form="csv", staff_names=True))
    rows = list(csv.DictReader(io.StringIO(table)))
    assert rows[0]["written_by"] == "olive"
    assert not any(cell.startswith("=") for row in rows for cell in row.values() if cell)
    with world.refused(NotAllowed, "may read the audit log"):
        world.parts.records_file.of(world.officer, Asked(), form="csv")
    with world.refused(Invalid, "Choose one of"):
        world.parts.records_file.of(world.person("ava"), Asked(), form="xls")


# --- in the console ---------------------------------------------------------------------------------------


def test_holds_and_records_are_kept_in_a_page_by_those_who_may(world):
    ref = sent(world)
    ada = visitor(world, "ada", "auditor")
    assert "There is no legal hold." in ada.get("/manage/records").words
    before = world.acts()
    refused = ada.post("/manage/records/hold", kind="message", about="ZZZZZZ", reason="Inquiry")
    assert (refused.status, 'value="ZZZZZZ"' in refused.text, world.acts()) == (409, True, before)
    assert ada.post("/manage/records/hold", kind="message", about=ref, reason="Inquiry").status == 303
    placed = world.row(legal_hold, about=ref).ref
    assert f"Message {ref}" in ada.get("/manage/records").words
    assert ada.post(f"/manage/records/{placed}/lift", reason="").status == 409
    assert ada.post(f"/manage/records/{placed}/lift", reason="closed").status == 303
    assert world.acts()[len(before) :] == ["hold_placed", "hold_lifted"]
    taken = ada.post("/manage/records/export", message=ref, form="csv")
    assert (taken.status, taken.text.count(ref) >= 2) == (200, True)
    ada.get("/manage/records")
    assert ada.post("/manage/records/export", since="yesterday", form="csv").status == 409
    olga = visitor(world, "olga", "officer")
    assert olga.get("/manage/records").status == 403
    olga.get("/")
    assert olga.post("/manage/records/hold", kind="message", about=ref, reason="x").status == 403
    assert olga.get(f"/messages/{ref}/redact").status == 403


def test_words_are_found_first_and_then_taken_out_with_the_tick(world):
    ref = sent(world)
    bea = visitor(world, "bea", "administrator")
    bea.get(f"/messages/{ref}/redact")
    form = {
        "words": NAME,
        "why": "personal-data",
        "reason": "DP-2026-31",
        "authorised_by": "Data protection officer",
    }
    shown = bea.post(f"/messages/{ref}/redact", form)
    assert "These words stand there" in shown.words
    assert world.rows(redaction) == []
    before = world.acts()
    assert bea.post(f"/messages/{ref}/redact", {**form, "sure": "yes"}).status == 303
    assert [a for a in world.acts()[len(before) :] if a.startswith("message")] == ["message_redacted"]
    page = bea.get(f"/messages/{ref}").words
    assert "Words: personal data" in page
    assert MARK in page
    assert "Shea" not in page + bea.get(f"/messages/{ref}/timeline").words
