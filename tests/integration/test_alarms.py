"""Alarms: what is wrong is raised once, told in words, cleared when it is over, and raised again when it happens again."""

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from alembic import command
from sqlalchemy import event, inspect, text

from broadcaster.bootstrap import build
from broadcaster.db import accounts
from broadcaster.db import alarms as store
from broadcaster.db.engine import Database
from broadcaster.db.migrate import alembic_config, migrate
from broadcaster.db.tables import account, alarm, audit_event, batch, delivery, metadata
from broadcaster.domain.alarm import ACKNOWLEDGED_BY_A_PERSON, AlarmCode
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import Invalid, NotAllowed, NotConfigured, NotFound, OutcomeUnknown
from broadcaster.domain.message import Mode
from broadcaster.settings import Settings
from tests.builders import NO_HURRY, a_world
from tests.fakes import Took
from tests.integration.test_cli import Desk
from tests.integration.test_web import get

TWO_MINUTES, HALF_A_MINUTE = 121, 31


@pytest.fixture
def world(database_url, tmp_path):
    with a_world(database_url, tmp_path, max_in_flight=4) as world:
        yield world


def looked(world):
    """What is open after two looks: (code, subject) of each."""
    world.parts.alarms.look()
    world.parts.alarms.look()
    return sorted((a.code, a.subject) for a in world.parts.alarms.watch().alarms)


def told(world, code):
    (found,) = [a.text for a in world.parts.alarms.watch().alarms if a.code == code]
    return found


def events(world, act):
    """Code and subject of what the audit log says of alarms."""
    payloads = [json.loads(e.payload) for e in world.rows(audit_event, act=act)]
    return [(p["code"], p["subject"]) for p in payloads]


def a_silent_page(world, **values):
    world.page.answers.append(OutcomeUnknown("t"))
    released = world.release(channels=("facebook",), **values)
    world.work_public()
    return released


def undecided_texts(world, size=3):
    """Texts that no receipt came for, of a message that is not sent again by itself."""
    world.gateway.answers.extend(Took(OutcomeUnknown("t")) for _ in range(size))
    released = world.release_texts(size, **NO_HURRY)
    world.work_bulk()
    world.clock.advance(TWO_MINUTES)
    world.parts.reconcile.look_into()
    assert world.totals(released.ref) == {"unknown_final": size}
    return released


def pause(world, name="page"):
    with world.database.write() as tx:
        accounts.ensure(tx, mode="live", channel="facebook", name=name)
    world.change(account, {"paused_at": world.now(), "pause_reason": "The token has expired."}, name=name)


# --- raised once, cleared, raised again ---------------------------------------------------------------------


def test_where_nothing_is_wrong_nothing_is_raised_or_written(world):
    world.release()
    world.work_public()
    before = world.snapshot()
    assert looked(world) == []
    assert world.snapshot() == before


def test_an_alarm_is_raised_once_cleared_when_over_and_raised_again(world):
    what = ("account_paused", "live/page")
    for times in (1, 2):
        pause(world)
        assert looked(world) == [what]
        before = world.snapshot()
        assert looked(world) == [what]
        assert world.snapshot() == before
        world.clock.advance(60)
        world.parts.accounts.resume(world.administrator, "page", "live")
        assert looked(world) == []
        assert events(world, "alarm_raised") == [what] * times
        assert events(world, "alarm_cleared") == [what] * times
    kept = world.rows(alarm)
    assert [(a.cleared_at - a.raised_at).total_seconds() >= 60 for a in kept] == [True, True]
    assert [e["subject"] for e in world.logs if e["event"] == "alarm_raised"] == ["live/page"] * 2
    assert {e["log_level"] for e in world.logs if e["event"] == "alarm_raised"} == {"error"}
    assert "alarm_raised" in world.acts()  # which checks the chain


def test_the_sweeper_looks_after_it_has_done_everything_else(world):
    world.page.always = NotConfigured("bad_token", "Facebook refused the token.")
    world.release(channels=("facebook",))
    world.work_public()
    world.parts.sweep.sweep()
    assert events(world, "alarm_raised") == [("account_paused", "live/page")]


def test_two_sweepers_at_once_raise_and_clear_one(world):
    other = world.beside()
    assert world.administrator
    for times in range(1, 6):
        for change in (pause, lambda w: w.parts.accounts.resume(w.administrator, "page", "live")):
            change(world)
            barrier = threading.Barrier(2)

            def look(parts, barrier=barrier):
                barrier.wait()
                parts.alarms.look()

            with ThreadPoolExecutor(2) as pool:
                list(pool.map(look, (world.parts, other)))
        assert len(events(world, "alarm_raised")) == times
        assert len(events(world, "alarm_cleared")) == times
    assert len(world.rows(alarm)) == 5


