"""The audit log as a file that can be checked without this system: by the command, by what it calls, and by the verifier that
goes with it, in a Python that has none of our packages."""

import copy
import hashlib
import json
import shutil
import stat
import subprocess
import sys

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from broadcaster.audit.verifier.proof import verify_proof
from broadcaster.audit.verifier.reading import verify, verify_file
from broadcaster.audit.verifier.verdict import Unreadable
from broadcaster.audit.verifier.words import as_dict
from broadcaster.cli.main import app
from broadcaster.db import audit_log
from broadcaster.domain.errors import NotAllowed, NotFound, Stale
from broadcaster.domain.policy import Role
from broadcaster.service.seal import MOST_AT_ONCE
from tests.builders import a_world

MANY = 2 * MOST_AT_ONCE + 1  # and more than the database hands over at once


@pytest.fixture
def world(database_url, tmp_path):
    with a_world(database_url, tmp_path) as world:
        yield world


@pytest.fixture
def auditor(world):
    return world.person("ada", "auditor")


def export(world):
    world.parts.seal.seal()
    return list(world.parts.audit.export(world.person("ada", "auditor")))


def checked(lines, **more):
    given = {"keys": [], "anchors": []} | more
    return verify((f"{line}\n".encode() for line in lines), **given)


def sent(world):
    """A message on a public channel and by text, sent and sealed."""
    world.add_audience("residents", 3)
    released = world.release(channels=("facebook", "sms"), audience="residents")
    world.work_public()
    world.parts.plan.plan(world.broadcast_id(released.ref))
    world.work_bulk()
    world.parts.seal.seal()
    return released


# --- what is exported --------------------------------------------------------------------------------------


def test_an_export_holds_every_event_its_outcomes_and_its_checkpoints_and_is_whole(world):
    sent(world)
    lines = [json.loads(line) for line in export(world)]
    header, *rest, end = lines
    assert header["format"] == "broadcaster-audit-2"
    assert header["exported_by"] == "ada"
    events = [line for line in rest if "event" in line]
    assert [line["no"] for line in events] == list(range(1, len(events) + 1))
    recorded = [line["no"] for line in events if line["event"]["act"] == "outcomes_recorded"]
    assert [line["no"] for line in rest if "outcomes" in line] == recorded != []
    assert end == {"end": {"events": len(events), "checkpoints": 1}}
    assert "unsealed" in rest[-1]  # that it was exported
    verdict = checked(export(world))
    assert (verdict.code, verdict.problems) == (0, [])


def test_no_number_and_no_text_of_a_message_is_in_an_export(world):
    sent(world)
    said = "\n".join(export(world))
    assert "+4477" not in said
    assert "Stay" not in said


def test_an_empty_log_is_whole(world):
    verdict = checked(export(world))
    assert (verdict.events, verdict.unsealed, verdict.code) == (0, 1, 0)


def test_a_log_that_is_longer_than_what_is_read_at_once(world):
    with world.database.write() as tx:
        for _ in range(MANY):
            audit_log.append(tx, actor="ann", act="tested")
    verdict = checked(export(world))
    assert (verdict.events, verdict.checkpoints, verdict.code) == (MANY, 3, 0)


def test_an_export_is_of_one_moment(world, auditor):
    """What others append while it is written is not in it."""
    world.draft()
    world.parts.seal.seal()
    lines = world.parts.audit.export(auditor)
    header = next(lines)
    world.draft()
    world.parts.seal.seal()
    assert checked([header, *lines]).events == 1


def test_an_export_that_nobody_reads_to_its_end_holds_nothing_up(world, auditor):
    world.draft()
    lines = world.parts.audit.export(auditor)
    next(lines)
    lines.close()
    assert world.draft()


