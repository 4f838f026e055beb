"""Storm mode: what is routine is held from the very next group on, and goes out only by a person's decision."""

import json
import threading

import pytest

from broadcaster.db import broadcasts
from broadcaster.db.tables import audit_event, batch, broadcast
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound, Stale
from broadcaster.domain.message import Kind, Mode, Severity, Urgency
from broadcaster.domain.storm import is_routine
from broadcaster.service.storm import held_back
from tests.builders import LIFE_SAFETY, NO_HURRY
from tests.fakes import FakeProbed

WINDS = "High winds from the west"
SQLITE_IS_ENOUGH = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ROUNDS = 3  # `make faults` has fifty


def on(world, who=None):
    return world.parts.storm.switch_on(who or world.officer, WINDS)


def off(world):
    return world.parts.storm.switch_off(world.officer, "It is calm")


def decide(world, ref, decision, reason="", who=None):
    world.parts.storm.decide(who or world.officer, ref, decision, reason)


def last_event(world):
    row = world.rows(audit_event)[-1]
    return row.act, row.actor, row.subject, json.loads(row.payload)


def alarms(world):
    """But for the sealer's, which nobody runs here."""
    return {str(each.code) for each in world.parts.alarms.watch().alarms} - {"nobody_seals"}


def states(world, ref):
    return {row.state for row in world.rows(batch, broadcast_id=world.broadcast_id(ref))}


@pytest.mark.parametrize(
    ("on_unknown", "kind", "follows", "held"),
    [
        ("hold", Kind.ALERT, False, True),
        ("hold", Kind.UPDATE, False, True),
        ("resend_once", Kind.ALERT, False, False),
        ("hold", Kind.CANCEL, False, False),
        ("hold", Kind.UPDATE, True, False),
    ],
)
def test_only_what_nobody_waits_for_is_routine(on_unknown, kind, follows, held):
    assert is_routine(on_unknown=on_unknown, kind=kind, follows_urgent=follows) is held


# --- holding ----------------------------------------------------------------------------------------------


def test_the_switch_holds_what_is_being_sent_and_lets_urgent_work_go_on(world, subtests):
    parts = world.beside(max_in_flight=4)
    texts = world.release_texts(10, **NO_HURRY)
    world.once(Lane.BULK, parts=parts)
    sent = len(world.gateway.ledger)
    assert 0 < sent < 10
    assert on(world) == 1
    assert last_event(world) == ("storm_mode_on", "olive", "", {"reason": WINDS, "held": 1})
    assert world.work_bulk() == 0
    assert len(world.gateway.ledger) == sent
    assert states(world, texts.ref) == {"held"}
    with subtests.test("what is released meanwhile waits too, planned or not"):
        later = world.release(channels=("x", "sms"), audience="residents", **NO_HURRY)
        assert world.parts.plan.plan(world.broadcast_id(later.ref)) == 0
        world.work_public()
        assert world.feed.ledger == []
        world.parts.sweep.sweep()
        assert states(world, later.ref) == {"held"}
        assert alarms(world) == set()  # that nobody sends it is what was asked for
    with subtests.test("urgent work is sent"):
        urgent = world.release(channels=("x",), **LIFE_SAFETY)
        world.work_public()
        assert [t.post.text.count(urgent.ref) for t in world.feed.ledger] == [1]
    with subtests.test("and so is what goes on about it, whatever it is by itself"):
        incident = world.parts.incidents.of_message(world.officer, urgent.ref).ref
        clear = world.release(channels=("x",), incident=incident, **NO_HURRY)
        world.work_public()
        assert len(world.feed.ledger) == 2
        assert world.row(broadcast, message_id=world.broadcast(clear.ref).message_id).storm == ""
    with subtests.test("nothing goes out by itself when it is over"):
        assert off(world) == 2
        world.parts.sweep.sweep()
        world.work_public(), world.work_bulk()
        assert (len(world.feed.ledger), len(world.gateway.ledger)) == (2, sent)
        world.parts.alarms.look()
        assert alarms(world) == {"held_undecided"}
    with subtests.test("it goes on by a decision, each once"):
        decide(world, texts.ref, "go-on")
        decide(world, later.ref, "go-on", who=world.approver)
        assert last_event(world)[:3] == ("held_decided", "anna", later.ref)
        world.parts.plan.plan(world.broadcast_id(later.ref))
        world.work_public(), world.work_bulk()
        assert (len(world.feed.ledger), len(world.gateway.ledger)) == (3, 20)
        world.parts.alarms.look()
        assert alarms(world) == set()


