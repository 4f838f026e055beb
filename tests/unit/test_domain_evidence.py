"""The checker: what agrees is sound, and each single lie of any of the three witnesses is found as what it is."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from broadcaster.domain.audit import (
    GENESIS,
    AuditEvent,
    event_sha256,
    merkle_root,
    outcome_leaf,
    payload_sha256,
)
from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.canonical import canonical
from broadcaster.domain.delivery import DeliveryState, Outcome
from broadcaster.domain.evidence import COUNTS, check
from broadcaster.domain.evidence_facts import (
    Acceptance,
    AttemptFacts,
    BroadcastFacts,
    DeliveryFacts,
    Evidence,
    GroupFacts,
    LogFacts,
    TargetFacts,
)
from broadcaster.domain.media import Image
from broadcaster.domain.post import Post, digest_of

S, Said = DeliveryState, Outcome
RELEASED = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
EXPIRES = RELEASED + timedelta(hours=12)
PEOPLE = 5
TEXT = "WIND WARNING from ((sent_at)). ((sequence)) Keep off the seafront. Ref 7F3K2M"
SENT = "WIND WARNING from 18:00. Update 2 Keep off the seafront. Ref 7F3K2M"


def at(seconds):
    return RELEASED + timedelta(seconds=seconds)


def a_post(channel):
    title = "Wind warning, ((sent_at))" if channel == "website" else ""
    link = "https://site.test/7f3k2m" if channel == "facebook" else ""
    return Post(channel=channel, account=channel, title=title, text=TEXT, link=link, facts={"event": "wind"})


def a_target(id_, channel):
    content = a_post(channel).to_bytes()
    people = PEOPLE if channel == "sms" else 1
    return TargetFacts(
        id=id_,
        channel=channel,
        account=channel,
        language="en",
        to_audience=channel == "sms",
        audience_size=people,
        planned_total=people,
        planned=people,
        post=content,
        post_sha256=digest_of(content),
    )


TARGETS = (a_target(1, "website"), a_target(2, "facebook"), a_target(3, "sms"))
CHANNELS = {t.id: t.channel for t in TARGETS} | {4: "x"}


def manifest_of(targets):
    return canonical(
        {
            "audience": {"name": "residents", "version": 1, "sha256": "", "count": PEOPLE},
            "targets": [
                {
                    "account": t.account,
                    "channel": t.channel,
                    "language": t.language,
                    "late_slots": ["sent_at", "sequence"],
                    "post_sha256": t.post_sha256,
                }
                for t in targets
            ],
        }
    )


MANIFEST = manifest_of(TARGETS)


def a_delivery(target, ordinal, **more):
    values = {"batch": target, "state": S.ACCEPTED, "code": "", "resends": 0, **more}
    recipient = 100 + ordinal if target == 3 else None
    key = f"key-{target}-{ordinal}"
    return DeliveryFacts(key=key, target=target, ordinal=ordinal, recipient=recipient, **values)


DELIVERIES = (a_delivery(1, 0), a_delivery(2, 0), *(a_delivery(3, n) for n in range(1, PEOPLE + 1)))


def a_group(id_, batch, keys, opened_s=1.0):
    return GroupFacts(
        id=id_, batch=batch, keys=tuple(keys), opened_at=at(opened_s), closed_at=at(opened_s + 1)
    )


GROUPS = (
    a_group(1, 1, ["key-1-0"]),
    a_group(2, 2, ["key-2-0"]),
    a_group(3, 3, [f"key-3-{n}" for n in range(1, PEOPLE + 1)]),
)


def an_attempt(group, key, outcome=Said.ACCEPTED, **more):
    values = {"code": "", "platform_id": f"id of {key}", "link": "", **more}
    return AttemptFacts(group=group, key=key, outcome=outcome, started_at=at(1), ended_at=at(2), **values)


ATTEMPTS = tuple(an_attempt(g.id, key) for g in GROUPS for key in g.keys)


def an_acceptance(delivery, **more):
    channel = CHANNELS[delivery.target]
    values = {
        "key": "" if channel == "facebook" else delivery.key,
        "text": SENT,
        "title": "Wind warning, 18:00" if channel == "website" else None,
        "link": {"website": "", "facebook": "https://site.test/7f3k2m"}.get(channel),
        "facts": {"event": "wind"} if channel == "website" else None,
        "recipient": f"+4477009{delivery.ordinal:05d}" if channel == "sms" else "",
        "at": at(1.5),
        **more,
    }
    return Acceptance(platform=channel, **values)


ACCEPTED = tuple(an_acceptance(d) for d in DELIVERIES)


def approved(manifest=MANIFEST):
    return ("message_approved_and_released", {"manifest_sha256": sha256(manifest).hexdigest()})


def recorded(attempts=ATTEMPTS):
    """One event per group, as the attempts are."""
    found = []
    for group in dict.fromkeys(a.group for a in attempts):
        mine = [a for a in attempts if a.group == group]
        leaves = [
            outcome_leaf(
                key=a.key,
                outcome=str(a.outcome),
                code=a.code,
                platform_id=a.platform_id,
                link=a.link,
                ended_at=a.ended_at,
            )
            for a in mine
        ]
        counts = dict(Counter(str(a.outcome) for a in mine))
        found.append(
            ("outcomes_recorded", {"batch": 1, "counts": counts, "group": group, "root": merkle_root(leaves)})
        )
    return found


def done(deliveries=DELIVERIES, **more):
    totals = dict(Counter(str(d.state) for d in deliveries)) | more
    return ("broadcast_done", {"planned": PEOPLE + 2, "totals": totals})


def a_log(*acts, seconds=1.9):
    events, previous = [], GENESIS
    for no, (act, payload) in enumerate(acts, 1):
        text = canonical({"broadcast": "b-1", **payload}).decode()
        said = {
            "no": no,
            "at": at(seconds).isoformat(timespec="microseconds"),
            "actor": "system",
            "act": act,
            "subject": "7F3K2M",
        }
        digest = payload_sha256(text)
        hashed = event_sha256(**said, payload_hash=digest, previous=previous)
        events.append(
            AuditEvent(**said, payload=text, payload_sha256=digest, previous_sha256=previous, sha256=hashed)
        )
        previous = hashed
    return LogFacts(events=tuple(events), head_no=len(events), head_sha256=previous)


BROADCAST = BroadcastFacts(
    uid="b-1",
    ref="7F3K2M",
    state=BroadcastState.DONE,
    released_at=RELEASED,
    expires_at=EXPIRES,
    ended_at=at(10),
    stopped_at=None,
    approved_sha256=sha256(MANIFEST).hexdigest(),
    manifest=MANIFEST,
)


def told(deliveries=DELIVERIES, attempts=ATTEMPTS, groups=GROUPS, accepted=ACCEPTED, acts=(), **more):
    """Evidence whose audit log agrees with its rows; `acts` are in it beside."""
    log = a_log(approved(), *recorded(attempts), *acts, done(deliveries))
    values = {"broadcast": BROADCAST, "targets": TARGETS, "leased": (), "log": log, **more}
    return Evidence(deliveries=deliveries, attempts=attempts, groups=groups, accepted=accepted, **values)


SOUND = told()


def changed(rows, at_, **values):
    return (*rows[:at_], replace(rows[at_], **values), *rows[at_ + 1 :])


def other_delivery(no, **values):
    """The sound one but for one delivery, with an audit log that agrees."""
    return told(changed(DELIVERIES, no, **values))


def of_broadcast(**values):
    return replace(SOUND, broadcast=replace(BROADCAST, **values))


def of_target(no, **values):
    return replace(SOUND, targets=changed(TARGETS, no, **values))


def invariants(evidence):
    return {b.invariant for b in check(evidence).broken}


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


def one_more(key, times=1, **more):
    """The platform took this one so many times more."""
    (delivery,) = [d for d in DELIVERIES if d.key == key]
    return (*ACCEPTED, *(an_acceptance(delivery, **more) for _ in range(times)))


def other_event(place, **values):
    return replace(SOUND, log=replace(SOUND.log, events=changed(SOUND.log.events, place, **values)))


def other_acts(*acts):
    return replace(SOUND, log=a_log(*acts))


def miscounted():
    act, payload = recorded()[2]
    return act, {**payload, "counts": {"accepted": PEOPLE + 1}}


def other_text(no, text, **more):
    return replace(SOUND, accepted=changed(ACCEPTED, no, text=text, **more))


LATE_ATTEMPT = (*GROUPS, a_group(4, 3, ["key-3-1"], opened_s=30))
BOTH = (*ATTEMPTS, an_attempt(4, "key-3-1"))
SENT_AGAIN = [("unknown_sent_again", {"count": 1, "reason": "no_receipt"})]
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
    **{
        f"an event's {name} was altered": ("I8", other_event(1, **{name: value}))
        for name, value in {
            "no": 9,
            "at": at(99).isoformat(timespec="microseconds"),
            "actor": "mallory",
            "act": "nothing",
            "subject": "AAAAAA",
            "payload": "{}",
            "payload_sha256": "1" * 64,
            "previous_sha256": "2" * 64,
            "sha256": "3" * 64,
        }.items()
    },
    "an event was taken out": ("I8", replace(SOUND, log=replace(SOUND.log, events=(SOUND.log.events[0], *SOUND.log.events[2:])))),
    "the end was cut off": ("I8", replace(SOUND, log=replace(SOUND.log, events=SOUND.log.events[:-1]))),
    "the log is empty": ("I8", replace(SOUND, log=replace(SOUND.log, events=()))),
    "the log was made anew, longer": (
        "I8",
        replace(SOUND, log=replace(SOUND.log, events=a_log(approved(), *recorded(), ("x", {}), done()).events)),
    ),
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
    "the end was cut off": "is what the log should end with, and it ends with 4",
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


def test_an_altered_last_event_is_told_once():
    (found,) = check(other_event(4, sha256="3" * 64)).broken
    assert (found.invariant, found.subject) == ("I8", "event 5")


def test_no_number_is_ever_told():
    for _, evidence in VIOLATIONS.values():
        assert "+44" not in str(check(evidence).broken)


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


# --- threads ------------------------------------------------------------------------------------------------

PARTS = (
    "1/3 WIND WARNING from ((sent_at)). Ref 7F3K2M",
    "2/3 Rest centre: Marine Hall.",
    "3/3 Bring medicines.",
)


def a_thread(*images):
    """A thread on X, as three witnesses that agree tell it."""
    post = Post(channel="x", account="x", title="", text=PARTS[0], further=PARTS[1:], images=images)
    content = post.to_bytes()
    target_ = TargetFacts(
        id=4,
        channel="x",
        account="x",
        language="en",
        to_audience=False,
        audience_size=1,
        planned_total=3,
        planned=3,
        post=content,
        post_sha256=digest_of(content),
    )
    manifest = manifest_of([target_])
    deliveries = tuple(a_delivery(4, no) for no in (1, 2, 3))
    groups = tuple(a_group(no, 4, [d.key], opened_s=float(no)) for no, d in enumerate(deliveries, 1))
    attempts = tuple(an_attempt(g.id, key) for g in groups for key in g.keys)
    told_ = told(deliveries, attempts, groups, tuple(a_part(no) for no in (1, 2, 3)), targets=(target_,))
    said = ("broadcast_done", {"planned": 3, "totals": {"accepted": 3}})
    return replace(
        told_,
        broadcast=replace(BROADCAST, manifest=manifest, approved_sha256=sha256(manifest).hexdigest()),
        log=a_log(approved(manifest), *recorded(attempts), said),
    )


def a_part(no, **more):
    text = PARTS[no - 1].replace("((sent_at))", "18:00")
    before = "" if no == 1 else f"post-{no - 1}"
    values = {"text": text, "platform_id": f"post-{no}", "in_reply_to": before, "at": at(no)}
    return Acceptance(**{"platform": "x", "key": "", **values, **more})


def thread_taken(*parts):
    return check(replace(a_thread(), accepted=parts))


def test_a_thread_whose_parts_are_all_there_is_sound():
    found = check(a_thread())
    assert found.broken == ()
    assert (found.counts["planned"], found.counts["ok"]) == (3, 3)


def test_a_part_that_the_platform_never_took_is_lost():
    found = thread_taken(a_part(1), a_part(2))
    assert (found.counts["ok"], found.counts["lost"], found.counts["duplicated"]) == (2, 1, 0)
    assert {b.invariant for b in found.broken} == {"I5"}


def test_a_part_that_was_taken_twice_is_duplicated_and_makes_up_for_no_other():
    again = a_part(2, platform_id="post-2b", at=at(4))
    found = thread_taken(a_part(1), a_part(2), again)
    assert (found.counts["ok"], found.counts["lost"], found.counts["duplicated"]) == (2, 1, 1)
    assert {b.invariant for b in found.broken} == {"I3", "I5"}


def test_the_whole_thread_in_one_post_is_not_what_was_approved():
    whole = a_part(1, text="\n".join(PARTS).replace("((sent_at))", "18:00"))
    found = thread_taken(whole, a_part(2), a_part(3))
    assert "I6" in {b.invariant for b in found.broken}


def test_a_key_does_not_let_one_part_stand_for_another():
    found = thread_taken(a_part(1), a_part(3, key="key-4-2"), a_part(2, key="key-4-3"))
    assert "I6" in {b.invariant for b in found.broken}


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ((a_part(1), a_part(2, in_reply_to=""), a_part(3)), "does not answer the part"),
        ((a_part(1), a_part(2), a_part(3, in_reply_to="post-1")), "does not answer the part"),
        ((a_part(1, in_reply_to="of-another"), a_part(2), a_part(3)), "answers another post"),
        ((a_part(1, at=at(2.5)), a_part(2), a_part(3)), "was taken before"),
        ((a_part(2), a_part(3)), "never was"),
    ],
)
def test_parts_in_another_order_or_place_are_not_the_approved_thread(parts, says):
    found = thread_taken(*parts)
    assert [b.text for b in found.broken if b.invariant == "I6" and says in b.text]


def test_a_thread_that_was_planned_with_fewer_parts_than_were_approved_is_found():
    sound = a_thread()
    found = check(
        replace(
            sound,
            targets=changed(sound.targets, 0, planned=2, planned_total=2),
            deliveries=sound.deliveries[:2],
            accepted=(a_part(1), a_part(2)),
        )
    )
    assert "I1" in {b.invariant for b in found.broken}
    assert found.counts["lost"] == 1


def test_parts_that_had_nothing_to_follow_may_be_sent_later_only_where_the_log_says_so():
    sound = a_thread()
    manifest, attempts = sound.broadcast.manifest, sound.attempts
    first = ("broadcast_done", {"planned": 3, "totals": {"unknown_final": 1, "failed": 2}})
    last = ("broadcast_done", {"planned": 3, "totals": {"accepted": 3}})
    decided = ("unknown_decided", {"delivery": "key-4-1", "decision": "sent", "parts_again": 2})
    so = a_log(approved(manifest), *recorded(attempts), first, decided, last)
    assert check(replace(sound, log=so)).broken == ()
    for acts in ((first, last), (decided, first, last)):
        log = a_log(approved(manifest), *recorded(attempts), *acts)
        assert "I8" in invariants(replace(sound, log=log))


@pytest.mark.parametrize(
    ("shown", "sound"),
    [
        ({1: ("a" * 64, "b" * 64), 2: (), 3: ()}, True),
        ({}, True),  # nobody could tell
        ({1: ("a" * 64,)}, False),
        ({1: ("b" * 64, "a" * 64)}, False),
        ({1: ("a" * 64, "c" * 64)}, False),
        ({1: ()}, False),
        ({2: ("a" * 64,)}, False),
    ],
)
def test_only_the_approved_pictures_on_the_first_part_are_the_approved_post(shown, sound):
    images = tuple(
        Image(sha256=letter * 64, media_type="image/png", width=9, height=9, size=9, alt="A map")
        for letter in "ab"
    )
    taken = tuple(a_part(no, images=shown.get(no)) for no in (1, 2, 3))
    found = check(replace(a_thread(*images), accepted=taken))
    assert (found.broken == ()) == sound
    assert ("I6" in {b.invariant for b in found.broken}) != sound
