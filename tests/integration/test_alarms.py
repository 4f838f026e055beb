"""Alarms: what is wrong is raised once, told in words, cleared when it is over, and raised again when it happens again."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from broadcaster.cli import commands_for
from broadcaster.db import alarms as store
from broadcaster.db.tables import alarm, audit_event, batch, delivery
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import NotConfigured
from broadcaster.domain.message import Mode
from tests.builders import NO_HURRY
from tests.integration.alarms import (
    HALF_A_MINUTE,
    TWO_MINUTES,
    a_silent_page,
    alarm_events,
    looked,
    pause,
    told,
    undecided_texts,
)


@pytest.fixture
def world_settings():
    return {"max_in_flight": 8}


# --- raised once, cleared, raised again ---------------------------------------------------------------------


def test_where_nothing_is_wrong_nothing_is_raised_or_written(world):
    world.release()
    world.work_public()
    world.parts.seal.seal()
    before = world.snapshot()
    assert looked(world) == []
    assert world.snapshot() == before


def test_an_alarm_is_raised_once_cleared_when_over_and_raised_again(world):
    what = ("account_paused", "live/page")
    for times in (1, 2):
        pause(world)
        assert looked(world) == [what]
        world.parts.seal.seal()
        before = world.snapshot()
        assert looked(world) == [what]
        assert world.snapshot() == before
        world.clock.advance(60)
        world.parts.accounts.resume(world.administrator, "page", "live")
        assert looked(world) == []
        assert alarm_events(world, "alarm_raised") == [what] * times
        assert alarm_events(world, "alarm_cleared") == [what] * times
    kept = world.rows(alarm)
    assert [(a.cleared_at - a.raised_at).total_seconds() >= 60 for a in kept] == [True, True]
    assert [e["subject"] for e in world.logs if e["event"] == "alarm_raised"] == ["live/page"] * 2
    assert {e["log_level"] for e in world.logs if e["event"] == "alarm_raised"} == {"error"}
    assert "alarm_raised" in world.acts()  # which checks the chain


def test_the_sweeper_looks_after_it_has_done_everything_else(world):
    world.page.always = NotConfigured("bad_token", "Facebook refused the token.")
    world.release(channels=("facebook",))
    world.work_public()
    world.parts.sweep.sweep()
    assert alarm_events(world, "alarm_raised") == [("account_paused", "live/page")]


def test_two_sweepers_at_once_raise_and_clear_one(world):
    other = world.beside()
    assert world.administrator
    for times in range(1, 6):
        for change in (pause, lambda w: w.parts.accounts.resume(w.administrator, "page", "live")):
            change(world)
            barrier = threading.Barrier(2)

            def look(parts, barrier=barrier):
                barrier.wait()
                parts.alarms.look()

            with ThreadPoolExecutor(2) as pool:
                list(pool.map(look, (world.parts, other)))
        assert len(alarm_events(world, "alarm_raised")) == times
        assert len(alarm_events(world, "alarm_cleared")) == times
    assert len(world.rows(alarm)) == 5


def test_a_second_sweeper_that_found_it_at_the_same_moment_raises_nothing(world):
    """Both have read before either has written."""
    other = world.beside()
    pause(world)
    with world.meanwhile(world.database, "FROM alarm", other.alarms.look):
        world.parts.alarms.look()
    assert alarm_events(world, "alarm_raised") == [("account_paused", "live/page")]
    world.parts.accounts.resume(world.administrator, "page", "live")
    with world.meanwhile(world.database, "FROM alarm", other.alarms.look):
        world.parts.alarms.look()
    assert alarm_events(world, "alarm_cleared") == [("account_paused", "live/page")]


def test_the_database_itself_keeps_one_open_alarm_of_a_kind(world):
    row = {"code": "quarantined", "subject": "7F3K2M", "text": "", "size": 1, "raised_at": world.now()}
    world.add(alarm, **row, cleared_at=world.now())
    world.add(alarm, **row)
    with pytest.raises(Exception, match=r"(?i)unique"):
        world.add(alarm, **row)


# --- each of them -------------------------------------------------------------------------------------------


def test_a_post_that_is_unknown_for_two_minutes_is_told_with_what_is_being_done(world):
    released = a_silent_page(world, **NO_HURRY)
    world.clock.advance(118)
    assert looked(world) == []
    world.clock.advance(3)
    assert looked(world) == [("unknown_waits", released.ref)]
    words = told(world, "unknown_waits")
    assert words.startswith(f"1 delivery of {released.ref} (1 to facebook) may or may not have been sent")
    assert "(facebook: our own posts there are read back): wait" in words
    key = world.delivery("facebook").id
    world.change(delivery, {"state": "accepted", "unknown_since": None}, id=key)
    assert looked(world) == []


def test_what_nothing_will_prove_is_told_at_once_until_a_person_has_decided(world):
    released = undecided_texts(world)
    assert looked(world) == [("unknown_undecided", released.ref)]
    words = told(world, "unknown_undecided")
    assert words.startswith(f"3 deliveries of {released.ref} (3 to sms) may or may not have been sent")
    assert words.endswith("then decide.")
    first, second, third = (d.uid for d in world.deliveries("sms"))
    for uid in (first, second):
        world.parts.unknowns.mark_sent(world.officer, uid, link="https://log.test", reason="seen")
    assert looked(world) == [("unknown_undecided", released.ref)]
    assert told(world, "unknown_undecided").startswith("1 delivery of")  # another number is no other alarm
    assert len(alarm_events(world, "alarm_raised")) == 1
    world.parts.unknowns.mark_sent(world.officer, third, link="https://log.test", reason="seen")
    assert looked(world) == []
    assert alarm_events(world, "alarm_cleared") == [("unknown_undecided", released.ref)]


def test_what_was_sent_twice_and_then_quarantined_is_undecided_too(world):
    released = world.release_texts(2)
    values = {"state": "quarantined", "settled_at": world.now()}
    ids = [d.id for d in world.deliveries("sms")]
    world.change(delivery, {**values, "resends": 1}, id=ids[0])
    assert looked(world) == [("unknown_undecided", released.ref)]
    world.change(delivery, values, id=ids[1])
    assert looked(world) == [("quarantined", released.ref), ("unknown_undecided", released.ref)]
    assert f"1 delivery of {released.ref} (1 to sms)" in told(world, "quarantined")


def test_a_message_with_many_places_is_one_alarm_and_two_messages_are_two(world):
    texts = undecided_texts(world, 2)
    posts = world.release(channels=("facebook", "x"), **NO_HURRY)
    world.work_public()
    for channel in ("facebook", "x"):
        world.change(delivery, {"state": "unknown_final"}, id=world.delivery(channel).id)
    assert looked(world) == sorted([("unknown_undecided", texts.ref), ("unknown_undecided", posts.ref)])
    (words,) = [a.text for a in world.parts.alarms.of(posts.ref)]
    assert words.startswith(f"2 deliveries of {posts.ref} (1 to facebook, 1 to x)")


def test_more_than_can_be_counted_each_second_is_at_least_so_many(world):
    released = world.release_texts(store.COUNTED + 5)
    world.change(delivery, {"state": "unknown_final"}, state="pending")
    world.change(batch, {"state": "done"}, state="ready")
    assert looked(world) == [("unknown_undecided", released.ref)]
    assert told(world, "unknown_undecided").startswith(f"At least 1,000 deliveries of {released.ref}")
    world.change(delivery, {"state": "unknown", "unknown_since": world.now()}, state="unknown_final")
    world.clock.advance(TWO_MINUTES)
    assert looked(world) == [("unknown_waits", released.ref)]
    assert told(world, "unknown_waits").startswith("At least 1,000")


def test_a_broadcast_that_lost_a_delivery_is_told_when_it_ends_and_until_a_person_has_seen_it(world):
    released = world.release(channels=("facebook", "x"))
    world.work_public()
    lost = world.delivery("x").id
    with world.database.write() as tx:
        tx.execute(text("DELETE FROM attempt WHERE delivery_id = :id"), {"id": lost})
        tx.execute(text("DELETE FROM delivery WHERE id = :id"), {"id": lost})
    world.parts.sweep.sweep()
    world.parts.sweep.sweep()
    assert looked(world) == [("counts_differ", released.ref)]
    words = f"{released.ref} has ended with 2 deliveries planned and 1 counted (1 accepted). Some were lost or doubled."
    assert told(world, "counts_differ").startswith(words)
    assert [event.act for event in world.rows(audit_event)][-2:] == ["alarm_raised", "broadcast_done"]
    assert world.parts.audit.first_bad_event() == 4  # the log vouches for the attempt that was taken out
    parts = world.parts.alarms
    parts.acknowledge(
        world.officer, "counts_differ", released.ref.lower(), reason="a row was deleted by hand"
    )
    assert looked(world) == []
    (done,) = world.rows(audit_event, act="alarm_acknowledged")
    assert (done.actor, done.subject) == ("olive", released.ref)
    assert json.loads(done.payload)["reason"] == "a row was deleted by hand"


def test_a_sum_that_differs_once_more_is_told_in_the_words_of_now(world):
    released = world.release(channels=("facebook",))
    world.work_public()
    row = {"code": "counts_differ", "subject": released.ref, "text": "before", "size": 1}
    world.add(alarm, **row, raised_at=world.now())
    with world.database.write() as tx:
        tx.execute(text("DELETE FROM attempt"))
        tx.execute(text("DELETE FROM delivery"))
    world.parts.sweep.end_what_is_over()
    assert told(world, "counts_differ").startswith(f"{released.ref} has ended")
    assert alarm_events(world, "alarm_raised") == []


def test_a_paused_account_is_told_with_its_reason_and_the_command_that_ends_it(world):
    world.release(channels=("website", "facebook"))
    world.release(channels=("website",), mode=Mode.EXERCISE)
    pause(world)
    pause(world, "site")  # of both modes
    assert [subject for _, subject in looked(world)] == ["exercise/site", "live/page", "live/site"]
    words = {a.subject: a.text for a in world.parts.alarms.watch().alarms}
    assert "The token has expired." in words["live/page"]
    assert words["live/page"].endswith("then resume it.")
    assert [commands_for.alarm(a.code, a.subject) for a in world.parts.alarms.watch().alarms] == [
        f"broadcaster account resume {each}" for each in ("site", "page", "site --mode exercise")
    ]
    (raised,) = world.rows(audit_event, subject="page")
    assert raised.act == "alarm_raised"


# --- nobody sends -------------------------------------------------------------------------------------------


def test_a_public_post_that_nobody_takes_for_half_a_minute_is_told(world):
    released = world.release(channels=("facebook",))
    world.clock.advance(20)
    assert looked(world) == []
    world.clock.advance(11)
    assert looked(world) == [("nobody_sends", "live/public")]
    assert told(world, "nobody_sends").startswith(
        "Live public posts have been waiting for more than 30 seconds"
    )
    assert released.ref in told(world, "nobody_sends")
    world.work_public()
    assert looked(world) == []


def test_texts_that_wait_for_their_turn_are_no_alarm_while_somebody_sends(world):
    released = world.release_texts(1_200)
    world.clock.advance(HALF_A_MINUTE)
    assert looked(world) == [("nobody_sends", "live/bulk")]
    world.once(Lane.BULK)
    assert {b.state for b in world.batches()} == {"ready"}  # the worker is between two batches
    assert looked(world) == []
    world.clock.advance(HALF_A_MINUTE)
    assert looked(world) == [("nobody_sends", "live/bulk")]
    world.change(batch, {"state": "leased", "lease_until": world.later(20)}, id=world.batches()[0].id)
    assert looked(world) == []  # one is at work on them
    world.clock.advance(21)
    assert looked(world) == [("nobody_sends", "live/bulk")]  # or was: its lease is over
    world.stop(released.ref)
    assert looked(world) == []


def test_an_audience_that_nobody_begins_to_plan_is_told(world):
    world.add_audience("residents", 3)
    released = world.release(channels=("sms",), audience="residents")
    world.clock.advance(20)
    assert looked(world) == []
    world.clock.advance(11)
    assert looked(world) == [("nobody_sends", "live/bulk")]
    assert released.ref in told(world, "nobody_sends")
    world.parts.plan.plan(world.broadcast_id(released.ref))
    assert looked(world) == []


def test_what_may_not_be_sent_waits_for_nobody(world):
    world.release(channels=("facebook",))
    pause(world)
    world.clock.advance(HALF_A_MINUTE)
    assert looked(world) == [("account_paused", "live/page")]
    expired = world.release(channels=("x",))
    world.clock.advance(HALF_A_MINUTE)
    assert looked(world) == [("account_paused", "live/page"), ("nobody_sends", "live/public")]
    world.clock.advance(13 * 3600)
    assert looked(world) == [("account_paused", "live/page")]
    assert world.status(expired.ref).state == "sending"  # the sweeper has not ended it yet
