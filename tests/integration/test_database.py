"""The engine, the time type and the vault: what a transaction promises, on both databases."""

import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from threading import Barrier

import psycopg
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import event, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from broadcaster.db.engine import Database
from broadcaster.db.key_files import KEY_BYTES, load_or_create_key
from broadcaster.db.tables import leader, person
from broadcaster.db.vault import Vault
from broadcaster.domain.errors import InTheWay, Unavailable
from tests.conftest import postgres_database

MOMENT = datetime(2026, 11, 21, 3, 4, 5, 678901, tzinfo=UTC)

ADD_HUNDRED = """
import sys
from sqlalchemy import text
from broadcaster.db.engine import Database
database = Database(sys.argv[1])
for _ in range(100):
    with database.write() as tx:
        size = tx.execute(text("SELECT size FROM counted")).scalar_one()
        tx.execute(text("UPDATE counted SET size = :size"), {"size": size + 1})
"""

HOLD_WRITE = """
import sys
from broadcaster.db.engine import Database
with Database(sys.argv[1]).write():
    print("held", flush=True)
    sys.stdin.read()
"""


def add_leader(tx, role="sweeper", until=MOMENT):
    tx.execute(insert(leader).values(role=role, owner="a", lease_until=until))


def leaders(database):
    with database.read() as tx:
        return list(tx.execute(select(leader.c.role).order_by(leader.c.role)).scalars())


# --- transactions -------------------------------------------------------------------------------------------


def test_what_ended_well_is_there_for_everybody(database, database_url):
    with database.write() as tx:
        add_leader(tx)
    other = Database(database_url)
    assert leaders(other) == ["sweeper"]
    other.close()


def test_what_another_thread_still_uses_is_closed_when_it_gives_it_back(database_url):
    database = Database(database_url)
    opened = []
    event.listen(database.engine, "connect", lambda connection, _record: opened.append(connection))
    with database.write() as tx:
        database.close()
        add_leader(tx)
    assert leaders(database) == ["sweeper"]  # another transaction, begun after the closing
    assert len(opened) == 2
    for connection in opened:
        with pytest.raises((sqlite3.ProgrammingError, psycopg.OperationalError), match="closed"):
            connection.cursor().execute("SELECT 1")


def test_an_error_takes_everything_back(database):
    with pytest.raises(KeyError), database.write() as tx:
        add_leader(tx)
        raise KeyError
    assert leaders(database) == []


def test_a_row_that_breaks_a_rule_takes_everything_back(database):
    with pytest.raises(IntegrityError), database.write() as tx:
        add_leader(tx, role="pump")
        add_leader(tx)
        add_leader(tx)
    assert leaders(database) == []


def test_rows_must_point_at_rows_that_exist(database):
    with pytest.raises(IntegrityError), database.write() as tx:
        tx.execute(
            text("INSERT INTO token (person_id, sha256, created_at, expires_at) VALUES (7, 'x', :t, :t)"),
            {"t": "2026-11-21T00:00:00.000000Z" if database.is_sqlite else MOMENT},
        )


def test_two_writing_processes_lose_no_update_on_sqlite(sqlite_database):
    with sqlite_database.write() as tx:
        tx.execute(text("CREATE TABLE counted (size INTEGER)"))
        tx.execute(text("INSERT INTO counted VALUES (0)"))
    command = [sys.executable, "-c", ADD_HUNDRED, sqlite_database.url]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    with sqlite_database.read() as tx:
        assert tx.execute(text("SELECT size FROM counted")).scalar_one() == 200


def test_a_reader_does_not_wait_for_a_writer(database):
    with database.write() as tx:
        add_leader(tx)
        assert leaders(database) == []
    assert leaders(database) == ["sweeper"]


# --- when it cannot be written ------------------------------------------------------------------------------


@pytest.fixture
def sqlite_database(sqlite_template, tmp_path):
    file = tmp_path / "one.db"
    file.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{file}", lock_wait_s=0.2)
    yield database
    database.close()


def test_a_database_held_by_another_process_is_unavailable(sqlite_database):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_WRITE, sqlite_database.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout.readline() == b"held\n"
    refusal = pytest.raises(Unavailable, match=r"busy for 0 seconds. Nothing was changed")
    with refusal, sqlite_database.write() as tx:
        add_leader(tx)
    holder.communicate()
    assert leaders(sqlite_database) == []
    with sqlite_database.write() as tx:
        add_leader(tx)
    assert leaders(sqlite_database) == ["sweeper"]


