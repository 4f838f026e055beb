"""Notice templates that are retired: not offered, not written from, not sent by a schedule, and brought back."""

import json
import threading
from dataclasses import replace

import pytest

from broadcaster.db.tables import (
    alarm,
    broadcast,
    message,
    page_request,
    schedule_run,
    submission,
    template_version,
)
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound, Stale
from broadcaster.domain.follow_up import TEMPLATE_OF, Purpose
from broadcaster.domain.message import MessageState
from broadcaster.render.notices import shipped_notice, shipped_notices
from broadcaster.service.templates import example_of
from tests.integration.authorised import EVENT, authorise, bounds, switch
from tests.integration.authorised import draft as authorised_draft
from tests.integration.identities import outcome
from tests.integration.planning import approved, fire, runs, set_clock, submit, written
from tests.integration.test_drills import plan
from tests.integration.weather import WIND, Fetching, look, watch

FLOOD, TIP = shipped_notice("flood"), "service-disruption"
WHY = "The Environment Agency tells it now"
SATURDAY, MONDAY, NEXT = "2027-01-02T12:00", "2027-01-04T09:00", "2027-01-11T09:00"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def staff(world):
    """There before anything is refused."""
    return world.administrator, world.officer, world.approver


def retire(world, name="flood", *, by=None, parts=None, **more):
    given = {"reason": WHY, **more}
    return (parts or world.parts).templates.retire(by or world.administrator, name, **given)


def bring_back(world, name="flood", no=0):
    return world.parts.templates.put_back(world.administrator, name, no, reason="it is needed after all")


def draft(world, name="flood"):
    template = shipped_notice(name)
    return world.parts.compose.draft(
        world.officer, template=template, values=example_of(template), channels=("website",)
    ).ref


def findings(world, ref):
    return [
        each.text for each in world.parts.compose.preview(ref).findings if each.code == "template_retired"
    ]


# --- retiring ---------------------------------------------------------------------------------------------


def test_a_retired_template_is_not_offered_and_shown_with_who_when_and_why(world):
    made = retire(world)
    assert (made.no, made.retired, made.reason, made.sha256) == (1, True, WHY, FLOOD.sha256)
    assert "flood" not in world.parts.templates.all()
    assert list(world.parts.templates.retired()) == ["flood"]
    found = world.parts.templates.one("flood")
    assert (found.retired, found.changed_by, found.reason, found.used_no) == (True, "adam", WHY, 0)
    assert found.changed_at == world.row(template_version).created_at
    assert found.template == world.parts.templates.version("flood", 1) == FLOOD
    assert [(v.no, v.retired) for v in world.parts.templates.versions("flood")] == [(1, True), (0, False)]
    assert world.parts.templates.diff("flood", 0, 1) == ()


def test_it_is_one_event_with_the_reason_and_nothing_without_one_or_without_the_right(world):
    with world.refused(Invalid, "Give a reason"):
        retire(world, reason=" ")
    with world.refused(NotAllowed, "may edit notice templates"):
        retire(world, by=world.approver)
    with world.refused(NotFound, 'Did you mean "flood"'):
        retire(world, "flod")
    retire(world)
    assert world.acts() == ["template_retired"]
    (told,) = world.events("template_retired")
    assert (told["version"], told["sha256"], told["reason"]) == (1, FLOOD.sha256, WHY)
    with world.refused(Stale, "adam has retired it already"):
        retire(world)


def test_of_two_who_retire_or_edit_at_once_the_second_is_told(world):
    plainer = replace(FLOOD, wording={**FLOOD.wording, "area": "Around ((area))"})
    world.parts.templates.edit(world.officer, plainer, reason="plainer")
    with world.refused(Stale, "changed meanwhile by olive: version 1 is in force, and you began from 0"):
        retire(world, base=0)
    came = []
    both = [
        threading.Thread(target=lambda p=p: came.append(outcome(lambda: retire(world, parts=p, base=1))))
        for p in (world.beside(), world.beside())
    ]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert sorted(isinstance(each, Stale) for each in came) == [False, True]
    assert world.size(template_version) == 2
    with world.refused(Stale, "changed meanwhile by adam: version 2"):
        world.parts.templates.edit(world.officer, FLOOD, reason="as before", base=1)


