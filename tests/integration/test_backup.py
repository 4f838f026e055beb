"""Backups: what is in one, that it is of one moment, and that one which is not whole is never taken for a good one."""

import io
import json
import shutil
import stat
import tarfile
from datetime import UTC, datetime

import pytest

from broadcaster.db.backup import PostgresTools, check_copy
from broadcaster.db.engine import Database
from broadcaster.db.key_files import keys_held
from broadcaster.db.tables import audit_event
from broadcaster.domain.errors import Invalid, NotFound, Unavailable
from broadcaster.service.backup import Backup, check
from broadcaster.service.backup_file import MANIFEST
from tests.integration.restored import Drill, tools


@pytest.fixture
def drill(world, tmp_path):
    return Drill(world=world, url="", folder=tmp_path)


@pytest.fixture
def backup(drill):
    for name in (
        "spill/outcomes.jsonl",
        "anchors/checkpoints",
        "site/index.html",
        "credentials/live/page.toml",
    ):
        path = drill.world.parts.settings.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    drill.world.submit()
    return drill.take()


def names(path):
    with tarfile.open(path) as archive:
        return archive.getnames()


def test_a_backup_holds_everything_but_the_credentials_and_is_whole(drill, backup):
    world = drill.world
    kept = [
        "anchors/checkpoints",
        "database",
        "keys/data.key",
        MANIFEST,
        "site/index.html",
        "spill/outcomes.jsonl",
    ]
    assert set(kept) <= set(names(backup.path))
    assert not [n for n in names(backup.path) if n.startswith(("credentials", "logs"))]
    assert stat.S_IMODE(backup.path.stat().st_mode) == 0o600
    assert sorted(p.name for p in backup.path.parent.iterdir()) == [backup.path.name]
    assert check(backup.path, tools=tools()) == backup.manifest
    assert datetime.fromisoformat(backup.manifest.taken_at) <= world.now()
    event = world.row(audit_event, act="backup_taken")
    assert (event.actor, json.loads(event.payload)["file"]) == ("os:olga", backup.path.name)
    assert "credentials/live/page.toml" in names(drill.take(with_credentials=True).path)


def test_only_backups_are_removed_and_only_the_oldest(drill, backup):
    folder = backup.path.parent
    for name in ("broadcaster-2020-01-01T0000Z.tar", "broadcaster-2021-01-01T0000Z.tar", "holiday.tar"):
        (folder / name).write_text("")
    taken = drill.take(keep=3)
    assert [p.name for p in taken.removed] == ["broadcaster-2020-01-01T0000Z.tar"]
    assert (folder / "holiday.tar").exists()
    assert len(list(folder.iterdir())) == 4


def test_a_key_is_not_changed_while_a_backup_is_made(drill, backup):
    with (
        keys_held(drill.world.parts.settings.root / "keys"),
        pytest.raises(Unavailable, match="being changed"),
    ):
        drill.take()


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_missing_and_old_programs_are_named_with_what_to_install(world, tmp_path):
    def take(folder):
        settings = world.parts.settings
        made = Backup(
            world.database,
            root=settings.root,
            credentials=settings.credentials,
            tools=PostgresTools(folder=folder),
        )
        return made.take(tmp_path, operator="os:olga")

    with pytest.raises(Unavailable, match="BROADCASTER_POSTGRES_BIN_DIR"):
        take(tmp_path)
    old = tmp_path / "old"
    old.mkdir()
    (old / "pg_dump").write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6'\n")
    (old / "pg_dump").chmod(0o700)
    with pytest.raises(Unavailable, match="version 9, and the server is version"):
        take(old)
    assert not list(tmp_path.glob("*.tar"))


# --- backups that are not good; what a file is made of does not depend on the database ------------------------