def test_a_second_sweeper_that_found_it_at_the_same_moment_raises_nothing(world):
    """Both have read before either has written."""
    other = world.beside()
    pause(world)
    with world.meanwhile(world.database, "FROM alarm", other.alarms.look):
        world.parts.alarms.look()
    assert events(world, "alarm_raised") == [("account_paused", "live/page")]
    world.parts.accounts.resume(world.administrator, "page", "live")
    with world.meanwhile(world.database, "FROM alarm", other.alarms.look):
        world.parts.alarms.look()
    assert events(world, "alarm_cleared") == [("account_paused", "live/page")]


def test_the_database_itself_keeps_one_open_alarm_of_a_kind(world):
    row = {"code": "quarantined", "subject": "7F3K2M", "text": "", "size": 1, "raised_at": world.now()}
    world.add(alarm, **row, cleared_at=world.now())
    world.add(alarm, **row)
    with pytest.raises(Exception, match=r"(?i)unique"):
        world.add(alarm, **row)


# --- each of them -------------------------------------------------------------------------------------------


def test_a_post_that_is_unknown_for_two_minutes_is_told_with_what_is_being_done(world):
    released = a_silent_page(world, **NO_HURRY)
    world.clock.advance(118)
    assert looked(world) == []
    world.clock.advance(3)
    assert looked(world) == [("unknown_waits", released.ref)]
    words = told(world, "unknown_waits")
    assert words.startswith(f"1 delivery of {released.ref} (1 to facebook) may or may not have been sent")
    assert "(facebook: our own posts there are read back): wait" in words
    key = world.delivery("facebook").id
    world.change(delivery, {"state": "accepted", "unknown_since": None}, id=key)
    assert looked(world) == []


def test_what_nothing_will_prove_is_told_at_once_until_a_person_has_decided(world):
    released = undecided_texts(world)
    assert looked(world) == [("unknown_undecided", released.ref)]
    words = told(world, "unknown_undecided")
    assert words.startswith(f"3 deliveries of {released.ref} (3 to sms) may or may not have been sent")
    assert words.endswith("broadcaster unknown list")
    first, second, third = (d.uid for d in world.deliveries("sms"))
    for uid in (first, second):
        world.parts.unknowns.mark_sent(world.officer, uid, link="https://log.test", reason="seen")
    assert looked(world) == [("unknown_undecided", released.ref)]
    assert told(world, "unknown_undecided").startswith("1 delivery of")  # another number is no other alarm
    assert len(events(world, "alarm_raised")) == 1
    world.parts.unknowns.mark_sent(world.officer, third, link="https://log.test", reason="seen")
    assert looked(world) == []
    assert events(world, "alarm_cleared") == [("unknown_undecided", released.ref)]


def test_what_was_sent_twice_and_then_quarantined_is_undecided_too(world):
    released = world.release_texts(2)
    values = {"state": "quarantined", "settled_at": world.now()}
    ids = [d.id for d in world.deliveries("sms")]
    world.change(delivery, {**values, "resends": 1}, id=ids[0])
    assert looked(world) == [("unknown_undecided", released.ref)]
    world.change(delivery, values, id=ids[1])
    assert looked(world) == [("quarantined", released.ref), ("unknown_undecided", released.ref)]
    assert f"1 delivery of {released.ref} (1 to sms)" in told(world, "quarantined")


def test_a_message_with_many_places_is_one_alarm_and_two_messages_are_two(world):
    texts = undecided_texts(world, 2)
    posts = world.release(channels=("facebook", "x"), **NO_HURRY)
    world.work_public()
    for channel in ("facebook", "x"):
        world.change(delivery, {"state": "unknown_final"}, id=world.delivery(channel).id)
    assert looked(world) == sorted([("unknown_undecided", texts.ref), ("unknown_undecided", posts.ref)])
    (words,) = [a.text for a in world.parts.alarms.of(posts.ref)]
    assert words.startswith(f"2 deliveries of {posts.ref} (1 to facebook, 1 to x)")


def test_more_than_can_be_counted_each_second_is_at_least_so_many(world):
    released = world.release_texts(store.COUNTED + 5)
    world.change(delivery, {"state": "unknown_final"}, state="pending")
    world.change(batch, {"state": "done"}, state="ready")
    assert looked(world) == [("unknown_undecided", released.ref)]
    assert told(world, "unknown_undecided").startswith(f"At least 1,000 deliveries of {released.ref}")
    world.change(delivery, {"state": "unknown", "unknown_since": world.now()}, state="unknown_final")
    world.clock.advance(TWO_MINUTES)
    assert looked(world) == [("unknown_waits", released.ref)]
    assert told(world, "unknown_waits").startswith("At least 1,000")


