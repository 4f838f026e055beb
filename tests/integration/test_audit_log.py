"""The audit log: one whole chain with dense numbers, whoever writes at once; and the tree that stands for outcomes."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text, update

from broadcaster.db import audit_log
from broadcaster.db.tables import audit_event, audit_head
from broadcaster.domain.audit import GENESIS, first_bad, merkle_root

APPEND_TWENTY = """
import sys
from broadcaster.db import audit_log
from broadcaster.db.engine import Database
database = Database(sys.argv[1])
for number in range(20):
    with database.write() as tx:
        audit_log.append(tx, actor=sys.argv[2], act="tested", payload={"number": number})
"""


def append(database, *acts):
    for act in acts:
        with database.write() as tx:
            audit_log.append(tx, actor="ann", act=act, subject="7F3K2M", payload={"count": 3})


def events(database, **which):
    with database.read() as tx:
        return list(audit_log.events(tx, **which))


def head(database):
    with database.read() as tx:
        return tuple(tx.execute(select(audit_head.c.no, audit_head.c.sha256)).one())


def test_events_form_a_chain_that_ends_at_the_head(database):
    append(database, "submitted", "approved", "stopped")
    chain = events(database)
    assert [(e.no, e.act) for e in chain] == [(1, "submitted"), (2, "approved"), (3, "stopped")]
    assert [e.previous_sha256 for e in chain] == [GENESIS, chain[0].sha256, chain[1].sha256]
    assert head(database) == (3, chain[2].sha256)
    assert first_bad(chain) is None


def test_an_empty_log_is_whole(database):
    assert events(database) == []
    assert first_bad([]) is None
    assert head(database) == (0, GENESIS)


def test_the_payload_is_canonical(database):
    with database.write() as tx:
        audit_log.append(tx, actor="ann", act="imported", payload={"b": 1, "a": "é"})
    assert events(database)[0].payload == '{"a":"é","b":1}'


def test_events_of_one_subject_and_the_first_few(database):
    append(database, "submitted", "approved")
    with database.write() as tx:
        audit_log.append(tx, actor="bob", act="signed in", subject="bob")
    assert [e.no for e in events(database, subject="bob")] == [3]
    assert [e.no for e in events(database, limit=2)] == [1, 2]


CHANGES = {
    "no": 99,
    "at": None,
    "actor": "mallory",
    "act": "nothing",
    "subject": "AAAAAA",
    "payload": '{"count":4}',
    "payload_sha256": "1" * 64,
    "previous_sha256": "2" * 64,
    "sha256": "3" * 64,
}


def test_changes_cover_every_column_that_says_something():
    assert set(CHANGES) == {column.name for column in audit_event.c} - {"id"}


@pytest.mark.parametrize("column", CHANGES)
@pytest.mark.parametrize("no", [1, 2, 3])
def test_a_change_of_any_column_of_any_event_is_found(database, column, no):
    append(database, "submitted", "approved", "stopped")
    with database.write() as tx:
        value = tx.now().replace(year=1999) if column == "at" else CHANGES[column]
        tx.execute(update(audit_event).where(audit_event.c.no == no).values({column: value}))
    assert first_bad(events(database)) == no


@pytest.mark.parametrize("no", [1, 2])
def test_an_event_that_was_taken_out_is_found(database, no):
    append(database, "submitted", "approved", "stopped")
    with database.write() as tx:
        tx.execute(text("DELETE FROM audit_event WHERE no = :no"), {"no": no})
    assert first_bad(events(database)) == no


def test_a_shortened_log_no_longer_ends_at_the_head(database):
    append(database, "submitted", "approved")
    with database.write() as tx:
        tx.execute(text("DELETE FROM audit_event WHERE no = 2"))
    left = events(database)
    assert first_bad(left) is None  # a chain cannot show that its end is missing: the head does
    assert head(database) != (left[-1].no, left[-1].sha256)


def test_a_change_that_is_taken_back_leaves_no_gap(database):
    append(database, "submitted")
    with pytest.raises(KeyError), database.write() as tx:
        audit_log.append(tx, actor="ann", act="approved")
        raise KeyError
    append(database, "rejected")
    chain = events(database)
    assert [(e.no, e.act) for e in chain] == [(1, "submitted"), (2, "rejected")]
    assert first_bad(chain) is None


def test_several_events_of_one_transaction_follow_each_other(database):
    with database.write() as tx:
        for act in ("approved", "released"):
            audit_log.append(tx, actor="ann", act=act)
    assert [e.no for e in events(database)] == [1, 2]
    assert first_bad(events(database)) is None


def test_threads_that_write_at_once_make_one_dense_chain(database):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: append(database, f"act {n}"), range(64)))
    chain = events(database)
    assert [e.no for e in chain] == list(range(1, 65))
    assert {e.act for e in chain} == {f"act {n}" for n in range(64)}
    assert first_bad(chain) is None


def test_processes_that_write_at_once_make_one_dense_chain(database):
    command = [sys.executable, "-c", APPEND_TWENTY, database.url]
    processes = [subprocess.Popen([*command, name]) for name in ("ann", "bob", "cy")]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    chain = events(database)
    assert [e.no for e in chain] == list(range(1, 61))
    assert first_bad(chain) is None
    assert sorted(e.actor for e in chain) == ["ann"] * 20 + ["bob"] * 20 + ["cy"] * 20


# --- RFC 6962, 2.1; the leaves and roots of Certificate Transparency's own reference tests ------------------

LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(9))
def test_the_root_is_that_of_certificate_transparency(size):
    assert merkle_root(LEAVES[:size]) == ROOTS[size]


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=20), st.data())
def test_the_root_changes_with_any_leaf_and_with_their_order(leaves, data):
    at = data.draw(st.integers(0, len(leaves) - 1))
    changed = [*leaves[:at], leaves[at] + b"x", *leaves[at + 1 :]]
    assert merkle_root(changed) != merkle_root(leaves)
    assert merkle_root([*leaves, b"one more"]) != merkle_root([b"one more", *leaves]) or set(leaves) == {
        b"one more"
    }
