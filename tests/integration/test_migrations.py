"""Migrations: what they build is what the tables say, on both databases, all or nothing."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from broadcaster.db.engine import Database
from broadcaster.db.migrate import migrate
from broadcaster.db.schema import MIGRATIONS, check_schema, known_revisions
from broadcaster.db.tables import ON_SQLITE_ONLY, metadata
from broadcaster.domain.errors import Unavailable


@pytest.fixture
def empty(empty_database_url):
    database = Database(empty_database_url)
    yield database
    database.close()


def differences(database):
    with database.read() as tx:
        found = compare_metadata(MigrationContext.configure(tx.connection), metadata)
        left_out = ON_SQLITE_ONLY if tx.dialect != "sqlite" else frozenset()
    return [c for c in found if not (c[0] == "add_fk" and c[1].name in left_out)]


def test_migrated_schema_is_what_the_tables_say(database):
    assert differences(database) == []


def test_the_comparison_notices_a_column_that_is_missing(database):
    with database.write() as tx:
        tx.execute(text("ALTER TABLE leader DROP COLUMN owner"))
    assert [change[0] for change in differences(database)] == ["add_column"]


def test_the_comparison_notices_another_type(database):
    with database.write() as tx:
        tx.execute(text("ALTER TABLE leader DROP COLUMN owner"))
        tx.execute(text("ALTER TABLE leader ADD COLUMN owner BIGINT NOT NULL DEFAULT 0"))
    assert [change[0][0] for change in differences(database)] == ["modify_type"]


def test_the_files_names_tell_the_revisions_that_alembic_knows():
    found = ScriptDirectory(str(MIGRATIONS)).walk_revisions()
    assert known_revisions() == [script.revision for script in found][::-1]


def test_migrating_twice_applies_nothing_the_second_time(empty):
    first = migrate(empty)
    assert first[0] == "0001"
    assert migrate(empty) == []
    check_schema(empty)


def test_an_older_schema_is_refused_with_what_to_do(empty):
    with pytest.raises(Unavailable, match="run `broadcaster migrate`"):
        check_schema(empty)


@pytest.mark.parametrize("act", [check_schema, migrate])
def test_a_newer_schema_is_refused_and_left_alone(database, act):
    with database.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Unavailable, match="schema 9999, which is newer"):
        act(database)
    assert differences(database) == []


def test_a_migration_that_fails_leaves_nothing(empty):
    with empty.write() as tx:
        tx.execute(text("CREATE TABLE submission (id INTEGER)"))  # in the way of the first revision
    with pytest.raises(Exception, match="submission"):
        migrate(empty)
    with empty.read() as tx:
        assert inspect(tx.connection).get_table_names() == ["submission"]


def test_processes_that_migrate_at_once_apply_it_once(empty_database_url):
    code = (
        "import sys; from broadcaster.db.engine import Database; from broadcaster.db.migrate import migrate;"
        "print(len(migrate(Database(sys.argv[1]))))"
    )
    command = [sys.executable, "-c", code, empty_database_url]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    applied = sorted(int(process.communicate()[0]) for process in processes)
    assert applied[:2] == [0, 0]
    assert applied[2] > 0


def test_sqlite_is_copied_before_it_is_changed(tmp_path):
    file = tmp_path / "broadcaster.db"
    database = Database(f"sqlite:///{file}")
    with database.write() as tx:
        tx.execute(text("CREATE TABLE earlier (word TEXT)"))
        tx.execute(text("INSERT INTO earlier VALUES ('kept')"))
    newest = migrate(database)[-1]
    migrate(database)
    database.close()
    copies = list(tmp_path.glob("broadcaster.db.before-*"))
    assert copies == [Path(f"{file}.before-{newest}")]
    copy = sqlite3.connect(copies[0])
    assert copy.execute("SELECT name FROM sqlite_master").fetchall() == [("earlier",)]
    assert copy.execute("SELECT word FROM earlier").fetchall() == [("kept",)]
    copy.close()


def test_an_empty_sqlite_database_is_not_copied(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'broadcaster.db'}")
    migrate(database)
    database.close()
    assert not list(tmp_path.glob("*before*"))


def test_without_a_copy_nothing_is_migrated(tmp_path):
    file = tmp_path / "broadcaster.db"
    database = Database(f"sqlite:///{file}")
    with database.write() as tx:
        tx.execute(text("CREATE TABLE earlier (word TEXT)"))
    Path(f"{file}.before-{known_revisions()[-1]}").mkdir()  # in the way
    with pytest.raises(Unavailable, match="could not be copied"):
        migrate(database)
    with database.read() as tx:
        assert inspect(tx.connection).get_table_names() == ["earlier"]
    database.close()
