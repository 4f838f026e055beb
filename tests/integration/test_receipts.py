"""Delivery receipts: stored as they come, applied when their time has come, and never downwards."""

import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from broadcaster.db.receipts import Arrived
from broadcaster.db.tables import account, audit_event, delivery, receipt
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import NotFound, NotSent, OutcomeUnknown
from broadcaster.domain.policy import RECEIPT_KEPT
from tests.builders import LIFE_SAFETY, NO_HURRY, number
from tests.fakes import Took


def key(world, ordinal=1):
    return world.deliveries("sms")[ordinal - 1].uid


def apply(world):
    return world.parts.receipts.apply_all()


RANK = {"accepted": 0, "undelivered": 1, "delivered": 2}


@pytest.mark.parametrize("together", [True, False])
def test_in_whatever_order_receipts_come_the_highest_stays(world, together):
    world.release_texts(6)
    world.work_bulk()
    seen = []
    for order in zip(*itertools.permutations(RANK), strict=True):
        for ordinal, state in enumerate(order, 1):
            world.receive(key(world, ordinal), state)
        if not together:
            apply(world)
            seen.append([RANK[state] for state in world.states()])
    apply(world)
    assert world.states() == ["delivered"] * 6
    assert all(list(ranks) == sorted(ranks) for ranks in zip(*seen, strict=True))
    assert apply(world) == 0


def test_a_text_that_did_not_arrive_says_so(world):
    released = world.release_texts(2)
    world.work_bulk()
    world.receive(key(world), "undelivered", code="16")
    apply(world)
    assert world.totals(released.ref) == {"accepted": 1, "undelivered": 1}
    assert world.status(released.ref).targets[0].reasons == ("1 x The network says that it did not arrive.",)
    assert world.status(released.ref).targets[0].accepted == 2


def test_repeated_receipts_are_kept_once_and_change_nothing(world):
    released = world.release_texts(1)
    world.work_bulk()
    for _ in range(5):
        world.receive(key(world), "delivered")
        apply(world)
    assert world.size(receipt) == 1
    assert world.totals(released.ref) == {"delivered": 1}
    assert world.acts().count("receipts_applied") == 1


def test_a_receipt_that_comes_before_the_answer_waits_for_it(world):
    def overtake(keys):
        for each in keys:
            world.receive(each, "delivered")
        assert apply(world) == 0
        assert {d.state for d in world.deliveries("sms")} == {"pending"}

    world.gateway.on_call = overtake
    released = world.release_texts(3)
    world.work_bulk()
    assert world.totals(released.ref) == {"accepted": 3}
    assert apply(world) == 3
    assert world.totals(released.ref) == {"delivered": 3}
    assert all(d.platform_id for d in world.deliveries("sms"))


def test_a_receipt_lifts_an_unknown(world):
    world.gateway.always = Took(OutcomeUnknown("read_timeout", "It may have it."))
    released = world.release_texts(3, **NO_HURRY)
    world.work_bulk()
    for ordinal, state in enumerate(RANK, 1):
        world.receive(key(world, ordinal), state)
    apply(world)
    assert world.states() == list(RANK)
    assert {d.unknown_since for d in world.deliveries("sms")} == {None}
    assert "It may have it." not in str(world.status(released.ref).targets[0].reasons)


def test_a_late_receipt_lifts_what_was_left_to_a_person(world):
    world.gateway.always = Took(OutcomeUnknown("read_timeout"))
    released = world.release_texts(3, **NO_HURRY)
    world.work_bulk()
    world.clock.advance(121)
    world.parts.reconcile.look_into()
    assert world.totals(released.ref) == {"unknown_final": 3}
    for ordinal, state in enumerate(RANK, 1):
        world.receive(key(world, ordinal), state)
    apply(world)
    assert world.states() == list(RANK)


@pytest.mark.parametrize("state", ["accepted", "delivered", "undelivered"])
def test_a_receipt_keeps_what_is_about_to_be_sent_again_from_being_sent_twice(world, state):
    world.gateway.answers.append(Took(OutcomeUnknown("read_timeout")))
    released = world.release_texts(1, **LIFE_SAFETY)
    world.work_bulk()
    world.clock.advance(121)
    assert world.parts.reconcile.look_into() == 1
    assert world.totals(released.ref) == {"pending": 1}
    world.receive(key(world), state)
    apply(world)
    assert world.work_bulk() == 0
    assert world.totals(released.ref) == {state: 1}
    assert len(world.gateway.ledger) == 1


def test_a_receipt_in_the_middle_of_a_second_sending_is_not_lowered_by_its_answer(world):
    world.gateway.answers.append(Took(OutcomeUnknown("read_timeout")))
    released = world.release_texts(1, **LIFE_SAFETY)
    world.work_bulk()
    world.clock.advance(121)
    world.parts.reconcile.look_into()
    world.gateway.answers.append(NotSent("refused_connection"))
    world.gateway.on_call = lambda keys: (world.receive(keys[0], "delivered"), apply(world))
    world.work_bulk()
    assert world.totals(released.ref) == {"delivered": 1}


def test_a_receipt_for_what_was_never_taken_changes_nothing(world):
    states = ["failed", "cancelled", "expired", "suppressed", "quarantined"]
    released = world.release_texts(5)
    for ordinal, state in enumerate(states, 1):
        world.change(delivery, {"state": state}, ordinal=ordinal)
        world.receive(key(world, ordinal), "delivered")
    apply(world)
    assert world.states() == states
    assert world.status(released.ref).adds_up


