"""The audit log as a file that can be checked without this system, by the command and by what it calls."""

import json
import stat

import pytest
from sqlalchemy import text, update
from typer.testing import CliRunner

from broadcaster.cli.main import app
from broadcaster.db import audit_log
from broadcaster.db.tables import audit_event
from broadcaster.domain.audit import GENESIS, first_bad
from broadcaster.domain.audit_export import read_export
from broadcaster.domain.errors import NotAllowed, NotFound
from broadcaster.domain.policy import Role
from tests.builders import a_world

MANY = 2_500  # more than the database hands over at once


@pytest.fixture
def world(database_url, tmp_path):
    with a_world(database_url, tmp_path) as world:
        yield world


@pytest.fixture
def auditor(world):
    return world.person("ada", "auditor")


def export(world, ref=""):
    return list(world.parts.report.export(world.person("ada", "auditor"), ref))


def tampered(world, no, **values):
    with world.database.write() as tx:
        tx.execute(update(audit_event).where(audit_event.c.no == no).values(**values))


# --- what is exported --------------------------------------------------------------------------------------


def test_a_header_and_then_every_event_with_every_field(world, auditor):
    world.draft()
    world.release()
    header, *lines = [json.loads(line) for line in export(world)]
    events = world.rows(audit_event)
    assert header["format"] == "broadcaster-audit-1"
    assert (header["head_no"], header["head_sha256"]) == (len(events), events[-1].sha256)
    assert header["message"] == ""
    assert header["exported_at"].endswith("+00:00")
    wanted = {column.name for column in audit_event.c} - {"id"}
    assert all(set(line) == wanted for line in lines)
    assert [line["payload"] for line in lines] == [event.payload for event in events]


def test_what_was_exported_is_a_whole_chain_that_ends_at_the_head(world, auditor):
    world.release()
    found = read_export(export(world))
    assert len(found.events) == found.head_no > 0
    assert first_bad(found.events) is None
    assert found.events[-1].sha256 == found.head_sha256
    assert found.events == tuple(world.parts.report.audit(auditor))


def test_an_empty_log_is_a_header_alone(world):
    found = read_export(export(world))
    assert (found.head_no, found.head_sha256, found.events) == (0, GENESIS, ())


def test_of_one_message_only_its_own_events(world):
    ref = world.draft()
    other = world.draft()
    found = read_export(export(world, ref))
    assert {event.subject for event in found.events} == {ref} != {other}
    assert found.message == ref
    assert found.head_no == 2


def test_a_log_that_is_longer_than_what_is_read_at_once(world, auditor):
    with world.database.write() as tx:
        for _ in range(MANY):
            audit_log.append(tx, actor="ann", act="tested")
    found = read_export(export(world))
    assert (len(found.events), first_bad(found.events)) == (MANY, None)


def test_an_export_is_of_one_moment(world, auditor):
    """What others append while it is written comes after the head that the header names."""
    world.draft()
    lines = world.parts.report.export(auditor)
    header = json.loads(next(lines))
    world.draft()
    assert len(list(lines)) == header["head_no"]


def test_an_export_that_nobody_reads_to_its_end_holds_nothing_up(world, auditor):
    world.draft()
    lines = world.parts.report.export(auditor)
    next(lines)
    lines.close()
    assert world.draft()


CHANGES = {
    "at": "1999-01-01T00:00:00.000000+00:00",
    "actor": "mallory",
    "act": "nothing",
    "subject": "AAAAAA",
    "payload": "{}",
    "payload_sha256": "1" * 64,
    "previous_sha256": "2" * 64,
    "sha256": "3" * 64,
    "no": 99,
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_line_that_was_altered_is_found(world, name):
    world.release()
    lines = export(world)
    lines[2] = json.dumps({**json.loads(lines[2]), name: CHANGES[name]})
    assert first_bad(read_export(lines).events) == 2


def test_a_line_that_was_taken_out_is_found(world):
    world.release()
    lines = export(world)
    assert first_bad(read_export([*lines[:2], *lines[3:]]).events) == 2


def test_lines_cut_off_at_the_end_are_found_by_the_header(world):
    world.release()
    found = read_export(export(world)[:-1])
    assert first_bad(found.events) is None
    assert found.events[-1].sha256 != found.head_sha256


def test_what_was_altered_in_the_database_is_exported_as_it_is(world):
    """Somebody looks for what happened: an export that refused would help whoever altered it."""
    world.release()
    tampered(world, 2, payload="no JSON at all")
    found = read_export(export(world))
    assert first_bad(found.events) == 2
    assert found.events[1].payload == "no JSON at all"


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [""],
        ["[]"],
        ["no JSON"],
        ['{"format": "another"}'],
        ['{"format": "broadcaster-audit-1"}'],
        [
            '{"format": "broadcaster-audit-1", "head_no": 1, "head_sha256": "", "exported_at": "today", "message": ""}'
        ],
    ],
)
def test_what_is_no_export_is_refused(lines):
    with pytest.raises(ValueError):
        read_export(lines)


