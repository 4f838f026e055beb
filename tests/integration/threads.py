"""What tests of threads begin with: three parts, what X took of them, and whether it ended soundly."""

from dataclasses import replace

from broadcaster.domain.errors import OutcomeUnknown
from broadcaster.domain.evidence import check
from broadcaster.domain.evidence_facts import Acceptance

SILENCE = OutcomeUnknown("read_timeout")
TWO, THREE = "2/3 Rest centre: Marine Hall.", "3/3 Bring your medicines."
THREAD = (TWO, THREE)
LEASE_S = 20


def answers(world, *said):
    world.feed.answers.extend(said)


def sent(world):
    """Text and what it answers, of all that the platform took."""
    return [(t.post.text, t.post.in_reply_to) for t in world.feed.ledger]


def codes(world):
    return [row.code for row in world.deliveries("x")]


def after(world, seconds):
    world.clock.advance(seconds)
    world.parts.sweep.sweep()
    world.parts.read_back.look("live")
    world.work_public()


def verdict(world, released):
    """The checker's, with what the platform says it took."""
    found = world.parts.audit.evidence(world.person("ada", "auditor"), released.ref)
    taken = [
        Acceptance(
            platform="x",
            key="",
            text=each.post.text,
            platform_id=platform_id,
            in_reply_to=each.post.in_reply_to,
        )
        for each, platform_id in zip(world.feed.ledger, world.feed.ledger_ids, strict=True)
    ]
    return check(replace(found, accepted=tuple(taken)))


def ends_soundly(world, released, **totals):
    """It is over, its states add up to the parts, and the three witnesses agree."""
    world.parts.sweep.sweep()
    assert world.broadcast(released.ref).state == "done"
    assert world.totals(released.ref) == totals
    found = verdict(world, released)
    assert found.broken == ()
    return found.counts
