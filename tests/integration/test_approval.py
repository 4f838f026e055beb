"""Approving: a second person releases exact bytes, in one transaction, or is refused and nothing has changed."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier

import pytest
from sqlalchemy import select, text

from broadcaster.db.tables import (
    account,
    approval,
    audit_event,
    batch,
    broadcast,
    delivery,
    message,
    message_version,
    submission,
    target,
)
from broadcaster.domain.errors import Invalid, Problem, Stale
from broadcaster.domain.message import Mode
from tests.a_notice import a_template
from tests.builders import LIFE_SAFETY, NO_HURRY, VALUES, number
from tests.integration.approvals import refuses, submit_to_all

# --- what approving does ------------------------------------------------------------------------------------


def test_approving_releases_everything_at_once(world):
    submitted = submit_to_all(world)
    released = world.approve(submitted)

    assert (released.ref, released.public_posts, released.recipients) == (submitted.ref, 3, 4)
    assert world.status(submitted.ref).message_state == "released"
    assert world.row(submission).state == "approved"
    used = world.row(approval)
    assert (used.manifest_sha256, used.approver_id) == (submitted.manifest_sha256, world.approver.id)
    sent = world.broadcast(submitted.ref)
    assert (sent.state, sent.approval_id, sent.uid) == ("sending", used.id, released.broadcast)
    manifest = json.loads(world.row(submission).manifest)
    assert sent.on_unknown == manifest["on_unknown"]
    assert sent.expires_at == datetime.fromisoformat(manifest["expires"])
    assert {(t.channel, t.lane, t.planned, t.planned_total) for t in world.rows(target)} == {
        ("website", "public", 1, 1),
        ("facebook", "public", 1, 1),
        ("x", "public", 1, 1),
        ("sms", "bulk", 0, 4),
    }
    assert [d.state for d in world.rows(delivery)] == ["pending"] * 3
    assert {b.state for b in world.batches()} == {"ready"}


def test_the_audit_event_says_who_approved_which_hash(world):
    submitted = submit_to_all(world)
    released = world.approve(submitted)
    event = world.rows(audit_event)[-1]
    assert (event.act, event.actor, event.subject) == (
        "message_approved_and_released",
        "anna",
        submitted.ref,
    )
    assert json.loads(event.payload) == {
        "broadcast": released.broadcast,
        "factor": "token",
        "manifest_sha256": submitted.manifest_sha256,
        "public_posts": 3,
        "recipients": 4,
    }
    assert world.acts() == ["message_drafted", "message_submitted", "message_approved_and_released"]


def test_a_hash_copied_with_spaces_and_capitals_is_the_same_hash(world):
    submitted = world.submit()
    given = f"  {submitted.manifest_sha256.upper()}\n"
    assert world.parts.approve.approve(world.approver, submitted.ref.lower(), given).ref == submitted.ref


def test_the_bells_ring_only_after_the_broadcast_can_be_seen_by_others(world):
    submitted = submit_to_all(world)
    other = world.beside()
    seen = []
    world.bells.on_ring = lambda: seen.append(other.report.status(submitted.ref).state)
    world.approve(submitted)
    assert seen == ["sending", "sending"]
    assert world.bells.rung == [
        ("ring", "live", "public", 3),
        ("plan", world.broadcast_id(submitted.ref), "live"),
    ]


def test_without_texts_nobody_is_asked_to_plan(world):
    world.release()
    assert [ring[0] for ring in world.bells.rung] == ["ring"]


def test_posts_that_link_to_the_page_wait_for_it_and_the_page_does_not(world):
    world.clock.slow_down(10)
    world.release()
    now = world.now()
    waits = {
        t.channel: b.next_at > now for t in world.rows(target) for b in world.batches() if b.target_id == t.id
    }
    assert waits == {"website": False, "facebook": True, "x": True}


def test_without_a_page_nobody_waits(world):
    world.release(channels=("facebook", "x"))
    assert all(b.next_at <= world.now() for b in world.batches())


@pytest.mark.parametrize(("values", "policy"), [(LIFE_SAFETY, "resend_once"), (NO_HURRY, "hold")])
def test_what_happens_to_unknown_outcomes_is_part_of_what_is_approved(world, values, policy):
    submitted = world.submit(**values)
    world.approve(submitted)
    assert json.loads(world.row(submission).manifest)["on_unknown"] == policy
    assert world.broadcast(submitted.ref).on_unknown == policy


# --- all or nothing -----------------------------------------------------------------------------------------

BREAK_AUDIT = {
    "sqlite": "CREATE TRIGGER no_more BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'broken'); END",
    "postgresql": "ALTER TABLE {table} ADD CONSTRAINT no_more CHECK (id < 0) NOT VALID",
}


def break_table(world, table):
    """From now on no row can be added to this table."""
    with world.database.write() as tx:
        tx.execute(text(BREAK_AUDIT[tx.connection.dialect.name].format(table=table.name)))


@pytest.mark.parametrize("table", [approval, broadcast, target, batch, delivery, audit_event])
def test_a_release_that_fails_anywhere_leaves_nothing(world, table):
    submitted = submit_to_all(world)
    assert world.approver
    break_table(world, table)
    with world.refused(Exception, "broken|no_more"):
        world.approve(submitted)


ACTS = {
    "draft": lambda world, ref: world.draft(),
    "edit": lambda world, ref: world.edit(ref),
    "submit": lambda world, ref: world.parts.compose.submit(world.officer, ref),
    "send back": lambda world, ref: world.parts.approve.send_back(world.approver, ref, "no"),
    "reject": lambda world, ref: world.parts.approve.reject(world.approver, ref, "no"),
    "stop": lambda world, ref: world.stop(ref),
    "add a user": lambda world, ref: world.parts.people.add(
        world.administrator, name="new", roles=["officer"]
    ),
    "issue a token": lambda world, ref: world.parts.people.issue_token(
        world.administrator, name="olive", days=1
    ),
    "export the log": lambda world, ref: world.parts.audit.export(world.administrator),
    "prove a message": lambda world, ref: world.parts.audit.prove(world.administrator, ref),
    "change the seal's key": lambda world, ref: world.parts.seal.change_key(world.administrator),
    "look somebody up": lambda world, ref: world.parts.erasing.find(world.administrator, number(1)),
    "erase somebody": lambda world, ref: world.parts.erasing.erase(
        world.administrator, number(1), reason="asked for it"
    ),
    "resume an account": lambda world, ref: world.parts.accounts.resume(world.administrator, "page", "live"),
}


@pytest.mark.parametrize("act", ACTS)
def test_an_act_that_cannot_be_recorded_does_not_happen(world, act):
    assert world.officer
    assert world.approver
    assert world.administrator
    ref = world.draft()
    world.add_audience("residents", 1)
    world.parts.seal.seal()
    if act in {"send back", "reject", "stop"}:
        submitted = world.parts.compose.submit(world.officer, ref)
        if act == "stop":
            world.approve(submitted)
    if act == "resume an account":
        world.submit()
        world.change(account, {"paused_at": world.now(), "pause_reason": "told to"}, name="page")
    break_table(world, audit_event)
    with world.refused(Exception, "broken|no_more"):
        ACTS[act](world, ref)
    assert not world.parts.seal.key_changes()


# --- two at once --------------------------------------------------------------------------------------------


def both_at_once(*calls):
    """What each returned or raised."""
    barrier = Barrier(len(calls))

    def run(call):
        barrier.wait()
        try:
            return call()
        except Problem as problem:
            return problem

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_two_approvers_at_once_make_one_broadcast(world):
    other, carl = world.beside(), world.person("carl", "approver")
    assert world.approver
    for round_ in range(1, 21):
        submitted = world.submit(channels=("facebook",))
        outcomes = both_at_once(
            lambda s=submitted: world.approve(s),
            lambda s=submitted: other.approve.approve(carl, s.ref, s.manifest_sha256),
        )
        late = [o for o in outcomes if isinstance(o, Problem)]
        assert len(late) == 1
        assert isinstance(late[0], Stale)
        assert world.size(broadcast) == world.size(approval) == world.size(delivery) == round_
    assert world.acts().count("message_approved_and_released") == 20


def test_an_approval_and_an_edit_at_once_never_release_what_was_not_shown(world):
    other = world.beside()
    assert world.approver
    for _ in range(10):
        submitted = world.submit(channels=("facebook",))
        outcomes = both_at_once(
            lambda s=submitted: world.approve(s),
            lambda s=submitted: other.compose.edit(
                world.officer, s.ref, template=a_template(), values=VALUES, channels=("facebook",)
            ),
        )
        assert sum(isinstance(o, Stale) for o in outcomes) == 1
        assert world.status(submitted.ref).message_state in {"released", "draft"}
    for each in world.rows(broadcast):
        with world.database.read() as tx:
            versions = tx.execute(
                select(message_version.c.no, message.c.version)
                .join(submission, submission.c.message_version_id == message_version.c.id)
                .join(approval, approval.c.submission_id == submission.c.id)
                .join(message, message.c.id == message_version.c.message_id)
                .where(approval.c.id == each.approval_id)
            ).one()
        assert versions.no == versions.version


def test_an_approval_and_a_rejection_at_once_decide_once(world):
    other, carl = world.beside(), world.person("carl", "approver")
    assert world.approver
    for _ in range(10):
        submitted = world.submit(channels=("facebook",))
        outcomes = both_at_once(
            lambda s=submitted: world.approve(s),
            lambda s=submitted: other.approve.reject(carl, s.ref, "wrong area"),
        )
        assert sum(isinstance(o, Stale) for o in outcomes) == 1
        sent = world.status(submitted.ref).broadcast != ""
        assert world.status(submitted.ref).message_state == ("released" if sent else "rejected")


# --- returning and rejecting --------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_returning_and_rejecting_need_a_reason(world, reason):
    submitted = world.submit()
    assert world.approver
    for decide in (world.parts.approve.send_back, world.parts.approve.reject):
        with world.refused(Invalid, "Give a reason"):
            decide(world.approver, submitted.ref, reason)


def test_a_returned_message_is_a_draft_again_and_its_submission_void(world):
    submitted = world.submit()
    world.parts.approve.send_back(world.approver, submitted.ref, "Name the streets.")
    assert world.status(submitted.ref).message_state == "draft"
    assert world.row(submission).state == "void"
    event = world.rows(audit_event)[-1]
    assert (event.act, json.loads(event.payload)) == ("message_returned", {"reason": "Name the streets."})
    refuses(world, submitted, "is draft")
    assert world.parts.compose.submit(world.officer, submitted.ref).ref == submitted.ref


def test_a_rejected_message_is_over(world):
    submitted = world.submit()
    world.parts.approve.reject(world.approver, submitted.ref, "There is no storm.")
    assert world.status(submitted.ref).message_state == "rejected"
    refuses(world, submitted, "is rejected")
    with world.refused(Stale, "rejected and cannot be edited"):
        world.edit(submitted.ref)
    with world.refused(Stale, "rejected, not a draft"):
        world.parts.compose.submit(world.officer, submitted.ref)
    assert world.acts()[-1] == "message_rejected"


def test_only_what_waits_can_be_returned_or_rejected(world):
    submitted = world.submit()
    world.approve(submitted)
    for decide in (world.parts.approve.send_back, world.parts.approve.reject):
        with world.refused(Stale, "waits for nobody"):
            decide(world.approver, submitted.ref, "no")


# --- live and exercise --------------------------------------------------------------------------------------


def test_an_exercise_is_released_into_its_own_mode(world):
    submitted = world.submit(channels=("website",), mode=Mode.EXERCISE)
    world.approve(submitted)
    assert {b.mode for b in world.batches()} == {"exercise"}
    assert world.broadcast(submitted.ref).mode == "exercise"
    assert world.work_public() == 0
    assert world.site.ledger == []


def test_a_refusal_leaves_no_event(world):
    submitted = world.submit()
    assert world.approver
    before = world.rows(audit_event)
    with pytest.raises(Stale):
        world.parts.approve.approve(world.approver, submitted.ref, "0" * 64)
    assert world.rows(audit_event) == before