def test_what_was_altered_in_the_database_is_exported_as_it_is(world):
    """Somebody looks for what happened: an export that refused would help whoever altered it."""
    world.release()
    world.parts.seal.seal()
    with world.database.write() as tx:
        tx.execute(text("UPDATE audit_event SET payload = 'no JSON at all' WHERE no = 2"))
    lines = export(world)
    assert checked(lines).first_bad == 2
    assert any("no JSON at all" in line for line in lines)


@pytest.mark.parametrize(
    "lines", [[], [""], ["[]"], ["no JSON"], ['{"format": "another"}'], ['{"format": "broadcaster-audit-2"}']]
)
def test_what_is_no_export_is_unreadable_and_not_whole(lines):
    with pytest.raises(Unreadable):
        checked(lines)


def test_an_export_that_broke_off_is_unreadable_and_not_altered(world):
    world.release()
    lines = export(world)
    for cut in (lines[:-1], lines[:3], [*lines[:-1], lines[-1][:10]]):
        with pytest.raises(Unreadable):
            checked(cut)


def test_only_auditors_and_administrators_may_export_or_prove(world):
    ref = world.draft()
    world.parts.seal.seal()
    assert list(world.parts.audit.export(world.administrator))
    for other in (world.officer, world.approver, world.person("kim", "data-keeper"), world.person("nina")):
        with pytest.raises(NotAllowed, match="read the audit log"):
            world.parts.audit.export(other)  # before a single line is asked for
        with pytest.raises(NotAllowed, match="read the audit log"):
            world.parts.audit.prove(other, ref)


def test_whoever_takes_an_export_or_a_proof_is_in_the_log(world, auditor):
    ref = world.draft()
    export(world)
    world.parts.audit.prove(auditor, ref)
    assert [(e.actor, e.act) for e in world.parts.audit.events(auditor)][-2:] == [
        ("ada", "audit_log_exported"),
        ("ada", "message_proved"),
    ]


# --- the proof of one message ------------------------------------------------------------------------------


def test_a_proof_holds_the_events_of_one_message_and_nothing_of_the_others(world, auditor):
    released, other = sent(world), world.draft()
    world.parts.seal.seal()
    proof = world.parts.audit.prove(auditor, released.ref)
    assert other not in json.dumps(proof)
    acts = [json.loads(each["event"])["act"] for each in proof["events"]]
    assert acts[:3] == ["message_drafted", "message_submitted", "message_approved_and_released"]
    verdict = verify_proof(json.loads(json.dumps(proof)), keys=[])
    assert (verdict.code, verdict.events) == (0, len(acts))
    names = [document["name"] for document in proof["documents"]]
    assert names[0] == "manifest"
    assert len(names) == 3


PROOF_CHANGES = {
    "a post more": lambda p: p["documents"].append(
        {"name": "post for page", "text": "Nobody approved this."}
    ),
    "the manifest taken out": lambda p: p["documents"].pop(0),
    "an event": lambda p: p["events"][1].update(event=p["events"][1]["event"].replace("olive", "mallory")),
    "a place": lambda p: p["events"][1].update(no=1),
    "a path": lambda p: p["events"][1]["path"].reverse(),
    "an outcome": lambda p: next(e for e in p["events"] if "outcomes" in e)["outcomes"][0].update(link="x"),
    "outcomes taken out": lambda p: next(e for e in p["events"] if "outcomes" in e).pop("outcomes"),
    "the manifest": lambda p: p["documents"][0].update(text=p["documents"][0]["text"] + " "),
    "a post": lambda p: p["documents"][1].update(text=p["documents"][1]["text"].replace("e", "3", 1)),
    "the checkpoint": lambda p: p.update(checkpoint=p["checkpoint"].replace("\ntime 2", "\ntime 1")),
    "the message": lambda p: p.update(message="AAAAAA"),
}


def test_a_proof_that_was_altered_proves_nothing(world, auditor, subtests):
    proof = world.parts.audit.prove(auditor, sent(world).ref)
    for name, change in PROOF_CHANGES.items():
        with subtests.test(name):
            altered = copy.deepcopy(proof)
            change(altered)
            assert verify_proof(altered, keys=[]).code == 1


