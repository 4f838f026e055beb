"""T35: whoever alters the audit log in the database is found, with the first event that nobody can trust; a log that nobody
altered raises no alarm."""

import hashlib
import json
import random

import pytest
from sqlalchemy import LargeBinary, cast, select, update

from broadcaster.audit.anchors import AnchorFolder
from broadcaster.audit.notes import SealKey
from broadcaster.audit.verifier.notes import read_notes
from broadcaster.db import audit_log
from broadcaster.db.tables import audit_checkpoint, audit_event
from broadcaster.service.audit import Audit
from broadcaster.service.seal import Seal
from tests.builders import a_world
from tests.integration.tampers import TAMPERS, Log, older_snapshot, put_back, saved

CLEAN_LOGS, BYTES = 50, 40  # on each database


def append(database, *acts, **more):
    with database.write() as tx:
        for number, act in enumerate(acts):
            said = {"actor": "ann", "act": act, "subject": "7F3K2M", "payload": {"count": number}}
            audit_log.append(tx, **said | more)


def lay_down(database, folder):
    """The newest checkpoint, outside of the database."""
    with database.read() as tx:
        for newest in audit_log.last_checkpoints(tx):
            folder.add(newest.note)


@pytest.fixture
def world(database_url, tmp_path):
    with a_world(database_url, tmp_path) as world:
        world.add_audience("residents", 3)  # whatever that and the people leave is among the first events
        yield world


@pytest.fixture
def log(world):
    """See tests/integration/tampers.py."""
    seal, folder = world.parts.seal.seal, AnchorFolder(world.parts.settings.anchors)
    with world.database.read() as tx:
        there = len(audit_log.unsealed(tx))
    append(world.database, *("tested" for _ in range(5 - there)))
    seal()
    append(world.database, *("tested" for _ in range(5)))
    seal()
    lay_down(world.database, folder)
    released = world.release(channels=("facebook", "sms"), audience="residents")
    world.work_public()
    world.parts.plan.plan(world.broadcast_id(released.ref))
    world.work_bulk()
    sent = seal() + 10
    lay_down(world.database, folder)
    for _ in range(4):
        append(world.database, "tested")
        seal()
    outcomes = max(e.no for e in world.rows(audit_event, act="outcomes_recorded"))
    group = json.loads(world.row(audit_event, no=outcomes).payload)["group"]
    return Log(last=sent + 4, sent=sent, outcomes=outcomes, group=group)


def test_every_single_change_is_found_with_the_right_number(world, log, subtests):
    key = (world.parts.settings.anchors / "keys.txt").read_text().split()
    with world.database.read() as tx:
        whole = saved(tx)
    assert world.parts.audit.verify(keys=key).code == 0
    assert len(TAMPERS) >= 40
    for name, (change, expected) in TAMPERS.items():
        with subtests.test(name):
            with world.database.write() as tx:
                change(tx, log)
            verdict = world.parts.audit.verify(keys=key)
            with world.database.write() as tx:
                put_back(tx, whole)
            assert verdict.code == 1
            assert verdict.first_bad == (expected(log) if callable(expected) else expected), verdict.problems
    assert world.parts.audit.verify(keys=key).code == 0


def changed(value, chance):
    """Another value of the same kind: one character of a text, one more of a number, a microsecond of a time."""
    if isinstance(value, str) and value:
        at = chance.randrange(len(value))
        return value[:at] + chance.choice([c for c in 'aZ09 {"é' if c != value[at]]) + value[at + 1 :]
    if isinstance(value, int):
        return value + 100_000
    return value.replace(microsecond=(value.microsecond + 1) % 1_000_000)


def test_any_one_changed_byte_of_any_column_is_found(world, log, subtests):
    """At random places; the first number is that of the event, or for a checkpoint at most its last one."""
    chance = random.Random(35)
    with world.database.read() as tx:
        whole = saved(tx)
    cells = [
        (table, row, column)
        for table in (audit_event, audit_checkpoint)
        for row in whole[table]
        for column in table.c
    ]
    for table, row, column in chance.sample(cells, BYTES):
        new = changed(row[column.name], chance)
        with subtests.test(f"{table.name}.{column.name} {ascii(new)[:40]}"):
            key = next(iter(table.primary_key.columns))
            with world.database.write() as tx:
                tx.execute(update(table).where(key == row[key.name]).values({column.name: new}))
            verdict = world.parts.audit.verify()
            with world.database.write() as tx:
                put_back(tx, whole)
            assert verdict.code == 1
            assert verdict.first_bad <= row["no" if table is audit_event else "size"]
            if table is audit_event and column.name != "no":
                assert verdict.first_bad == row["no"]


