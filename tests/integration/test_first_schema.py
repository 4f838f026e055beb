"""A database of the first schema is brought to the present one with all it holds."""

import hashlib
import json
from datetime import UTC, datetime

import pytest
from alembic import command
from sqlalchemy import inspect, text

from broadcaster.db.engine import Database
from broadcaster.db.migrate import alembic_config, migrate
from broadcaster.db.tables import metadata
from broadcaster.domain.canonical import canonical
from tests.builders import a_world
from tests.integration.alarms import looked, undecided_texts


@pytest.fixture
def world_settings():
    return {"max_in_flight": 8}


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


def as_a_chain(events):
    """What the columns of these events were, when each held the hash of the one before."""
    previous, chained = "0" * 64, []
    for no, each in enumerate(sorted(events, key=lambda each: each["id"]), 1):
        moment = datetime.fromisoformat(each["at"]) if isinstance(each["at"], str) else each["at"]
        said = {name: each[name] for name in ("act", "actor", "subject")} | {
            "at": moment.astimezone(UTC).isoformat(timespec="microseconds"),
            "no": no,
            "payload_sha256": hashlib.sha256(each["payload"].encode()).hexdigest(),
            "previous_sha256": previous,
        }
        digest = hashlib.sha256(canonical(said)).hexdigest()
        chained.append(each | said | {"at": each["at"], "sha256": digest})
        previous = digest
    return chained


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
        now["audit_event"] = as_a_chain(now["audit_event"])
        columns = as_the_first_schema(
            database, lambda old: {t: [tuple(row[c] for c in old[t]) for row in now[t]] for t in old}
        )
        assert "alarm" not in columns
        with database.write() as tx:
            head = now["audit_event"][-1]
            statement = text("INSERT INTO audit_head VALUES (1, :no, :sha256)")
            tx.execute(statement, {name: head[name] for name in ("no", "sha256")})
        columns["audit_event"] = ["id", "at", "actor", "act", "subject", "payload"]
        before = rows_of(database, columns)
        assert before["delivery"]
        assert migrate(database)[0] == "0002"
        *after, rebuilt = rows_of(database, {"audit_event": columns["audit_event"]})["audit_event"]
        assert after == before.pop("audit_event")
        assert rebuilt[3] == "audit_log_rebuilt_as_tree"
        assert json.loads(rebuilt[5]) == {"events": len(after), "first_bad": 0, "head_sha256": head["sha256"]}
        del columns["audit_event"]
        assert rows_of(database, columns) == before
        assert world.parts.seal.seal() == len(after) + 1
        assert world.parts.audit.verify().code == 0
        assert looked(world) == [("unknown_undecided", released.ref)]
    database.close()
