"""Scheduled notices: planned, approved as a series, sent run by run; and whatever stands against one when it is due."""

import threading
from datetime import UTC, date, datetime

import pytest

from broadcaster.db import accounts
from broadcaster.db.tables import (
    alarm,
    approval,
    broadcast,
    message,
    person,
    schedule_run,
    schedule_version,
    standing_approval,
)
from broadcaster.domain.computed import NotComputed, compute, read_formula
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound, Stale
from broadcaster.domain.schedule import has_moved
from broadcaster.render.notices import shipped_notice
from broadcaster.service.firing import Firing
from channels.base import CheckProblem
from tests.integration.planning import approved, fire, runs, set_clock, submit, written

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SATURDAY, MONDAY, NEXT = "2027-01-02T12:00", "2027-01-04T09:00", "2027-01-11T09:00"


def test_a_weekly_notice_with_one_exception_is_approved_once_and_sent_each_time(world):
    set_clock(world, SATURDAY)
    ref = approved(world, without=("2027-01-11",))
    shown = world.parts.schedules.one(ref)
    assert [f"{run.planned.at:%m-%d %H:%M}" for run in shown.upcoming[:3]] == [
        "01-04 09:00",
        "01-18 09:00",
        "01-25 09:00",
    ]
    assert len(shown.upcoming) == 10
    assert "6pm Tuesday 5 January" in shown.upcoming[0].proof.posts[0].post.text
    assert "6pm Tuesday 19 January" in shown.upcoming[1].proof.posts[0].post.text
    fire(world)
    assert runs(world) == []
    for week in (MONDAY, "2027-01-11T09:00:30", "2027-01-18T09:00:01"):
        set_clock(world, week)
        fire(world)
        fire(world)
        world.work_public()
    assert runs(world) == [("2027-01-04T09:00Z", "sent", ""), ("2027-01-18T09:00Z", "sent", "")]
    assert [taken.post.text.splitlines()[-1] for taken in world.site.ledger] == [
        f"Ref {row.ref}. Sent at 09:00." for row in world.rows(message)
    ]
    assert ["6pm Tuesday 5 Jan" in t.post.text for t in world.site.ledger] == [True, False]
    assert ["6pm Tuesday 19 Jan" in t.post.text for t in world.site.ledger] == [False, True]
    given = world.row(standing_approval)
    assert {row.standing_approval_id for row in world.rows(approval)} == {given.id}
    assert {row.standing_approval_id for row in world.rows(broadcast)} == {given.id}
    assert world.acts().count("message_approved_and_released") == 2
    assert world.events("message_approved_and_released")[0]["schedule"] == ref


