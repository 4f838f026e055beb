"""The checker and threads: each part that is there once, in its place and with what it answers."""

from dataclasses import replace
from hashlib import sha256

import pytest

from broadcaster.domain.evidence import check
from broadcaster.domain.evidence_facts import Acceptance, TargetFacts
from broadcaster.domain.media import Image
from broadcaster.domain.post import Post, digest_of
from tests.unit.evidence_told import (
    BROADCAST,
    a_delivery,
    a_group,
    a_log,
    an_attempt,
    approved,
    at,
    changed,
    invariants,
    manifest_of,
    recorded,
    told,
)

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
