"""Which account a text goes through: order, shares, what fails over and what never does, breaker, rate."""

import threading
from collections import Counter
from datetime import timedelta

import pytest

from broadcaster.cli.show import through
from broadcaster.db import accounts
from broadcaster.db.tables import account, batch, delivery, intent_group, route
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Stale
from broadcaster.domain.ways import PROBE_EVERY, Way
from broadcaster.service.pace import GROUPS_A_SECOND
from broadcaster.service.plan import BATCH
from tests.builders import LIFE_SAFETY, NO_HURRY, a_world, number
from tests.fakes import FakeDeduplicating, FakeGateway, FakeQueryable, Took, WorkerDied

DATABASES = ("sqlite",)  # the state machine plays all of it on both

DEAD = NotSent("connection_refused")
SILENCE = Took(OutcomeUnknown("read_timeout"))
A_PROBE = PROBE_EVERY.total_seconds() + 0.1
WAIT_S = 120


@pytest.fixture
def new_world(database_url, tmp_path):
    """Two gateways, of which the second is the spare of the first."""

    def make(first=None, second=None, *, ways=None, **settings):
        first, second = first or FakeGateway("gateway"), second or FakeGateway("spare")
        first.ways = ways or (Way(account="gateway"), Way(account="spare", rank=1))
        settings = {"max_in_flight": 50, "receipt_wait_s": WAIT_S, **settings}
        return a_world(database_url, tmp_path, gateway=first, spares=[second], **settings)

    return make


@pytest.fixture
def world(new_world):
    with new_world() as world:
        yield world


def spare(world):
    return world.channels["live"]["spare"]


def at_once(world):
    """What is due now, without waiting for what is due in a moment."""
    return world.parts.deliver.work("live", Lane.BULK, for_s=30, waited_s=0.000_001)


def goes_on(world, rounds=2, *, seconds=2.0):
    """A worker at work and the sweeper behind it, so many seconds apart."""
    for _ in range(rounds):
        at_once(world)
        world.clock.advance(seconds)
        world.parts.sweep.sweep()


def row_of(world, name):
    return world.row(account, name=name)


def kinds(world, act):
    return [(e["name"], e.get("failures")) for e in world.events(act)]


# --- order and shares -----------------------------------------------------------------------------------------


def test_everything_goes_through_the_first_account_while_it_works(world):
    released = world.release_texts(60)
    at_once(world)
    assert (len(world.gateway.ledger), len(spare(world).ledger)) == (60, 0)
    assert [(r.rank, r.weight) for r in world.rows(route)] == [(0, 100), (1, 100)]
    assert world.totals(released.ref) == {"accepted": 60}
    untouched = row_of(world, "gateway")
    assert (untouched.failures, untouched.failing_since, untouched.open_until) == (0, None, None)
    assert untouched.free_at is None


def test_a_spare_is_no_target_of_its_own(world):
    released = world.release_texts(3)
    assert [t.account for t in world.status(released.ref).targets] == ["gateway"]


def test_batches_are_shared_by_weight(new_world):
    ways = (Way(account="gateway", weight=50), Way(account="spare", weight=50))
    with new_world(ways=ways) as world:
        released = world.release_texts(3 * BATCH + 1)
        at_once(world)
        assert sorted(Counter(b.account_id for b in world.rows(batch)).values()) == [2, 2]
        assert len(spare(world).ledger) > 1
        assert world.totals(released.ref) == {"accepted": 3 * BATCH + 1}


def test_public_posts_have_one_way(world):
    world.release(channels=("website", "facebook"))
    world.work_public()
    assert [(r.rank, r.weight) for r in world.rows(route)] == [(0, 100)] * 2
    assert {g.account_id for g in world.rows(intent_group)} == {r.account_id for r in world.rows(route)}


# --- what was surely not sent goes another way, within seconds ---------------------------------------------