@SQLITE_IS_ENOUGH
def test_what_was_held_is_dropped_or_stopped_to_be_changed_or_runs_out_and_says_so(world):
    rita = world.person("rita", "auditor")
    dropped, changed, late = (world.release(channels=("x",), **NO_HURRY).ref for _ in range(3))
    on(world)
    with world.refused(Invalid, "Give a reason"):
        decide(world, dropped, "drop")
    with world.refused(Invalid, "is no decision"):
        decide(world, dropped, "perhaps")
    with world.refused(NotAllowed, "Only a"):
        decide(world, dropped, "drop", "late", who=rita)
    decide(world, dropped, "drop", "The road is open")
    decide(world, changed, "change", "Another day")
    assert world.totals(dropped) == world.totals(changed) == {"cancelled": 1}
    with world.refused(Stale, "Nothing of .* waits for a decision"):
        decide(world, dropped, "go-on")
    world.clock.advance(13 * 3600)
    world.parts.sweep.end_what_is_over()
    row = next(d for d in world.deliveries("x") if d.state == "expired")
    assert (row.code, "Storm mode held it" in row.operator_text) == ("expired_while_held", True)
    assert world.broadcast(late).state == "done"
    assert world.feed.ledger == []


@SQLITE_IS_ENOUGH
def test_all_of_one_kind_are_decided_with_one_word_and_an_event_each(world):
    refs = [world.release(channels=("x",), **NO_HURRY).ref for _ in range(3)]
    on(world)
    assert world.parts.storm.weather(world.officer).kinds == ["severe-weather"]
    with world.refused(NotFound, 'Nothing of the kind "severe-wether".*severe-weather'):
        world.parts.storm.decide_all(world.officer, "severe-wether", "drop", "old")
    decided, hindered = world.parts.storm.decide_all(world.officer, "severe-weather", "go-on")
    assert (decided, hindered) == (refs, [])
    assert [row.subject for row in world.rows(audit_event, act="held_decided")] == refs
    world.work_public()  # a person let them go, though storm mode is on
    assert len(world.feed.ledger) == 3


@SQLITE_IS_ENOUGH
def test_one_person_switches_with_a_reason_and_nobody_else_may(world):
    world.officer, world.approver  # noqa: B018 - they are staff from now on
    for who in (world.person("rita", "auditor"), world.administrator):
        with world.refused(NotAllowed, "Only an approver or an officer may switch storm mode"):
            on(world, who)
    with world.refused(Invalid, "Give a reason"):
        world.parts.storm.switch_on(world.officer, " ")
    with world.refused(Stale, "off already"):
        off(world)
    on(world, world.approver)
    with world.refused(Stale, f"anna switched it on .{WINDS}."):
        on(world)
    world.clock.advance(12 * 3600 + 1)
    world.parts.alarms.look()
    assert alarms(world) == {"storm_mode_long"}
    assert off(world) == 0
    world.parts.alarms.look()
    assert alarms(world) == set()
    assert last_event(world)[0] == "alarm_cleared"
    (past,) = world.parts.storm.weather(world.officer).past
    assert (past.on_by, past.off_by, past.off_reason) == ("anna", "olive", "It is calm")


