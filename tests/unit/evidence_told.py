"""One broadcast as its three witnesses tell it, soundly; and the same with one thing told otherwise."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from broadcaster.domain.audit import AuditEvent, outcomes_root
from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.canonical import canonical
from broadcaster.domain.delivery import DeliveryState, Outcome
from broadcaster.domain.evidence import check
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
        root = outcomes_root((a.key, a) for a in mine)
        counts = dict(Counter(str(a.outcome) for a in mine))
        found.append(("outcomes_recorded", {"batch": 1, "counts": counts, "group": group, "root": root}))
    return found


def done(deliveries=DELIVERIES, **more):
    totals = dict(Counter(str(d.state) for d in deliveries)) | more
    return ("broadcast_done", {"planned": PEOPLE + 2, "totals": totals})


def a_log(*acts, seconds=1.9):
    when = at(seconds).isoformat(timespec="microseconds")
    events = [
        AuditEvent(
            id=no,
            no=no,
            at=when,
            actor="system",
            act=act,
            subject="7F3K2M",
            payload=canonical({"broadcast": "b-1", **payload}).decode(),
            leaf="",
        )
        for no, (act, payload) in enumerate(acts, 1)
    ]
    return LogFacts(events=tuple(events))


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


LATE_ATTEMPT = (*GROUPS, a_group(4, 3, ["key-3-1"], opened_s=30))
BOTH = (*ATTEMPTS, an_attempt(4, "key-3-1"))
SENT_AGAIN = [("unknown_sent_again", {"count": 1, "reason": "no_receipt"})]