def test_any_version_that_is_put_back_brings_it_back_also_the_wording_that_was_in_force(world):
    retire(world)
    back = bring_back(world)
    assert (back.no, back.retired, back.put_back_no) == (2, False, 0)
    assert world.parts.templates.all()["flood"].template == FLOOD
    assert world.parts.templates.retired() == {}
    assert draft(world)
    retire(world)
    assert bring_back(world, no=3).no == 4  # the very version that retired it
    assert world.acts().count("template_put_back") == 2
    with world.refused(Stale, "word for word"):
        bring_back(world, no=3)


def test_an_edit_brings_it_back_with_the_same_wording_too(world):
    retire(world)
    world.parts.templates.edit(world.officer, FLOOD, reason="read anew", base=1)
    assert world.parts.templates.all()["flood"].no == 2
    with world.refused(Stale, "word for word"):
        world.parts.templates.edit(world.officer, FLOOD, reason="again")


def test_who_retires_has_worded_nothing_and_may_approve_but_not_who_brings_it_back(world):
    carl = world.person("carl", "approver", "administrator")
    before = world.parts.compose.submit(world.officer, draft(world))
    retire(world, by=carl)
    assert world.parts.approve.approve(carl, before.ref, before.manifest_sha256).public_posts == 1
    dora = world.person("dora", "approver", "administrator")
    world.parts.templates.put_back(dora, "flood", 0, reason="it is needed after all")
    after = world.parts.compose.submit(world.officer, draft(world))
    with world.refused(NotAllowed, "You worded version 2"):
        world.parts.approve.approve(dora, after.ref, after.manifest_sha256)
    assert world.parts.approve.approve(carl, after.ref, after.manifest_sha256).public_posts == 1


# --- what is needed ---------------------------------------------------------------------------------------


def needed(world, name):
    with world.refused(Invalid, "cannot be retired: it is needed") as caught:
        retire(world, name)
    return caught.value.details


def test_what_words_a_sequel_cannot_be_retired(world):
    for purpose, name in TEMPLATE_OF.items():
        assert any("What follows a message" in why for why in needed(world, name)), purpose
    ready = [each.title for each in shipped_notices().values() if each.prepares == Purpose.SENT_IN_ERROR]
    told = needed(world, "sent-in-error")
    assert ready
    assert all(any(title in why for why in told) for title in ready)


def test_what_another_template_has_lie_ready_is_needed_until_that_one_is_retired(world):
    river = replace(FLOOD, name="river", title="River", prepares="flood")
    world.parts.templates.edit(world.officer, river, reason="of our own")
    assert needed(world, "flood") == ('It lies ready with everything that is sent from "River".',)
    retire(world, "river")
    assert retire(world).retired


@ON_SQLITE
def test_what_a_feed_writes_from_is_needed_and_no_rule_may_name_a_retired_one(world):
    source = Fetching()
    watch(world, source)
    assert needed(world, "severe-weather") == (
        "What the feed Met Office warns of is written from it. Change the rules of the feed first.",
    )
    retire(world)
    with pytest.raises(Invalid, match=f"template: adam retired .*{WHY}"):
        watch(world, source, replace(WIND, template="flood"), name="River levels")


@ON_SQLITE
def test_a_warning_that_waits_can_be_dismissed_and_not_written_from(world):
    source = Fetching()
    uid = watch(world, source)
    source.issue()
    look(world, uid)
    world.parts.feeds.remove(world.administrator, uid)
    retire(world, "severe-weather")
    (waits,) = world.parts.feed_warnings.waiting(world.officer)
    shown = world.parts.feed_warnings.one(world.officer, waits.uid)
    assert shown.template == shipped_notice("severe-weather")
    values = {"next_update": "+3h", "source": "Duty officer, Wyre Council", "phone": "01632 960123"}
    with world.refused(Stale, WHY):
        world.parts.feed_warnings.take(world.officer, waits.uid, values=values, channels=("website",))
    assert world.parts.feed_warnings.dismiss(world.officer, waits.uid, reason="over")


