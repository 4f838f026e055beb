"""Who may send what and when: one worker at a time, so many at once, the most urgent and the website first."""

import json
import threading
from datetime import timedelta
from itertools import chain, repeat

import pytest
from sqlalchemy import select

from broadcaster.db.tables import intent_group
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.errors import NotSent
from broadcaster.domain.policy import WEBSITE_HEAD_START
from tests.builders import LIFE_SAFETY, NO_HURRY, number


@pytest.fixture
def world_settings():
    return {"max_in_flight": 8}


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
    running = chain([True, True], repeat(object=False))
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


def test_the_posts_are_brought_forward_and_rung_for_when_the_page_is_up(world, monkeypatch):
    monkeypatch.setattr("broadcaster.service.approve.WEBSITE_HEAD_START", timedelta(hours=1))
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