def test_a_database_locked_by_another_program_is_unavailable(sqlite_database):
    with closing(sqlite3.connect(sqlite_database.engine.url.database, isolation_level=None)) as program:
        program.execute("BEGIN IMMEDIATE")
        refusal = pytest.raises(Unavailable, match=r"locked by another program. Nothing was changed")
        with refusal, sqlite_database.write() as tx:
            add_leader(tx)
    assert leaders(sqlite_database) == []


def test_a_full_disk_is_unavailable_and_changes_nothing(sqlite_database):
    with sqlite_database.write() as tx:
        pages = tx.execute(text("PRAGMA page_count")).scalar_one()
        tx.execute(text(f"PRAGMA max_page_count = {pages}"))
    refusal = pytest.raises(Unavailable, match=r"disk with the database is full. Nothing was changed")
    with refusal, sqlite_database.write() as tx:
        for number in range(1000):
            add_leader(tx, role=f"role {number}")
    assert leaders(sqlite_database) == []


def test_a_read_only_database_is_unavailable(sqlite_database):
    event.listen(sqlite_database.engine, "connect", lambda raw, _: raw.execute("PRAGMA query_only = ON"))
    with pytest.raises(Unavailable, match="cannot be written"), sqlite_database.write() as tx:
        add_leader(tx)


def test_a_read_only_postgres_is_unavailable(request):
    url = request.getfixturevalue("postgres_server").format("template")
    database = Database(f"{url}&options=-cdefault_transaction_read_only%3Don")
    with pytest.raises(Unavailable, match="cannot be written"), database.write() as tx:
        add_leader(tx)
    database.close()


def test_a_lock_file_that_cannot_be_opened_is_unavailable(sqlite_database, tmp_path):
    (tmp_path / "one.db.writer").mkdir()
    with pytest.raises(Unavailable, match="cannot be written"), sqlite_database.write():
        pass


def test_a_sqlite_file_that_cannot_be_opened_is_unavailable(tmp_path):
    (tmp_path / "folder.db").mkdir()
    database = Database(f"sqlite:///{tmp_path / 'folder.db'}")
    with pytest.raises(Unavailable, match="cannot be written"), database.read():
        pass
    database.close()


def test_a_postgres_that_does_not_answer_is_unavailable(tmp_path):
    database = Database(f"postgresql+psycopg://postgres@/postgres?host={tmp_path}")
    with pytest.raises(Unavailable, match=r"does not answer. Nothing was changed"), database.write():
        pass
    database.close()


def test_a_session_that_postgres_ends_is_unavailable_once(request, postgres_url):
    database, other = Database(postgres_url), Database(postgres_url)
    with pytest.raises(Unavailable, match="does not answer"), database.write() as tx:
        add_leader(tx)
        session = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with other.write() as stop:
            stop.execute(text("SELECT pg_terminate_backend(:session)"), {"session": session})
        add_leader(tx, role="pump")
    assert leaders(database) == []
    database.close()
    other.close()


def test_of_two_changes_that_wait_for_each_other_one_is_taken_back_and_says_so(postgres_url):
    """Each has one row and wants the other's."""
    database = Database(postgres_url)
    with database.write() as tx:
        for role in ("one", "other"):
            add_leader(tx, role=role)
    both_have_one = Barrier(2)

    def change(mine, wanted):
        with database.write() as tx:
            for role in (mine, wanted):
                tx.execute(leader.update().where(leader.c.role == role).values(owner=mine))
                if role == mine:
                    both_have_one.wait(30)
        return "changed"

    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(change, *roles) for roles in (("one", "other"), ("other", "one"))]
        ended = [each.exception() or each.result() for each in asked]
    database.close()
    assert {type(each) for each in ended} == {InTheWay, str}


@pytest.fixture
def postgres_url(request):
    yield from postgres_database(request.getfixturevalue("postgres_server"), "template")


# --- time ---------------------------------------------------------------------------------------------------


def test_a_transaction_has_one_time(database):
    with database.write() as tx:
        first = tx.now()
        time.sleep(0.01)
        assert tx.now() == first
    assert first.tzinfo is UTC
    assert abs(datetime.now(UTC) - first) < timedelta(minutes=1)