@ON_SQLITE
def test_what_a_drill_is_played_with_is_needed_until_it_is_over(world):
    ref = plan(world, template="flood")
    assert needed(world, "flood") == (f"The drill {ref} is played with it. End or cancel the drill first.",)
    world.parts.drills.start(world.officer, ref)
    assert needed(world, "flood")
    world.parts.drills.end(world.officer, ref)
    retire(world)
    with world.refused(Stale, WHY):
        plan(world, template="flood")


# --- writing from it --------------------------------------------------------------------------------------


def test_nothing_new_is_written_from_it_and_the_refusal_says_who_why_and_what_to_do(world):
    retire(world)
    at = world.row(template_version).created_at
    with world.refused(Stale, "Use another one, or have it put back in force") as caught:
        world.parts.templates.current("flood")
    assert f'adam retired the notice template "flood" on {at.day} {at:%B %Y}: {WHY}.' in caught.value.text
    assert "broadcaster template put-back flood 0" in caught.value.command
    with world.refused(Stale, WHY):
        draft(world)


def test_what_was_begun_before_warns_and_is_finished_and_sent(world):
    ref = draft(world)
    assert findings(world, ref) == []
    retire(world)
    (warned,) = findings(world, ref)
    assert WHY in warned
    assert "may be sent still" in warned
    world.parts.compose.edit(
        world.officer, ref, template=FLOOD, values=example_of(FLOOD), channels=("website",)
    )
    made = world.parts.compose.submit(world.officer, ref)
    manifest = json.loads(world.row(submission, manifest_sha256=made.manifest_sha256).manifest)
    assert manifest["template"]["version"] == 0  # the wording's own; the version that retired it is nobody's
    world.approve(made)
    world.work_public()
    assert len(world.site.ledger) == 1
    assert findings(world, ref) == []
    follows = world.parts.follow_ups.draft(
        world.officer, ref, Purpose.UPDATE, values={**example_of(FLOOD), "area": "All of Wyre"}
    )
    assert follows.state is MessageState.DRAFT  # what was said may be brought up to date still


def test_its_own_page_tries_the_wording_without_a_word_of_that(world):
    retire(world)
    trial = world.parts.templates.trial(world.administrator, FLOOD)
    assert trial.problems == ()
    assert "template_retired" not in {each.code for each in trial.proof.findings}


@ON_SQLITE
def test_a_retired_one_needs_no_review(world):
    world.clock.advance(3 * 365 * 86_400)
    assert "flood" in {each.name for each in world.parts.templates.overdue()}
    retire(world)
    assert "flood" not in {each.name for each in world.parts.templates.overdue()}


# --- schedules --------------------------------------------------------------------------------------------


def test_a_run_is_refused_with_the_reason_and_a_person_is_paged_until_it_is_brought_back(world):
    set_clock(world, SATURDAY)
    ref = approved(world)
    retire(world, TIP)
    set_clock(world, MONDAY)
    fire(world)
    assert runs(world) == [("2027-01-04T09:00Z", "refused", "template_retired")]
    assert WHY in world.row(schedule_run).reason
    assert world.size(broadcast) == world.size(message) == 0
    raised = world.row(alarm, code="schedule_not_sent")
    assert (raised.subject, WHY in raised.text) == (ref, True)
    assert world.row(page_request).subject == ref
    bring_back(world, TIP)
    set_clock(world, NEXT)
    fire(world)
    assert [run[1] for run in runs(world)] == ["refused", "sent"]