def test_a_receipt_for_a_key_that_nobody_knows_waits_and_harms_nobody(world):
    released = world.release_texts(1)
    world.work_bulk()
    world.receive("00000000-0000-7000-8000-000000000000", "delivered")
    world.receive(key(world), "delivered")
    assert apply(world) == 1
    assert world.totals(released.ref) == {"delivered": 1}
    assert [r.applied_at is None for r in world.rows(receipt)] == [True, False]


def test_receipts_that_nobody_waited_for_are_forgotten_after_their_time(world):
    world.release_texts(1)
    world.work_bulk()
    world.receive(key(world), "delivered")
    world.receive("00000000-0000-7000-8000-000000000000", "delivered")
    world.parts.sweep.sweep()
    assert world.size(receipt) == 2
    world.clock.advance(RECEIPT_KEPT.total_seconds() + 60)
    world.parts.sweep.sweep()
    assert [r.delivery_uid for r in world.rows(receipt)] == [key(world)]


def test_a_receipt_through_another_account_is_not_believed(world):
    released = world.release_texts(1)
    world.work_bulk()
    world.add(account, mode="live", channel="sms", name="rival", created_at=world.now())
    rival = world.row(account, name="rival")
    world.parts.receipts.store(
        [Arrived(account_id=rival.id, delivery_uid=key(world), state="delivered", code="")]
    )
    assert apply(world) == 0
    assert world.totals(released.ref) == {"accepted": 1}


def test_only_an_account_that_gives_receipts_may_bring_one(world, subtests):
    for mode, name in [("live", "page"), ("live", "nobody"), ("exercise", "gateway"), ("exercise", "site")]:
        with subtests.test(str(mode)):
            world.parts.receipts.prepare()
            with pytest.raises(NotFound):
                world.parts.receipts.read(
                    mode, name, query={"key": "k", "state": "delivered"}, body=b"", headers={}
                )


def test_a_key_that_could_not_be_stored_is_refused_before_it_takes_others_along(world, subtests):
    for bad in ["x" * 37, "a\0b", "\ud800", "ä"]:
        with subtests.test(ascii(bad)):
            world.parts.receipts.prepare()
            with pytest.raises(ValueError, match="key"):
                world.receive(bad, "delivered")


def test_a_code_of_any_length_and_content_is_stored(world):
    world.release_texts(1)
    world.work_bulk()
    world.receive(key(world), "delivered", code="x\0" * 100 + "\ud800")
    assert apply(world) == 1
    assert world.row(receipt).code == "x" * 64


def test_receipts_of_a_great_burst_are_all_applied_and_the_audit_log_counts_them(world):
    released = world.release_texts(2_050)
    world.work_bulk()
    world.parts.receipts.prepare()
    account_id = world.row(account, name="gateway").id
    arrived = [
        Arrived(account_id=account_id, delivery_uid=d.uid, state="delivered", code="1")
        for d in world.deliveries("sms")
    ]
    world.parts.receipts.store(arrived + arrived[:500])
    assert apply(world) == 2_050
    assert world.totals(released.ref) == {"delivered": 2_050}
    noted = [json.loads(e.payload)["counts"] for e in world.rows(audit_event, act="receipts_applied")]
    assert sum(n["accepted->delivered"] for n in noted) == 2_050


def test_two_that_apply_at_once_and_workers_that_send_meanwhile_lose_nothing(world):
    other = world.beside()
    released = world.release_texts(600)
    done = threading.Event()

    def apply_until_done(parts):
        while not done.is_set():
            parts.receipts.apply_all()

    world.gateway.on_call = lambda keys: [world.receive(k, "delivered") for k in keys[::7]]
    with ThreadPoolExecutor(3) as pool:
        appliers = [pool.submit(apply_until_done, parts) for parts in (other, world.beside())]
        try:
            world.work(Lane.BULK)
        finally:
            done.set()
        for each in appliers:
            each.result()
    apply(world)
    delivered = world.size(receipt)
    assert delivered > 80
    assert world.totals(released.ref) == {"accepted": 600 - delivered, "delivered": delivered}


def test_two_processes_that_store_the_same_receipts_in_other_orders_lock_nobody_out(world):
    world.release_texts(200)
    world.work_bulk()
    world.parts.receipts.prepare()
    account_id = world.row(account, name="gateway").id
    arrived = [
        Arrived(account_id=account_id, delivery_uid=d.uid, state="delivered", code="")
        for d in world.deliveries("sms")
    ]
    other = world.beside()
    for _ in range(10):
        with ThreadPoolExecutor(2) as pool:
            one = pool.submit(world.parts.receipts.store, arrived)
            two = pool.submit(other.receipts.store, arrived[::-1])
            one.result()
            two.result()
        assert world.size(receipt) == 200
        with world.database.write() as tx:
            tx.execute(receipt.delete())


def test_a_receipt_is_about_the_number_it_was_sent_to_and_nobody_else(world):
    released = world.release_texts(3)
    world.work_bulk()
    world.receive(key(world, 2), "delivered")
    apply(world)
    assert world.states() == ["accepted", "delivered", "accepted"]
    assert world.gateway.addresses == [number(n) for n in (1, 2, 3)]
    assert world.totals(released.ref) == {"accepted": 2, "delivered": 1}
