"""Delivering: only approved bytes, each outcome as it is, nothing twice, and a death in the middle costs no knowledge."""

import hashlib
import json
import threading
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from broadcaster.db.tables import (
    account,
    approval,
    attempt,
    audit_event,
    batch,
    broadcast,
    delivery,
    incident,
    intent_group,
    post,
    recipient,
    submission,
    target,
)
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused
from broadcaster.domain.message import Mode
from broadcaster.domain.policy import WEBSITE_HEAD_START
from broadcaster.service.deliver import INTENT_FRESH_S
from channels.base import CheckProblem, Receipt
from tests.builders import LIFE_SAFETY, NO_HURRY, a_world, number
from tests.fakes import Took, WorkerDied


@pytest.fixture
def world(database_url, tmp_path):
    with a_world(database_url, tmp_path, max_in_flight=4) as world:
        yield world


def die(_keys):
    raise WorkerDied


def events(world, act):
    return [json.loads(e.payload) for e in world.rows(audit_event, act=act)]


# --- what is sent is what was approved ----------------------------------------------------------------------


def test_every_channel_gets_its_approved_post_once(world):
    world.add_audience("residents", 9)
    released = world.release(channels=("website", "facebook", "x", "sms"), audience="residents")
    world.parts.plan.plan(world.broadcast_id(released.ref))
    assert world.work_public() == 3
    assert world.work_bulk() == 9
    assert world.totals(released.ref) == {"accepted": 12}
    for platform in (world.site, world.page, world.feed, world.gateway):
        approved = json.loads(world.row(post, channel=platform.name).content)
        for taken in platform.ledger:
            sent_at = world.broadcast(released.ref).released_at.astimezone(ZoneInfo("Europe/London"))
            filled = approved["text"].replace("((sent_at))", f"{sent_at:%H:%M}").replace("((sequence))", "")
            assert taken.post.text == filled
            assert taken.post.title == approved["title"]
    assert world.gateway.addresses == [number(n) for n in range(1, 10)]
    assert world.work_public() == world.work_bulk() == 0


def one_byte(column, row):
    value = getattr(row, column)
    found = "seafront" if column == "content" else '"purpose":""'
    if isinstance(value, bytes):
        return value.replace(found.encode(), b"seafrond", 1)
    return value.replace(found, '"purpose":"x"', 1)


def alter_post(world):
    row = world.row(post, channel="facebook")
    world.change(post, {"content": one_byte("content", row)}, id=row.id)


def alter_manifest(world):
    row = world.row(submission)
    world.change(submission, {"manifest": one_byte("manifest", row)}, id=row.id)


def alter_manifest_and_its_hash(world):
    row = world.row(submission)
    manifest = one_byte("manifest", row)
    values = {"manifest": manifest, "manifest_sha256": hashlib.sha256(manifest.encode()).hexdigest()}
    world.change(submission, values, id=row.id)


def alter_approval(world):
    row = world.row(approval)
    digit = "0" if row.manifest_sha256[0] != "0" else "1"
    world.change(approval, {"manifest_sha256": digit + row.manifest_sha256[1:]}, id=row.id)


def swap_post(world):
    row = world.row(target, channel="facebook")
    world.change(target, {"post_id": world.row(post, channel="x").id}, id=row.id)


def post_of_another_message(world):
    other = world.submit(channels=("facebook",), headline="Another one")
    row = world.row(target, channel="facebook")
    ids = [p.id for p in world.rows(post, channel="facebook")]
    world.change(target, {"post_id": max(ids)}, id=row.id)
    assert other


def another_account(world):
    row = world.row(target, channel="facebook")
    world.change(target, {"account_id": world.row(account, name="feed").id}, id=row.id)


ALTERED = {
    "a byte of the post": alter_post,
    "a byte of the manifest": alter_manifest,
    "the manifest and its hash": alter_manifest_and_its_hash,
    "the approval's hash": alter_approval,
    "the post of another channel": swap_post,
    "the post of another message": post_of_another_message,
    "the account": another_account,
    "the expiry": lambda w: w.change(broadcast, {"expires_at": w.later(900_000)}, state="sending"),
    "the policy": lambda w: w.change(broadcast, {"on_unknown": "hold"}, state="sending"),
}


@pytest.mark.parametrize("what", ALTERED)
def test_what_was_altered_after_the_approval_is_not_sent_and_is_reported(world, what):
    released = world.release(channels=("facebook", "x"), **LIFE_SAFETY)
    ALTERED[what](world)
    world.work_public()
    assert world.page.calls == []
    assert [taken.post.channel for taken in world.feed.ledger] in ([], ["x"])
    assert (world.state("facebook"), world.delivery("facebook").code) == (
        "quarantined",
        "not_what_was_approved",
    )
    quarantined = world.totals(released.ref)["quarantined"]
    noted = events(world, "deliveries_quarantined")
    assert [(e["count"], e["reason"]) for e in noted] == [(1, "not_what_was_approved")] * quarantined
    assert {b.state for b in world.batches()} == {"done"}
    assert world.work_public() == 0


