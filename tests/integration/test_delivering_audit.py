"""What the audit log holds of sending: a root over each group's attempts, no number and no text."""

import hashlib
import json

import pytest
from sqlalchemy import select

from broadcaster.db.tables import attempt, audit_event, delivery, intent_group
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import NotSent, OutcomeUnknown, Refused


@pytest.fixture
def world_settings():
    return {"max_in_flight": 8}


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
    recorded = world.events("outcomes_recorded")
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
    (event,) = world.events("outcomes_recorded")
    rows = rows_of_group(world, event["group"])
    assert event["root"] == root([leaf(row, row.uid) for row in rows]).hex()


def test_an_altered_attempt_no_longer_has_the_root_of_its_event(world):
    world.release(channels=("facebook",))
    world.work_public()
    (event,) = world.events("outcomes_recorded")
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
    assert {entry["event"] for entry in world.logs} == {"planned", "channel_failed"}
    said = " ".join(e.payload for e in world.rows(audit_event)) + str(world.logs)
    assert "+4477" not in said
    assert "seafront" not in said
