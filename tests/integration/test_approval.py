"""Approving: a second person releases exact bytes, in one transaction, or is refused and nothing has changed."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from threading import Barrier

import pytest
from sqlalchemy import select, text

from broadcaster.db.tables import (
    account,
    approval,
    audit_event,
    audit_head,
    batch,
    broadcast,
    delivery,
    message,
    message_version,
    post,
    recipient,
    submission,
    target,
)
from broadcaster.domain.canonical import sha256
from broadcaster.domain.errors import Invalid, NotAllowed, Problem, Stale
from broadcaster.domain.message import Mode
from tests.builders import LIFE_SAFETY, NO_HURRY, VALUES, a_template, a_world

ALL = ("website", "facebook", "x", "sms")


@pytest.fixture
def world(database_url, tmp_path):
    with a_world(database_url, tmp_path) as world:
        yield world


def submit_to_all(world, **values):
    world.add_audience("residents", 4)
    return world.submit(channels=ALL, audience="residents", **values)


@contextmanager
def refused(world, error, match):
    """It is refused with this reason, and every row of every table is what it was; nobody is rung for."""
    before, rung = world.snapshot(), list(world.bells.rung)
    with pytest.raises(error, match=match) as caught:
        yield caught
    assert world.snapshot() == before
    assert world.bells.rung == rung


def refuses(world, submitted, match, error=Stale):
    with refused(world, error, match):
        world.approve(submitted)


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
    with refused(world, Exception, "broken|no_more"):
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
    "resume an account": lambda world, ref: world.parts.accounts.resume(world.administrator, "page", "live"),
}


@pytest.mark.parametrize("act", ACTS)
def test_an_act_that_cannot_be_recorded_does_not_happen(world, act):
    assert world.officer
    assert world.approver
    assert world.administrator
    ref = world.draft()
    if act in {"send back", "reject", "stop"}:
        submitted = world.parts.compose.submit(world.officer, ref)
        if act == "stop":
            world.approve(submitted)
    if act == "resume an account":
        world.submit()
        world.change(account, {"paused_at": world.now(), "pause_reason": "told to"}, name="page")
    break_table(world, audit_event)
    with refused(world, Exception, "broken|no_more"):
        ACTS[act](world, ref)


# --- another content than the one shown ---------------------------------------------------------------------


def latest(world, table):
    return world.rows(table)[-1]


def latest_posts(world):
    return world.rows(post, submission_id=latest(world, submission).id)


def post_of(world, channel):
    return next(p for p in latest_posts(world) if p.channel == channel)


def latest_recipients(world):
    return world.rows(recipient, audience_version_id=latest(world, message_version).audience_version_id)


def change_facts(world, name, old, new):
    row = latest(world, message_version)
    assert old in json.loads(row.facts)[name]
    facts = json.loads(row.facts)
    facts[name] = facts[name].replace(old, new, 1)
    world.change(message_version, {"facts": json.dumps(facts)}, id=row.id)


def change_post(world, old, new):
    row = latest_posts(world)[0]
    assert old in row.content
    world.change(post, {"content": row.content.replace(old, new, 1)}, id=row.id)


def swap_posts(world):
    one, other = latest_posts(world)[:2]
    world.change(post, {"content": other.content, "sha256": other.sha256}, id=one.id)


def change_manifest(world, *, with_hash):
    row = latest(world, submission)
    manifest = row.manifest.replace('"purpose":""', '"purpose":"x"')
    assert manifest != row.manifest
    values = {"manifest": manifest}
    if with_hash:
        values["manifest_sha256"] = sha256(json.loads(manifest))
    world.change(submission, values, id=row.id)


def change_number(world):
    row = latest_recipients(world)[1]
    index = world.vault.index("+447700999999")
    values = {"number_index": index, "number_sealed": world.vault.seal("+447700999999", index)}
    world.change(recipient, values, id=row.id)


def swap_numbers(world):
    one, other = latest_recipients(world)[:2]
    world.change(recipient, {"ordinal": 99}, id=one.id)
    world.change(recipient, {"ordinal": one.ordinal}, id=other.id)
    world.change(recipient, {"ordinal": other.ordinal}, id=one.id)


def remove(world, table, row_id):
    with world.database.write() as tx:
        tx.execute(table.delete().where(table.c.id == row_id))


TAMPERINGS = {
    "one character of the headline": lambda w: change_facts(w, "headline", "Amber", "Ambar"),
    "one character of the source": lambda w: change_facts(w, "source", "Wyre", "Wyri"),
    "the expiry": lambda w: change_facts(w, "expires", "T", " "),
    "the severity": lambda w: change_facts(w, "severity", "Severe", "Minor"),
    "a severity that there is not": lambda w: change_facts(w, "severity", "Severe", "Sevare"),
    "facts that are no JSON": lambda w: w.change(
        message_version, {"facts": "{"}, id=latest(w, message_version).id
    ),
    "a fact that there is not": lambda w: w.change(
        message_version,
        {"facts": latest(w, message_version).facts.replace('"area"', '"aria"')},
        id=latest(w, message_version).id,
    ),
    "one byte of a post": lambda w: change_post(w, b"Keep off", b"Keep on "),
    "one byte that makes a post unreadable": lambda w: change_post(w, b"{", b"["),
    "a link in a post": lambda w: change_post(w, b"site.test", b"sita.test"),
    "two posts swapped": swap_posts,
    "a post taken out": lambda w: remove(w, post, latest_posts(w)[1].id),
    "the channel of a post": lambda w: w.change(post, {"channel": "x"}, id=post_of(w, "facebook").id),
    "the language of a post": lambda w: w.change(post, {"language": "cy"}, id=post_of(w, "facebook").id),
    "the account of a post": lambda w: w.change(
        post, {"account_id": w.row(account, name="feed").id, "language": "cy"}, id=post_of(w, "facebook").id
    ),
    "one character of the manifest": lambda w: change_manifest(w, with_hash=False),
    "the manifest and its hash": lambda w: change_manifest(w, with_hash=True),
    "a number": change_number,
    "the order of the numbers": swap_numbers,
    "one number more": lambda w: w.add_recipient(latest(w, message_version).audience_version_id, 5),
    "one number less": lambda w: remove(w, recipient, latest_recipients(w)[-1].id),
    "the mode": lambda w: w.change(message, {"mode": "exercise"}, id=latest(w, message).id),
    "the purpose": lambda w: w.change(message, {"purpose": "x"}, id=latest(w, message).id),
}


def test_anything_altered_in_the_database_after_submission_refuses_the_approval(world, subtests):
    assert world.approver
    for what, tamper in TAMPERINGS.items():
        with subtests.test(what):
            submitted = submit_to_all(world)
            tamper(world)
            shown = latest(world, submission).manifest_sha256  # what the approver would be shown and give
            approve = world.parts.approve.approve
            with refused(world, Stale, "altered|not set up any more|Nothing was"):
                approve(world.approver, submitted.ref, shown)


def test_a_post_added_after_submission_refuses_the_approval(world):
    submitted = submit_to_all(world)
    row = world.rows(post)[0]
    content = row.content.replace(b'"language":"en"', b'"language":"cy"')
    world.add(
        post,
        submission_id=row.submission_id,
        channel=row.channel,
        account_id=row.account_id,
        language="cy",
        content=content,
        sha256=row.sha256,
    )
    assert world.approver
    refuses(world, submitted, "altered in between")


EDITS = {
    "headline": {"headline": VALUES["headline"].replace("Amber", "Ambar")},
    "instruction": {"action": VALUES["action"] + " "},
    "expiry": {"expires": "+13h"},
    "severity": {"severity": "Minor"},
    "channels": {"channels": ("website", "facebook", "x")},
    "audience": {"audience": "others"},
    "nothing": {},
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_after_submission_voids_it_whatever_it_changes(world, what):
    submitted = submit_to_all(world)
    world.add_audience("others", 2)
    world.edit(submitted.ref, **{"channels": ALL, "audience": "residents", **EDITS[what]})
    assert world.row(submission).state == "void"
    assert world.approver
    refuses(world, submitted, "is draft and waits for no approval")

    again = world.parts.compose.submit(world.officer, submitted.ref)
    assert again.manifest_sha256 != submitted.manifest_sha256
    refuses(world, submitted, "another version")  # the hash that was shown before the edit
    assert world.approve(again).ref == submitted.ref


def test_a_newer_import_of_the_audience_leaves_what_was_shown_as_it_is(world):
    submitted = submit_to_all(world)
    world.add_audience("residents", 9)
    assert world.approve(submitted).recipients == 4


# --- who, when, with what -----------------------------------------------------------------------------------


def test_a_wrong_hash_is_refused(world, subtests):
    for given in ["", "0" * 64, "not a hash"]:
        with subtests.test(str(given)):
            submitted = world.submit()
            assert world.approver
            with refused(world, Stale, "belongs to another version"):
                world.parts.approve.approve(world.approver, submitted.ref, given)


def test_the_beginning_of_the_hash_is_not_enough(world):
    submitted = world.submit()
    assert world.approver
    with refused(world, Stale, "another version"):
        world.parts.approve.approve(world.approver, submitted.ref, submitted.manifest_sha256[:12])


def test_a_draft_cannot_be_approved(world):
    ref = world.draft()
    assert world.approver
    approve = world.parts.approve.approve
    with refused(world, Stale, "draft and waits for no approval"):
        approve(world.approver, ref, "0" * 64)


def test_what_was_approved_cannot_be_approved_again(world):
    submitted = world.submit()
    world.approve(submitted)
    refuses(world, submitted, "is released and waits for no approval")


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
    with refused(world, NotAllowed, "You wrote, edited or submitted"):
        world.parts.approve.approve(both, ref, submitted.manifest_sha256)
    assert world.approve(submitted).ref == ref


def test_only_an_approver_approves_returns_and_rejects(world, subtests):
    for role in ["officer", "auditor", "administrator", "data-keeper"]:
        with subtests.test(str(role)):
            submitted = world.submit()
            other = world.person(f"otto-{role}", role)
            service = world.parts.approve
            match = "Only an approver may approve"
            with refused(world, NotAllowed, match):
                service.approve(other, submitted.ref, submitted.manifest_sha256)
            with refused(world, NotAllowed, match):
                service.send_back(other, submitted.ref, "no")
            with refused(world, NotAllowed, match):
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
    with pytest.raises(Stale, match=r"paused\. Nothing was changed") as caught:
        world.approve(submitted)
    assert caught.value.details == ("page: The token lapsed.",)
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
        with refused(world, Invalid, "Give a reason"):
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
    with refused(world, Stale, "rejected and cannot be edited"):
        world.edit(submitted.ref)
    with refused(world, Stale, "rejected, not a draft"):
        world.parts.compose.submit(world.officer, submitted.ref)
    assert world.acts()[-1] == "message_rejected"


def test_only_what_waits_can_be_returned_or_rejected(world):
    submitted = world.submit()
    world.approve(submitted)
    for decide in (world.parts.approve.send_back, world.parts.approve.reject):
        with refused(world, Stale, "waits for nobody"):
            decide(world.approver, submitted.ref, "no")


# --- live and exercise --------------------------------------------------------------------------------------


def test_an_exercise_is_released_into_its_own_mode(world):
    submitted = world.submit(channels=("website",), mode=Mode.EXERCISE)
    world.approve(submitted)
    assert {b.mode for b in world.batches()} == {"exercise"}
    assert world.broadcast(submitted.ref).mode == "exercise"
    assert world.work_public() == 0
    assert world.site.ledger == []


def test_the_head_of_the_audit_chain_is_not_moved_by_a_refusal(world):
    submitted = world.submit()
    assert world.approver
    head = world.row(audit_head)
    with pytest.raises(Stale):
        world.parts.approve.approve(world.approver, submitted.ref, "0" * 64)
    assert world.row(audit_head) == head