@ON_SQLITE
def test_a_schedule_says_beforehand_that_its_template_is_retired(world):
    set_clock(world, SATURDAY)
    ref = approved(world)
    (entry,) = world.parts.schedules.listed()
    assert entry.problem == ""
    retire(world, TIP)
    shown = world.parts.schedules.one(ref)
    assert WHY in shown.problems[0]
    assert all(WHY in run.problems[0] for run in shown.upcoming)
    (entry,) = world.parts.schedules.listed()
    assert WHY in entry.problem
    ahead = world.parts.calendars.between(world.now(), world.later(20 * 86_400))
    assert [(each.state, WHY in each.reason) for each in ahead] == [("planned", True)] * 3
    assert WHY.encode() in world.parts.calendars.feed().replace(b"\r\n ", b"")
    world.parts.schedule_course.end(world.approver, ref, "over")
    assert world.parts.schedules.one(ref).problems == ()
    assert world.parts.schedules.listed()[0].problem == ""


@ON_SQLITE
def test_no_schedule_is_written_changed_handed_over_or_approved_with_a_retired_one(world):
    set_clock(world, SATURDAY)
    kept = world.parts.schedule_writing.add(world.officer, written()).ref
    ref, digest = submit(world)
    retire(world, TIP)
    with world.refused(Stale, WHY):
        world.parts.schedule_writing.add(world.officer, written())
    with world.refused(Stale, WHY):
        world.parts.schedule_writing.change(world.officer, kept, written())
    with world.refused(Invalid, "cannot be handed over yet") as caught:
        world.parts.schedule_writing.submit(world.officer, kept)
    assert WHY in caught.value.details[0]
    with world.refused(Stale, WHY):
        world.parts.schedule_approval.approve(world.approver, ref, digest)
    bring_back(world, TIP)
    world.parts.schedule_approval.approve(world.approver, ref, digest)


# --- authorised beforehand --------------------------------------------------------------------------------


def test_wording_authorised_beforehand_does_not_count_while_its_template_is_retired(world):
    def listed():
        return world.parts.pre_authorise.listed(world.officer)

    under = authorise(world)
    ref = authorised_draft(world)
    assert world.parts.pre_authorise.cover(ref).under == under
    assert [a.counts(world.now()) for a in listed()] == [True]
    retire(world)
    cover = world.parts.pre_authorise.cover(ref)
    assert (cover.under, WHY in cover.lacks[0]) == (None, True)
    assert world.parts.pre_authorise.in_force(FLOOD) == []
    assert [(a.ref, a.in_use, a.counts(world.now())) for a in listed()] == [(under.ref, False, False)]
    assert not world.parts.pre_authorise.one(world.officer, under.ref).in_use
    with world.refused(NotAllowed, "without a second person") as caught:
        world.parts.send_alone.pre_authorised(world.officer, ref, EVENT)
    assert WHY in caught.value.details[0]
    bring_back(world)
    assert world.parts.pre_authorise.in_force(FLOOD) == [under]
    world.parts.send_alone.pre_authorised(world.officer, ref, EVENT)


@ON_SQLITE
def test_break_glass_by_authorised_wording_does_not_count_it_either(world):
    switch(world, "break-glass", "templates")
    authorise(world)
    submitted = world.parts.compose.submit(world.officer, authorised_draft(world))

    def broken():
        why = "The river is over the wall and nobody answers."
        world.parts.send_alone.break_glass(world.officer, submitted.ref, submitted.manifest_sha256, why)

    retire(world)
    with world.refused(NotAllowed, "second person"):
        broken()
    bring_back(world)
    broken()


@ON_SQLITE
def test_a_retired_wording_is_neither_proposed_nor_confirmed(world):
    anna, cleo = (world.person(name, "approver") for name in ("anna", "cleo"))

    def propose():
        return world.parts.pre_authorise.propose(
            anna, "flood", bounds(), ends_at=world.later(30 * 86_400), reason="winter plan"
        )

    made = propose()
    retire(world)
    with world.refused(Stale, WHY):
        propose()
    with world.refused(Stale, WHY):
        world.parts.pre_authorise.confirm(cleo, made.ref, made.sha256)
    bring_back(world)
    assert world.parts.pre_authorise.confirm(cleo, made.ref, made.sha256).confirmed_by == "cleo"