def test_bytes_that_are_no_text_at_all_are_found_too(world, log):
    """SQLite keeps in a text column whatever bytes are put there."""
    if not world.database.is_sqlite:
        pytest.skip("PostgreSQL holds no text that is not UTF-8")
    for table, name, no in (
        (audit_event, "payload", 7),
        (audit_event, "at", 7),
        (audit_checkpoint, "note", 6),
    ):
        with world.database.read() as tx:
            whole = saved(tx)
        with world.database.write() as tx:
            where = audit_event.c.no == 7 if table is audit_event else audit_checkpoint.c.size == 10
            tx.execute(update(table).where(where).values({name: cast(b"\xff\xfe{", LargeBinary)}))
        assert world.parts.audit.verify().first_bad == no
        with world.database.write() as tx:
            put_back(tx, whole)


def test_logs_that_nobody_altered_raise_no_alarm(database, tmp_path):
    chance = random.Random(100)
    for number in range(CLEAN_LOGS):
        folder = AnchorFolder(tmp_path / f"anchors-{number}")
        with database.write() as tx:
            for table in (audit_event, audit_checkpoint):
                tx.execute(table.delete())
        sealer = Seal(database, SealKey(tmp_path / f"seal-{number}.key"), folder)
        for _ in range(chance.randint(1, 4)):
            acts = chance.sample(
                ["tested", "message_approved_and_released", "geändert", 'q"uote'], chance.randint(0, 4)
            )
            append(
                database,
                *acts,
                payload={"text": chance.choice(["", "é\u2028\n", "\\", "👨‍👩‍👧", '"leaf":"'])},
            )
            if chance.random() < 0.8:
                sealer.seal()
            if chance.random() < 0.5:
                lay_down(database, folder)
        verdict = Audit(database, folder).verify()
        assert (verdict.code, verdict.problems) == (0, []), number


def test_the_end_that_nothing_outside_vouches_for_is_told_after_a_while(world, log):
    """Laid down at event `sent`; the four after it a quarter of an hour ago."""
    assert world.parts.audit.verify().code == 0
    world.clock.advance(16 * 60)
    verdict = world.parts.audit.verify()
    assert (verdict.code, verdict.anchored) == (3, log.sent)
    lay_down(world.database, AnchorFolder(world.parts.settings.anchors))
    verdict = world.parts.audit.verify()
    assert (verdict.code, verdict.anchored) == (0, log.last)


def test_the_anchors_that_an_auditor_kept_count_where_those_of_the_house_were_replaced(world, log):
    """Whoever owns the machine rewrites everything, the anchors and the key too. What was carried away tells."""
    anchors = world.parts.settings.anchors
    kept, key = (anchors / "checkpoints.txt").read_text(), (anchors / "keys.txt").read_text().split()
    change, _ = TAMPERS["all of it, signed by another key"]
    with world.database.write() as tx:
        change(tx, log)
        new = tx.execute(select(audit_checkpoint.c.note).where(audit_checkpoint.c.size == 10)).scalar_one()
    (anchors / "checkpoints.txt").write_text(f"{new}\n")
    assert world.parts.audit.verify(keys=key).first_bad == 1
    assert world.parts.audit.verify(anchors=read_notes(kept)).code == 1


def test_a_time_stamp_whose_checkpoint_is_gone_tells_of_a_log_that_was_cut_off(world, log):
    """Where nothing else is left outside."""
    folder = AnchorFolder(world.parts.settings.anchors)
    with world.database.write() as tx:
        note = audit_log.last_checkpoints(tx)[0].note
        folder.add_timestamp(log.last, hashlib.sha256(note.encode()).digest())
    folder.file.unlink()
    assert world.parts.audit.verify().code == 0
    with world.database.write() as tx:
        older_snapshot(log.last - 1)(tx, log)
    assert world.parts.audit.verify().first_bad == log.last