def test_a_text_whose_digest_somebody_typed_as_a_reason_was_not_approved(world, auditor):
    text = "Nobody approved this."
    ref = world.release(channels=("facebook",)).ref
    world.parts.recall.stop(world.officer, ref, hashlib.sha256(text.encode()).hexdigest())
    world.parts.seal.seal()
    proof = world.parts.audit.prove(auditor, ref)
    assert verify_proof(proof, keys=[]).code == 0
    for name in ("manifest", "post for page"):
        more = {**proof, "documents": [*proof["documents"], {"name": name, "text": text}]}
        assert verify_proof(more, keys=[]).code == 1


def test_a_proof_is_worth_what_its_key_is(world, auditor):
    proof = world.parts.audit.prove(auditor, sent(world).ref)
    other = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    assert verify_proof(proof, keys=proof["keys"]).code == 0
    assert verify_proof(proof, keys=[other]).code == 1


def test_without_texts_a_proof_shows_digests_alone(world, auditor):
    proof = world.parts.audit.prove(auditor, sent(world).ref, texts=False)
    assert proof["documents"] == []
    assert verify_proof(proof, keys=[]).code == 0


def test_what_is_not_sealed_yet_cannot_be_proved_yet(world, auditor):
    with pytest.raises(Stale, match="not sealed yet"):
        world.parts.audit.prove(auditor, world.draft())


def test_an_unknown_message_is_told(world, auditor):
    with pytest.raises(NotFound):
        world.parts.audit.prove(auditor, "AAAAAA")


# --- the commands ------------------------------------------------------------------------------------------


@pytest.fixture
def run(world, monkeypatch):
    """The command line on this world's database, as the auditor or as another."""
    admin = world.parts.people.add(None, name="root", roles=[Role.ADMINISTRATOR])
    world.parts.people.add(admin, name="aud", roles=[Role.AUDITOR])
    world.parts.people.add(admin, name="off", roles=[Role.OFFICER])
    tokens = {who: world.parts.people.issue_token(admin, name=who, days=1).text for who in ("aud", "off")}
    for name, value in world.parts.settings.environment().items():
        monkeypatch.setenv(name, value)

    def run(*arguments, who="aud"):
        world.parts.seal.seal()
        monkeypatch.setenv("BROADCASTER_TOKEN", tokens[who])
        return CliRunner().invoke(app, ["audit", *arguments])

    return run


def by_itself(verifier, *arguments):
    """The verifier as an auditor runs it: no site packages, none of our folders, nothing of our environment."""
    command = [sys.executable, "-I", "-S", str(verifier), *map(str, arguments)]
    return subprocess.run(command, cwd="/", env={}, capture_output=True, text=True, timeout=60, check=False)