def test_what_a_dead_gateway_refused_goes_through_the_spare_within_seconds(world):
    world.gateway.always = DEAD
    released = world.release_texts(300)
    goes_on(world)
    assert world.totals(released.ref) == {"accepted": 300}
    assert len(spare(world).ledger) == 300
    assert sum(map(len, world.gateway.calls)) <= 50 + 3  # two groups, then a probe each five seconds
    assert kinds(world, "account_failing") == [("gateway", 25)]
    noted = Counter(e["account"] for e in world.events("outcomes_recorded") if "accepted" in e["counts"])
    assert set(noted) == {"spare"}
    assert set(world.acts()) >= {"account_failing", "outcomes_recorded"}


def test_a_paused_account_is_passed_over_and_its_texts_go_on(world):
    world.gateway.always = NotConfigured("bad_token")
    released = world.release_texts(60)
    goes_on(world)
    assert world.totals(released.ref) == {"accepted": 60}
    assert row_of(world, "gateway").paused_at
    assert len(spare(world).ledger) == 60
    assert world.parts.alarms.watch().alarms[0].code == "account_paused"


def test_where_every_account_is_paused_texts_wait_and_go_once_one_is_resumed(world):
    world.gateway.always = spare(world).always = NotConfigured("bad_token")
    released = world.release_texts(5)
    goes_on(world)
    assert world.totals(released.ref) == {"pending": 5}
    assert at_once(world) == 0
    spare(world).always = None
    world.parts.accounts.resume(world.administrator, "spare", "live")
    at_once(world)
    assert world.totals(released.ref) == {"accepted": 5}


def test_an_account_that_nobody_approved_is_never_used(world):
    released = world.release_texts(5)
    other = world.row(account, name="gateway")
    world.add(account, mode="live", channel="sms", name="third", created_at=world.now(), pause_reason="")
    world.channels["live"]["third"] = third = FakeGateway("third")
    third_id = world.row(account, name="third").id
    world.change(route, {"account_id": third_id}, account_id=other.id)
    at_once(world)
    assert third.calls == world.gateway.calls == []
    assert world.totals(released.ref) == {"quarantined": 5}


# --- what is unknown does not, unless that was agreed ----------------------------------------------------------


def test_unknown_texts_of_a_dead_gateway_are_not_moved_and_wait_for_a_person(world):
    for each in range(1, 21):
        world.gateway.by_address[number(each)] = SILENCE
    world.gateway.always = DEAD
    released = world.release_texts(100, **NO_HURRY)
    goes_on(world)
    assert world.totals(released.ref) == {"accepted": 80, "unknown": 20}
    assert not {number(n) for n in range(1, 21)} & set(spare(world).addresses)
    world.clock.advance(WAIT_S)
    goes_on(world)
    assert world.totals(released.ref) == {"accepted": 80, "unknown_final": 20}
    assert len(set(world.gateway.keys) | set(spare(world).keys)) == 100
    assert not set(world.gateway.keys) & set(spare(world).keys)


def test_what_the_policy_sends_once_more_may_go_through_the_spare(world):
    for each in range(1, 4):
        world.gateway.by_address[number(each)] = SILENCE
    world.gateway.always = DEAD
    released = world.release_texts(100, **LIFE_SAFETY)
    goes_on(world)
    world.gateway.by_address.clear()
    world.clock.advance(WAIT_S)
    goes_on(world, 3, seconds=5)
    assert world.totals(released.ref) == {"accepted": 100}
    assert {number(n) for n in range(1, 4)} <= set(spare(world).addresses)
    assert sum(d.resends for d in world.rows(delivery)) == 3


def test_what_a_person_sends_again_may_go_through_the_spare(world):
    world.gateway.by_address[number(1)] = SILENCE
    world.gateway.always = DEAD
    world.release_texts(40, **NO_HURRY)
    goes_on(world)
    world.gateway.by_address.clear()
    world.clock.advance(WAIT_S)
    world.parts.sweep.sweep()
    (undecided,) = world.parts.unknowns.undecided()
    assert undecided.account == "gateway"
    world.parts.unknowns.send_again(world.officer, undecided.uid, reason="not seen")
    goes_on(world)
    assert number(1) in spare(world).addresses
    assert set(world.states()) == {"accepted"}