@SQLITE_IS_ENOUGH
def test_an_approver_is_told_that_it_will_wait_and_a_schedule_can_ask(world):
    waiting, urgent = world.submit(channels=("x",), **NO_HURRY).ref, world.submit(channels=("x",)).ref
    assert world.parts.storm.waits(waiting) == ""
    on(world)
    assert "waits until somebody lets it go" in world.parts.storm.waits(waiting)
    assert world.parts.storm.waits(urgent) == ""
    with world.database.write() as tx:
        assert held_back(tx, severity=Severity.MINOR, urgency=Urgency.FUTURE)
        assert not held_back(tx, severity=Severity.SEVERE, urgency=Urgency.IMMEDIATE)
        assert not held_back(tx, severity=Severity.MINOR, urgency=Urgency.FUTURE, kind=Kind.CANCEL)
    off(world)
    with world.database.write() as tx:
        assert not held_back(tx, severity=Severity.MINOR, urgency=Urgency.FUTURE)


@SQLITE_IS_ENOUGH
def test_what_had_ended_is_held_when_somebody_sends_some_of_it_again(world):
    world.gateway.always = None
    texts = world.release_texts(2, **NO_HURRY)
    world.work_bulk()
    world.parts.sweep.end_what_is_over()
    on(world)
    with world.database.write() as tx:
        assert broadcasts.reopen(tx, broadcasts.by_id(tx, world.broadcast_id(texts.ref)))
    assert world.broadcast(texts.ref).storm == "held"


@SQLITE_IS_ENOUGH
def test_in_a_storm_accounts_are_checked_every_thirty_seconds(world):
    probed = world.channels["live"]["town"] = FakeProbed("mastodon", "town")
    looked = []
    for switched in (False, True):
        if switched:
            on(world)
        world.clock.advance(200)
        world.parts.checks.look(Mode.LIVE)
        before = probed.probes
        for _ in range(5):
            world.clock.advance(31)
            world.parts.checks.look(Mode.LIVE)
        looked.append(probed.probes - before)
    assert looked == [0, 5]


# --- no leak ----------------------------------------------------------------------------------------------


def test_the_switch_waits_for_what_is_just_being_opened_and_nothing_is_opened_after_it(world):
    world.release_texts(40, **NO_HURRY)
    worker, switched, blocked = world.beside(max_in_flight=4), [], []
    switching = threading.Thread(target=lambda: switched.append(on(world)))

    def switch_meanwhile():
        switching.start()
        switching.join(2)  # long enough for one that nothing keeps back
        blocked.append(switching.is_alive())

    seen = []
    with (
        world.meanwhile(worker.database, "INSERT INTO intent_group", switch_meanwhile),
        world.meanwhile(world.database, "INSERT INTO audit_event", lambda: seen.append(groups(world))),
    ):
        worker.deliver.work("live", Lane.BULK, for_s=30)
        switching.join()
    assert (blocked, switched) == ([True], [1])
    assert [groups(world)] == seen


def test_no_group_is_opened_after_the_switch_is_committed(world):
    for _ in range(ROUNDS):
        texts = world.release_texts(60, **NO_HURRY)
        begun, switching, seen = threading.Event(), threading.Event(), []

        def on_call(
            _keys, begun=begun, switching=switching
        ):  # the first groups wait, so that texts are left for the switch
            begun.set()
            switching.wait(30)

        def at_the_switch(switching=switching, seen=seen):
            seen.append(groups(world))
            switching.set()

        world.gateway.on_call = on_call
        workers = [world.beside(max_in_flight=4) for _ in range(2)]
        threads = [
            threading.Thread(target=p.deliver.work, args=("live", Lane.BULK), kwargs={"for_s": 30})
            for p in workers
        ]
        for each in threads:
            each.start()
        assert begun.wait(30)
        with world.meanwhile(world.database, "INSERT INTO audit_event", at_the_switch):
            on(world)
        for each in threads:
            each.join()
        assert groups(world) == seen[0]
        off(world)
        assert world.totals(texts.ref).get("pending", 0) > 0
        decide(world, texts.ref, "drop", "next round")


def groups(world):
    with world.database.read() as tx:
        return tx.connection.exec_driver_sql("SELECT COUNT(*) FROM intent_group").scalar_one()
