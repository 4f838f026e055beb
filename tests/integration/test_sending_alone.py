"""Wording authorised beforehand, and break-glass (T33): only what is allowed goes out, and everybody is told."""

import json
import threading
import urllib.request
from dataclasses import replace
from datetime import timedelta

import pytest

from broadcaster.db.tables import alarm, approval, audit_event, authority, break_glass, page_request
from broadcaster.domain.errors import FactorWanted, Invalid, NotAllowed, Problem, Stale
from broadcaster.domain.pre_authorisation import BlankBound
from broadcaster.render.notices import shipped_example, shipped_notice
from broadcaster.service.paging_ways import ByRoom
from tests.integration.authorised import EVENT, NAME, REASON, authorise, bounds, draft, switch
from tests.integration.identities import outcome
from tests.integration.test_paging import Clock, FakeWay, rooms

DATABASES = ("sqlite",)

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def room():
    with rooms() as address:
        yield address


def told_in(room):
    """What the stand-in of a room was told, over real HTTP."""
    with urllib.request.urlopen(room.replace("json://", "http://")) as answer:
        return json.loads(answer.read())


def send(world, ref, *, by=None, event=EVENT, **more):
    return world.parts.send_alone.pre_authorised(by or world.officer, ref, event, **more)


def broken(world, submitted, *, by=None, reason=REASON):
    return world.parts.send_alone.break_glass(
        by or world.officer, submitted.ref, submitted.manifest_sha256, reason
    )


def texts(world, size=3, **draft_):
    world.add_audience("residents", size)
    return world.submit(channels=("sms",), audience="residents", **draft_)


def last_event(world):
    row = world.rows(audit_event)[-1]
    return row.act, json.loads(row.payload)


# --- authorised beforehand --------------------------------------------------------------------------------


def test_one_officer_sends_what_two_authorised_and_it_says_who(world):
    under = authorise(world)
    ref = draft(world)
    assert world.parts.pre_authorise.cover(ref).under == under
    before = world.size(audit_event)
    released = send(world, ref)
    assert world.size(audit_event) == before + 1
    act, said = last_event(world)
    assert (act, said["authority"], said["event"]) == (
        "message_approved_and_released",
        "pre-authorised",
        EVENT,
    )
    assert said["authorised_by"] == "anna and cleo"
    assert world.row(authority).kind == "pre-authorised"
    assert world.row(approval).approver_id == world.person("cleo").id
    assert world.work_public() == 1
    assert world.site.ledger[0].post.text
    assert world.broadcast(released.ref).state


@pytest.mark.parametrize(
    ("values", "channels", "said"),
    [
        ({"area": "All of Lancashire"}, ("website",), "must be one of"),
        ({"severity": "Extreme"}, ("website",), "severity must be"),
        ({}, ("website", "facebook"), "not authorised for: facebook"),
    ],
)
@ON_SQLITE
def test_what_is_outside_of_the_bounds_needs_a_second_person_and_says_so_beforehand(
    world, values, channels, said
):
    authorise(world)
    ref = draft(world, channels=channels, **values)
    (why,) = world.parts.pre_authorise.cover(ref).lacks
    assert said.lower() in why.lower()
    with world.refused(NotAllowed, "second person"):
        send(world, ref)


@ON_SQLITE
def test_an_audience_beyond_the_bound_and_another_one_are_refused(world):
    authorise(world)
    world.add_audience("residents", 6)
    world.add_audience("others", 1)
    for audience, said in (("residents", "6 people"), ("others", "texts to others")):
        (why,) = world.parts.pre_authorise.cover(draft(world, channels=("sms",), audience=audience)).lacks
        assert said.lower() in why.lower()


@ON_SQLITE
def test_other_wording_a_past_day_an_end_and_half_a_decision_authorise_nothing(world):
    made = authorise(world, days=2)
    ref = draft(world)
    world.parts.pre_authorise.end(world.person("anna"), made.ref, "the plan has changed")
    assert not world.parts.pre_authorise.cover(ref).known
    one = world.person("anna")
    ends = world.now() + timedelta(days=2)
    half = world.parts.pre_authorise.propose(one, NAME, bounds(), ends_at=ends, reason="plan")
    with world.refused(NotAllowed, "second person"):
        send(world, ref)
    world.parts.pre_authorise.confirm(world.person("cleo"), half.ref, half.sha256)
    worded = replace(shipped_notice(NAME), title="Another")
    assert not world.parts.pre_authorise.in_force(worded)
    world.clock.advance(3 * 24 * 3600)
    with world.refused(Problem, "It expired|cannot be submitted"):
        send(world, ref)