def test_an_export_verifies_where_there_is_nothing_of_ours(run, world, tmp_path):
    sent(world)
    ran = run("export", str(tmp_path / "audit.jsonl"))
    assert "events exported to" in ran.stdout
    away = tmp_path / "another machine"
    away.mkdir()
    for name in ("audit.jsonl", "verify_audit.py"):
        shutil.move(tmp_path / name, away / name)
    done = by_itself(away / "verify_audit.py", away / "audit.jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Whole: no event was altered" in done.stdout
    key = world.parts.settings.anchors.joinpath("keys.txt").read_text().strip()
    assert json.loads(
        by_itself(away / "verify_audit.py", away / "audit.jsonl", "--json", "--key", key).stdout
    ) == {
        **as_dict(verify_file(str(away / "audit.jsonl"), keys=[key], anchors=[])),
        "pinned": True,
    }
    altered = (away / "audit.jsonl").read_text().replace('"actor":"olive"', '"actor":"mallory"', 1)
    (away / "audit.jsonl").write_text(altered)
    done = by_itself(away / "verify_audit.py", away / "audit.jsonl")
    assert done.returncode == 1
    drafted = next(e.no for e in world.parts.audit.events(world.administrator) if e.act == "message_drafted")
    assert f"ALTERED at event {drafted}" in done.stdout
    (away / "audit.jsonl").write_text(altered[:-30])
    assert by_itself(away / "verify_audit.py", away / "audit.jsonl").returncode == 4


def test_a_proof_verifies_where_there_is_nothing_of_ours(run, world, tmp_path):
    ref = sent(world).ref
    ran = run("prove", ref, "--to", str(tmp_path / "proof.json"))
    assert ran.exit_code == 0
    assert by_itself(tmp_path / "verify_audit.py", tmp_path / "proof.json").returncode == 0
    assert run("verify", str(tmp_path / "proof.json")).exit_code == 0


def test_the_command_prints_the_lines_and_says_beside_them_how_many(run, world):
    ran = run("export", "-")
    assert ran.exit_code == 0
    assert checked(ran.stdout.splitlines()).code == 0
    assert ran.stderr.endswith(" events exported.\n")


def test_the_command_writes_a_file_for_its_owner_alone_and_replaces_one_only_with_force(run, tmp_path):
    path = tmp_path / "audit.jsonl"
    path.write_text("the only copy")
    ran = run("export", str(path))
    assert ran.exit_code == 1
    assert "--force" in ran.output
    assert path.read_text() == "the only copy"
    assert run("export", str(path), "--force").exit_code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(p.name for p in tmp_path.glob("*audit*")) == ["audit.jsonl", "verify_audit.py"]


def test_a_verifier_that_lies_there_already_stays(run, tmp_path):
    """It may be the copy that an auditor trusts."""
    (tmp_path / "verify_audit.py").write_text("print('the trusted one')")
    ran = run("export", str(tmp_path / "audit.jsonl"))
    assert ran.exit_code == 0
    assert "left as it is" in ran.stderr
    assert (tmp_path / "verify_audit.py").read_text() == "print('the trusted one')"


def test_who_may_not_leaves_no_file(run, tmp_path):
    path = tmp_path / "audit.jsonl"
    ran = run("export", str(path), who="off")
    assert ran.exit_code == 1
    assert "Only an administrator or an auditor may read the audit log" in ran.output
    assert list(tmp_path.glob("*audit.jsonl*")) == []


def test_a_folder_that_is_not_there_is_told(run, tmp_path):
    ran = run("export", str(tmp_path / "missing" / "audit.jsonl"))
    assert ran.exit_code == 1
    assert "cannot be written" in ran.output


def test_events_are_found_by_person_act_and_time(run, world):
    ref = sent(world).ref
    found = json.loads(run("show", ref, "--by", "anna", "--json").stdout)["events"]
    assert [e["act"] for e in found] == ["message_approved_and_released"]
    assert len(json.loads(run("show", "--act", "outcomes", "--json").stdout)["events"]) >= 2
    assert json.loads(run("show", "--until", "2001-01-01", "--json").stdout)["events"] == []
    assert (
        len(json.loads(run("show", "--since", "2001-01-01", "--last", "2", "--json").stdout)["events"]) == 2
    )
    assert "is no time" in run("show", "--since", "yesterday").output
    assert json.loads(run("show", ref, "--no-check", "--json").stdout)["whole"] is None


def test_the_check_of_the_database_says_what_it_found_and_ends_with_its_code(run, world, tmp_path):
    sent(world)
    ran = run("verify")
    assert ran.exit_code == 0
    assert "Whole" in ran.stdout
    with world.database.write() as tx:
        tx.execute(text("UPDATE audit_event SET actor = 'mallory' WHERE no = 3"))
    ran = run("verify", "--json")
    assert (ran.exit_code, json.loads(ran.stdout)["first_bad"]) == (1, 3)
    (tmp_path / "no-export").write_text("nothing")
    assert run("verify", str(tmp_path / "no-export")).exit_code == 4
    assert run("verify", str(tmp_path / "not there")).exit_code == 4