def test_all_texts_of_an_altered_post_are_quarantined_and_other_channels_go_out(world):
    world.add_audience("residents", 6)
    released = world.release(channels=("website", "sms"), audience="residents")
    world.parts.plan.plan(world.broadcast_id(released.ref))
    row = world.row(post, channel="sms")
    world.change(post, {"content": one_byte("content", row)}, id=row.id)
    world.work_bulk()
    world.work_public()
    assert world.gateway.calls == []
    assert world.totals(released.ref) == {"accepted": 1, "quarantined": 6}


def test_an_exercise_moved_into_the_live_lane_is_not_sent(world):
    released = world.release(channels=("website",), mode=Mode.EXERCISE)
    world.change(batch, {"mode": "live"}, lane="public")
    world.work_public()
    assert world.site.calls == []
    assert world.totals(released.ref) == {"quarantined": 1}


def test_an_exercise_is_sent_by_the_exercise_process_only(world):
    released = world.release(channels=("website",), mode=Mode.EXERCISE)
    assert world.work_public() == 0
    assert world.work(Lane.PUBLIC, mode=Mode.EXERCISE) == 1
    assert world.site.ledger == []
    (taken,) = world.channels["exercise"]["site"].ledger
    assert "EXERCISE" in taken.post.text
    assert world.totals(released.ref) == {"accepted": 1}


# --- late slots ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["Europe/London", "Pacific/Auckland", "Asia/Kathmandu"])
def test_the_time_of_sending_is_written_in_the_local_zone(database_url, tmp_path, zone):
    with a_world(database_url, tmp_path, timezone=zone) as world:
        released = world.release(channels=("facebook",))
        world.work_public()
        local = world.broadcast(released.ref).released_at.astimezone(ZoneInfo(zone))
        assert f"Sent at {local:%H:%M}." in world.page.ledger[0].post.text
        assert "((" not in world.page.ledger[0].post.text


def test_the_second_message_of_an_incident_says_that_it_is_an_update(world):
    world.release(channels=("facebook",))
    world.work_public()
    ref = world.row(incident).ref
    world.release(channels=("facebook",), incident=ref)
    world.work_public()
    first, second = [taken.post.text for taken in world.page.ledger]
    assert "Update" not in first
    assert "Update 2" in second


# --- outcomes -----------------------------------------------------------------------------------------------

OUTCOMES = {
    "accepted": (None, "accepted", "accepted"),
    "not sent": (NotSent("refused_connection"), "pending", "not_sent"),
    "refused": (Refused("too_rude", "Say it nicely."), "failed", "refused"),
    "not configured": (NotConfigured("bad_token"), "pending", "not_configured"),
    "unknown": (OutcomeUnknown("read_timeout"), "unknown", "unknown"),
    "taken, then no answer": (Took(OutcomeUnknown("read_timeout")), "unknown", "unknown"),
    "a bug in the channel": (Took(KeyError("id")), "unknown", "unknown"),
    "a broken connection": (Took(ConnectionResetError()), "unknown", "unknown"),
}


@pytest.mark.parametrize("what", OUTCOMES)
def test_each_answer_of_a_public_place_leads_to_its_state(world, what):
    answer, state, outcome = OUTCOMES[what]
    world.page.answers.append(answer)
    released = world.release(channels=("facebook",))
    world.work(Lane.PUBLIC)
    found = world.delivery("facebook")
    tried = world.attempts(found.id)
    if what != "not sent":  # that one is tried again at once
        assert found.state == state
        assert found.attempts == len(tried) == 1
        world.totals(released.ref)
    assert tried[0].outcome == outcome
    assert (found.unknown_since is not None) == (found.state == "unknown")
    assert (found.settled_at is not None) == (found.state in {"accepted", "failed"})
    assert all(group.closed_at for group in world.rows(intent_group))


@pytest.mark.parametrize("what", OUTCOMES)
def test_each_answer_of_a_gateway_leads_to_its_state_and_the_others_go_on(world, what):
    answer, state, outcome = OUTCOMES[what]
    if what in {"a bug in the channel", "a broken connection"}:
        answer, state = None, "unknown"
        world.gateway.on_call = lambda keys: (_ for _ in ()).throw(KeyError) if len(keys) < 4 else None
    else:
        world.gateway.by_address[number(5)] = answer
    released = world.release_texts(5, **NO_HURRY)
    world.once(Lane.BULK, groups=2)
    states = [d.state for d in world.deliveries("sms")]
    assert states == ["accepted"] * 4 + [state]
    assert world.attempts(world.deliveries("sms")[4].id)[0].outcome == outcome
    assert sum(world.totals(released.ref).values()) == 5