@ON_SQLITE
def test_it_takes_two_of_whom_one_approves_and_neither_sends(world):
    anna, adam = world.person("anna", "approver", "officer"), world.administrator
    eve = world.person("eve", "administrator")
    ends = world.now() + timedelta(days=2)
    made = world.parts.pre_authorise.propose(adam, NAME, bounds(), ends_at=ends, reason="plan")
    for who, said in ((adam, "proposed"), (eve, "must be an approver"), (world.officer, "Only")):
        with world.refused(NotAllowed, said):
            world.parts.pre_authorise.confirm(who, made.ref, made.sha256)
    with world.refused(Stale, "not what you were shown"):
        world.parts.pre_authorise.confirm(anna, made.ref, "0" * 64)
    world.parts.pre_authorise.confirm(anna, made.ref, made.sha256)
    ref = draft(world)
    with world.refused(NotAllowed, "You authorised"):
        send(world, ref, by=anna)


@ON_SQLITE
def test_bounds_that_bound_nothing_are_refused_with_every_reason(world):
    wrong = bounds(events=(), channels=("telegram",), blanks={"area": BlankBound(pattern="(a+)+")})
    with pytest.raises(Invalid) as caught:
        world.parts.pre_authorise.propose(
            world.approver, NAME, wrong, ends_at=world.now() + timedelta(days=1), reason="plan"
        )
    said = " ".join(caught.value.details)
    assert all(each in said for each in ("Name the events", "telegram", "repeated", "needs a bound"))


@ON_SQLITE
def test_a_second_factor_and_a_named_event_are_wanted_and_a_changed_draft_is_noticed(world):
    authorise(world)
    ref = draft(world)
    with world.refused(FactorWanted, "second factor"):
        send(world, ref, by=replace(world.officer, factor_at=None))
    with world.refused(Invalid, "named events"):
        send(world, ref, event="A whim")
    with world.refused(Stale, "changed meanwhile"):
        send(world, ref, version=7)


@ON_SQLITE
def test_when_nobody_answers_only_what_is_within_bounds_goes_out_by_itself(world):
    authorise(world)
    inside = world.parts.compose.submit(world.officer, draft(world))
    outside = world.parts.compose.submit(world.officer, draft(world, area="All of Lancashire"))
    assert world.parts.send_alone.by_the_clock(outside.ref) is None
    assert world.parts.send_alone.by_the_clock(inside.ref)
    assert last_event(world)[1]["by_the_clock"] is True
    assert world.parts.send_alone.by_the_clock(inside.ref) is None


# --- break-glass: T33 -------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Apprise's plug-ins: imghdr
def test_break_glass_lets_only_the_allowed_case_pass_and_the_next_look_tells_all_approvers(world, room):
    clock = Clock(world, FakeWay(), ByRoom(1, f"{room}/duty"))
    off = texts(world)
    with world.refused(NotAllowed, "switched off"):
        broken(world, off)
    switch(world, "break-glass", "texts-1000")
    with world.refused(FactorWanted, "second factor"):
        broken(world, off, by=replace(world.officer, factor_at=None))
    stale = replace(world.officer, factor_at=world.now() - timedelta(minutes=6))
    with world.refused(FactorWanted, "second factor"):
        broken(world, off, by=stale)
    with world.refused(Invalid, "why it cannot wait"):
        broken(world, off, reason="because")
    with world.refused(NotAllowed, "Only an officer"):
        broken(world, off, by=world.approver)
    before = world.size(audit_event)
    broken(world, off)
    assert world.size(audit_event) == before + 1
    clock.look()
    told = [words for mail, _, words in clock.way.pages if "BREAK-GLASS: olive sent" in words]
    assert len(told) == 3
    (said,) = [each for each in told_in(room) if "BREAK-GLASS" in each["message"]]
    assert "olive sent" in said["message"]
    assert world.parts.plan.plan(world.broadcast_id(off.ref)) == 3
    said = next(
        json.loads(row.payload)
        for row in world.rows(audit_event)
        if "break-glass" in row.payload and row.act == "message_approved_and_released"
    )
    assert (said["authority"], said["reason"], said["policy"]) == ("break-glass", REASON, "texts-1000")
    again = texts(world)
    with world.refused(NotAllowed, "less than 10 minutes ago"):
        broken(world, again)
    world.clock.advance(601)
    broken(world, again)


