"""Who may approve what and when: another hash, another state, too late, touched by oneself, an account that is not fit."""

import pytest

from broadcaster.db.tables import account, incident, message, message_version, recipient, submission
from broadcaster.domain.errors import NotAllowed, Stale
from tests.integration.approvals import refuses, submit_to_all


def test_a_wrong_hash_is_refused(world, subtests):
    for given in ["", "0" * 64, "not a hash"]:
        with subtests.test(str(given)):
            submitted = world.submit()
            assert world.approver
            with world.refused(Stale, "belongs to another version"):
                world.parts.approve.approve(world.approver, submitted.ref, given)


def test_the_beginning_of_the_hash_is_not_enough(world):
    submitted = world.submit()
    assert world.approver
    with world.refused(Stale, "another version"):
        world.parts.approve.approve(world.approver, submitted.ref, submitted.manifest_sha256[:12])


def test_a_draft_cannot_be_approved(world):
    ref = world.draft()
    assert world.approver
    approve = world.parts.approve.approve
    with world.refused(Stale, "draft and waits for no approval"):
        approve(world.approver, ref, "0" * 64)


def test_what_was_approved_cannot_be_approved_again(world):
    submitted = world.submit()
    world.approve(submitted)
    refuses(world, submitted, "is released and waits for no approval")


def test_a_message_whose_incident_went_on_since_it_was_submitted_is_refused_as_that_and_not_as_altered(world):
    first = world.submit()
    row = world.row(message, ref=first.ref)
    second = world.submit(incident=world.row(incident, id=row.incident_id).ref)
    world.approve(first)
    refuses(world, second, "Another message of the same incident was released")
    world.parts.approve.send_back(world.approver, second.ref, "number it anew")
    again = world.parts.compose.submit(world.officer, second.ref)
    assert world.approve(again).ref == second.ref


@pytest.mark.parametrize("part", ["author", "editor", "submitter", "editor of an earlier version"])
def test_nobody_approves_what_he_touched(world, part):
    both = world.person("bob", "officer", "approver")
    ref = world.draft(by=both if part == "author" else None)
    if part.startswith("editor"):
        world.edit(ref, by=both)
    if part == "editor of an earlier version":
        world.edit(ref)
    submitter = both if part == "submitter" else world.officer
    submitted = world.parts.compose.submit(submitter, ref)
    if part == "submitter":  # and also when somebody else submits it the next time
        world.edit(ref)
        submitted = world.parts.compose.submit(world.officer, ref)
    with world.refused(NotAllowed, "You wrote, edited or submitted"):
        world.parts.approve.approve(both, ref, submitted.manifest_sha256)
    assert world.approve(submitted).ref == ref


def test_only_an_approver_approves_returns_and_rejects(world, subtests):
    for role in ["officer", "auditor", "administrator", "data-keeper"]:
        with subtests.test(str(role)):
            submitted = world.submit()
            other = world.person(f"otto-{role}", role)
            service = world.parts.approve
            match = "Only an approver may approve"
            with world.refused(NotAllowed, match):
                service.approve(other, submitted.ref, submitted.manifest_sha256)
            with world.refused(NotAllowed, match):
                service.send_back(other, submitted.ref, "no")
            with world.refused(NotAllowed, match):
                service.reject(other, submitted.ref, "no")


def test_a_submission_that_waited_too_long_is_refused(world):
    submitted = world.submit()
    assert world.approver
    world.clock.advance(30 * 60 + 1)
    refuses(world, submitted, "expired at")


def test_a_message_past_its_own_end_is_refused_even_where_its_submission_was_prolonged(world):
    submitted = world.submit(expires="+1h")
    assert world.approver
    world.change(submission, {"expires_at": world.later(5 * 3600)}, state="open")
    world.clock.advance(3 * 3600)
    refuses(world, submitted, "ended|expired")


def test_a_submission_never_outlives_its_message(world):
    submitted = world.submit(expires="+1m")  # the next half hour
    assert submitted.expires_at <= world.later(30 * 60 + 60)
    world.clock.advance(31 * 60)
    assert world.approver
    refuses(world, submitted, "expired at")


def test_an_audience_that_lost_all_its_numbers_is_refused(world):
    submitted = submit_to_all(world)
    assert world.approver
    with world.database.write() as tx:
        tx.execute(recipient.delete())
    refuses(world, submitted, "audience is missing or empty")


def test_an_audience_that_was_taken_off_the_version_is_refused(world):
    submitted = submit_to_all(world)
    assert world.approver
    world.change(message_version, {"audience_version_id": None}, no=1)
    refuses(world, submitted, "audience is missing or empty")


def test_a_paused_account_is_refused_with_the_reason_of_the_pause(world):
    submitted = world.submit()
    assert world.approver
    world.change(account, {"paused_at": world.now(), "pause_reason": "The token lapsed."}, name="page")
    before = world.snapshot()
    with pytest.raises(Stale, match=r"could not send now\. Nothing was changed") as caught:
        world.approve(submitted)
    (why,) = caught.value.details
    assert why.startswith("page is paused since ")
    assert "The token lapsed. Mend its file" in why
    assert world.snapshot() == before


def test_an_account_that_is_not_set_up_any_more_is_refused(world):
    submitted = world.submit()
    assert world.approver
    del world.channels["live"]["page"]
    refuses(world, submitted, "not set up any more: page")


def test_an_account_that_speaks_as_somebody_else_now_is_refused(world):
    submitted = world.submit()
    assert world.approver
    world.page.target = "another page"
    refuses(world, submitted, "altered in between")