def test_a_broadcast_that_lost_a_delivery_is_told_when_it_ends_and_until_a_person_has_seen_it(world):
    released = world.release(channels=("facebook", "x"))
    world.work_public()
    lost = world.delivery("x").id
    with world.database.write() as tx:
        tx.execute(text("DELETE FROM attempt WHERE delivery_id = :id"), {"id": lost})
        tx.execute(text("DELETE FROM delivery WHERE id = :id"), {"id": lost})
    world.parts.sweep.sweep()
    world.parts.sweep.sweep()
    assert looked(world) == [("counts_differ", released.ref)]
    words = f"{released.ref} has ended with 2 deliveries planned and 1 counted (1 accepted). Some were lost or doubled."
    assert told(world, "counts_differ").startswith(words)
    assert world.acts()[-2:] == ["alarm_raised", "broadcast_done"]
    parts = world.parts.alarms
    parts.acknowledge(
        world.officer, "counts_differ", released.ref.lower(), reason="a row was deleted by hand"
    )
    assert looked(world) == []
    (done,) = world.rows(audit_event, act="alarm_acknowledged")
    assert (done.actor, done.subject) == ("olive", released.ref)
    assert json.loads(done.payload)["reason"] == "a row was deleted by hand"


def test_a_sum_that_differs_once_more_is_told_in_the_words_of_now(world):
    released = world.release(channels=("facebook",))
    world.work_public()
    row = {"code": "counts_differ", "subject": released.ref, "text": "before", "size": 1}
    world.add(alarm, **row, raised_at=world.now())
    with world.database.write() as tx:
        tx.execute(text("DELETE FROM attempt"))
        tx.execute(text("DELETE FROM delivery"))
    world.parts.sweep.end_what_is_over()
    assert told(world, "counts_differ").startswith(f"{released.ref} has ended")
    assert events(world, "alarm_raised") == []


def test_a_paused_account_is_told_with_its_reason_and_the_command_that_ends_it(world):
    world.release(channels=("website", "facebook"))
    world.release(channels=("website",), mode=Mode.EXERCISE)
    pause(world)
    pause(world, "site")  # of both modes
    assert [subject for _, subject in looked(world)] == ["exercise/site", "live/page", "live/site"]
    words = {a.subject: a.text for a in world.parts.alarms.watch().alarms}
    assert "The token has expired." in words["live/page"]
    assert words["live/page"].endswith("broadcaster account resume page")
    assert words["exercise/site"].endswith("broadcaster account resume site --mode exercise")
    (raised,) = world.rows(audit_event, subject="page")
    assert raised.act == "alarm_raised"


# --- nobody sends -------------------------------------------------------------------------------------------


def test_a_public_post_that_nobody_takes_for_half_a_minute_is_told(world):
    released = world.release(channels=("facebook",))
    world.clock.advance(29)
    assert looked(world) == []
    world.clock.advance(2)
    assert looked(world) == [("nobody_sends", "live/public")]
    assert told(world, "nobody_sends").startswith(
        "Live public posts have been waiting for more than 30 seconds"
    )
    assert released.ref in told(world, "nobody_sends")
    world.work_public()
    assert looked(world) == []


def test_texts_that_wait_for_their_turn_are_no_alarm_while_somebody_sends(world):
    released = world.release_texts(1_200)
    world.clock.advance(HALF_A_MINUTE)
    assert looked(world) == [("nobody_sends", "live/bulk")]
    world.once(Lane.BULK)
    assert {b.state for b in world.batches()} == {"ready"}  # the worker is between two batches
    assert looked(world) == []
    world.clock.advance(HALF_A_MINUTE)
    assert looked(world) == [("nobody_sends", "live/bulk")]
    world.change(batch, {"state": "leased", "lease_until": world.later(20)}, id=world.batches()[0].id)
    assert looked(world) == []  # one is at work on them
    world.clock.advance(21)
    assert looked(world) == [("nobody_sends", "live/bulk")]  # or was: its lease is over
    world.stop(released.ref)
    assert looked(world) == []