@pytest.fixture
def on_sqlite(sqlite_template, tmp_path):
    file = shutil.copy(sqlite_template, tmp_path / "broadcaster.db")
    database = Database(f"sqlite:///{file}")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "data.key").write_bytes(bytes(64))
    taken = Backup(database, root=tmp_path, credentials=tmp_path).take(tmp_path, operator="os:olga")
    database.close()
    return taken.path


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
def test_one_altered_byte_is_found(on_sqlite, at):
    content = bytearray(on_sqlite.read_bytes())
    content[int(len(content) * at)] ^= 1
    on_sqlite.write_bytes(content)
    with pytest.raises(Invalid, match="another backup"):
        check(on_sqlite)


@pytest.mark.parametrize("left", [0, 300, 0.5, 0.99])
def test_a_backup_that_was_cut_off_is_no_backup(on_sqlite, left):
    content = on_sqlite.read_bytes()
    end = content.rindex(b"}")
    on_sqlite.write_bytes(content[: int(end * left) if left < 1 else left])
    with pytest.raises(Invalid, match="cut off"):
        check(on_sqlite)


def test_what_is_no_backup_is_said_to_be_none(tmp_path):
    (tmp_path / "page.html").write_text("<p>no</p>" * 200)
    with pytest.raises(Invalid, match="no backup"):
        check(tmp_path / "page.html")
    with pytest.raises(NotFound):
        check(tmp_path / "nothing.tar")


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/x", "keys/../../x"])
def test_a_backup_that_would_write_outside_of_the_data_directory_is_refused(on_sqlite, name):
    forged = on_sqlite.with_name("forged.tar")
    with tarfile.open(on_sqlite) as old, tarfile.open(forged, "w") as new:
        for info in old.getmembers():
            content = old.extractfile(info).read()
            info.name = name if info.name == "keys/data.key" else info.name
            if info.name == MANIFEST:
                content = content.replace(b"keys/data.key", name.encode())
                info.size = len(content)
            new.addfile(info, io.BytesIO(content))
    with pytest.raises(Invalid, match="outside"):
        check(forged)


def test_a_database_that_is_damaged_inside_is_found_though_its_digest_is_right(on_sqlite, tmp_path):
    with tarfile.open(on_sqlite) as archive:
        content = bytearray(archive.extractfile("database").read())
    content[4096 * 3 : 4096 * 4] = bytes(4096)
    (tmp_path / "copy").write_bytes(content)
    assert check_copy(tmp_path / "copy", "sqlite", tools=tools())


# --- on the command line --------------------------------------------------------------------------------------


def test_from_a_backup_to_a_restored_installation_on_the_command_line(bare, tmp_path):
    bare.add_users()
    tell = {"BROADCASTER_POSTGRES_BIN_DIR": str(tools().folder)}
    saved = tmp_path / "saved"
    saved.mkdir()
    said = json.loads(bare.do("backup", saved, "--keep", 2, "--json", who="", **tell))
    assert said["last_event"] >= 0
    assert said["recorded"]
    assert "is whole" in bare.do("backup", "--check", said["file"], who="", **tell)
    assert "Give either" in bare.refused("backup", code=2)
    if said["database"] == "sqlite":
        into = {**tell, "BROADCASTER_DATABASE_URL": ""}
        done = bare.do("restore", said["file"], "--into", tmp_path / "fresh", who="admin", **into)
        bare.data, bare.url = tmp_path / "fresh", ""
    else:
        refused = bare.run("restore", said["file"], **tell)
        assert "--replace" in refused.stderr
        done = bare.do("restore", said["file"], "--replace", who="admin", **tell)
        assert "before_restore_" in done
    assert "No delivery was under way" in done
    assert "Look at each platform's own pages" in done
    events = bare.data_of("audit", "show", who="auditor")
    shown = events["events"] if isinstance(events, dict) else events
    assert [e["actor"] for e in shown if e["act"] == "restored"] == ["admin"]
    assert bare.run("alarms").returncode == 1


def test_the_manifest_says_when_by_an_aware_time(on_sqlite):
    assert check(on_sqlite).moment <= datetime.now(UTC)
