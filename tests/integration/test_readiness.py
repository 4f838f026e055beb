"""Readiness: accounts are checked in time and on demand, a red one stops an approval, and a change is told."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from broadcaster.db.tables import account, alarm, audit_event, probe
from broadcaster.domain.errors import NotFound, Stale
from broadcaster.domain.readiness import HOLDS_FOR, PROBE_EVERY, ReadinessState
from broadcaster.service.readiness import Checks
from tests.builders import a_world
from tests.fakes import FakeProbed, found
from tests.integration.test_approval import refuses

READY, DOUBTFUL, NOT_READY = ReadinessState
A_ROUND, TOO_OLD = PROBE_EVERY.total_seconds() + 1, HOLDS_FOR.total_seconds() + 1


@pytest.fixture
def world(database_url, tmp_path):
    """`hall` is the account on Facebook and can be checked, the other ones cannot."""
    with a_world(database_url, tmp_path) as world:
        del world.channels["live"]["page"]
        world.channels["live"]["hall"] = FakeProbed("facebook", "hall")
        yield world


def hall(world):
    return world.channels["live"]["hall"]


def check(world, readiness=None):
    """One round of what the pump does, three minutes later."""
    if readiness:
        hall(world).readiness = readiness
    world.clock.advance(A_ROUND)
    return world.parts.checks.look("live")


def submit(world):
    submitted = world.submit(channels=("website", "facebook"))
    assert world.approver
    return submitted


def events(world, act="account_readiness_changed"):
    return [(e.subject, json.loads(e.payload)) for e in world.rows(audit_event, act=act)]


def alarms(world):
    world.parts.alarms.look()
    return {a.code: a for a in world.parts.alarms.watch().alarms if a.subject == "live/hall"}


def test_a_red_account_stops_an_approval_with_the_reason_and_lets_it_through_once_mended(world):
    submitted = submit(world)
    check(world, found(NOT_READY, "token_refused"))
    before = world.snapshot()
    with pytest.raises(Stale, match="could not send now. Nothing was changed") as caught:
        world.approve(submitted)
    (why,) = caught.value.details
    assert why.startswith("hall is not ready since ")
    assert "It is not_ready." in why
    assert "restart, then check the account" in why
    assert f"broadcaster message return {submitted.ref}" in caught.value.command
    assert world.snapshot() == before
    check(world, found(READY))
    assert world.approve(submitted).public_posts == 2


def test_who_asks_for_a_check_makes_none_and_sees_its_answer_in_the_rows(world):
    world.channels["exercise"]["hall"] = FakeProbed("facebook", "hall")
    check(world, found(NOT_READY))
    probes = hall(world).probes
    world.clock.advance(60)
    assert world.parts.checks.look("live") == 0  # not due by itself
    world.parts.checks.ask()
    world.parts.checks.ask()
    assert hall(world).probes == probes
    assert {(s.mode, s.name) for s in world.parts.checks.accounts_now() if s.is_awaited} == {
        ("live", "hall"),
        ("exercise", "hall"),
    }
    hall(world).readiness = found(READY)
    assert world.parts.checks.look("live") == 1
    assert world.parts.checks.look("live") == 0
    accounts = {s.mode: s for s in world.parts.checks.accounts_now() if s.name == "hall"}
    assert (accounts["live"].probed.state, accounts["live"].is_awaited) == (READY, False)
    assert accounts["exercise"].is_awaited  # its own process asks
    world.clock.advance(5)
    world.parts.checks.ask()
    assert world.parts.checks.look("live") == 0, "an answer of this moment is not asked for again"


@pytest.mark.parametrize("state", [READY, DOUBTFUL])
def test_an_account_that_is_ready_or_merely_doubtful_stops_nothing(world, state):
    submitted = submit(world)
    check(world, found(state))
    assert world.approve(submitted).public_posts == 2


def test_a_red_account_that_the_message_does_not_need_stops_nothing(world):
    submitted = world.submit(channels=("website",))
    check(world, found(NOT_READY))
    world.approve(submitted)


def test_what_was_found_too_long_ago_stops_nothing(world):
    check(world, found(NOT_READY))
    world.clock.advance(TOO_OLD)
    world.approve(submit(world))


def test_the_same_account_of_another_mode_stops_nothing(world):
    world.channels["exercise"]["hall"] = FakeProbed("facebook", "hall")
    world.channels["exercise"]["hall"].readiness = found(NOT_READY)
    world.parts.checks.check(mode="exercise")
    world.approve(submit(world))


def test_a_paused_account_is_refused_with_since_when_and_what_to_do(world):
    submitted = submit(world)
    world.change(account, {"paused_at": world.now(), "pause_reason": "The token lapsed."}, name="hall")
    refuses(world, submitted, "could not send now")
    with pytest.raises(Stale) as caught:
        world.approve(submitted)
    (why,) = caught.value.details
    assert why.startswith("hall is paused since ")
    assert why.endswith("The token lapsed. Mend its file, restart, then resume the account.")


# --- checks -----------------------------------------------------------------------------------------------


def test_an_account_is_checked_every_three_minutes_and_not_more_often(world):
    assert world.parts.checks.look("live") == 1
    assert world.parts.checks.look("live") == 0
    world.clock.advance(A_ROUND)
    assert world.parts.checks.look("live") == 1
    assert world.parts.checks.look("exercise") == 0
    assert hall(world).probes == 2


def test_after_a_doubtful_answer_it_is_asked_again_soon(world):
    check(world, found(DOUBTFUL))
    world.clock.advance(20)
    assert world.parts.checks.look("live") == 0
    world.clock.advance(11)
    assert world.parts.checks.look("live") == 1


def test_of_processes_that_look_at_once_one_checks(world):
    together = threading.Barrier(4)
    processes = [world.beside() for _ in range(4)]

    def look(parts):
        together.wait()
        return parts.checks.look("live")

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(look, processes)) == [0, 0, 0, 1]
    assert hall(world).probes == 1


def test_a_check_on_demand_asks_at_once_and_the_next_round_waits_for_it(world):
    world.parts.checks.look("live")
    (standing,) = world.parts.checks.check(name="hall")
    assert (standing.probed.state, hall(world).probes) == (READY, 2)
    assert world.parts.checks.look("live") == 0


def test_an_older_answer_does_not_replace_a_newer_one(world):
    """It was asked before, came back after, and says what was."""

    def meanwhile():
        hall(world).on_probe = lambda: None
        hall(world).readiness = found(READY)
        world.parts.checks.check(name="hall")
        hall(world).readiness = found(NOT_READY)

    hall(world).on_probe = meanwhile
    world.parts.checks.look("live")
    assert world.row(probe).state == READY
    assert events(world) == []


def test_a_platform_that_hangs_is_left_behind_and_delays_no_other(world):
    lets_go = threading.Event()
    slow, quick = FakeProbed("x", "slow"), FakeProbed("x", "zebra")
    slow.on_probe = lambda: lets_go.wait(20)
    world.channels["live"] |= {"slow": slow, "zebra": quick}
    Checks(world.database, world.channels, left_behind_s=0.1).look("live")
    lets_go.set()
    assert {s.name: s.probed.readiness.code for s in world.parts.checks.accounts_now() if s.probed} == {
        "hall": "ready",
        "slow": "too_slow",
        "zebra": "ready",
    }


def test_a_check_that_breaks_is_doubtful_and_keeps_no_other_from_being_checked(world):
    world.channels["live"]["broken"] = broken = FakeProbed("x", "broken")
    broken.readiness = RuntimeError("with a secret in it")
    world.parts.checks.look("live")
    states = {s.name: s.probed.state for s in world.parts.checks.accounts_now() if s.probed}
    assert states == {"broken": DOUBTFUL, "hall": READY}
    assert "with a secret in it" not in str(world.logs)


def test_what_is_known_of_an_account_outlives_the_process(world):
    ends = world.later(86_400 * 30).replace(microsecond=0)
    check(world, found(READY, valid_until=ends, facts=(("credits", "12.00 USD"),)))
    ready_at = world.now()
    check(world, found(NOT_READY))
    check(world, found(NOT_READY))
    (standing,) = [s for s in world.beside().checks.accounts_now() if s.name == "hall"]
    assert standing.probed.readiness == found(NOT_READY)
    assert abs(standing.probed.last_ready_at - ready_at) < timedelta(seconds=60)
    assert timedelta(0) < world.now() - standing.probed.since - PROBE_EVERY < timedelta(seconds=60)
    check(world, found(READY, valid_until=ends, facts=(("credits", "12.00 USD"),)))
    (standing,) = [s for s in world.beside().checks.accounts_now() if s.name == "hall"]
    assert standing.probed.readiness.valid_until == ends
    assert standing.probed.readiness.facts == (("credits", "12.00 USD"),)


def test_an_account_that_cannot_be_checked_says_so_and_is_not_asked(world):
    accounts = {s.name: s for s in world.parts.checks.check()}
    assert not accounts["site"].can_be_checked
    assert accounts["site"].probed is None


def test_a_name_that_does_not_exist_is_refused_with_the_nearest_one(world):
    with pytest.raises(NotFound, match=r'no account "hal"\. Did you mean "hall"\?'):
        world.parts.checks.check(name="hal")


# --- what people are told ---------------------------------------------------------------------------------


def test_a_change_into_red_and_out_of_it_is_an_event_and_an_alarm(world):
    check(world, found(READY))
    check(world, found(DOUBTFUL))
    assert (events(world), alarms(world)) == ([], {})
    check(world, found(NOT_READY, "token_refused"))
    check(world, found(NOT_READY, "token_refused"))
    into = {"mode": "live", "from": "doubtful", "to": "not_ready", "code": "token_refused"}
    assert events(world) == [("hall", into)]
    (raised,) = alarms(world).values()
    assert raised.code == "account_not_ready"
    assert "It is not_ready." in raised.text
    check(world, found(READY))
    assert events(world)[1:] == [
        ("hall", {"mode": "live", "from": "not_ready", "to": "ready", "code": "ready"})
    ]
    assert alarms(world) == {}
    told = events(world, "alarm_raised") + events(world, "alarm_cleared")
    assert [subject for subject, p in told if p["code"] == "account_not_ready"] == ["hall", "hall"]


def test_an_account_that_is_red_at_its_first_check_is_told_of(world):
    check(world, found(NOT_READY))
    assert [payload["from"] for _, payload in events(world)] == ["unknown"]
    assert len(alarms(world)) == 1


def test_an_account_that_was_taken_away_is_an_alarm_for_a_day_only(world):
    check(world, found(NOT_READY))
    assert list(alarms(world)) == ["account_not_ready"]
    del world.channels["live"]["hall"]
    world.clock.advance(86_401)
    assert world.parts.checks.look("live") == 0
    assert alarms(world) == {}


def test_credentials_that_end_within_seven_days_are_an_alarm(world):
    check(world, found(READY, valid_until=world.later(86_400 * 8)))
    assert alarms(world) == {}
    world.clock.advance(86_400 * 1.1)
    check(world)
    (raised,) = alarms(world).values()
    assert raised.code == "credentials_end"
    check(world, found(READY))
    assert alarms(world) == {}
    assert len(world.rows(alarm, code="credentials_end")) == 1


def warned(world, ref):
    world.parts.checks.accounts_now()
    return {f.code: f.text for f in world.parts.compose.preview(ref).findings if f.where == "hall"}


def test_officer_and_approver_see_what_is_doubtful_red_or_old(world):
    submitted = submit(world)
    assert list(warned(world, submitted.ref)) == ["account_unchecked"]
    check(world, found(READY))
    assert warned(world, submitted.ref) == {}
    check(world, found(DOUBTFUL))
    assert warned(world, submitted.ref) == {"account_doubtful": "It is doubtful."}
    check(world, found(NOT_READY))
    assert "Cannot be approved until this is mended" in warned(world, submitted.ref)["account_not_ready"]
    check(world, found(READY, valid_until=world.later(86_400)))
    assert list(warned(world, submitted.ref)) == ["credentials_end_soon"]
    world.clock.advance(TOO_OLD)
    assert "account_check_old" in warned(world, submitted.ref)
