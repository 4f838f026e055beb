"""What is for partners or staff only: refused in every public place, before approval and again by the worker."""

import json
from hashlib import sha256

import pytest

from broadcaster.db.tables import approval, audit_event, broadcast, message, post, submission
from broadcaster.domain.canonical import canonical
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.errors import Invalid, Stale
from broadcaster.domain.message import Visibility
from tests.a_notice import a_template
from tests.builders import VALUES

DATABASES = ("sqlite",)

NOT_PUBLIC = [Visibility.PARTNERS, Visibility.STAFF]


def drafted(world, visibility, channels=("sms",)):
    world.add_audience("duty staff", 3)
    return world.parts.compose.draft(
        world.officer,
        template=a_template(),
        values=VALUES,
        channels=channels,
        audience="duty staff",
        visibility=visibility,
    )


def submitted(world, visibility, channels=("sms",)):
    return world.parts.compose.submit(world.officer, drafted(world, visibility, channels).ref)


def manifest(world):
    return json.loads(world.row(submission).manifest)


@pytest.mark.parametrize("visibility", NOT_PUBLIC)
@pytest.mark.parametrize("channel", ["website", "facebook", "x"])
def test_a_public_place_is_a_problem_that_names_it_and_the_cure(world, visibility, channel):
    proof = drafted(world, visibility, ("sms", channel))
    [problem] = proof.problems
    assert problem.startswith(f"{channel.capitalize()} (")
    assert f"this message is for {visibility} only" in problem
    assert "such as text messages" in problem


@pytest.mark.parametrize("visibility", NOT_PUBLIC)
def test_it_cannot_be_submitted_to_public_places_and_each_is_named(world, visibility):
    ref = drafted(world, visibility, ("website", "facebook", "x", "sms")).ref
    with pytest.raises(Invalid) as caught:
        world.parts.compose.submit(world.officer, ref)
    assert [line.partition(" ")[0] for line in caught.value.details] == ["Website", "X", "Facebook"]
    assert world.size(submission) == 0


@pytest.mark.parametrize("visibility", NOT_PUBLIC)
def test_an_audience_may_have_it_and_gets_it(world, visibility):
    waiting = submitted(world, visibility)
    assert waiting.proof.problems == ()
    assert waiting.proof.visibility is visibility
    released = world.approve(waiting)
    world.parts.plan.plan(world.broadcast_id(released.ref))
    world.work_bulk()
    assert len(world.gateway.ledger) == 3


@pytest.mark.parametrize("visibility", NOT_PUBLIC)
def test_it_is_stored_audited_and_part_of_what_is_approved(world, visibility):
    waiting = submitted(world, visibility)
    assert world.row(message).visibility == visibility
    assert json.loads(world.row(audit_event, act="message_drafted").payload)["visibility"] == visibility
    assert manifest(world)["visibility"] == visibility
    world.change(message, {"visibility": "public"}, ref=waiting.ref)
    with pytest.raises(Stale, match="was altered"):
        world.approve(waiting)


def test_a_public_message_goes_everywhere_and_its_manifest_is_as_it_always_was(world):
    waiting = submitted(world, Visibility.PUBLIC, ("website", "sms"))
    assert waiting.proof.problems == ()
    assert "visibility" not in manifest(world)
    assert json.loads(world.row(audit_event, act="message_drafted").payload)["visibility"] == "public"


def test_an_edit_keeps_it(world):
    ref = drafted(world, Visibility.STAFF).ref
    proof = world.parts.compose.edit(
        world.officer,
        ref,
        template=a_template(),
        values=VALUES,
        channels=("website", "sms"),
        audience="duty staff",
    )
    assert proof.visibility is Visibility.STAFF
    assert "for staff only" in proof.problems[0]


@pytest.mark.parametrize("visibility", [*NOT_PUBLIC, "a word from a later version"])
def test_the_worker_keeps_it_from_a_public_place_even_if_it_was_approved_for_it(world, visibility):
    """As if the check before approval had a hole: the approved manifest itself names the website."""
    world.release(channels=("website", "facebook"))
    stored = manifest(world) | {"visibility": str(visibility)}
    digest = sha256(canonical(stored)).hexdigest()
    ids = world.row(submission).id
    world.change(submission, {"manifest": canonical(stored).decode(), "manifest_sha256": digest}, id=ids)
    world.change(approval, {"manifest_sha256": digest}, submission_id=ids)
    world.clock.advance(1)
    world.work_public()
    assert world.site.ledger == world.page.ledger == []
    assert world.state("website") is world.state("facebook") is DeliveryState.QUARANTINED


def test_the_worker_sends_a_public_one_whose_manifest_was_made_the_same_way(world):
    """The test above would prove nothing, if a manifest put there by hand were refused for that."""
    world.release(channels=("website",))
    stored = manifest(world)
    ids = world.row(submission).id
    digest = sha256(canonical(stored)).hexdigest()
    world.change(submission, {"manifest": canonical(stored).decode(), "manifest_sha256": digest}, id=ids)
    world.change(approval, {"manifest_sha256": digest}, submission_id=ids)
    world.work_public()
    assert len(world.site.ledger) == 1


def test_an_account_that_is_not_set_up_now_keeps_the_message_waiting_and_does_not_quarantine_it(world):
    released = world.approve(submitted(world, Visibility.STAFF))
    world.parts.plan.plan(world.broadcast_id(released.ref))
    gone = world.channels["live"].pop("gateway")
    world.work_bulk()
    assert DeliveryState.QUARANTINED not in world.states()
    world.channels["live"]["gateway"] = gone
    assert (world.size(broadcast), world.size(post)) == (1, 1)