def test_a_text_that_one_gateway_would_notice_goes_to_that_one_again_and_the_others_go_on(new_world):
    with new_world(FakeDeduplicating("gateway")) as world:
        for each in range(1, 26):
            world.gateway.by_address[number(each)] = SILENCE
        world.gateway.always = DEAD
        released = world.release_texts(100, **LIFE_SAFETY)
        at_once(world)
        world.gateway.by_address = {number(n): DEAD for n in range(1, 26)}
        goes_on(world)
        assert world.totals(released.ref) == {"accepted": 75, "pending": 25}
        assert len(spare(world).ledger) == 75
        world.gateway.by_address.clear()
        world.gateway.always = None
        goes_on(world, 4, seconds=6)
        assert world.totals(released.ref) == {"accepted": 100}
        assert len(spare(world).ledger) == 75


def test_each_gateway_is_asked_about_its_own_unknown_texts(new_world):
    with new_world(second=FakeQueryable("spare")) as world:
        world.gateway.always = DEAD
        spare(world).by_address[number(3)] = SILENCE
        released = world.release_texts(40)
        goes_on(world)
        assert world.totals(released.ref) == {"accepted": 39, "unknown": 1}
        world.clock.advance(10)
        world.parts.read_back.look("live")
        assert world.totals(released.ref) == {"accepted": 40}
        assert len(spare(world).asked) == 1


def test_what_a_dead_worker_was_sending_is_looked_for_where_it_went(new_world):
    with new_world(second=FakeQueryable("spare")) as world:
        world.gateway.always = DEAD
        released = world.release_texts(40)
        at_once(world)  # the breaker opens

        def die(_keys):
            raise WorkerDied

        spare(world).on_call = die
        world.clock.advance(1)
        with pytest.raises(WorkerDied):
            at_once(world)
        world.clock.advance(21)
        world.parts.sweep.sweep()
        unknown = world.parts.unknowns.undecided()
        assert unknown
        assert {u.account for u in unknown} == {"spare"}
        spare(world).on_call = lambda _keys: None
        assert world.totals(released.ref)["unknown"] == len(unknown)


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
    failing = {s.name: s.failing_since for s in world.parts.checks.standings()}
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


# --- approval and afterwards ------------------------------------------------------------------------------------


def test_what_can_be_approved_names_every_way_with_whom_it_speaks_as(world):
    world.add_audience("residents", 3)
    submitted = world.submit(channels=("sms",), audience="residents")
    (post,) = submitted.proof.posts
    assert [(w.way.account, w.way.rank, w.speaks_as) for w in post.ways] == [
        ("gateway", 0, "sms gateway"),
        ("spare", 1, "sms spare"),
    ]


@pytest.mark.parametrize("change", ["another spare", "no spare", "another sender"])
def test_spares_that_changed_since_the_submission_are_not_approved(world, change):
    world.add_audience("residents", 3)
    submitted = world.submit(channels=("sms",), audience="residents")
    if change == "another spare":
        world.channels["live"]["third"] = FakeGateway("third")
        world.gateway.ways = (Way(account="gateway"), Way(account="third", rank=1))
    elif change == "no spare":
        world.gateway.ways = (Way(account="gateway"),)
    else:
        spare(world).target = "somebody else"
    assert world.approver
    with world.refused(Stale, "altered in between"):
        world.approve(submitted)


def test_a_receipt_that_the_spare_brings_is_matched(world):
    world.gateway.always = DEAD
    world.release_texts(30)
    goes_on(world)
    key = spare(world).keys[0]
    world.receive(key, "delivered", account="spare")
    world.parts.receipts.apply_all()
    assert Counter(world.states()) == {"accepted": 29, "delivered": 1}


def test_the_status_tells_how_many_were_tried_through_each_account(world):
    world.gateway.always = DEAD
    released = world.release_texts(60)
    goes_on(world)
    (told,) = world.status(released.ref).targets
    assert told.tries == {"gateway": 25, "spare": 60}
    assert "sms (gateway): tried 25 through gateway, 60 through spare." in list(
        through(world.status(released.ref))
    )