def test_what_the_platform_said_is_kept(world):
    world.page.answers.append(Refused("too_rude", "Say it nicely.", detail="HTTP 400: code 77"))
    world.feed.answers.append(Receipt(platform_id="4711", link="https://x.test/4711"))
    released = world.release(channels=("facebook", "x"))
    world.work_public()
    refused, taken = world.delivery("facebook"), world.delivery("x")
    assert (refused.code, refused.operator_text) == ("too_rude", "Say it nicely.")
    assert world.attempts(refused.id)[0].detail == "HTTP 400: code 77"
    assert (taken.platform_id, taken.link) == ("4711", "https://x.test/4711")
    assert [t.reasons for t in world.status(released.ref).targets if t.channel == "facebook"] == [
        ("1 x Say it nicely.",)
    ]


def test_whatever_characters_a_platform_answers_with_its_answer_is_kept(world):
    world.page.answers.append(Receipt(platform_id="9" * 300, link="https://f.test/\x00\ud800"))
    world.feed.answers.append(Refused("c" * 80, "No\x00.", detail="\x00\udfff"))
    released = world.release(channels=("facebook", "x"))
    world.work_public()
    assert world.totals(released.ref) == {"accepted": 1, "failed": 1}
    assert world.delivery("facebook").platform_id == "9" * 256


def test_an_unknown_outcome_is_never_sent_again_by_working(world):
    world.page.always = OutcomeUnknown("read_timeout")
    released = world.release(channels=("facebook",), **LIFE_SAFETY)
    for _ in range(3):
        world.work_public()
        world.clock.advance(3600)
    assert len(world.page.calls) == 1
    assert world.totals(released.ref) == {"unknown": 1}


def test_a_post_with_a_problem_is_refused_without_calling_the_platform(world):
    released = world.release(channels=("facebook",))
    world.page.problems = [CheckProblem(code="too_long", text="It is too long.")]
    world.work_public()
    assert world.page.calls == []
    assert world.totals(released.ref) == {"failed": 1}
    assert world.delivery("facebook").operator_text == "It is too long."


def test_a_check_that_breaks_sends_nothing_and_is_tried_again(world):
    released = world.release(channels=("facebook",))

    def broken():
        raise ZeroDivisionError

    world.page.on_check = broken
    world.once(Lane.PUBLIC)
    assert world.page.calls == []
    assert world.totals(released.ref) == {"pending": 1}
    world.page.on_check = lambda: None
    world.clock.advance(61)
    world.work_public()
    assert world.totals(released.ref) == {"accepted": 1}


@pytest.mark.parametrize("answered", [0, 3])
def test_fewer_answers_than_recipients_leave_all_of_them_unknown(world, answered):
    world.gateway.answer_count = answered
    released = world.release_texts(4, **NO_HURRY)
    world.work_bulk()
    assert world.totals(released.ref) == {"unknown": 4}


def test_an_account_that_this_machine_does_not_know_is_paused_and_nothing_lost(world):
    released = world.release(channels=("facebook",))
    page = world.channels["live"].pop("page")
    world.work_public()
    assert world.totals(released.ref) == {"pending": 1}
    assert world.row(account, name="page").paused_at
    world.channels["live"]["page"] = page
    world.parts.accounts.resume(world.administrator, "page", "live")
    world.clock.advance(2)
    world.work_public()
    assert world.totals(released.ref) == {"accepted": 1}


# --- trying again -------------------------------------------------------------------------------------------


def test_what_was_not_sent_is_tried_again_with_the_same_key_within_bounds(world):
    world.page.always = NotSent("refused_connection")
    released = world.release(channels=("facebook",))
    for tries in range(1, 12):
        before = world.now()
        world.once(Lane.PUBLIC)
        found = world.delivery("facebook")
        assert found.attempts == len(world.page.calls) == tries
        wait = (found.next_at - before).total_seconds()
        assert wait <= min(60, 2 ** (tries - 1)) + 5  # the seconds that the try itself took
        world.clock.advance(61)
    assert len(set(world.page.calls)) == 1
    assert world.totals(released.ref) == {"pending": 1}
    world.page.always = None
    world.work_public()
    assert world.totals(released.ref) == {"accepted": 1}
    assert world.page.keys == [world.delivery("facebook").uid]


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        (120.0, 120, 125),
        (None, 0, 6),
        (-1.0, 0, 6),
        (0.0, 0, 6),
        (1e9, 300, 305),
        (float("inf"), 300, 305),
        (float("nan"), 0, 6),
    ],
)
def test_a_platform_that_says_when_is_heard_within_reason(world, asked, least, most):
    world.page.answers.append(NotSent("rate_limited", retry_after_s=asked))
    world.release(channels=("facebook",))
    before = world.now()
    world.once(Lane.PUBLIC)
    found = world.delivery("facebook")
    assert found.state == "pending"
    assert timedelta(seconds=least) <= found.next_at - before <= timedelta(seconds=most)


