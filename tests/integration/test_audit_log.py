"""The audit log: written in the change's own transaction, and sealed behind it into one dense tree, whoever writes at once."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, select, text

from broadcaster.audit.anchors import AnchorFolder
from broadcaster.audit.notes import SealKey, Signer
from broadcaster.audit.verifier.notes import Keys, Note
from broadcaster.db import audit_log
from broadcaster.db.engine import Database
from broadcaster.db.tables import alarm, audit_checkpoint, audit_event
from broadcaster.domain.audit import event_leaf
from broadcaster.domain.policy import Role
from broadcaster.domain.tree import Frontier
from broadcaster.service.audit import Audit
from broadcaster.service.people import People
from broadcaster.service.rules import Rules
from broadcaster.service.seal import MOST_AT_ONCE, Seal

APPEND_TWENTY = """
import sys
from broadcaster.db import audit_log
from broadcaster.db.engine import Database
database = Database(sys.argv[1])
for number in range(20):
    with database.write() as tx:
        audit_log.append(tx, actor=sys.argv[2], act="tested", payload={"number": number})
"""


@pytest.fixture
def sealer(database, tmp_path):
    return a_sealer(database, tmp_path)


def a_sealer(database, tmp_path):
    return Seal(database, SealKey(tmp_path / "keys" / "seal.key"), AnchorFolder(tmp_path / "anchors"))


@pytest.fixture
def check(database, tmp_path):
    return Audit(database, AnchorFolder(tmp_path / "anchors")).verify


def append(database, *acts):
    for act in acts:
        with database.write() as tx:
            audit_log.append(tx, actor="ann", act=act, subject="7F3K2M", payload={"count": 3})


def events(database, **which):
    with database.read() as tx:
        return list(audit_log.events(tx, **which))


def checkpoints(database):
    with database.read() as tx:
        return list(audit_log.checkpoints(tx))


def test_an_event_waits_for_its_seal_and_is_read_meanwhile(database, sealer, check):
    append(database, "submitted", "approved")
    assert [(e.no, e.leaf, e.act) for e in events(database)] == [
        (None, None, "submitted"),
        (None, None, "approved"),
    ]
    assert check().unsealed == 2
    assert sealer.seal() == 2
    assert [e.no for e in events(database)] == [1, 2]
    assert [e.leaf for e in events(database)] == [event_leaf(e).hex() for e in events(database)]
    assert sealer.seal() == 0
    assert (check().events, check().unsealed, check().code) == (2, 0, 0)


def test_an_empty_log_is_whole(database, sealer, check):
    assert sealer.seal() == 0
    assert events(database) == checkpoints(database) == []
    assert check().code == 0


def test_each_sealing_is_signed_and_vouches_for_the_one_before(database, sealer, check):
    append(database, "submitted", "approved")
    sealer.seal()
    append(database, "stopped")
    sealer.seal()
    assert [c.size for c in checkpoints(database)] == [2, 3]
    assert "\nprevious " in checkpoints(database)[1].note
    assert (check().checkpoints, check().code) == (2, 0)


def test_the_payload_is_canonical(database):
    with database.write() as tx:
        audit_log.append(tx, actor="ann", act="imported", payload={"b": 1, "a": "é"})
    assert events(database)[0].payload == '{"a":"é","b":1}'


def test_events_of_one_subject(database):
    append(database, "submitted", "approved")
    with database.write() as tx:
        audit_log.append(tx, actor="bob", act="signed in", subject="bob")
    assert [e.act for e in events(database, subject="bob")] == ["signed in"]


def test_a_change_that_is_taken_back_leaves_no_gap(database, sealer, check):
    append(database, "submitted")
    with pytest.raises(KeyError), database.write() as tx:
        audit_log.append(tx, actor="ann", act="approved")
        raise KeyError
    append(database, "rejected")
    sealer.seal()
    assert [(e.no, e.act) for e in events(database)] == [(1, "submitted"), (2, "rejected")]
    assert check().code == 0


def test_what_was_committed_late_under_an_earlier_id_is_sealed_all_the_same(database, sealer, check):
    """The classic mistake is to seal "above the last id". SQLite has one writer at a time, so it cannot happen there."""
    if database.is_sqlite:
        append(database, "early", "late")
        sealer.seal()
    else:
        with database.write() as slow:
            audit_log.append(slow, actor="ann", act="late")
            append(database, "early")
            assert sealer.seal() == 1
        assert sealer.seal() == 1
    found = events(database)
    assert sorted(e.no for e in found) == [1, 2]
    assert {e.act: e.no for e in found} == {"early": 1, "late": 2}
    assert check().code == 0


def test_threads_that_write_at_once_and_two_sealers_make_one_dense_tree(database, sealer, check, tmp_path):
    other = a_sealer(database, tmp_path)
    with ThreadPoolExecutor(8) as pool:
        writes = [pool.submit(append, database, f"act {n}") for n in range(48)]
        seals = [pool.submit(each.seal) for _ in range(6) for each in (sealer, other)]
        for done in (*writes, *seals):
            done.result()
    sealer.seal()
    assert sorted(e.no for e in events(database)) == list(range(1, 49))
    assert {e.act for e in events(database)} == {f"act {n}" for n in range(48)}
    assert (check().events, check().code) == (48, 0)


def test_processes_that_write_at_once_make_one_dense_tree(database, sealer, check):
    command = [sys.executable, "-c", APPEND_TWENTY, database.url]
    processes = [subprocess.Popen([*command, name]) for name in ("ann", "bob", "cy")]
    while any(process.poll() is None for process in processes):
        sealer.seal()
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    sealer.seal()
    assert sorted(e.no for e in events(database)) == list(range(1, 61))
    assert sorted(e.actor for e in events(database)) == ["ann"] * 20 + ["bob"] * 20 + ["cy"] * 20
    assert (check().events, check().code) == (60, 0)


def test_a_sealer_that_starts_anew_goes_on_with_the_tree_that_stands(database, sealer, check, tmp_path):
    append(database, "submitted", "approved", "stopped")
    sealer.seal()
    append(database, "resumed")
    a_sealer(database, tmp_path).seal()
    append(database, "done")
    sealer.seal()  # and the first one notices that another was at it
    tree = Frontier()
    for each in events(database):
        tree.append(event_leaf(each))
    assert [c.size for c in checkpoints(database)] == [3, 4, 5]
    assert (check().events, check().code) == (5, 0)


def test_more_than_one_checkpoint_is_over_are_sealed_at_once(database, sealer, check):
    with database.write() as tx:
        for _ in range(MOST_AT_ONCE + 1):
            audit_log.append(tx, actor="ann", act="tested")
    assert sealer.seal() == MOST_AT_ONCE + 1
    assert [c.size for c in checkpoints(database)] == [MOST_AT_ONCE, MOST_AT_ONCE + 1]
    assert check().code == 0


def test_a_sealing_that_cannot_be_committed_leaves_nothing_behind(database, sealer, check):
    append(database, "submitted")
    with database.write() as tx:
        tx.execute(text("ALTER TABLE audit_checkpoint RENAME TO away"))
    with pytest.raises(Exception, match="audit_checkpoint"):
        sealer.seal()
    with database.write() as tx:
        tx.execute(text("ALTER TABLE away RENAME TO audit_checkpoint"))
    assert events(database)[0].no is None
    assert sealer.seal() == 1
    assert check().code == 0


def test_a_sealer_that_starts_reads_a_long_log_without_keeping_writers_waiting(
    database, sealer, check, tmp_path
):
    append(database, "submitted", "approved")
    sealer.seal()
    append(database, "stopped")
    starting, other = Database(database.url), Database(database.url, lock_wait_s=0.2)
    to_write = ["done"]

    def write_meanwhile(_connection, _cursor, statement, *_rest):
        if to_write and statement.startswith("SELECT audit_event.leaf"):
            append(other, to_write.pop())

    event.listen(starting.engine, "after_cursor_execute", write_meanwhile)
    assert a_sealer(starting, tmp_path).seal() == 2
    assert check().events == 4
    for each in (starting, other):
        each.close()


def test_a_sealer_that_starts_on_another_tree_than_was_signed_raises_an_alarm_and_goes_on(
    database, sealer, check, tmp_path
):
    append(database, "submitted", "approved")
    sealer.seal()
    with database.write() as tx:
        tx.execute(text("UPDATE audit_event SET leaf = :leaf WHERE no = 1"), {"leaf": "0" * 64})
    append(database, "stopped")
    a_sealer(database, tmp_path).seal()
    with database.read() as tx:
        assert [row.code for row in tx.execute(select(alarm))] == ["audit_log_altered"]
        assert tx.execute(select(audit_event.c.no).where(audit_event.c.act == "stopped")).scalar_one() == 3
        assert len(tx.execute(select(audit_checkpoint)).all()) == 2
    assert check().first_bad == 1


def administrator(database):
    people = People(database, Rules(is_sandbox=lambda: False, fresh_minutes=5))
    return people.add(None, name="root", roles=[Role.ADMINISTRATOR])


def test_the_key_changes_and_whoever_holds_the_old_one_can_follow(database, sealer, check, tmp_path):
    append(database, "submitted")
    sealer.seal()
    old = AnchorFolder(tmp_path / "anchors").keys()
    new = sealer.change_key(administrator(database))
    assert sealer.key_changes()
    sealer.seal()
    assert not sealer.key_changes()
    append(database, "approved")
    sealer.seal()
    assert AnchorFolder(tmp_path / "anchors").keys() == [*old, new]
    last = checkpoints(database)[-1].note
    assert Keys([new]).signed(Note(last))
    assert not Keys(old).signed(Note(last))
    assert [check(keys=keys).code for keys in (old, [new], [*old, new])] == [0, 0, 0]


def test_a_sealer_that_died_before_it_took_the_next_key_takes_it_when_it_starts(
    database, sealer, check, tmp_path
):
    append(database, "submitted")
    sealer.seal()
    new = sealer.change_key(administrator(database))
    key = tmp_path / "keys" / "seal.key"
    before = key.read_text()
    sealer.seal()
    key.rename(tmp_path / "keys" / "seal.next")  # as it was after the commit
    key.write_text(before)
    a_sealer(database, tmp_path).seal()
    assert SealKey(key).load_or_create().public == new
    append(database, "approved")
    a_sealer(database, tmp_path).seal()
    assert check().code == 0


def test_a_next_key_that_another_put_there_is_worth_nothing_to_who_holds_the_old_one(
    database, sealer, check, tmp_path
):
    """It is named by a checkpoint or it is not the next key."""
    append(database, "submitted")
    sealer.seal()
    old = AnchorFolder(tmp_path / "anchors").keys()
    (tmp_path / "keys" / "seal.key").write_text(Signer.new(old[0].split("+")[0]).to_text())
    append(database, "approved")
    a_sealer(database, tmp_path).seal()
    assert check(keys=old).first_bad == 2
