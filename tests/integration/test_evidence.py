"""The checker over real rows on both databases: what our services leave is sound, and what somebody alters is found."""

from dataclasses import replace

import pytest

from broadcaster.db.tables import (
    approval,
    attempt,
    batch,
    broadcast,
    delivery,
    intent_group,
    post,
    submission,
    target,
)
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import NotAllowed, OutcomeUnknown, Refused, Stale
from broadcaster.domain.evidence import check
from broadcaster.domain.evidence_facts import Acceptance
from tests.builders import LIFE_SAFETY
from tests.fakes import Took, WorkerDied, die
from tests.faults.evidence import Rows

DATABASES = ("sqlite",)

PEOPLE = 25


@pytest.fixture
def world_settings():
    return {"max_in_flight": 10, "lease_s": 20}


def evidence(world, ref):
    """The product's own reading, with what the fakes took."""
    found = world.parts.audit.evidence(world.person("ada", "auditor"), ref)
    return replace(found, accepted=tuple(taken(world)))


def taken(world):
    for platform in (world.site, world.page, world.gateway):
        for each in platform.ledger:
            yield Acceptance(
                platform=platform.name,
                key=each.key if platform is not world.page else "",
                text=each.post.text,
                recipient=each.address,
                title=each.post.title if platform is world.site else None,
                link=None if platform is world.gateway else each.post.link,
                facts=each.post.facts if platform is world.site else None,
            )


@pytest.fixture
def released(world):
    """Everything that may happen at once: a refusal, a time-out, and a worker that died with ten texts on their way."""
    world.add_audience("residents", PEOPLE)
    found = world.release(channels=("website", "facebook", "sms"), audience="residents", **LIFE_SAFETY)
    world.parts.plan.plan(world.broadcast_id(found.ref))
    world.page.answers.append(Took(OutcomeUnknown("timeout")))
    world.work_public()
    world.gateway.answers.extend([Refused("barred", "No."), Took(OutcomeUnknown("timeout")), None])
    world.once(Lane.BULK)
    world.gateway.on_call = die
    with pytest.raises(WorkerDied):
        world.work_bulk()
    world.gateway.on_call = lambda _keys: None
    for _ in range(8):
        world.clock.advance(65)
        world.parts.sweep.sweep()
        world.parts.read_back.look("live")
        world.work_bulk()
    world.parts.sweep.sweep()
    return found


def test_what_the_services_leave_is_sound(world, released):
    found = check(evidence(world, released.ref))
    assert found.broken == ()
    assert found.counts["planned"] == PEOPLE + 2
    assert found.counts["not_sent"] == 1
    assert found.counts["lost"] == found.counts["unexpected"] == found.counts["duplicated"] == 0


def test_what_was_stopped_while_it_was_planned_is_sound(world):
    world.add_audience("residents", PEOPLE)
    found = world.release(channels=("facebook", "sms"), audience="residents")
    world.work_public()
    world.stop(found.ref)
    world.parts.sweep.sweep()
    verdict = check(evidence(world, found.ref))
    assert verdict.broken == ()
    assert verdict.counts["not_sent"] == PEOPLE


def test_what_has_expired_is_sound(world):
    found = world.release_texts(PEOPLE)
    world.clock.advance(13 * 3600)
    world.parts.sweep.sweep()
    verdict = check(evidence(world, found.ref))
    assert verdict.broken == ()
    assert verdict.counts["not_sent"] == PEOPLE


def test_the_product_and_the_tests_read_the_same(world, released):
    """Two readings that were written apart: the fault tests do not trust the product's."""
    ours = evidence(world, released.ref)
    theirs = Rows(world.database.url, released.ref)
    assert ours.broadcast == theirs.broadcast
    for name in ("targets", "deliveries", "attempts", "groups", "leased"):
        assert getattr(ours, name) == getattr(theirs, name), name


ALTERED = {
    "a delivery's state": ("I4", delivery, {"state": "failed"}, {"state": "accepted"}),
    "a delivery that was never sent": ("I5", delivery, {"state": "delivered"}, {"state": "failed"}),
    "a delivery is pending again": ("I2", delivery, {"state": "pending"}, {"state": "accepted"}),
    "a group is open again": ("I2", intent_group, {"closed_at": None}, {}),
    "a batch is held": ("I2", batch, {"state": "leased"}, {}),
    "planned less": ("I1", target, {"planned": 1}, {"channel": "sms"}),
    "an ordinal": ("I1", delivery, {"ordinal": 99}, {"ordinal": 7}),
    "an attempt's outcome": ("I8", attempt, {"outcome": "accepted"}, {"outcome": "refused"}),
    "an attempt's code": ("I8", attempt, {"code": "other"}, {"outcome": "refused"}),
    "an attempt's post": ("I8", attempt, {"platform_id": "99"}, {"outcome": "accepted"}),
    "a stored post": ("I6", post, {"content": b"{}"}, {"channel": "sms"}),
    "the stored manifest": ("I6", submission, {"manifest": "{}"}, {}),
    "the approved hash": ("I6", approval, {"manifest_sha256": "0" * 64}, {}),
}


@pytest.mark.parametrize("name", ALTERED)
def test_what_was_altered_in_the_database_is_found(world, released, name):
    invariant, table, values, which = ALTERED[name]
    world.change(table, values, **which)
    assert invariant in {b.invariant for b in check(evidence(world, released.ref)).broken}


def test_a_release_that_was_moved_is_found(world, released):
    now = world.now()
    found = evidence(world, released.ref)
    accepted = tuple(replace(a, at=now) for a in found.accepted)
    assert check(replace(found, accepted=accepted)).broken == ()
    world.change(broadcast, {"released_at": world.later(3600)})
    moved = replace(evidence(world, released.ref), accepted=accepted)
    assert {b.invariant for b in check(moved).broken} == {"I7"}


def test_a_call_that_was_repeated_blindly_is_found(world, released):
    last = world.gateway.ledger[-1]
    world.gateway.ledger.append(last)
    found = check(evidence(world, released.ref))
    assert {b.invariant for b in found.broken} == {"I3"}
    assert found.counts["duplicated"] == 1


def test_the_evidence_is_for_those_who_may_audit(world, released):
    for other in (world.officer, world.approver):
        with pytest.raises(NotAllowed):
            world.parts.audit.evidence(other, released.ref)


def test_of_what_was_never_released_there_is_none(world):
    with pytest.raises(Stale, match="not released"):
        world.parts.audit.evidence(world.administrator, world.draft())
