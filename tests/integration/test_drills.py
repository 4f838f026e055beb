"""Drills: planned, begun by a person or at their time, measured by the log, and never anywhere near a live account."""

import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from broadcaster.db import broadcasts
from broadcaster.db.tables import audit_event, incident
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.drill import BARS, DrillState, Step, bars_of, injects_of, months_later
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound, Stale
from broadcaster.domain.message import Mode
from broadcaster.service.drills import Plan

DATABASES = ("sqlite",)

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LONDON = ZoneInfo("Europe/London")


def plan(world, **changes):
    world.officer, world.approver  # noqa: B018 - they are staff from now on
    given = {
        "name": "Storm surge at night",
        "scenario": "High water at 04:10. The sea wall at Rossall is low.",
        "template": "severe-weather",
        "starts_at": world.later(3600),
        "parts": ["olive", "anna"],
        "injects": ["10 The Met Office raises wind to red", "0 The mast reports 90 mph"],
        **changes,
    }
    return world.parts.drills.plan(world.officer, Plan(**given))


def started(world, **changes):
    return world.parts.drills.start(world.officer, plan(world, **changes))


def seen(world, ref):
    return world.parts.drills.seen(world.officer, ref)


def exercise(world, drill, **more):
    return world.submit(channels=("website",), mode=Mode.EXERCISE, incident=drill.incident, **more)


def taken(world, ref):
    """Step, seconds and whether the bar was met."""
    return [(s.step, s.seconds, s.met) for s in seen(world, ref).scores]


def test_a_drill_is_measured_from_its_beginning_to_its_correction(world):
    drill = started(world, asks_correction=True, bars={"approve": 100})
    assert taken(world, drill.ref)[0] == (Step.DRAFT, None, False)
    assert [i.text for _, i in seen(world, drill.ref).said] == ["The mast reports 90 mph"]
    world.clock.advance(60)
    draft = world.draft(channels=("website",), mode=Mode.EXERCISE, incident=drill.incident)
    world.clock.advance(30)
    submitted = world.parts.compose.submit(world.officer, draft)
    world.clock.advance(20)
    world.approve(submitted)
    world.clock.advance(5)
    world.work(Lane.PUBLIC, mode=Mode.EXERCISE)
    world.clock.advance(500)
    world.approve(exercise(world, drill))
    assert [(step, met) for step, _, met in taken(world, drill.ref)] == [
        (Step.DRAFT, True),
        (Step.SUBMIT, True),
        (Step.APPROVE, False),
        (Step.CHANNEL, True),
        (Step.CORRECTION, True),
    ]
    approved, corrected = (e.at for e in world.rows(audit_event, act="message_approved_and_released"))
    since = {Step.APPROVE: approved - drill.started_at, Step.CORRECTION: corrected - approved}
    found = {step: seconds for step, seconds, _ in taken(world, drill.ref)}
    assert {step: found[step] for step in since} == {s: t.total_seconds() for s, t in since.items()}
    assert [s.who for s in seen(world, drill.ref).scores] == ["olive", "olive", "anna", "", "anna"]
    assert [i.after_minutes for _, i in seen(world, drill.ref).said] == [0, 10]
    world.parts.drills.end(world.officer, drill.ref, "All done")
    event = world.rows(audit_event)[-1]
    assert (event.act, event.subject) == ("drill_ended", drill.ref)
    assert json.loads(event.payload) == {"met": 4, "reason": "All done", "steps": 5}
    assert world.row(incident, ref=drill.incident).closed_at
    anna, olive = (p for p in world.parts.drills.practice(world.officer) if p.person in {"anna", "olive"})
    assert [s.step for _, s in olive.steps] == [Step.DRAFT, Step.SUBMIT]
    assert [s.step for _, s in anna.steps] == [Step.APPROVE, Step.CORRECTION]
    assert (anna.stale, olive.stale) == (False, False)


@ON_SQLITE
def test_nothing_live_can_belong_to_a_drill(world, subtests):
    drill = started(world)
    live = world.draft(channels=("website",))
    elsewhere = world.submit(channels=("website",))
    with (
        subtests.test("by writing"),
        world.refused(Invalid, "is a drill's: only messages of the mode exercise"),
    ):
        world.draft(channels=("website",), incident=drill.incident)
    with subtests.test("by moving"), world.refused(Invalid, "is a drill's"):
        world.parts.incidents.link(world.officer, live, drill.incident)
    with subtests.test("by altering the database and approving"):
        world.approve(elsewhere)
        row = world.broadcast(elsewhere.ref)
        given = {n: getattr(row, n) for n in ("message_id", "mode", "kind", "on_unknown", "expires_at")}
        given |= {"incident_id": world.row(incident, ref=drill.incident).id, "approval_id": 7}
        with pytest.raises(Invalid, match="is a drill's"), world.database.write() as tx:
            broadcasts.insert(tx, given)
    with subtests.test("and what is of it is sent by exercise accounts only"):
        world.approve(exercise(world, drill))
        world.work_public()
        sent = len(world.site.ledger)
        world.work(Lane.PUBLIC, mode=Mode.EXERCISE)
        assert (sent, len(world.site.ledger)) == (1, 1)  # the other message
        assert len(world.channels["exercise"]["site"].ledger) == 1


