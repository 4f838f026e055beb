"""Accounts that fail, are slow or ask for patience: when they are passed over, and when they are used again."""

import threading
from datetime import timedelta
from functools import partial

import pytest

from broadcaster.db import accounts
from broadcaster.db.tables import intent_group
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import NotSent
from broadcaster.domain.ways import PROBE_EVERY
from broadcaster.service.pace import GROUPS_A_SECOND
from tests.builders import NO_HURRY, a_world, number
from tests.integration.two_gateways import (
    DEAD,
    SILENCE,
    at_once,
    goes_on,
    kinds,
    row_of,
    spare,
    two_gateways,
)

DATABASES = ("sqlite",)  # the state machine plays all of it on both
A_PROBE = PROBE_EVERY.total_seconds() + 0.1


@pytest.fixture
def new_world(database_url, tmp_path):
    return partial(two_gateways, database_url, tmp_path)


@pytest.fixture
def world(new_world):
    with new_world() as world:
        yield world


# --- the breaker ------------------------------------------------------------------------------------------------


def test_a_failing_account_is_tried_with_one_text_each_five_seconds_and_used_again_once_it_takes_one(world):
    world.clock.slow_down(10)
    world.gateway.always = DEAD
    world.release_texts(30)
    goes_on(world)
    assert row_of(world, "gateway").open_until
    before = len(world.gateway.calls)
    world.release_texts(60)
    at_once(world)
    assert len(world.gateway.calls) == before  # not yet
    world.clock.advance(A_PROBE)
    world.release_texts(60)
    at_once(world)
    assert [len(keys) for keys in world.gateway.calls[before:]] == [1]
    world.gateway.always = None
    world.clock.advance(A_PROBE)
    world.release_texts(60)
    at_once(world)
    assert [len(keys) for keys in world.gateway.calls[before:]][1:3] == [1, 25]
    mended = row_of(world, "gateway")
    assert (mended.failures, mended.failing_since, mended.open_until) == (0, None, None)
    assert kinds(world, "account_failing") == [("gateway", 25)]
    assert kinds(world, "account_takes_again") == [("gateway", None)]
    assert set(world.states()) <= {"accepted", "pending"}


def test_without_another_way_there_is_no_breaker(database_url, tmp_path):
    with a_world(database_url, tmp_path) as world:
        world.gateway.always = DEAD
        released = world.release_texts(100)
        goes_on(world)
        assert row_of(world, "gateway").open_until is None
        world.gateway.always = None
        world.clock.advance(60)
        at_once(world)
        assert world.totals(released.ref) == {"accepted": 100}


def test_where_all_fail_they_take_turns_and_nothing_is_lost(world):
    world.gateway.always = spare(world).always = DEAD
    released = world.release_texts(60)
    goes_on(world)
    assert world.gateway.calls
    assert len(spare(world).calls) > 1
    assert world.totals(released.ref) == {"pending": 60}
    spare(world).always = None
    world.clock.advance(61)
    goes_on(world, 3, seconds=61)
    assert world.totals(released.ref) == {"accepted": 60}


def test_silence_opens_the_breaker_only_where_there_is_another_way(world):
    world.gateway.always = SILENCE
    released = world.release_texts(200, **NO_HURRY)
    goes_on(world)
    totals = world.totals(released.ref)
    assert totals["unknown"] <= 50 + 1
    assert totals["accepted"] + totals["unknown"] == 200
    assert not set(world.gateway.keys) & set(spare(world).keys)


def test_some_failures_among_many_texts_that_were_taken_open_nothing(world):
    for each in range(1, 100, 3):
        world.gateway.by_address[number(each)] = NotSent("busy", retry_after_s=60)
    released = world.release_texts(100)
    at_once(world)
    assert row_of(world, "gateway").open_until is None
    assert spare(world).calls == []
    world.gateway.by_address.clear()
    world.clock.advance(61)
    at_once(world)
    assert world.totals(released.ref) == {"accepted": 100}


def test_what_failed_because_of_this_machine_says_nothing_about_a_gateway(world):
    world.gateway.always = NotSent("stale_intent")
    world.release_texts(60)
    at_once(world)
    assert row_of(world, "gateway").failures == 0


def test_a_failing_account_is_an_alarm_and_stands_in_the_list_and_in_the_figures(world):
    world.gateway.always = DEAD
    world.release_texts(30)
    goes_on(world)
    (alarm,) = world.parts.alarms.watch().alarms
    assert (alarm.code, alarm.subject) == ("account_failing", "live/gateway")
    assert "spare" in alarm.text
    failing = {s.name: s.failing_since for s in world.parts.checks.accounts_now()}
    assert failing["gateway"]
    assert failing["spare"] is None
    figures = {
        f.labels["account"]: f.value for f in world.parts.figures.look() if f.name.endswith("account_failing")
    }
    assert (figures["gateway"], figures["spare"]) == (1, 0)
    world.gateway.always = None
    world.clock.advance(A_PROBE)
    world.release_texts(60)
    goes_on(world)
    assert world.parts.alarms.watch().alarms == ()


# --- the rate ---------------------------------------------------------------------------------------------------


def test_two_workers_together_stay_within_the_rate_of_an_account(database_url, tmp_path):
    """In real time, since the rate is of real seconds."""
    with a_world(database_url, tmp_path, max_in_flight=50) as world:
        world.gateway.rate = rate = 200
        released = world.release_texts(300)
        beside = [world.beside(), world.beside()]
        workers = [
            threading.Thread(target=world.work, args=(Lane.BULK,), kwargs={"parts": p}) for p in beside
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(30)
        assert world.totals(released.ref) == {"accepted": 300}
        turns = [(g.opened_at, g.size) for g in world.rows(intent_group)]
        owners = {g.owner for g in world.rows(intent_group)}
        assert len(turns) >= 300 / (rate / GROUPS_A_SECOND)
        assert len(owners) >= 1
        second = timedelta(seconds=1)
        assert (
            max(sum(n for at, n in turns if began <= at < began + second) for began, _ in turns)
            <= rate * 1.05
        )


def test_of_two_that_saw_the_same_turn_one_gets_it(world):
    world.release_texts(1)
    its, free_at = row_of(world, "gateway").id, world.later(1)
    with world.database.write() as tx:
        assert accounts.take_turn(tx, its, was=None, free_at=free_at)
        assert not accounts.take_turn(tx, its, was=None, free_at=world.clock(None) + timedelta(seconds=9))
        assert accounts.take_turn(tx, its, was=free_at, free_at=free_at + timedelta(seconds=1))


def test_a_spare_takes_what_the_first_has_no_room_for(world):
    world.clock.slow_down(10)
    world.gateway.rate = 1.0
    world.release_texts(3)
    world.once(Lane.BULK)
    world.release_texts(3)
    world.once(Lane.BULK)
    assert (len(world.gateway.ledger), len(spare(world).ledger)) == (1, 2)


def test_a_gateway_that_asks_everybody_for_patience_is_left_alone_so_long(database_url, tmp_path):
    with a_world(database_url, tmp_path) as world:
        world.gateway.always = NotSent("slow_down", retry_after_s=30)
        released = world.release_texts(200)
        at_once(world)
        asked = len(world.gateway.calls)
        assert asked <= 2
        world.clock.advance(20)
        at_once(world)
        assert len(world.gateway.calls) == asked
        world.gateway.always = None
        world.clock.advance(60)
        at_once(world)
        assert world.totals(released.ref) == {"accepted": 200}
