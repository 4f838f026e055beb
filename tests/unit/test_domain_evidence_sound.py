"""The checker raises no alarm where all is in order, and counts every delivery once."""

import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.canonical import canonical
from broadcaster.domain.evidence import COUNTS, check
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
    SENT,
    SENT_AGAIN,
    SOUND,
    TARGETS,
    S,
    Said,
    a_group,
    a_log,
    an_attempt,
    approved,
    at,
    changed,
    done,
    of_broadcast,
    one_more,
    other_delivery,
    recorded,
    told,
)

# --- counts ------------------------------------------------------------------------------------------------

FAILED = other_delivery(2, state=S.FAILED)
WITHOUT_ONE = (*ACCEPTED[:2], *ACCEPTED[3:])
EXPIRED = of_broadcast(ended_at=EXPIRES)

COUNTED = {
    "never taken": (replace(SOUND, accepted=WITHOUT_ONE), {"ok": 6, "lost": 1}),
    "a row is missing": (replace(SOUND, deliveries=DELIVERIES[:-1]), {"ok": 6, "lost": 1, "unexpected": 1}),
    "failed, and taken": (FAILED, {"ok": 6, "unexpected": 1}),
    "nobody's": (replace(SOUND, accepted=changed(ACCEPTED, 2, key="x")), {"ok": 6, "lost": 1, "unexpected": 1}),
    "twice": (told(accepted=one_more("key-3-1")), {"ok": 7, "duplicated": 1}),
    "failed": (replace(FAILED, accepted=WITHOUT_ONE), {"ok": 6, "not_sent": 1}),
    "unknown": (other_delivery(2, state=S.UNKNOWN_FINAL), {"ok": 6, "unknown": 1}),
    "poison": (other_delivery(2, state=S.QUARANTINED, resends=1), {"ok": 6, "unknown": 1}),
    "never made": (
        replace(EXPIRED, deliveries=DELIVERIES[:-1], accepted=ACCEPTED[:-1]),
        {"ok": 6, "not_sent": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTED)
def test_every_delivery_is_counted_once(name):
    evidence, wanted = COUNTED[name]
    counts = check(evidence).counts
    assert counts == dict.fromkeys(COUNTS, 0) | {"planned": 7} | wanted
    strangers = len(evidence.accepted) - sum(c["ledger"] for c in check(evidence).channels.values())
    parts = sum(counts[n] for n in ("ok", "lost", "unknown", "not_sent"))
    assert parts <= 7 <= parts + counts["unexpected"] + strangers


def test_channels_are_counted_apart():
    channels = check(told(accepted=one_more("key-3-1"))).channels
    assert [channels[c]["duplicated"] for c in ("website", "facebook", "sms")] == [0, 0, 1]


# --- no false alarm ----------------------------------------------------------------------------------------

RESENT = changed(DELIVERIES, 2, resends=1)


def after_end(state, code, *, broadcast=None, act=()):
    """Three texts never went out."""
    deliveries = tuple(replace(d, state=state, code=code) if d.ordinal > 2 else d for d in DELIVERIES)
    groups = (*GROUPS[:2], a_group(3, 3, ["key-3-1", "key-3-2"]))
    more = {"broadcast": replace(BROADCAST, **broadcast)} if broadcast else {}
    return told(deliveries, ATTEMPTS[:4], groups, ACCEPTED[:4], act, **more)


def never_made(**broadcast):
    """Planning stood at two of five when it ended."""
    groups = (*GROUPS[:2], a_group(3, 3, ["key-3-1", "key-3-2"]))
    evidence = told(
        DELIVERIES[:4], ATTEMPTS[:4], groups, ACCEPTED[:4], targets=changed(TARGETS, 2, planned=2)
    )
    ended = replace(BROADCAST, **broadcast)
    last = [] if ended.stopped_at else [done(DELIVERIES[:4], expired=3)]
    return replace(evidence, broadcast=ended, log=a_log(approved(), *recorded(ATTEMPTS[:4]), *last))


SOUND_TOO = {
    "doubled after an unknown": (
        told(
            RESENT,
            (*changed(ATTEMPTS, 2, outcome=Said.UNKNOWN), an_attempt(4, "key-3-1")),
            LATE_ATTEMPT,
            one_more("key-3-1"),
            SENT_AGAIN,
        ),
        {"ok": 7, "duplicated_after_unknown": 1},
    ),
    "doubled after a worker died": (
        told(
            RESENT,
            (*ATTEMPTS[:2], *ATTEMPTS[3:], an_attempt(4, "key-3-1")),
            LATE_ATTEMPT,
            one_more("key-3-1"),
            SENT_AGAIN,
        ),
        {"ok": 7, "duplicated_after_unknown": 1},
    ),
    "doubled after a take-over, the first answer came late": (
        told(RESENT, BOTH, LATE_ATTEMPT, one_more("key-3-1"), [("batch_taken_over", {"batch": 3, "unknown": 5}), *SENT_AGAIN]),
        {"ok": 7, "duplicated_after_unknown": 1},
    ),
    "doubled after a person's decision": (
        told(
            RESENT,
            BOTH,
            LATE_ATTEMPT,
            one_more("key-3-1"),
            [("unknown_decided", {"delivery": "key-3-1", "decision": "send_again"})],
        ),
        {"ok": 7, "duplicated_after_unknown": 1},
    ),
    "tried twice, the first surely not sent": (
        told(attempts=(*changed(ATTEMPTS, 2, outcome=Said.NOT_SENT), an_attempt(4, "key-3-1")), groups=LATE_ATTEMPT),
        {"ok": 7},
    ),
    "an unknown that a receipt lifted": (
        told(changed(DELIVERIES, 2, state=S.DELIVERED), changed(ATTEMPTS, 2, outcome=Said.UNKNOWN)),
        {"ok": 7},
    ),
    "receipts after the last word": (
        replace(told(changed(DELIVERIES, 2, state=S.DELIVERED)), log=SOUND.log),
        {"ok": 7},
    ),
    "an unknown that the platform took": (
        told(changed(DELIVERIES, 2, state=S.UNKNOWN_FINAL), changed(ATTEMPTS, 2, outcome=Said.UNKNOWN)),
        {"ok": 6, "unknown": 1},
    ),
    "an unknown that it did not take": (
        told(
            changed(DELIVERIES, 2, state=S.UNKNOWN_FINAL),
            changed(ATTEMPTS, 2, outcome=Said.UNKNOWN),
            accepted=WITHOUT_ONE,
        ),
        {"ok": 6, "unknown": 1},
    ),
    "an unknown that is looked into": (
        replace(other_delivery(2, state=S.UNKNOWN), broadcast=replace(BROADCAST, state=BroadcastState.SENDING)),
        {"ok": 6, "unknown": 1},
    ),
    "a person found it sent": (
        told(accepted=WITHOUT_ONE, acts=[("unknown_decided", {"delivery": "key-3-1", "decision": "sent"})]),
        {"ok": 6, "unknown": 1},
    ),
    "poison that was taken": (other_delivery(2, state=S.QUARANTINED, resends=1), {"ok": 6, "unknown": 1}),
    "failed": (
        told(
            changed(DELIVERIES, 2, state=S.FAILED), changed(ATTEMPTS, 2, outcome=Said.REFUSED), accepted=WITHOUT_ONE
        ),
        {"ok": 6, "not_sent": 1},
    ),
    "suppressed": (after_end(S.SUPPRESSED, "opted_out"), {"ok": 4, "not_sent": 3}),
    "expired": (after_end(S.EXPIRED, "expired", broadcast={"ended_at": EXPIRES}), {"ok": 4, "not_sent": 3}),
    "stopped": (
        after_end(
            S.CANCELLED,
            "stopped",
            broadcast={"state": BroadcastState.STOPPED, "stopped_at": at(1), "ended_at": at(1)},
        ),
        {"ok": 4, "not_sent": 3},
    ),
    "expired while it was planned": (never_made(ended_at=EXPIRES), {"ok": 4, "not_sent": 3}),
    "stopped while it was planned": (
        never_made(state=BroadcastState.STOPPED, stopped_at=at(1), ended_at=at(1)),
        {"ok": 4, "not_sent": 3},
    ),
    "taken just after the expiry": (
        replace(SOUND, accepted=changed(ACCEPTED, 2, at=EXPIRES + timedelta(seconds=4))),
        {"ok": 7},
    ),
    "late slots filled with nothing": (
        replace(SOUND, accepted=changed(ACCEPTED, 2, text=SENT.replace("Update 2", ""))),
        {"ok": 7},
    ),
    "a platform that tells no time": (replace(SOUND, accepted=changed(ACCEPTED, 2, at=None)), {"ok": 7}),
    "other broadcasts in the log": (
        replace(
            SOUND,
            log=a_log(
                ("outcomes_recorded", {"broadcast": "b-2", "counts": {"accepted": 9}, "group": 9, "root": ""}),
                approved(),
                *recorded(),
                done(),
            ),
        ),
        {"ok": 7},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND_TOO)
def test_what_is_in_order_raises_no_alarm(name):
    evidence, wanted = SOUND_TOO[name]
    found = check(evidence)
    assert found.broken == ()
    assert found.counts == dict.fromkeys(COUNTS, 0) | {"planned": 7} | wanted


def test_the_mark_of_a_slot_that_nobody_declared_is_text_like_any_other():
    targets = changed(TARGETS, 2)
    manifest = json.loads(MANIFEST)
    manifest["targets"][2]["late_slots"] = []
    altered = canonical(manifest)
    broadcast = replace(BROADCAST, manifest=altered, approved_sha256=sha256(altered).hexdigest())
    log = a_log(approved(altered), *recorded(), done())
    found = check(replace(SOUND, broadcast=broadcast, targets=targets, log=log))
    assert {b.invariant for b in found.broken} == {"I6"}