def test_two_sweepers_at_once_send_it_once(world):
    set_clock(world, SATURDAY)
    approved(world)
    set_clock(world, MONDAY)
    others = [world.beside().firing for _ in range(2)]
    threads = [threading.Thread(target=each.fire) for each in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert runs(world) == [("2027-01-04T09:00Z", "sent", "")]
    assert world.size(broadcast) == 1


@ON_SQLITE
def test_what_was_missed_goes_late_or_not_at_all_and_pages_a_person(world):
    set_clock(world, SATURDAY)
    ref = approved(world)
    set_clock(world, "2027-01-04T09:59")
    fire(world)
    set_clock(world, "2027-01-25T10:01")
    fire(world)
    set_clock(world, "2027-02-08T09:30")
    fire(world)
    assert runs(world) == [
        ("2027-01-04T09:00Z", "sent", ""),
        *((f"2027-01-{day}T09:00Z", "missed", "late") for day in (11, 18, 25)),
        ("2027-02-01T09:00Z", "missed", "overtaken"),
        ("2027-02-08T09:00Z", "sent", ""),
    ]
    raised = world.row(alarm, code="schedule_not_sent")
    assert (raised.subject, raised.cleared_at) == (ref, None)
    assert "did not go out" in raised.text
    assert [event["count"] for event in world.events("schedule_runs_missed")] == [3, 1]


def _edit_template(world, _ref):
    template = shipped_notice("service-disruption")
    wording = {**template.wording, "area": "((area)) and around"}
    changed = type(template)(**{**vars(template), "wording": wording})
    world.parts.templates.edit(world.officer, changed, reason="clearer")


def _disable(world, _ref):
    world.change(person, {"disabled_at": world.now()}, name="anna")


def _speaks_as_another(world, _ref):
    world.site.target = "another site"


def _forge(world, _ref):
    row = world.rows(schedule_version)[-1]
    world.change(schedule_version, {"bounds": row.bounds.replace("Wyre", "Hull")}, id=row.id)


def _alter(world, _ref):
    row = world.rows(schedule_version)[-1]
    world.change(schedule_version, {"blanks": row.blanks.replace("Wyre", "Hull")}, id=row.id)


def _cannot_say(world, _ref):
    with world.database.write() as tx:
        made = accounts.ensure(tx, mode="live", channel="website", name="site")
        accounts.pause(tx, made.id, "its token is not taken")


def _no_longer_fits(world, _ref):
    """Found when the post is made: after the message was written, which is taken back."""
    world.site.problems.append(CheckProblem(code="too_long", text="The page is too long."))


def _pause(world, ref):
    world.parts.schedule_course.pause(world.approver, ref, "elections")


@ON_SQLITE
@pytest.mark.parametrize(
    ("happens", "state", "code"),
    [
        (_edit_template, "refused", "template_changed"),
        (_disable, "refused", "approver_gone"),
        (_speaks_as_another, "refused", "accounts_changed"),
        (_forge, "refused", "altered"),
        (_alter, "refused", "accounts_changed"),
        (_cannot_say, "refused", "account_not_ready"),
        (_no_longer_fits, "refused", "not_sendable"),
        (_pause, "skipped", "paused"),
    ],
)
def test_everything_is_checked_again_when_it_is_due(world, happens, state, code):
    set_clock(world, SATURDAY)
    ref = approved(world)
    happens(world, ref)
    set_clock(world, MONDAY)
    fire(world)
    assert runs(world) == [("2027-01-04T09:00Z", state, code)]
    assert world.size(broadcast) == world.size(message) == 0
    assert world.size(alarm) == (1 if state == "refused" else 0)
    assert world.row(schedule_run).reason


@ON_SQLITE
def test_an_audience_that_moved_too_far_asks_again(world):
    set_clock(world, SATURDAY)
    world.add_audience("residents", 100)
    approved(world, channels=("website", "sms"), audience="residents")
    world.add_audience("residents", 102)
    set_clock(world, MONDAY)
    fire(world)
    world.add_audience("residents", 103)
    set_clock(world, NEXT)
    fire(world)
    assert [(state, code) for _, state, code in runs(world)] == [("sent", ""), ("refused", "audience_moved")]
    assert not has_moved(100_000, 101_000)
    assert has_moved(100_000, 101_001)


@ON_SQLITE
def test_what_holds_routine_notices_up_is_asked_when_one_is_due(world):
    set_clock(world, SATURDAY)
    approved(world)
    set_clock(world, MONDAY)
    parts = world.parts
    held = Firing(
        parts.database,
        parts.channels,
        world.bells,
        parts.compose,
        parts.approve,
        parts._series,
        held=lambda _tx, row: (f"Storm mode holds {row.name}.",),
    )
    held.fire()
    fire(world)
    assert runs(world) == [("2027-01-04T09:00Z", "refused", "held")]
    assert "Storm mode" in world.row(alarm).text


@ON_SQLITE
def test_a_run_is_left_out_and_put_back(world):
    set_clock(world, SATURDAY)
    ref = approved(world)
    first, second = (run.planned.at for run in world.parts.schedules.one(ref, upcoming=2).upcoming)
    for each in (first, second):
        world.parts.schedule_course.skip(world.officer, ref, each, "bank holiday")
    world.parts.schedule_course.unskip(world.officer, ref, second)
    with world.refused(NotFound, "no run ahead"):
        world.parts.schedule_course.skip(
            world.officer, ref, datetime(2027, 1, 5, 9, tzinfo=UTC), "no such run"
        )
    for week in (MONDAY, NEXT):
        set_clock(world, week)
        fire(world)
    assert [state for _, state, _ in runs(world)] == ["skipped", "sent"]
    with world.refused(Stale, "No run that lies ahead"):
        world.parts.schedule_course.unskip(world.officer, ref, first)


@ON_SQLITE
def test_a_change_waits_for_its_approval_while_the_old_one_goes_on(world):
    set_clock(world, SATURDAY)
    ref = approved(world)
    world.parts.schedule_writing.change(
        world.officer, ref, written(starts=datetime(2027, 1, 5, 8, 0), rule="FREQ=WEEKLY")
    )
    digest = world.parts.schedule_writing.submit(world.officer, ref)
    set_clock(world, MONDAY)
    world.parts.schedule_approval.approve(world.approver, ref, digest)
    fire(world)  # what was due before that is still the old one's
    set_clock(world, "2027-01-12T08:30")
    fire(world)
    world.parts.schedule_course.end(world.officer, ref, "the tip is open again")
    set_clock(world, "2027-01-26T09:00")
    fire(world)
    assert runs(world) == [
        ("2027-01-04T09:00Z", "sent", ""),
        ("2027-01-05T08:00Z", "missed", "overtaken"),
        ("2027-01-12T08:00Z", "sent", ""),
    ]
    assert world.row(standing_approval, id=1).revoked_at


@ON_SQLITE
def test_who_wrote_it_does_not_approve_it_and_only_what_was_shown_is_approved(world):
    set_clock(world, SATURDAY)
    ref, digest = submit(world)
    both, delegate = world.person("bo", "officer", "approver"), world.person("dee", "delegate")
    assert world.approver
    with world.refused(Stale, "not what"):
        world.parts.schedule_approval.approve(world.approver, ref, "0" * 64)
    with world.refused(NotAllowed, "A delegation covers no schedule"):
        world.parts.schedule_approval.approve(delegate, ref, digest)
    world.parts.schedule_approval.send_back(world.approver, ref, "which tip?")
    world.parts.schedule_writing.submit(both, ref)
    with world.refused(NotAllowed, "another person"):
        world.parts.schedule_approval.approve(both, ref, digest)
    set_clock(world, "2028-01-02T09:00")
    with world.refused(Stale, "lies in the past"):
        world.parts.schedule_approval.approve(world.approver, ref, digest)


@ON_SQLITE
def test_what_cannot_be_filled_in_is_told_before_it_is_handed_over(world):
    set_clock(world, SATURDAY)
    table = "date,service\n2027-01-04,The tip\n"
    ref = world.parts.schedule_writing.add(
        world.officer,
        written(values={"service": "=column service"}, table=table, last=date(2027, 1, 18)),
    ).ref
    with world.refused(Invalid, "cannot be handed over") as caught:
        world.parts.schedule_writing.submit(world.officer, ref)
    assert 'The table has no "service" for 2027-01-11, on which a run is due.' in caught.value.details
    whole = table + "2027-01-11,Both tips\n18/01/2027,No tip\n"
    world.parts.schedule_writing.change(
        world.officer,
        ref,
        written(values={"service": "=column service"}, table=whole, last=date(2027, 1, 18)),
    )
    world.parts.schedule_approval.approve(
        world.approver, ref, world.parts.schedule_writing.submit(world.officer, ref)
    )
    set_clock(world, NEXT)
    fire(world)
    world.work_public()
    assert world.site.ledger[0].post.title == "Both tips not working"


class _Sources:
    fetched = {"https://x.test/l": '{"now": 3, "a/b": ["low", "evil"], "far": 9}'}  # noqa: RUF012


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("=json https://x.test/l#/now 0..5", "3"),
        ("=json https://x.test/l#/a~1b/0 low|high", "low"),
        ("=json https://x.test/l#/none 0..5 else 2", "2"),
        ("=json https://y.test/l#/now 0..5 else 2", "2"),
        ("=json https://x.test/l#/far 0..5 else 2", "would not be what was approved"),
        ("=json https://x.test/l#/a~1b/1 low|high else low", "gave something else"),
        ("=json https://y.test/l#/now 0..5", "gave no such value"),
        ("=json https://x.test/l#/now", "must say what may come of it"),
    ],
)
def test_a_fetched_value_is_one_that_was_approved_or_its_fallback(typed, value):
    try:
        found = compute(read_formula(typed), None, _Sources)
    except NotComputed as problem:
        found = str(problem)
    assert value in found
