"""Alarms and who looks after them: acknowledged by a person, watched by the sweeper, counted by health, cheap to look for."""

import re
from contextlib import contextmanager

import pytest
from sqlalchemy import event, text

from broadcaster.db.tables import delivery
from broadcaster.domain.alarm import ACKNOWLEDGED_BY_A_PERSON, AlarmCode
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound
from tests.integration.alarms import TWO_MINUTES, a_silent_page, alarm_events, looked, pause, undecided_texts
from tests.integration.test_web import get

DATABASES = ("sqlite",)


@pytest.fixture
def world_settings():
    return {"max_in_flight": 8}


# --- acknowledging ------------------------------------------------------------------------------------------


def test_what_is_acknowledged_is_not_open_and_comes_back_only_where_there_is_more_of_it(world):
    released = undecided_texts(world, 3)
    key = ("unknown_undecided", released.ref)
    assert looked(world) == [key]
    world.parts.alarms.acknowledge(world.approver, *key, reason="the gateway has lost its log")
    assert looked(world) == []
    assert world.parts.alarms.number_open() == 0
    assert world.parts.alarms.of(released.ref) == []
    assert len(world.parts.alarms.watch(past=True).alarms) == 1
    first, second, _ = world.deliveries("sms")
    world.change(delivery, {"state": "accepted"}, id=first.id)
    world.change(delivery, {"state": "accepted"}, id=second.id)
    assert looked(world) == []
    world.change(delivery, {"state": "unknown_final"}, id=first.id)  # more than there was left
    assert looked(world) == [key]
    assert alarm_events(world, "alarm_raised") == [key, key]


def test_an_acknowledged_alarm_that_is_over_is_cleared_and_the_next_one_is_new(world):
    released = undecided_texts(world, 1)
    key = ("unknown_undecided", released.ref)
    assert looked(world) == [key]
    world.parts.alarms.acknowledge(world.officer, *key, reason="seen")
    (uid,) = (d.uid for d in world.deliveries("sms"))
    world.change(delivery, {"state": "accepted"}, uid=uid)
    assert looked(world) == []
    world.change(delivery, {"state": "unknown_final"}, uid=uid)
    assert looked(world) == [key]


def test_only_what_is_not_over_by_itself_can_be_acknowledged_with_a_reason_by_who_may_decide(world):
    released = undecided_texts(world, 1)
    pause(world)
    looked(world)
    before = world.snapshot() if world.officer and world.administrator else None
    acknowledge = world.parts.alarms.acknowledge
    for code in sorted(frozenset(AlarmCode) - ACKNOWLEDGED_BY_A_PERSON):
        with pytest.raises(Invalid, match="over by itself once its cause is mended"):
            acknowledge(world.officer, code, "live/page", reason="x")
    with pytest.raises(NotAllowed, match="Only an approver or an officer may decide"):
        acknowledge(world.administrator, "unknown_undecided", released.ref, reason="x")
    with pytest.raises(Invalid, match="Give a reason"):
        acknowledge(world.officer, "unknown_undecided", released.ref, reason="  ")
    with pytest.raises(NotFound, match="No alarm counts_differ of"):
        acknowledge(world.officer, "counts_differ", released.ref, reason="x")
    with pytest.raises(NotFound, match='Did you mean "counts_differ"'):
        acknowledge(world.officer, "count_differs", released.ref, reason="x")
    assert world.snapshot() == before


# --- who looks ----------------------------------------------------------------------------------------------


def test_no_alarm_means_nothing_where_nobody_has_looked_for_a_minute(world):
    assert not world.parts.alarms.watch().watching
    assert world.parts.alarms.watch().until is None
    assert world.parts.sweep.lead()
    assert world.parts.alarms.watch().watching
    world.clock.advance(60)
    assert world.parts.alarms.watch().watching
    world.clock.advance(11)  # its lease was for ten seconds
    assert not world.parts.alarms.watch().watching


# --- what it costs ------------------------------------------------------------------------------------------


@contextmanager
def statements(database):
    found = []

    def keep(_connection, _cursor, statement, parameters, *_rest):
        found.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", keep)
    yield found
    event.remove(database.engine, "before_cursor_execute", keep)


def plans(database, found):
    """How the database would go about these, where it uses every index that it can."""
    with database.read() as tx:
        run = tx.connection.exec_driver_sql
        if not database.is_sqlite:
            run("SET LOCAL enable_seqscan = off")
        how = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
        return [[str(tuple(r)) for r in run(how + statement, parameters)] for statement, parameters in found]


def test_no_look_reads_all_deliveries(world):
    """At a million of them it would be done every second."""
    undecided_texts(world, 2)
    a_silent_page(world)
    world.release_texts(3_000)
    world.clock.advance(TWO_MINUTES)
    with world.database.write() as tx:
        tx.execute(text("ANALYZE"))
    with statements(world.database) as found:
        world.parts.alarms.look()
    read = [(s, p) for s, p in found if " delivery" in s and s.lstrip().startswith(("SELECT", "WITH"))]
    assert len(read) == 3  # the third asks about the posts that are looked at, each found by its id
    lines = [line for plan in plans(world.database, read) for line in plan]
    by_id = re.compile(r"INTEGER PRIMARY KEY|delivery_pkey|pk_delivery")
    reading = [line for line in lines if re.search(r"(SEARCH|SCAN|Scan.* on) delivery\b", line)]
    reading = [line for line in reading if not by_id.search(line)]
    used = [re.search(r"\bix_delivery_(for_a_person|unknown)\b", line) for line in reading]
    assert all(used), reading
    assert not [
        line for line in reading if "SCAN delivery" in line and "for_a_person" not in line
    ]  # all of it
    assert {found[1] for found in used} == {"for_a_person", "unknown"}


# --- health --------------------------------------------------------------------------------------------------


def test_health_counts_open_alarms_and_tells_none(world):
    answer = get(world, "/health")
    assert (answer.status, answer.json) == (200, {"status": "up", "alarms": 0})
    released = undecided_texts(world, 1)
    pause(world)
    looked(world)
    answer = get(world, "/health")
    assert (answer.status, answer.json) == (200, {"status": "up", "alarms": 2})
    world.parts.alarms.acknowledge(world.officer, "unknown_undecided", released.ref, reason="seen")
    assert get(world, "/health").json["alarms"] == 1