def test_nothing_is_tried_before_its_time(world):
    world.page.answers.append(NotSent("rate_limited", retry_after_s=100))
    world.release(channels=("facebook",))
    world.work_public()
    world.clock.advance(90)
    assert world.work_public() == 0
    world.clock.advance(11)
    assert world.work_public() == 1


def test_refused_credentials_pause_the_account_at_once_and_resuming_lets_it_go_on(world):
    world.gateway.always = NotConfigured("bad_token", "The token lapsed.")
    released = world.release_texts(10)
    world.work_bulk()
    assert len(world.gateway.calls) == 1  # not once more with credentials that are known to be bad
    assert world.totals(released.ref) == {"pending": 10}
    row = world.row(account, name="gateway")
    assert (row.paused_at is not None, row.pause_reason) == (True, "The token lapsed.")
    assert world.acts()[-2:] == ["account_paused", "outcomes_recorded"]
    world.clock.advance(100)
    assert world.work_bulk() == 0

    world.gateway.always = None
    world.parts.accounts.resume(world.administrator, "gateway", "live")
    assert world.work_bulk() == 10
    assert world.totals(released.ref) == {"accepted": 10}
    assert sorted(world.gateway.addresses) == [number(n) for n in range(1, 11)]


# --- one at a time, so many at once -------------------------------------------------------------------------


def test_never_more_than_the_most_in_flight_are_open_at_once(world):
    largest = []

    def look(_keys):
        with world.database.read() as tx:
            sizes = tx.execute(select(intent_group.c.size).where(intent_group.c.closed_at.is_(None)))
            largest.append(sum(sizes.scalars()))

    world.gateway.on_call = look
    released = world.release_texts(11)
    world.work_bulk()
    assert largest == [4, 4, 3]
    assert world.totals(released.ref) == {"accepted": 11}


def test_the_intent_is_committed_before_the_platform_is_called_and_no_transaction_is_open(world):
    seen = []

    def look(keys):
        with world.database.write() as tx:  # would wait for ever for a writer that waits for us
            tx.now()
        (group,) = [g for g in world.rows(intent_group) if g.closed_at is None]
        ids = [d.id for d in world.deliveries("sms") if d.uid in keys]
        seen.append(json.loads(group.delivery_ids) == ids)
        assert world.status(released.ref).totals[DeliveryState.SENDING] == len(keys)
        assert world.status(released.ref).adds_up

    world.gateway.on_call = look
    released = world.release_texts(6)
    world.work_bulk()
    assert seen == [True, True]


def test_a_batch_has_one_worker_at_a_time(world):
    other, taken = world.beside(), []
    world.gateway.on_call = lambda _keys: taken.append(world.work(Lane.BULK, parts=other))
    released = world.release_texts(8)
    assert world.work_bulk() == 8
    assert taken == [0, 0]
    assert world.totals(released.ref) == {"accepted": 8}


