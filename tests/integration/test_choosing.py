"""Which account a text goes through: order, shares, what fails over and what never does, breaker, rate."""

from collections import Counter
from functools import partial

import pytest

from broadcaster.cli.show import through
from broadcaster.db.tables import account, batch, delivery, intent_group, route
from broadcaster.domain.errors import NotConfigured, Stale
from broadcaster.domain.ways import Way
from broadcaster.service.plan import BATCH
from tests.builders import LIFE_SAFETY, NO_HURRY, number
from tests.fakes import FakeDeduplicating, FakeGateway, FakeQueryable, WorkerDied
from tests.integration.two_gateways import (
    DEAD,
    SILENCE,
    WAIT_S,
    at_once,
    goes_on,
    kinds,
    row_of,
    spare,
    two_gateways,
)

DATABASES = ("sqlite",)  # the state machine plays all of it on both


@pytest.fixture
def new_world(database_url, tmp_path):
    return partial(two_gateways, database_url, tmp_path)


@pytest.fixture
def world(new_world):
    with new_world() as world:
        yield world


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