def test_an_audience_that_nobody_begins_to_plan_is_told(world):
    world.add_audience("residents", 3)
    released = world.release(channels=("sms",), audience="residents")
    world.clock.advance(29)
    assert looked(world) == []
    world.clock.advance(2)
    assert looked(world) == [("nobody_sends", "live/bulk")]
    assert released.ref in told(world, "nobody_sends")
    world.parts.plan.plan(world.broadcast_id(released.ref))
    assert looked(world) == []


def test_what_may_not_be_sent_waits_for_nobody(world):
    world.release(channels=("facebook",))
    pause(world)
    world.clock.advance(HALF_A_MINUTE)
    assert looked(world) == [("account_paused", "live/page")]
    expired = world.release(channels=("x",))
    world.clock.advance(HALF_A_MINUTE)
    assert looked(world) == [("account_paused", "live/page"), ("nobody_sends", "live/public")]
    world.clock.advance(13 * 3600)
    assert looked(world) == [("account_paused", "live/page")]
    assert world.status(expired.ref).state == "sending"  # the sweeper has not ended it yet


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
    assert events(world, "alarm_raised") == [key, key]


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
    world.parts.alarms.look()
    before = world.snapshot() if world.officer and world.administrator else None
    acknowledge = world.parts.alarms.acknowledge
    for code in sorted(frozenset(AlarmCode) - ACKNOWLEDGED_BY_A_PERSON):
        with pytest.raises(Invalid, match="over by itself once its cause is mended"):
            acknowledge(world.officer, code, "live/page", reason="x")
    with pytest.raises(NotAllowed, match="Only an approver or an officer may decide"):
        acknowledge(world.administrator, "unknown_undecided", released.ref, reason="x")
    with pytest.raises(Invalid, match="--reason"):
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
    assert len(read) == 2
    lines = [line for plan in plans(world.database, read) for line in plan]
    reading = [line for line in lines if re.search(r"(SEARCH|SCAN|Scan.* on) delivery\b", line)]
    used = [re.search(r"\bix_delivery_(for_a_person|unknown)\b", line) for line in reading]
    assert all(used), reading
    assert not [
        line for line in reading if "SCAN delivery" in line and "for_a_person" not in line
    ]  # all of it
    assert {found[1] for found in used} == {"for_a_person", "unknown"}


# --- from the schema before ---------------------------------------------------------------------------------


def rows_of(database, columns):
    """All rows as they are stored, by table: these columns of each, in the order of the first one."""
    with database.read() as tx:
        run = tx.connection.exec_driver_sql
        return {
            t: [tuple(r) for r in run(f"SELECT {', '.join(c)} FROM {t} ORDER BY 1")]
            for t, c in columns.items()
        }


def as_the_first_schema(database, rows_by_table):
    """The database anew, with the first schema and these rows. The columns that it has, by table."""
    with database.write() as tx:
        metadata.drop_all(tx.connection)
        tx.execute(text("DROP TABLE alembic_version"))
    with database.write() as tx:
        command.upgrade(alembic_config(tx.connection), "0001")
        found = inspect(tx.connection)
        names = [t.name for t in metadata.sorted_tables if t.name in found.get_table_names()]
        columns = {t: [column["name"] for column in found.get_columns(t)] for t in names}
        tx.execute(text("DELETE FROM audit_head"))
        for table, rows in rows_by_table(columns).items():
            marks = ", ".join(f":{name}" for name in columns[table])
            insert = text(f"INSERT INTO {table} ({', '.join(columns[table])}) VALUES ({marks})")
            if rows:
                tx.execute(insert, [dict(zip(columns[table], row, strict=True)) for row in rows])
            if rows and tx.connection.dialect.name == "postgresql" and "id" in columns[table]:
                tx.execute(
                    text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
                )
    return columns


def test_a_database_of_the_first_schema_is_brought_here_with_all_it_holds(empty_database_url, tmp_path):
    database = Database(empty_database_url)
    migrate(database)
    with a_world(empty_database_url, tmp_path) as world:
        released = undecided_texts(world, 2)
        everything = {t.name: [c.name for c in t.columns] for t in metadata.sorted_tables}
        now = {
            t: [dict(zip(everything[t], r, strict=True)) for r in rows]
            for t, rows in rows_of(database, everything).items()
        }
        columns = as_the_first_schema(
            database, lambda old: {t: [tuple(row[c] for c in old[t]) for row in now[t]] for t in old}
        )
        assert "alarm" not in columns
        before = rows_of(database, columns)
        assert before["delivery"]
        assert migrate(database)[0] == "0002"
        assert rows_of(database, columns) == before
        assert looked(world) == [("unknown_undecided", released.ref)]
    database.close()


# --- shown --------------------------------------------------------------------------------------------------