def test_several_workers_at_once_send_each_text_once(world):
    released = world.release_texts(1_200)
    workers = [world.parts, *(world.beside(max_in_flight=50) for _ in range(3))]
    threads = [threading.Thread(target=world.work, args=(Lane.BULK,), kwargs={"parts": p}) for p in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.totals(released.ref) == {"accepted": 1_200}
    assert sorted(world.gateway.addresses) == [number(n) for n in range(1, 1_201)]
    assert "outcomes_recorded" in world.acts()


def test_the_most_urgent_broadcast_goes_first(world):
    minor = world.release(channels=("facebook",), **NO_HURRY)
    extreme = world.release(channels=("facebook",), **LIFE_SAFETY)
    world.work_public()
    by_key = {d.uid: d.broadcast_id for d in world.deliveries("facebook")}
    assert [by_key[key] for key in world.page.keys] == [
        world.broadcast_id(extreme.ref),
        world.broadcast_id(minor.ref),
    ]


def test_a_worker_told_to_stop_ends_after_the_group_at_hand(world):
    released = world.release_texts(12)
    running = iter([True, True, False, False])
    world.parts.deliver.work("live", Lane.BULK, for_s=30, running=lambda: next(running))
    assert len(world.gateway.calls) == 1
    assert world.totals(released.ref) == {"accepted": 4, "pending": 8}
    world.work_bulk()
    assert world.totals(released.ref) == {"accepted": 12}


def test_a_worker_whose_time_is_up_hands_the_rest_back_and_rings(world):
    released = world.release_texts(12)
    world.bells.rung.clear()
    world.once(Lane.BULK)
    world.bells.rung.clear()
    world.gateway.on_call = lambda _keys: threading.Event().wait(0.3)
    world.parts.deliver.work("live", Lane.BULK, for_s=0.2)
    assert world.bells.rung == [("ring", "live", Lane.BULK, 1)]
    assert {b.state for b in world.batches()} == {"ready"}
    world.gateway.on_call = lambda _keys: None
    world.work_bulk()
    assert world.totals(released.ref) == {"accepted": 12}


def test_the_pump_leaves_alone_what_workers_may_still_claim(world):
    released = world.release(channels=("facebook",))
    assert world.parts.deliver.work("live", Lane.PUBLIC, for_s=5, waited_s=3) == 0
    world.clock.advance(4)
    assert world.parts.deliver.work("live", Lane.PUBLIC, for_s=5, waited_s=3) == 1
    assert world.totals(released.ref) == {"accepted": 1}


# --- the website first --------------------------------------------------------------------------------------


def test_the_page_is_there_before_the_posts_that_link_to_it(world):
    order = []
    for platform in (world.site, world.page, world.feed):
        platform.on_call = lambda _keys, name=platform.name: order.append(name)
    world.release()
    before = world.now()
    world.work_public()
    assert order[0] == "website"
    assert set(order[1:]) == {"facebook", "x"}
    assert all(
        world.attempts(d.id)[0].started_at >= before
        for d in (world.delivery("facebook"), world.delivery("x"))
    )


def test_the_posts_are_brought_forward_and_rung_for_when_the_page_is_up(world):
    world.release()
    world.bells.rung.clear()
    seen = []
    world.bells.on_ring = lambda: seen.append([b.next_at <= world.now() for b in world.batches()])
    running = iter([True, True, False, False, False])
    world.parts.deliver.work("live", Lane.PUBLIC, for_s=30, running=lambda: next(running))
    assert world.bells.rung[0] == ("ring", "live", Lane.PUBLIC, 2)
    assert seen[0] == [True, True, True]


def test_without_the_page_the_posts_go_after_their_head_start(world):
    world.site.always = NotSent("disk_full", retry_after_s=60)
    released = world.release()
    world.once(Lane.PUBLIC)
    assert world.page.calls == world.feed.calls == []
    world.clock.advance(WEBSITE_HEAD_START.total_seconds())
    world.work_public()
    assert world.totals(released.ref) == {"accepted": 2, "pending": 1}


def test_a_post_that_a_platform_put_off_is_not_brought_forward(world):
    world.feed.answers.append(NotSent("rate_limited", retry_after_s=200))
    world.site.answers.append(NotSent("disk_full", retry_after_s=20))
    world.release()
    world.clock.advance(1)
    world.work_public()
    world.clock.advance(21)
    world.work_public()
    assert len(world.site.ledger) == 1
    assert len(world.feed.calls) == 1


# --- who opted out, whose number was altered ----------------------------------------------------------------


def test_who_opted_out_before_or_after_the_approval_is_not_sent_to(world):
    world.opt_out(2)
    released = world.release_texts(9)
    world.opt_out(7)
    for each in (8, 9):
        world.opt_out(each, purpose="another purpose")
    world.work_bulk()
    assert sorted(world.gateway.addresses) == [number(n) for n in (1, 3, 4, 5, 6, 8, 9)]
    assert world.totals(released.ref) == {"accepted": 7, "suppressed": 2}
    assert sum(e["count"] for e in events(world, "deliveries_suppressed")) == 2


def test_who_opted_out_of_the_purpose_of_an_audience_is_not_sent_to(world):
    world.add_audience("residents", 3, purpose="floods")
    world.opt_out(1, purpose="floods")
    world.opt_out(2, purpose="storms")
    world.opt_out(3)
    world.opt_out(3, purpose="floods")
    released = world.release(channels=("sms",), audience="residents")
    world.parts.plan.plan(world.broadcast_id(released.ref))
    world.work_bulk()
    assert world.gateway.addresses == [number(2)]
    assert world.totals(released.ref) == {"accepted": 1, "suppressed": 2}


def test_where_everybody_opted_out_the_gateway_is_not_called(world):
    for each in range(1, 7):
        world.opt_out(each)
    released = world.release_texts(6)
    world.work_bulk()
    assert world.gateway.calls == []
    assert world.totals(released.ref) == {"suppressed": 6}
    assert {b.state for b in world.batches()} == {"done"}


@pytest.mark.parametrize("part", ["number_sealed", "number_index"])
def test_a_number_that_was_altered_is_refused_and_the_others_go_on(world, part):
    released = world.release_texts(6)
    rows = world.rows(recipient)
    world.change(recipient, {part: getattr(rows[5], part)[::-1]}, id=rows[5].id)
    world.change(recipient, {"number_sealed": rows[3].number_sealed}, id=rows[1].id)
    world.work_bulk()
    assert sorted(world.gateway.addresses) == [number(n) for n in (1, 3, 4, 5)]
    assert world.totals(released.ref) == {"accepted": 4, "failed": 2}
    assert {d.code for d in world.deliveries("sms") if d.state == "failed"} == {"number_unreadable"}


# --- leases and fences --------------------------------------------------------------------------------------


def test_every_group_renews_the_lease(world):
    leases = []

    def look(_keys):
        leases.append(world.batches()[0].lease_until)
        world.clock.advance(15)

    world.gateway.on_call = look
    other = world.beside()
    world.release_texts(12)
    world.work_bulk()
    assert leases == sorted(set(leases))
    assert len(leases) == 3
    assert other.reconcile.take_over() == 0


def test_a_worker_whose_lease_was_taken_begins_nothing_new_and_its_late_answer_still_counts(world):
    other = world.beside()
    freed = []

    def stall(_keys):
        world.gateway.on_call = lambda _keys: None
        world.clock.advance(21)
        freed.append(other.reconcile.take_over())
        freed.append(sorted({d.state for d in world.deliveries("sms")}))

    world.gateway.on_call = stall
    released = world.release_texts(12)
    attempted = world.parts.deliver.work(
        "live", Lane.BULK, for_s=30, running=iter([True, True, True, False]).__next__
    )
    assert freed == [1, ["pending", "unknown"]]
    assert attempted == 4
    assert len(world.gateway.calls) == 1
    assert world.totals(released.ref) == {"accepted": 4, "pending": 8}
    assert world.row(batch).owner == ""
    assert {d.platform_id != "" for d in world.deliveries("sms")[:4]} == {True}

    world.work(Lane.BULK, parts=other)
    assert world.totals(released.ref) == {"accepted": 12}
    assert sorted(world.gateway.addresses) == [number(n) for n in range(1, 13)]


def test_a_late_worker_writes_no_intent_while_another_one_holds_the_batch(world):
    other = world.beside()
    fences = []

    def second(_keys):
        world.gateway.on_call = lambda _keys: None
        fences.append(world.row(batch).fence)

    def stall(_keys):
        world.gateway.on_call = second
        world.clock.advance(21)
        other.reconcile.take_over()
        world.work(Lane.BULK, parts=other)

    world.gateway.on_call = stall
    released = world.release_texts(12)
    world.work_bulk()
    assert fences == [2]
    assert [g.fence for g in world.rows(intent_group)] == [1, 2, 2]
    assert world.totals(released.ref) == {"accepted": 12}
    assert len(world.gateway.ledger) == 12


LATE = {
    "accepted": (None, "accepted"),
    "not sent": (NotSent("refused_connection"), "pending"),
    "refused": (Refused("too_rude"), "failed"),
    "unknown": (OutcomeUnknown("read_timeout"), "unknown"),
}


@pytest.mark.parametrize("what", LATE)
def test_a_late_answer_says_what_became_of_an_unknown(world, what):
    answer, state = LATE[what]

    def stall(_keys):
        world.page.on_call = lambda _keys: None
        world.clock.advance(21)
        assert world.beside().reconcile.take_over() == 1
        world.once(Lane.PUBLIC)
        assert world.state("facebook") == "unknown"
        assert world.row(batch).state == "done"

    world.page.on_call = stall
    world.page.answers.append(answer)
    released = world.release(channels=("facebook",), **NO_HURRY)
    world.once(Lane.PUBLIC)
    assert world.totals(released.ref) == {state: 1}
    world.clock.advance(61)
    world.work_public()
    assert world.totals(released.ref) == {"accepted" if state == "pending" else state: 1}


def test_a_late_unknown_never_lowers_what_is_known_already(world):
    def stall(keys):
        world.gateway.on_call = lambda _keys: None
        world.clock.advance(21)
        world.parts.reconcile.take_over()
        receipts = [{"key": key, "state": "delivered"} for key in keys]
        world.parts.receipts.store([read(world, receipt) for receipt in receipts])
        world.parts.receipts.apply_all()

    world.gateway.on_call = stall
    world.gateway.answers.extend([OutcomeUnknown("t"), Refused("r"), NotSent("n"), None])
    released = world.release_texts(4, **NO_HURRY)
    world.work_bulk()
    assert world.totals(released.ref) == {"delivered": 4}
    assert len(world.gateway.calls) == 1


def read(world, receipt):
    world.parts.receipts.prepare()
    return world.parts.receipts.read(
        "live", "gateway", query={}, body=json.dumps(receipt).encode(), headers={}
    )


@pytest.mark.parametrize("what", ["refused", "not sent", "unknown"])
def test_a_late_answer_to_the_first_try_does_not_decide_about_the_second(world, what):
    """The first try was given up and sent again; the second is under way when the first one's answer comes."""
    answer, _ = LATE[what]
    other = world.beside()

    def second(_keys):
        world.gateway.on_call = lambda _keys: None

    def stall(_keys):
        world.gateway.on_call = second
        world.clock.advance(21)
        other.reconcile.take_over()
        world.clock.advance(121)
        assert other.reconcile.look_into() == 1
        assert world.state("sms") == "pending"

    world.gateway.on_call = stall
    world.gateway.answers.append(answer)
    released = world.release_texts(1, **LIFE_SAFETY)
    world.once(Lane.BULK)
    assert world.totals(released.ref) == {"pending": 1}
    world.work(Lane.BULK, parts=other)
    assert world.totals(released.ref) == {"accepted": 1}


# --- stopped between the intent and the first byte ----------------------------------------------------------


def stands_still(world, platform, seconds, then=lambda: None):
    """Once, between the intent and the call to this platform, as a paused machine does."""

    def stop():
        platform.on_check = lambda: None
        world.clock.advance(seconds)
        then()

    platform.on_check = stop


def test_an_intent_that_another_worker_has_sent_meanwhile_is_not_sent(world):
    """The fence keeps a stopped worker from writing; only its own clock keeps it from sending."""
    stopped, other = world.stoppable(), world.beside()

    def sent_by_another():
        other.reconcile.take_over()
        other.reconcile.look_into()
        world.work(Lane.PUBLIC, parts=other)

    released = world.release(channels=("website",))
    stands_still(world, world.site, 21, sent_by_another)
    world.work(Lane.PUBLIC, parts=stopped)
    assert len(world.site.calls) == len(world.site.ledger) == 1
    assert world.totals(released.ref) == {"accepted": 1}
    codes = [a.code for a in world.attempts(world.delivery("website").id)]
    assert sorted(codes) == ["", "stale_intent"]


def test_texts_of_a_worker_that_stood_still_go_out_once_by_the_next(world):
    stopped, other = world.stoppable(), world.beside()
    released = world.release_texts(8, **NO_HURRY)
    stands_still(world, world.gateway, 21, other.reconcile.take_over)
    world.work(Lane.BULK, parts=stopped)
    world.clock.advance(10)
    world.work_bulk()
    assert world.totals(released.ref) == {"accepted": 8}
    assert len(world.gateway.ledger) == 8
    assert {row.resends for row in world.deliveries("sms")} == {
        0
    }  # surely not sent: this was no second sending
    assert [a.code for a in world.rows(attempt)].count("stale_intent") == 4


def test_a_worker_that_stood_still_for_less_than_its_lease_tries_again_by_itself(world):
    stopped = world.stoppable()
    released = world.release(channels=("facebook",))
    stands_still(world, world.page, INTENT_FRESH_S + 1)
    world.work(Lane.PUBLIC, parts=stopped)
    world.clock.advance(5)
    world.work(Lane.PUBLIC, parts=stopped)
    assert world.totals(released.ref) == {"accepted": 1}
    assert len(world.page.calls) == 1
    assert [a.code for a in world.attempts(world.delivery("facebook").id)] == ["stale_intent", ""]


def test_a_moment_between_the_intent_and_the_call_is_no_danger(world):
    stopped = world.stoppable()
    released = world.release(channels=("facebook",))
    stands_still(world, world.page, INTENT_FRESH_S - 1)
    world.work(Lane.PUBLIC, parts=stopped)
    assert world.totals(released.ref) == {"accepted": 1}
    assert world.delivery("facebook").attempts == 1


# --- death in the middle ------------------------------------------------------------------------------------


def kill_worker(world, lane=Lane.BULK, parts=None):
    with pytest.raises(WorkerDied):
        world.work(lane, parts=parts)


def test_a_death_before_the_platform_answered_leaves_that_group_unknown_and_the_rest_goes_on(world):
    calls = []

    def die_at_second(_keys):
        calls.append(1)
        if len(calls) == 2:
            raise WorkerDied

    world.gateway.on_call = die_at_second
    released = world.release_texts(12, **NO_HURRY)
    kill_worker(world)
    assert world.totals(released.ref) == {"accepted": 4, "sending": 4, "pending": 4}
    assert world.work_bulk() == 0  # it is leased still
    world.clock.advance(21)
    assert world.parts.reconcile.take_over() == 1
    assert world.totals(released.ref) == {"accepted": 4, "unknown": 4, "pending": 4}
    assert all(group.closed_at for group in world.rows(intent_group))
    assert world.row(batch).deaths == 1
    assert events(world, "batch_taken_over")[0]["unknown"] == 4
    world.work_bulk()
    assert world.totals(released.ref) == {"accepted": 8, "unknown": 4}
    assert len(world.gateway.calls) == 3  # those of the group that died are not called again


def test_a_death_after_the_platform_took_it_is_unknown_too(world):
    world.page.answers.append(Took(WorkerDied()))
    released = world.release(channels=("facebook",))
    kill_worker(world, Lane.PUBLIC)
    world.clock.advance(21)
    world.parts.reconcile.take_over()
    world.work_public()
    assert world.totals(released.ref) == {"unknown": 1}
    assert len(world.page.ledger) == 1


def test_a_death_after_the_claim_and_before_any_intent_costs_nothing(world):
    world.release_texts(4)
    running = iter([True])

    def gone():
        try:
            return next(running)
        except StopIteration:
            raise WorkerDied from None

    with pytest.raises(WorkerDied):
        world.parts.deliver.work("live", Lane.BULK, for_s=30, running=gone)
    assert world.row(batch).state == "leased"
    assert world.size(intent_group) == 0
    world.clock.advance(21)
    assert world.parts.reconcile.take_over() == 1
    assert world.row(batch).deaths == 0
    assert world.work_bulk() == 4


def test_the_supervisor_frees_what_a_dead_process_held_at_once_and_nothing_else(world):
    world.gateway.on_call = die
    released = world.release_texts(4)
    kill_worker(world)
    assert world.parts.reconcile.take_over("another-machine/1") == 0
    assert world.parts.reconcile.take_over(world.row(batch).owner) == 1
    assert world.totals(released.ref) == {"unknown": 4}


def test_one_recipient_that_kills_workers_costs_only_itself(world):
    def die_of_one(keys):
        if poison in keys:
            raise WorkerDied

    released = world.release_texts(12, **LIFE_SAFETY)
    world.change(delivery, {"resends": 0}, state="pending")
    poison = world.deliveries("sms")[5].uid
    world.gateway.on_call = die_of_one
    world.add_audience("many", 400)  # so that the bounds of sending again allow a group
    world.change(target, {"planned_total": 400}, channel="sms")
    deaths = 0
    for _ in range(20):
        try:
            world.work_bulk()
        except WorkerDied:
            deaths += 1
        world.clock.advance(130)
        world.parts.reconcile.take_over()
        world.parts.reconcile.look_into()
    assert deaths == 2
    states = [d.state for d in world.deliveries("sms")]
    assert states.count("accepted") == 11
    assert states[5] == "quarantined"
    assert len(world.gateway.ledger) == 11
    assert released


# --- the audit log proves each attempt ----------------------------------------------------------------------


def leaf(row, uid):
    """Written out by hand, from what docs promise about a leaf and not from the code that makes it."""
    fields = {
        "code": row.code,
        "delivery": uid,
        "ended_at": row.ended_at.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00"),
        "link": row.link,
        "outcome": row.outcome,
        "platform_id": row.platform_id,
    }
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def root(leaves):
    """RFC 6962, section 2.1, read again."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\1" + root(leaves[:half]) + root(leaves[half:])).digest()


def rows_of_group(world, group_id):
    query = (
        select(attempt, delivery.c.uid)
        .join(delivery, delivery.c.id == attempt.c.delivery_id)
        .where(attempt.c.intent_group_id == group_id)
        .order_by(attempt.c.id)
    )
    with world.database.read() as tx:
        return list(tx.execute(query))


def test_every_audit_event_of_a_group_has_the_root_of_its_attempts(world):
    world.add_audience("residents", 11)
    world.gateway.answers.extend(
        [None, Refused("no"), OutcomeUnknown("t", "Später vielleicht."), NotSent("n")]
    )
    released = world.release(channels=("website", "facebook", "x", "sms"), audience="residents")
    world.parts.plan.plan(world.broadcast_id(released.ref))
    world.work_public()
    world.work_bulk()
    recorded = events(world, "outcomes_recorded")
    assert {e["group"] for e in recorded} == {g.id for g in world.rows(intent_group)}
    for event in recorded:
        rows = rows_of_group(world, event["group"])
        assert event["root"] == root([leaf(row, row.uid) for row in rows]).hex()
        assert sum(event["counts"].values()) == len(rows)
        assert event["broadcast"] == released.broadcast
    assert sum(sum(e["counts"].values()) for e in recorded) == world.size(attempt)


def test_a_late_group_has_its_event_too(world):
    world.page.on_call = lambda _keys: (world.clock.advance(21), world.parts.reconcile.take_over())
    world.release(channels=("facebook",))
    world.once(Lane.PUBLIC)
    (event,) = events(world, "outcomes_recorded")
    rows = rows_of_group(world, event["group"])
    assert event["root"] == root([leaf(row, row.uid) for row in rows]).hex()


def test_an_altered_attempt_no_longer_has_the_root_of_its_event(world):
    world.release(channels=("facebook",))
    world.work_public()
    (event,) = events(world, "outcomes_recorded")
    for values in ({"outcome": "refused"}, {"platform_id": "other"}, {"link": "x"}, {"code": "x"}):
        before = world.row(attempt)
        world.change(attempt, values, id=before.id)
        rows = rows_of_group(world, event["group"])
        assert event["root"] != root([leaf(row, row.uid) for row in rows]).hex()
        world.change(attempt, {name: getattr(before, name) for name in values}, id=before.id)
    assert event["root"] == root([leaf(r, r.uid) for r in rows_of_group(world, event["group"])]).hex()


def test_no_number_and_no_text_is_in_the_audit_log_or_in_the_logs(world):
    world.gateway.on_call = lambda _keys: {}["an unforeseen bug"]
    released = world.release_texts(6)
    world.work_bulk()
    assert world.totals(released.ref) == {"unknown": 6}
    assert {entry["event"] for entry in world.logs} == {"channel_failed"}
    said = " ".join(e.payload for e in world.rows(audit_event)) + str(world.logs)
    assert "+4477" not in said
    assert "seafront" not in said