def test_a_line_with_too_little_or_too_much_is_refused(world):
    world.draft()
    header, line = export(world)
    event = json.loads(line)
    for wrong in ({**event, "more": 1}, {"no": 1}, [event]):
        with pytest.raises(ValueError, match="line"):
            read_export([header, json.dumps(wrong)])


# --- who may -----------------------------------------------------------------------------------------------


def test_only_auditors_and_administrators_may_export(world):
    ref = world.draft()
    assert list(world.parts.report.export(world.administrator))
    for other in (world.officer, world.approver, world.person("kim", "data-keeper"), world.person("nina")):
        for which in ("", ref):
            with pytest.raises(NotAllowed, match="read the audit log"):
                world.parts.report.export(other, which)  # before a single line is asked for


def test_an_unknown_message_is_told(world, auditor):
    with pytest.raises(NotFound):
        next(world.parts.report.export(auditor, "AAAAAA"))


# --- the command -------------------------------------------------------------------------------------------


@pytest.fixture
def run(world, monkeypatch):
    """The command line on this world's database, as the auditor or as nobody."""
    admin = world.parts.people.add(None, name="root", roles=[Role.ADMINISTRATOR])
    world.parts.people.add(admin, name="aud", roles=[Role.AUDITOR])
    world.parts.people.add(admin, name="off", roles=[Role.OFFICER])
    for name, value in world.parts.settings.environment().items():
        monkeypatch.setenv(name, value)

    def run(*arguments, who="aud"):
        monkeypatch.setenv("BROADCASTER_TOKEN", world.parts.people.issue_token(admin, name=who, days=1).text)
        return CliRunner().invoke(app, ["audit", "export", *arguments])

    return run


def test_the_command_prints_the_lines_and_says_beside_them_how_many(run, world):
    ran = run()
    assert ran.exit_code == 0
    found = read_export(ran.stdout.splitlines())
    assert first_bad(found.events) is None
    assert ran.stderr == f"{len(found.events)} events exported.\n"


def test_the_command_writes_a_file_for_its_owner_alone(run, tmp_path):
    path = tmp_path / "audit.jsonl"
    ran = run("--to", str(path))
    found = read_export(path.read_text().splitlines())
    assert ran.stdout == f"{len(found.events)} events exported to {path}.\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.glob("*audit.jsonl*")] == ["audit.jsonl"]


def test_a_file_that_exists_is_replaced_only_with_force(run, tmp_path):
    path = tmp_path / "audit.jsonl"
    path.write_text("the only copy")
    ran = run("--to", str(path))
    assert ran.exit_code == 1
    assert "--force" in ran.output
    assert path.read_text() == "the only copy"
    assert run("--to", str(path), "--force").exit_code == 0
    assert read_export(path.read_text().splitlines()).events


def test_who_may_not_leaves_no_file(run, tmp_path):
    path = tmp_path / "audit.jsonl"
    ran = run("--to", str(path), who="off")
    assert ran.exit_code == 1
    assert "Only an administrator or an auditor may read the audit log" in ran.output
    assert list(tmp_path.glob("*audit.jsonl*")) == []


def test_a_folder_that_is_not_there_is_told(run, tmp_path):
    ran = run("--to", str(tmp_path / "missing" / "audit.jsonl"))
    assert ran.exit_code == 1
    assert "cannot be written" in ran.output


def test_the_command_exports_one_message(run, world):
    ref = world.draft()
    world.draft()
    ran = run("--message", ref)
    assert {event.subject for event in read_export(ran.stdout.splitlines()).events} == {ref}
    assert ran.stderr == "1 event exported.\n"


def test_an_event_taken_out_of_the_database_is_found_in_the_file(run, world, tmp_path):
    world.release()
    with world.database.write() as tx:
        tx.execute(text("DELETE FROM audit_event WHERE no = 4"))
    path = tmp_path / "audit.jsonl"
    assert run("--to", str(path)).exit_code == 0
    assert first_bad(read_export(path.read_text().splitlines()).events) == 4