def test_tests_bring_their_own_clock(database_url):
    database = Database(database_url, clock=lambda _connection: MOMENT)
    with database.read() as tx:
        assert tx.now() == MOMENT
    database.close()


@pytest.mark.parametrize(
    "moment",
    [
        MOMENT,
        MOMENT.replace(microsecond=0),
        MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30))),
        datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
)
def test_a_time_comes_back_as_the_same_moment_in_utc(database, moment):
    with database.write() as tx:
        add_leader(tx, until=moment)
    with database.read() as tx:
        read = tx.execute(select(leader.c.lease_until)).scalar_one()
    assert read == moment
    assert read.utcoffset() == timedelta(0)


def test_a_time_without_an_offset_is_refused(database):
    with pytest.raises(Exception, match="without an offset"), database.write() as tx:
        add_leader(tx, until=datetime(2026, 11, 21))
    assert leaders(database) == []


def test_times_compare_in_the_database_across_offsets_and_fractions(database):
    later = MOMENT.replace(microsecond=MOMENT.microsecond + 1).astimezone(timezone(timedelta(hours=-8)))
    whole = MOMENT.replace(microsecond=0)
    with database.write() as tx:
        for role, until in (("c", later), ("b", MOMENT), ("a", whole)):
            add_leader(tx, role=role, until=until)
    with database.read() as tx:
        ordered = tx.execute(select(leader.c.role).order_by(leader.c.lease_until)).scalars().all()
        due = tx.execute(select(func.count()).where(leader.c.lease_until <= MOMENT)).scalar_one()
    assert ordered == ["a", "b", "c"]
    assert due == 2


def test_no_time_stays_none(database):
    with database.write() as tx:
        tx.insert(person, {"uid": "u", "name": "ann", "roles": "", "created_at": MOMENT})
    with database.read() as tx:
        assert tx.execute(select(person.c.disabled_at)).scalar_one() is None


# --- the vault ----------------------------------------------------------------------------------------------

KEY = bytes(range(KEY_BYTES))
NUMBER = "+447700900123"


def test_what_was_sealed_can_be_opened_and_is_not_readable():
    vault = Vault(KEY)
    index = vault.index(NUMBER)
    sealed = vault.seal(NUMBER, index)
    assert vault.open(sealed, index) == NUMBER
    assert b"7700900123" not in sealed + index
    assert vault.seal(NUMBER, index) != sealed


def test_the_index_is_stable_and_depends_on_number_and_key():
    other_key = KEY[:32] + bytes(32)
    assert Vault(KEY).index(NUMBER) == Vault(KEY).index(NUMBER)
    assert len({Vault(KEY).index(NUMBER), Vault(other_key).index(NUMBER), Vault(KEY).index(NUMBER[:-1])}) == 3


@pytest.mark.parametrize("place", [0, 11, 12, 20, -1])
def test_an_altered_row_does_not_open(place):
    vault = Vault(KEY)
    index = vault.index(NUMBER)
    altered = bytearray(vault.seal(NUMBER, index))
    altered[place] ^= 1
    with pytest.raises(ValueError, match="does not match its index"):
        vault.open(bytes(altered), index)


@pytest.mark.parametrize("keep", [0, 5, 12, 20])
def test_a_shortened_row_does_not_open(keep):
    vault = Vault(KEY)
    index = vault.index(NUMBER)
    with pytest.raises(ValueError, match="does not match its index"):
        vault.open(vault.seal(NUMBER, index)[:keep], index)


def test_a_number_does_not_open_under_anothers_index():
    vault = Vault(KEY)
    sealed = vault.seal(NUMBER, vault.index(NUMBER))
    with pytest.raises(ValueError, match="does not match its index"):
        vault.open(sealed, vault.index("+447700900124"))


def test_the_seal_is_aes_gcm_as_published():
    vault = Vault(KEY)
    index = vault.index(NUMBER)
    sealed = vault.seal(NUMBER, index)
    assert AESGCM(KEY[:32]).decrypt(sealed[:12], sealed[12:], index) == NUMBER.encode()


def test_the_key_file_is_made_once_and_for_its_owner_only(tmp_path):
    path = tmp_path / "keys" / "data.key"
    key = load_or_create_key(path)
    assert (len(key), load_or_create_key(path)) == (KEY_BYTES, key)
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_a_key_of_another_length_is_refused():
    with pytest.raises(ValueError, match="64 bytes, not 3"):
        Vault(b"abc")
