"""Delivering: only the approved bytes, to those who may get them, with late slots as they are at that moment."""

import hashlib
import json
from zoneinfo import ZoneInfo

import pytest

from broadcaster.db.tables import (
    account,
    approval,
    batch,
    broadcast,
    incident,
    post,
    recipient,
    submission,
    target,
)
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.message import Mode
from tests.builders import LIFE_SAFETY, a_world, number


@pytest.fixture
def world_settings():
    return {"max_in_flight": 8}


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
    noted = world.events("deliveries_quarantined")
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
    assert sum(e["count"] for e in world.events("deliveries_suppressed")) == 2


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
