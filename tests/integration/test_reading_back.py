"""Unknown outcomes on platforms that can be read: found, absent after two clean readings, or decided by a person."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from broadcaster.db.tables import account, audit_event, delivery
from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.errors import (
    Invalid,
    NotAllowed,
    NotConfigured,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Stale,
)
from broadcaster.service.read_back import EVERY_S, LOOKS_S, next_look
from tests.builders import LIFE_SAFETY, NO_HURRY, a_world
from tests.fakes import FakeGateway, FakeQueryable, Took

DATABASES = ("sqlite",)  # the state machine plays all of it on both

SILENCE = OutcomeUnknown("read_timeout")


def silent(world, *, taken, **values):
    """A released message whose Facebook post got no answer; the platform took it or not."""
    world.page.answers.append(Took(SILENCE) if taken else SILENCE)
    released = world.release(**values)
    world.work_public()
    assert world.state("facebook") is DeliveryState.UNKNOWN
    return released


def look_after(world, seconds):
    world.clock.advance(seconds)
    return world.parts.read_back.look("live")


def looked_until_decided(world):
    """As the pump does it, second by second, for two minutes."""
    for _ in range(130):
        look_after(world, 1)
    return world.state("facebook")


def test_a_post_that_was_taken_without_an_answer_is_found_and_not_sent_again(world):
    released = silent(world, taken=True)
    assert look_after(world, LOOKS_S[0]) == 1
    found = world.delivery("facebook")
    assert (found.state, found.link, found.code) == ("accepted", "https://facebook.test/found", "read_back")
    assert len(world.page.ledger) == 1
    world.work_public()
    assert len(world.page.ledger) == 1
    noted = world.row(audit_event, act="unknown_found_by_reading_back")
    assert "facebook-found" in noted.payload
    target = next(t for t in world.status(released.ref).targets if t.channel == "facebook")
    assert target.seconds is not None
    assert target.reasons[0].startswith("1 x The platform did not answer")


def test_nothing_is_read_before_the_platform_had_two_seconds(world):
    silent(world, taken=True)
    assert look_after(world, LOOKS_S[0] - 1) == 0
    assert world.page.reads == 0


def test_one_clean_reading_proves_nothing(world):
    silent(world, taken=True)
    world.page.readings.extend([None, None])  # its index lags
    look_after(world, 3)
    look_after(world, 3)
    assert world.state("facebook") is DeliveryState.UNKNOWN
    look_after(world, 10)
    assert world.state("facebook") is DeliveryState.ACCEPTED


def test_readings_that_fail_are_no_proof_of_absence(world):
    silent(world, taken=True, **LIFE_SAFETY)
    world.page.readings.extend([NotSent("read_back_failed")] * 40)
    assert looked_until_decided(world) is DeliveryState.UNKNOWN
    assert len(world.page.calls) == 1
    world.page.readings.clear()
    look_after(world, EVERY_S + 1)
    assert world.state("facebook") is DeliveryState.ACCEPTED


def test_a_life_safety_post_that_is_absent_is_sent_once_more(world):
    silent(world, taken=False, **LIFE_SAFETY)
    assert looked_until_decided(world) is DeliveryState.PENDING
    world.work_public()
    assert world.state("facebook") is DeliveryState.ACCEPTED
    assert len(world.page.ledger) == 1
    assert len(set(world.page.calls)) == 1  # the same key both times


def test_after_a_second_unknown_a_person_decides(world):
    silent(world, taken=False, **LIFE_SAFETY)
    looked_until_decided(world)
    world.page.answers.append(SILENCE)
    world.work_public()
    assert looked_until_decided(world) is DeliveryState.UNKNOWN_FINAL
    assert len(world.page.calls) == 2


def test_another_post_that_is_absent_is_left_to_a_person(world):
    silent(world, taken=False, **NO_HURRY)
    assert looked_until_decided(world) is DeliveryState.UNKNOWN_FINAL
    assert len(world.page.calls) == 1


def test_two_processes_do_not_read_the_same_at_once(world):
    silent(world, taken=True)
    world.page.readings.append(None)
    assert look_after(world, LOOKS_S[0]) == 1
    assert world.parts.read_back.look("live") == 0


def test_an_exercise_process_does_not_look_for_live_posts(world):
    silent(world, taken=True)
    world.clock.advance(LOOKS_S[0])
    assert world.parts.read_back.look("exercise") == 0


def test_the_looks_become_rarer():
    since = datetime(2026, 1, 1, tzinfo=UTC)
    at, seen = since, []
    for _ in range(7):
        at = next_look(since, at)
        seen.append((at - since) / timedelta(seconds=1))
    assert seen == [2, 5, 15, 30, 65, 125, 185]


# --- readings that are refused ------------------------------------------------------------------------------


def test_a_reading_refused_for_its_credentials_pauses_the_account_and_is_told_once(world):
    silent(world, taken=True)
    world.page.readings.extend([NotConfigured("bad_token", "The token has run out.")] * 3)
    for seconds in LOOKS_S[:3]:
        look_after(world, seconds)
    assert world.page.reads == 3
    paused = world.row(account, name="page")
    assert (paused.paused_at is not None, paused.pause_reason) == (True, "The token has run out.")
    (noted,) = world.rows(audit_event, act="account_paused")
    assert json.loads(noted.payload)["code"] == "bad_token"
    assert world.acts().count("account_paused") == 1
    assert world.row(account, name="feed").paused_at is None


def test_what_is_unknown_under_a_paused_account_is_looked_at_further_and_found(world):
    released = silent(world, taken=True)
    world.page.readings.append(NotConfigured("bad_token"))
    look_after(world, LOOKS_S[0])
    assert world.state("facebook") is DeliveryState.UNKNOWN
    look_after(world, EVERY_S)
    assert world.row(account, name="page").paused_at is not None
    assert world.totals(released.ref) == {"accepted": 3}


def test_an_account_that_was_mended_and_is_refused_again_is_told_of_again(world):
    silent(world, taken=True)
    world.page.readings.extend([NotConfigured("bad_token")] * 2)
    look_after(world, LOOKS_S[0])
    world.parts.accounts.resume(world.administrator, "page", "live")
    look_after(world, EVERY_S)
    assert world.acts().count("account_paused") == 2


def test_a_refused_reading_is_no_proof_of_absence(world):
    silent(world, taken=False, **LIFE_SAFETY)
    world.page.readings.extend([NotConfigured("bad_token")] * 40)
    assert looked_until_decided(world) is DeliveryState.UNKNOWN
    assert len(world.page.calls) == 1


# --- gateways that can be asked about a key -----------------------------------------------------------------


@pytest.fixture
def asking(database_url, tmp_path):
    with a_world(database_url, tmp_path, gateway=FakeQueryable("gateway")) as world:
        yield world


def silent_texts(world, *, taken, size=3, **values):
    """Of some texts the first has no answer."""
    world.gateway.answers.append(Took(SILENCE) if taken else SILENCE)
    released = world.release_texts(size, **values)
    world.work_bulk()
    assert world.totals(released.ref) == {"accepted": size - 1, "unknown": 1}
    return released, world.deliveries("sms")[0]


def asked_until_decided(world):
    for _ in range(130):
        world.parts.reconcile.look_into()
        look_after(world, 1)
    return world.states()[0]


def test_a_text_is_found_by_its_key_and_not_sent_again(asking):
    released, first = silent_texts(asking, taken=True, **LIFE_SAFETY)
    assert look_after(asking, LOOKS_S[0]) == 1
    assert asking.gateway.asked == [first.uid]
    assert asking.totals(released.ref) == {"accepted": 3}
    assert asking.deliveries("sms")[0].platform_id == f"sms-{first.uid}"
    assert asking.work_bulk() == 0


def test_a_life_safety_text_that_the_gateway_does_not_know_twice_is_sent_once_more(asking):
    released, first = silent_texts(asking, taken=False, **LIFE_SAFETY)
    assert asked_until_decided(asking) == "pending"
    assert len(set(asking.gateway.asked)) == 1 < len(asking.gateway.asked)
    asking.work_bulk()
    assert asking.totals(released.ref) == {"accepted": 3}
    assert asking.gateway.keys.count(first.uid) == 1
    assert [row.resends for row in asking.deliveries("sms")] == [1, 0, 0]


def test_after_a_second_unknown_text_that_is_absent_a_person_decides(asking):
    silent_texts(asking, taken=False, **LIFE_SAFETY)
    asked_until_decided(asking)
    asking.gateway.answers.append(SILENCE)
    asking.work_bulk()
    assert asked_until_decided(asking) == "unknown_final"
    assert asking.work_bulk() == 0


def test_any_other_text_that_is_absent_is_left_to_a_person(asking):
    silent_texts(asking, taken=False, **NO_HURRY)
    assert asked_until_decided(asking) == "unknown_final"
    assert len(asking.gateway.calls) == 1


def test_a_gateway_that_lags_or_fails_is_no_proof_of_absence(asking):
    silent_texts(asking, taken=True, **LIFE_SAFETY)
    asking.gateway.readings.extend([None, NotSent("busy"), NotSent("busy")])
    for seconds in LOOKS_S:
        look_after(asking, seconds)
    assert asking.states()[0] == "accepted"
    assert len(asking.gateway.calls) == 1


def test_of_two_gateways_only_the_one_that_can_be_asked_is_asked(asking):
    """Both are of the channel `sms`; the one that cannot would use up the readings of the other."""
    _, first = silent_texts(asking, taken=True, **LIFE_SAFETY)
    asking.channels["live"]["gateway"] = FakeGateway("gateway")
    asking.channels["live"]["rival"] = FakeQueryable("rival")
    assert look_after(asking, LOOKS_S[0]) == 0
    assert asking.row(delivery, id=first.id).look_at is None


# --- what a person decides ----------------------------------------------------------------------------------


def left_to_a_person(world, **values):
    released = silent(world, taken=False, **(values or NO_HURRY))
    looked_until_decided(world)
    world.parts.sweep.end_what_is_over()
    return released, world.delivery("facebook").uid


def test_the_list_says_what_is_unknown_and_where(world):
    released, uid = left_to_a_person(world)
    (only,) = world.parts.unknowns.undecided()
    assert (only.uid, only.ref, only.channel, only.state) == (uid, released.ref, "facebook", "unknown_final")
    assert "Decide" in only.operator_text


def test_a_person_who_found_it_says_where(world):
    _, uid = left_to_a_person(world)
    world.parts.unknowns.mark_sent(
        world.officer, uid, link="https://facebook.test/7", reason="seen on the page"
    )
    assert (world.delivery("facebook").state, world.delivery("facebook").link) == (
        "accepted",
        "https://facebook.test/7",
    )
    noted = world.row(audit_event, act="unknown_decided")
    assert (noted.actor, "seen on the page" in noted.payload) == (world.officer.name, True)
    assert world.parts.unknowns.undecided() == []


def test_a_person_who_did_not_find_it_has_it_sent_again(world):
    released, uid = left_to_a_person(world)
    assert world.broadcast(released.ref).state == BroadcastState.DONE
    world.parts.unknowns.send_again(world.officer, uid, reason="not on the page")
    world.work_public()
    assert world.state("facebook") is DeliveryState.ACCEPTED
    assert len(world.page.ledger) == 1
    world.parts.sweep.end_what_is_over()
    assert world.broadcast(released.ref).state == BroadcastState.DONE


def unchanged(world, act, error, words):
    before = world.snapshot()
    with pytest.raises(error, match=words):
        act()
    assert world.snapshot() == before


def test_decisions_that_cannot_be_taken_change_nothing(world):
    _, uid = left_to_a_person(world)
    decide = world.parts.unknowns
    unchanged(world, lambda: decide.send_again(world.officer, uid, reason=" "), Invalid, "reason")
    unchanged(
        world, lambda: decide.mark_sent(world.officer, uid, link="page", reason="r"), Invalid, "address"
    )
    unchanged(
        world, lambda: decide.send_again(world.officer, "no-such", reason="r"), NotFound, "unknown list"
    )
    auditor = world.person("audit", "auditor")
    unchanged(world, lambda: decide.send_again(auditor, uid, reason="r"), NotAllowed, "Only")
    world.clock.advance(7 * 24 * 3600)
    unchanged(world, lambda: decide.send_again(world.officer, uid, reason="r"), Stale, "expired")
