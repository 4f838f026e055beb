"""The "sent in error" that lies ready: worded and approved with its alert, and sent by one officer, word for word."""

import json

import pytest

from broadcaster.db.tables import approval, audit_event, message, sequel, submission
from broadcaster.domain.errors import Invalid, NotAllowed, Stale
from broadcaster.render.notices import shipped_example
from tests.builders import a_world
from tests.integration.at_the_board import Browser
from tests.integration.test_follow_ups import Living, said, states


@pytest.fixture
def world(database_url, tmp_path):
    with a_world(database_url, tmp_path, feed=Living()) as world:
        yield world


ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def submitted(world, name="severe-weather", channels=("website", "x")):
    proof = world.parts.compose.draft(
        world.officer,
        template=world.parts.templates.current(name),
        values=shipped_example(name),
        channels=channels,
    )
    return world.parts.compose.submit(world.officer, proof.ref)


def released(world):
    ref = world.approve(submitted(world)).ref
    world.clock.advance(1)
    world.work_public()
    return ref


def manifest_of(world, no=-1):
    return json.loads(world.rows(submission)[no].manifest)


def test_it_is_approved_with_the_alert_and_sent_by_one_officer(world):
    ref = released(world)
    ready = world.parts.sequels.ready(ref)
    assert manifest_of(world)["sequel"]
    sent = world.parts.sequels.send(world.officer, ref, "A drill went to the public")
    for _ in range(3):
        world.clock.advance(3)
        world.work_public()
    assert sent.ref == ready.ref
    assert states(world, sent.ref) == ["accepted", "accepted", "accepted"]
    assert list(world.feed.standing) == ["1002"]
    assert f"Message {ref} was sent in error" in said(world)[-1]
    assert f"Ref {sent.ref}" in said(world)[-1]
    kept = [row for row in world.rows(audit_event) if row.act == "sent_in_error_sent"]
    assert [(row.actor, json.loads(row.payload)["reason"]) for row in kept] == [
        ("olive", "A drill went to the public")
    ]
    first, second = world.rows(approval)
    assert first.approver_id == second.approver_id
    with world.refused(Stale, "sent already"):
        world.parts.sequels.send(world.officer, ref, "Again")


@ON_SQLITE
def test_only_an_officer_sends_it_and_says_why(world):
    ref = released(world)
    with world.refused(NotAllowed, "write"):
        world.parts.sequels.send(world.approver, ref, "It was wrong")
    with world.refused(Invalid, "reason"):
        world.parts.sequels.send(world.officer, ref, " ")


@ON_SQLITE
def test_before_the_alert_is_approved_nothing_lies_ready(world):
    waiting = submitted(world)
    assert world.parts.sequels.ready(waiting.ref) is None
    with world.refused(Stale, "Nothing lies ready"):
        world.parts.sequels.send(world.officer, waiting.ref, "It was wrong")


@ON_SQLITE
def test_a_word_that_was_not_approved_is_not_sent(world):
    ref = released(world)
    row = world.row(sequel)
    world.change(sequel, {"content": row.content.replace("sent in error", "sent on purpose")}, id=row.id)
    with world.refused(Stale, "not what was approved"):
        world.parts.sequels.send(world.officer, ref, "It was wrong")


@ON_SQLITE
def test_an_alert_whose_ready_words_were_altered_cannot_be_approved(world):
    waiting, _ = submitted(world), world.approver
    row = world.row(sequel)
    world.change(sequel, {"content": row.content.replace("sent in error", "sent on purpose")}, id=row.id)
    with world.refused(Stale, "altered"):
        world.approve(waiting)


@ON_SQLITE
def test_a_template_that_wants_none_keeps_its_manifest(world):
    world.submit()
    assert "sequel" not in manifest_of(world)
    assert world.rows(sequel) == []


@ON_SQLITE
def test_the_board_offers_it_first_and_sends_it(world):
    ref = released(world)
    olga = Browser(world, "olga", "officer")
    assert f"/messages/{ref}/sent-in-error" in olga.get(f"/messages/{ref}/board").text
    shown = olga.get(f"/messages/{ref}/sent-in-error").text
    assert f"Message {ref} was sent in error" in shown
    assert olga.post(f"/messages/{ref}/sent-in-error", reason="").status == 409
    rita = Browser(world, "rita", "auditor")
    before = world.size(message)
    assert rita.post(f"/messages/{ref}/sent-in-error", reason="so").status in {403, 409}
    assert world.size(message) == before
    assert olga.post(f"/messages/{ref}/sent-in-error", reason="A drill").status == 303
    assert "Nothing lies ready" in olga.get(f"/messages/{ref}/sent-in-error").text