@ON_SQLITE
def test_at_its_time_it_begins_by_itself_and_comes_again_next_month_and_ends_when_forgotten(world):
    ref = plan(world, every_months=1, parts=["anna"])
    world.parts.drills.look()
    assert seen(world, ref).drill.state is DrillState.PLANNED
    world.clock.advance(3601)
    world.parts.storm.switch_on(world.officer, "Wind")
    world.parts.drills.look()
    with world.refused(Stale, "Storm mode is on, so no drill begins"):
        world.parts.drills.start(world.officer, ref)
    assert seen(world, ref).drill.state is DrillState.PLANNED
    world.parts.storm.switch_off(world.officer, "Calm")
    world.parts.drills.look()
    world.parts.drills.look()
    running, again = world.parts.drills.listed(world.officer)
    assert (running.ref, running.state, running.started_by) == (ref, DrillState.RUNNING, "")
    assert again.starts_at == months_later(running.starts_at, 1, LONDON)
    assert (again.parts, again.injects) == (running.parts, running.injects)
    assert [d.ref for d in world.parts.drills.of_person(world.approver)] == [ref]
    assert world.parts.drills.of_person(world.officer) == []
    world.clock.advance(12 * 3600 + 1)
    world.parts.drills.look()
    assert seen(world, ref).drill.end_reason == "Nobody ended it."
    acts = [(e.act, e.actor) for e in world.rows(audit_event) if e.act.startswith("drill")]
    assert acts == [("drill_planned", "olive"), ("drill_started", "system"), ("drill_ended", "system")]


@ON_SQLITE
def test_a_drill_that_was_sent_counts_before_the_first_live_message_and_who_has_not_drilled_is_told(world):
    world.person("otto", "officer")
    drill = started(world)
    assert not world.parts.first_live.of(world.officer).has_exercised
    world.approve(exercise(world, drill))
    world.work(Lane.PUBLIC, mode=Mode.EXERCISE)
    world.parts.sweep.end_what_is_over()
    assert world.parts.first_live.of(world.officer).has_exercised
    world.parts.drills.end(world.officer, drill.ref)

    def stale():
        return [p.person for p in world.parts.drills.practice(world.officer) if p.stale]

    assert stale() == ["otto"]
    world.clock.advance(200 * 24 * 3600)
    assert stale() == ["anna", "olive", "otto"]


@ON_SQLITE
def test_what_cannot_be_is_refused_with_what_to_do(world):
    world.officer, world.approver  # noqa: B018 - they are staff from now on
    ref = plan(world)
    for changes, error, said in (
        ({"name": " "}, Invalid, "Give it a name"),
        ({"template": "sever-weather"}, NotFound, "severe-weather"),
        ({"parts": []}, Invalid, "who takes part"),
        ({"parts": ["oliv"]}, NotFound, "olive"),
        ({"injects": ["soon red"]}, Invalid, "minutes after the start"),
        ({"every_months": 99}, Invalid, "every 1 to 36 months"),
        ({"bars": {"aprove": 60}}, Invalid, "There is no step"),
        ({"bars": {"approve": 0}}, Invalid, "between 1 second and one day"),
        ({"starts_at": world.later(-3600)}, Invalid, "That time is over"),
    ):
        with world.refused(error, said):
            plan(world, **changes)
    with world.refused(NotAllowed, "may plan, start and end drills"):
        world.parts.drills.start(world.approver, ref)
    world.parts.drills.cancel(world.officer, ref, "The hall is taken")
    with world.refused(Stale, "is cancelled already"):
        world.parts.drills.start(world.officer, ref)
    with world.refused(Stale, "does not run"):
        world.parts.drills.end(world.officer, ref)


def test_bars_injects_and_months():
    assert bars_of({"draft": 60}) == {**BARS, Step.DRAFT: 60}
    assert [i.after_minutes for i in injects_of(["", "20 b c", "5 a"])] == [5, 20]
    last_of_january = datetime(2027, 1, 31, 18, 0, tzinfo=LONDON)
    assert months_later(last_of_january, 1, LONDON) == datetime(2027, 2, 28, 18, 0, tzinfo=LONDON)
    assert months_later(last_of_january, -2, LONDON).month == 11
    summer = months_later(last_of_january, 5, LONDON)
    assert (summer.hour, summer.utcoffset()) == (18, timedelta(hours=1))