@ON_SQLITE
def test_over_the_cap_and_public_posts_of_free_wording_are_refused(world):
    switch(world, "break-glass", "texts-1000")
    world.add_audience("town", 1001)
    over = world.submit(channels=("sms",), audience="town")
    with world.refused(NotAllowed, "second person") as caught:
        broken(world, over)
    assert "1,001 people" in caught.value.details[0]
    public = world.submit(channels=("website",))
    with world.refused(NotAllowed, "second person") as caught:
        broken(world, public)
    assert "public posts reach everybody" in caught.value.details[0].lower()
    switch(world, "break-glass", "public-50000")
    broken(world, public)


@ON_SQLITE
def test_by_templates_only_wording_that_was_authorised_goes(world):
    switch(world, "break-glass", "templates")
    free = world.submit(channels=("website",))
    with world.refused(NotAllowed, "second person"):
        broken(world, free)
    authorise(world)
    broken(world, world.parts.compose.submit(world.officer, draft(world, area="All of Lancashire")))


@ON_SQLITE
def test_two_at_the_same_moment_are_one(world):
    switch(world, "break-glass", "texts-1000")
    waiting = [texts(world), texts(world)]
    came = []
    both = [
        threading.Thread(target=lambda s=s: came.append(outcome(lambda: broken(world, s)))) for s in waiting
    ]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert sorted(isinstance(each, NotAllowed) for each in came) == [False, True]
    assert world.size(break_glass) == 1


@ON_SQLITE
def test_a_correction_of_what_was_sent_need_not_wait_and_is_no_way_round(world):
    switch(world, "break-glass", "public-50000")
    first = texts(world)
    broken(world, first)

    def sent_in_error(**more):
        proof = world.parts.compose.draft(
            world.officer,
            template=shipped_notice("sent-in-error"),
            values=shipped_example("sent-in-error"),
            channels=("website",),
            **more,
        )
        return world.parts.compose.submit(world.officer, proof.ref)

    alone = sent_in_error()
    with world.refused(NotAllowed, "less than 10 minutes"):
        broken(world, alone)
    mine = world.parts.incidents.of_message(world.officer, first.ref)
    broken(world, sent_in_error(incident=mine.ref))
    assert [row.correction for row in world.rows(break_glass)] == [0, 1]


def test_a_review_is_asked_for_until_somebody_else_has_written_a_finding(world):
    clock = Clock(world)
    switch(world, "break-glass", "texts-1000")
    broken(world, texts(world))
    clock.look()
    world.parts.alarms.look()
    assert world.size(alarm) == 0
    clock.look(after_s=12 * 3600 + 5)
    asked = [words for _, _, words in clock.way.pages if "nobody has reviewed" in words]
    assert len(asked) == 3
    clock.look(after_s=12 * 3600 + 5)
    world.parts.alarms.look()
    assert [row.code for row in world.rows(alarm) if row.code.startswith("break")] == [
        "break_glass_unreviewed"
    ]
    (used,) = world.parts.reviews.listed(world.officer, open_only=True).found
    both = world.person("olive2", "approver", "officer")
    review = world.parts.reviews.review
    world.people["olive"] = replace(world.officer, roles=frozenset({"officer", "approver"}))
    with world.refused(NotAllowed, "had a part"):
        review(world.officer, used.uid, verdict="right", finding="Fine.")
    with world.refused(Invalid, "what you found"):
        review(both, used.uid, verdict="right", finding=" ")
    review(both, used.ref.lower(), verdict="avoidable", finding="Cleo was at her desk.")
    assert last_event(world)[0] == "break_glass_reviewed"
    with world.refused(Stale, "reviewed meanwhile"):
        review(both, used.uid, verdict="right", finding="Fine.")
    pages = len(clock.way.pages)
    clock.look(after_s=24 * 3600)
    assert len(clock.way.pages) == pages
    world.parts.alarms.look()
    assert all(row.cleared_at for row in world.rows(alarm) if row.code.startswith("break"))
    assert {row.state for row in world.rows(page_request) if row.kind == "review"} == {"closed"}
