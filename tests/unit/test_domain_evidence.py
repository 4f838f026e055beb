"""The checker: what agrees is sound, and each single lie of any of the three witnesses is found as what it is."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.evidence import COUNTS, check
from broadcaster.domain.evidence_facts import Acceptance
from broadcaster.domain.post import digest_of
from tests.unit.evidence_told import (
    ACCEPTED,
    ATTEMPTS,
    BOTH,
    BROADCAST,
    DELIVERIES,
    EXPIRES,
    GROUPS,
    LATE_ATTEMPT,
    MANIFEST,
    PEOPLE,
    SENT,
    SENT_AGAIN,
    SOUND,
    TARGETS,
    TEXT,
    S,
    Said,
    a_group,
    a_post,
    an_attempt,
    approved,
    at,
    changed,
    done,
    invariants,
    manifest_of,
    miscounted,
    of_broadcast,
    of_target,
    one_more,
    other_acts,
    other_delivery,
    recorded,
    told,
)


def test_three_witnesses_that_agree_are_sound():
    found = check(SOUND)
    assert found.broken == ()
    assert found.sound
    assert found.counts == dict.fromkeys(COUNTS, 0) | {"planned": 7, "ok": 7}
    assert found.channels["sms"] == {
        **dict.fromkeys(COUNTS, 0),
        "planned": 5,
        "ok": 5,
        "database": 5,
        "ledger": 5,
    }
    assert set(found.channels) == {"website", "facebook", "sms"}


def other_text(no, text, **more):
    return replace(SOUND, accepted=changed(ACCEPTED, no, text=text, **more))


STOPPED = {"state": BroadcastState.STOPPED, "stopped_at": at(-10), "ended_at": at(-10)}
OTHER_POST = replace(a_post("sms"), text="Something else. Ref 7F3K2M").to_bytes()

#: One change each, and the invariant that it breaks.
VIOLATIONS = {
    "a delivery is missing": ("I1", replace(SOUND, deliveries=DELIVERIES[:-1])),
    "the public delivery is missing": ("I1", replace(SOUND, deliveries=DELIVERIES[1:])),
    "a delivery is there twice": (
        "I1",
        replace(SOUND, deliveries=(*DELIVERIES, replace(DELIVERIES[-1], key="another"))),
    ),
    "two deliveries share a key": ("I1", replace(SOUND, deliveries=(*DELIVERIES, DELIVERIES[-1]))),
    "an ordinal is skipped": ("I1", other_delivery(-1, ordinal=PEOPLE + 1)),
    "one person has two deliveries": ("I1", other_delivery(-2, recipient=101)),
    "a delivery of a foreign target": ("I1", other_delivery(3, target=9)),
    "planning never ended": ("I1", of_target(2, planned=4)),
    "planning goes on": ("I1", replace(of_target(2, planned=4), broadcast=replace(BROADCAST, ended_at=None))),
    "more was planned than the audience has": ("I1", of_target(2, audience_size=4)),
    "the approved count was another": (
        "I1",
        of_broadcast(manifest=MANIFEST.replace(b'"count":5', b'"count":6')),
    ),
    "a target that nobody approved": ("I1", of_broadcast(manifest=manifest_of(TARGETS[:2]))),
    "an approved target was left out": ("I1", replace(SOUND, targets=TARGETS[1:])),
    "a delivery is still pending": ("I2", other_delivery(3, state=S.PENDING)),
    "a delivery is still sending": ("I2", other_delivery(3, state=S.SENDING)),
    "a group is open": ("I2", replace(SOUND, groups=changed(GROUPS, 2, closed_at=None))),
    "a batch is held": ("I2", replace(SOUND, leased=(3,))),
    "done, and yet looked into": ("I2", other_delivery(3, state=S.UNKNOWN)),
    "a text was taken twice": ("I3", told(accepted=one_more("key-3-1"))),
    "a post was taken twice": ("I3", told(accepted=one_more("key-2-0"))),
    "taken twice, sent again without any unknown": (
        "I3",
        told(
            groups=LATE_ATTEMPT,
            attempts=(*ATTEMPTS, an_attempt(4, "key-3-1")),
            accepted=one_more("key-3-1"),
        ),
    ),
    "taken twice though the first was surely not sent": (
        "I3",
        told(
            groups=LATE_ATTEMPT,
            attempts=(*changed(ATTEMPTS, 2, outcome=Said.NOT_SENT), an_attempt(4, "key-3-1")),
            accepted=one_more("key-3-1"),
        ),
    ),
    "taken twice, and only the last sending was unknown": (
        "I3",
        told(
            groups=LATE_ATTEMPT,
            attempts=(*ATTEMPTS, an_attempt(4, "key-3-1", Said.UNKNOWN)),
            accepted=one_more("key-3-1"),
        ),
    ),
    "taken oftener than it was sent": (
        "I3",
        told(
            changed(DELIVERIES, 2, resends=1),
            groups=LATE_ATTEMPT,
            attempts=(*changed(ATTEMPTS, 2, outcome=Said.UNKNOWN), an_attempt(4, "key-3-1")),
            accepted=one_more("key-3-1", 2),
            acts=SENT_AGAIN,
        ),
    ),
    "taken oftener than anybody decided": (
        "I3",
        told(
            changed(DELIVERIES, 2, resends=1),
            groups=(*LATE_ATTEMPT, a_group(5, 3, ["key-3-1"])),
            attempts=(*BOTH, an_attempt(5, "key-3-1")),
            accepted=one_more("key-3-1", 2),
            acts=SENT_AGAIN,
        ),
    ),
    "sent again after a worker died, which nobody decided": (
        "I3",
        told(
            groups=LATE_ATTEMPT,
            attempts=(*ATTEMPTS[:2], *ATTEMPTS[3:], an_attempt(4, "key-3-1")),
            accepted=one_more("key-3-1"),
            acts=[("batch_taken_over", {"batch": 3, "unknown": 5})],
        ),
    ),
    "a take-over of another batch explains nothing": (
        "I3",
        told(
            groups=LATE_ATTEMPT,
            attempts=(*ATTEMPTS, an_attempt(4, "key-3-1")),
            accepted=one_more("key-3-1"),
            acts=[("batch_taken_over", {"batch": 2, "unknown": 1})],
        ),
    ),
    "a resend that nobody decided": (
        "I3",
        told(
            changed(DELIVERIES, 2, resends=1),
            groups=LATE_ATTEMPT,
            attempts=(*ATTEMPTS, an_attempt(4, "key-3-1")),
            accepted=one_more("key-3-1"),
        ),
    ),
    "the resend of another explains nothing": (
        "I3",
        told(
            changed(DELIVERIES, 3, resends=1),
            groups=LATE_ATTEMPT,
            attempts=(*ATTEMPTS, an_attempt(4, "key-3-1")),
            accepted=one_more("key-3-1"),
            acts=[("unknown_sent_again", {"count": 1, "reason": "no_receipt"})],
        ),
    ),
    "one number got the texts of two": (
        "I3",
        replace(SOUND, accepted=changed(ACCEPTED, 3, recipient=ACCEPTED[2].recipient)),
    ),
    **{
        f"taken, and ours is {state}": ("I4", other_delivery(2, state=state))
        for state in (S.FAILED, S.CANCELLED, S.EXPIRED, S.SUPPRESSED, S.QUARANTINED)
    },
    "taken under a key that is not ours": ("I4", replace(SOUND, accepted=changed(ACCEPTED, 2, key="forged"))),
    "taken by the wrong platform": ("I4", replace(SOUND, accepted=changed(ACCEPTED, 2, platform="website"))),
    "taken on a channel that has no target": (
        "I4",
        replace(SOUND, accepted=(*ACCEPTED, Acceptance(platform="x", key="", text=SENT))),
    ),
    **{
        f"{state}, and never taken": (
            "I5",
            replace(other_delivery(2, state=state), accepted=(*ACCEPTED[:2], *ACCEPTED[3:])),
        )
        for state in (S.ACCEPTED, S.DELIVERED, S.UNDELIVERED)
    },
    "a post that the platform does not have": ("I5", replace(SOUND, accepted=(ACCEPTED[0], *ACCEPTED[2:]))),
    "another text": ("I6", other_text(2, SENT.replace("Keep off", "Walk on"))),
    "a text with something after it": ("I6", other_text(2, SENT + " Free tickets: evil.test")),
    "a late slot that says too much": ("I6", other_text(2, SENT.replace("18:00", "18:00, or not"))),
    "a late slot over two lines": ("I6", other_text(2, SENT.replace("18:00", "1\n00"))),
    "a late slot that was not filled": ("I6", other_text(2, TEXT)),
    "another title": ("I6", replace(SOUND, accepted=changed(ACCEPTED, 0, title="Hurricane, 18:00"))),
    "a late slot with two values": ("I6", replace(SOUND, accepted=changed(ACCEPTED, 0, title="Wind warning, 19:00"))),
    "another link": ("I6", replace(SOUND, accepted=changed(ACCEPTED, 1, link="https://evil.test"))),
    "other facts": ("I6", replace(SOUND, accepted=changed(ACCEPTED, 0, facts={"event": "flood"}))),
    "a stored post was altered": ("I6", of_target(2, post=OTHER_POST)),
    "a stored post and its hash were altered": (
        "I6",
        of_target(2, post=OTHER_POST, post_sha256=digest_of(OTHER_POST)),
    ),
    "a stored post is rubbish": ("I6", of_target(2, post=b"{")),
    "the hash beside a post was altered": ("I6", of_target(2, post_sha256="0" * 64)),
    "the manifest was altered": ("I6", of_broadcast(manifest=MANIFEST + b" ")),
    "the manifest is rubbish": ("I6", of_broadcast(manifest=b"\xff")),
    "the approval is of another hash": ("I6", of_broadcast(approved_sha256="0" * 64)),
    "the log says another hash was approved": (
        "I6",
        other_acts(approved(b"another"), *recorded(), done()),
    ),
    "taken before the release": ("I7", replace(SOUND, accepted=changed(ACCEPTED, 2, at=at(-1)))),
    "taken long after the expiry": (
        "I7",
        replace(SOUND, accepted=changed(ACCEPTED, 2, at=EXPIRES + timedelta(seconds=6))),
    ),
    "taken long after the stop": ("I7", of_broadcast(**STOPPED)),
    "no approval is stored": ("I7", of_broadcast(approved_sha256="")),
    "no approval is in the log": ("I7", other_acts(*recorded(), done())),
    "the approval in the log is of another broadcast": (
        "I7",
        other_acts(("message_approved_and_released", {**approved()[1], "broadcast": "b-2"}), *recorded(), done()),
    ),
    "its own check found something wrong with the log": (
        "I8",
        replace(SOUND, log=replace(SOUND.log, problems=("event 2: is missing",))),
    ),
    "the log is empty": ("I8", replace(SOUND, log=replace(SOUND.log, events=()))),
    "an attempt was taken out": ("I8", replace(SOUND, attempts=ATTEMPTS[:-1])),
    "an attempt was added": ("I8", replace(SOUND, attempts=(*ATTEMPTS, an_attempt(4, "key-3-1")))),
    **{
        f"an attempt's {name} was altered": ("I8", replace(SOUND, attempts=changed(ATTEMPTS, 3, **{name: value})))
        for name, value in {
            "group": 2,
            "key": "key-3-1",
            "outcome": Said.REFUSED,
            "code": "timeout",
            "platform_id": "99",
            "link": "https://evil.test",
            "ended_at": at(3),
        }.items()
    },
    "two attempts changed places": ("I8", replace(SOUND, attempts=(*ATTEMPTS[:2], *reversed(ATTEMPTS[2:])))),
    "an event counts other outcomes": (
        "I8",
        other_acts(approved(), *recorded()[:2], miscounted(), done()),
    ),
    "the last word planned more": (
        "I8",
        other_acts(approved(), *recorded(), ("broadcast_done", {"planned": 8, "totals": {"accepted": 7}})),
    ),
    "a group was recorded twice": ("I8", other_acts(approved(), *recorded(), recorded()[0], done())),
    "a group was never recorded": ("I8", other_acts(approved(), *recorded()[1:], done())),
    "the last word is missing": ("I8", other_acts(approved(), *recorded())),
    "the last word does not add up": ("I8", other_acts(approved(), *recorded(), done(accepted=6))),
    "the last word was of another number": (
        "I8",
        other_acts(approved(), *recorded(), ("broadcast_done", {"planned": 8, "totals": {"accepted": 8}})),
    ),
    "what had failed for good is no longer failed": (
        "I8",
        other_acts(approved(), *recorded(), done(changed(DELIVERIES, 3, state=S.FAILED))),
    ),
    "what was accepted is not any more": (
        "I8",
        replace(
            told(changed(DELIVERIES, 3, state=S.UNKNOWN_FINAL)), log=SOUND.log
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", VIOLATIONS)
def test_each_single_lie_is_found(name):
    invariant, evidence = VIOLATIONS[name]
    assert invariant in invariants(evidence)
    assert not check(evidence).sound


#: Where one change breaks several things, what else has to be told of it.
SENTENCES = {
    "a delivery is missing": "1 of 5 deliveries are missing, the first of them 5",
    "a delivery is there twice": "has 2 deliveries instead of one",
    "two deliveries share a key": "is the key of 2 deliveries",
    "an ordinal is skipped": "has 1 deliveries that were not approved, the first of them 6",
    "a delivery of a foreign target": "1 deliveries belong to a target that is not of this broadcast",
    "planning never ended": "4 of 5 deliveries were made, and it did not end early",
    "planning goes on": "says that 4 deliveries were made; there are 5",
    "more was planned than the audience has": "differ: [4, 5]",
    "a stored post was altered": "does not have the hash stored beside it",
    "a stored post and its hash were altered": "the stored post is not in the approved manifest",
    "a group was recorded twice": "stand 2 times in the audit log",
    "a group was never recorded": "stand 0 times in the audit log",
    "an attempt's outcome was altered": "counts other outcomes",
    "its own check found something wrong with the log": "event 2: is missing",
    "taken oftener than it was sent": "was taken 3 times, though sent so that 2 could be",
}


@pytest.mark.parametrize("name", SENTENCES)
def test_what_is_wrong_is_said(name):
    assert any(SENTENCES[name] in each.text for each in check(VIOLATIONS[name][1]).broken)


def test_every_invariant_is_violated_by_something():
    assert {invariant for invariant, _ in VIOLATIONS.values()} == {f"I{n}" for n in range(1, 9)}


def test_a_broken_invariant_names_its_subject_in_a_sentence():
    (found,) = check(told(accepted=one_more("key-3-1"))).broken
    assert found.invariant == "I3"
    assert found.subject == "sms 1 (key-3-1)"
    assert found.text == "was taken 2 times, and no earlier sending was unknown"


def test_no_number_is_ever_told():
    for _, evidence in VIOLATIONS.values():
        assert "+44" not in str(check(evidence).broken)