def test_health_counts_open_alarms_and_tells_none(world):
    answer = get(world, "/health")
    assert (answer.status, answer.json) == (200, {"status": "up", "alarms": 0})
    released = undecided_texts(world, 1)
    pause(world)
    world.parts.alarms.look()
    answer = get(world, "/health")
    assert (answer.status, answer.json) == (200, {"status": "up", "alarms": 2})
    world.parts.alarms.acknowledge(world.officer, "unknown_undecided", released.ref, reason="seen")
    assert get(world, "/health").json["alarms"] == 1


@pytest.fixture
def desk(tmp_path, database_url):
    desk = Desk(tmp_path, database_url)
    desk.add_users()
    desk.add_accounts()
    return desk


def sweep(desk):
    settings = Settings.load({"BROADCASTER_DATA_DIR": str(desk.data)})
    database = Database(desk.url)
    parts = build(settings, modes=(), database=database)
    assert parts.sweep.lead()
    parts.alarms.look()
    database.close()


def change(desk, statement, **values):
    database = Database(desk.url)
    with database.write() as tx:
        tx.execute(text(statement), values)
    database.close()


def test_the_command_exits_with_0_and_a_sentence_where_nothing_is_wrong(desk):
    sweep(desk)
    assert desk.do("alarms", who="auditor") == (
        "No alarm is open: the sweeper looks every second and finds nothing wrong.\n"
    )
    shown = desk.data_of("alarms", who="auditor")
    assert (shown["open"], shown["watching"], shown["alarms"]) == (0, True, [])


def test_the_command_exits_with_1_where_nobody_looks(desk):
    done = desk.run("alarms", who="officer")
    assert (done.returncode, done.stderr) == (1, "")
    assert "Nobody has looked for alarms yet" in done.stdout
    assert "broadcaster up" in done.stdout
    assert json.loads(desk.run("alarms", "--json", who="officer").stdout)["watching"] is False


def test_the_command_shows_what_is_wrong_and_exits_with_1_until_it_is_over(desk):
    ref = a_lost_delivery(desk)
    sweep(desk)
    done = desk.run("alarms", who="officer")
    assert done.returncode == 1
    heading, words = done.stdout.splitlines()
    assert heading.startswith(f"counts_differ {ref}, since 20")
    assert heading.endswith(("GMT", "BST"))
    assert words == "  Two are gone. Tell an administrator."
    shown = desk.run("alarms", "--json", who="officer")
    assert shown.returncode == 1
    (one,) = json.loads(shown.stdout)["alarms"]
    assert (one["code"], one["subject"], one["cleared_at"]) == ("counts_differ", ref, None)
    said = desk.do("alarms", "acknowledge", "counts_differ", ref, "--reason", "restored", who="officer")
    assert "is acknowledged" in said
    assert desk.do("alarms", who="officer").startswith("No alarm is open")
    assert "acknowledged 20" in desk.do("alarms", "--all", who="officer")
    (event,) = [e for e in desk.data_of("audit", "show", who="auditor")["events"] if "alarm" in e["act"]]
    assert (event["actor"], event["act"]) == ("officer", "alarm_acknowledged")


def test_who_may_not_see_or_decide_is_refused(desk):
    assert "Only" in desk.refused("alarms", who="keeper")
    assert "not signed in" in desk.refused("alarms")
    words = ("alarms", "acknowledge", "counts_differ", "7F3K2M", "--reason", "x")
    assert "Only an approver or an officer may decide" in desk.refused(*words, who="auditor")
    assert "No alarm counts_differ of 7F3K2M is open" in desk.refused(*words, who="officer")
    assert desk.run(*words[:-2], who="officer").returncode == 2


def test_status_shows_the_alarms_of_that_message_on_top(desk):
    ref = a_lost_delivery(desk)
    shown = desk.do("status", ref, who="officer")
    assert shown.startswith(f"counts_differ {ref}, since")
    assert shown.splitlines()[1] == "  Two are gone. Tell an administrator."
    assert [a["code"] for a in desk.data_of("status", ref, who="officer")["alarms"]] == ["counts_differ"]
    other = desk.draft("website")
    assert "counts_differ" not in desk.do("status", other, who="officer")


def a_lost_delivery(desk):
    """A message with an alarm of its own."""
    ref = desk.draft("website")
    change(
        desk,
        "INSERT INTO alarm (code, subject, text, size, raised_at) VALUES "
        "('counts_differ', :ref, 'Two are gone. Tell an administrator.', 1, :at)",
        ref=ref,
        at="2026-11-21T18:00:05.000000Z",
    )
    return ref
