"""Importing audiences on both databases: good rows kept, bad ones named, no doubles, nothing half."""

import csv
import hashlib

import pytest
from sqlalchemy import select, text

from broadcaster.db import audiences as store
from broadcaster.db import audit_log, people
from broadcaster.db.tables import recipient
from broadcaster.domain.audience import ImportOutcome
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound
from broadcaster.service.audiences import CHUNK, Audiences
from tests.integration.audience_files import BROKEN, GOOD, VAULT, counts, csv_file, many, number, stored

# --- what is taken ------------------------------------------------------------------------------------------


def test_good_rows_become_a_version_that_can_be_used(database, import_csv, tmp_path):
    path = csv_file(tmp_path, "name,mobile,language\nAnn,07700 900001,cy\nBob,+447700900002,\n")
    result = import_csv(path, source="electoral roll", lawful_basis="public task", review_on="2027-03-31")
    assert stored(database) == [(GOOD, "cy"), ("+447700900002", "")]
    assert (result.outcome, result.version, result.count) == (ImportOutcome.NEW_VERSION, 1, 2)
    assert (result.added, result.removed, result.problems, result.duplicates) == (2, 0, 0, 0)
    assert (result.encoding, result.column) == ("utf-8", "mobile")
    version = Audiences(database, VAULT).latest("residents")
    assert (version.no, version.size, version.sha256) == (1, 2, result.sha256)
    summary = Audiences(database, VAULT).list()[0]
    assert (summary.name, summary.version, summary.count, summary.imported_by) == ("residents", 1, 2, "ann")
    assert (summary.source, summary.lawful_basis, summary.review_on) == (
        "electoral roll",
        "public task",
        "2027-03-31",
    )


def test_the_digest_is_over_salted_indexes_in_the_order_of_the_file(database, import_csv, tmp_path):
    numbers = [number(n) for n in (3, 1, 2)]
    result = import_csv(csv_file(tmp_path, "\n".join(numbers)))
    version = Audiences(database, VAULT).latest("residents")
    with database.read() as tx:
        salts = list(tx.execute(select(recipient.c.salt).order_by(recipient.c.ordinal)).scalars())
        pairs = zip(salts, numbers, strict=True)
        marks = [hashlib.sha256(salt + VAULT.index(n)).digest()[:16] for salt, n in pairs]
        expected = hashlib.sha256(b"".join(marks)).hexdigest()
        assert len(set(salts)) == 3
        assert store.digest(tx, version.id) == (expected, 3)
        assert store.version_by_id(tx, version.id) == version
    assert result.sha256 == expected


def test_the_digest_notices_a_recipient_that_was_changed_or_taken_out(database, import_csv, tmp_path):
    import_csv(many(tmp_path, 10))
    version = Audiences(database, VAULT).latest("residents")
    with database.write() as tx:
        tx.execute(text("UPDATE recipient SET number_index = :other WHERE ordinal = 5"), {"other": b"x" * 16})
    with database.write() as tx:
        changed, count = store.digest(tx, version.id)
        tx.execute(text("DELETE FROM recipient WHERE ordinal = 10"))
        assert store.digest(tx, version.id)[1] == 9
    assert (changed != version.sha256, count) == (True, 10)


def test_recipients_come_in_slices_with_dense_ordinals(database, import_csv, tmp_path):
    import_csv(csv_file(tmp_path, f"{number(1)}\nbad row 123456\n{number(1)}\n{number(2)}\n{number(3)}\n"))
    version = Audiences(database, VAULT).latest("residents")
    with database.read() as tx:
        first = store.recipients(tx, version.id, after_ordinal=0, limit=2)
        rest = store.recipients(tx, version.id, after_ordinal=2, limit=2)
    assert [row.ordinal for row in [*first, *rest]] == [1, 2, 3]


def test_the_import_is_in_the_audit_log_without_numbers(database, import_csv, tmp_path):
    result = import_csv(csv_file(tmp_path, f"mobile\n{GOOD}\n{GOOD}\nx\n"))
    with database.read() as tx:
        events = list(audit_log.events(tx))
    assert [(e.act, e.actor, e.subject) for e in events] == [("audience_imported", "ann", "residents")]
    assert f'"sha256":"{result.sha256}"' in events[0].payload
    assert '"count":1,"duplicates":1,"problems":1' in events[0].payload
    assert "900001" not in events[0].payload


def test_no_number_stands_in_the_database_in_clear(database, import_csv, tmp_path):
    import_csv(many(tmp_path, 3))
    with database.read() as tx:
        for row in tx.execute(select(recipient)):
            assert number(row.ordinal - 1)[3:].encode() not in row.number_sealed + row.number_index


# --- what is left out ---------------------------------------------------------------------------------------


def test_each_broken_row_is_named_and_every_good_one_is_kept(database, import_csv, tmp_path):
    lines, expected = ["name,phone,language"], {}
    for n, (broken, reason) in enumerate(BROKEN.items()):
        lines += [broken, f"Good,{number(n)},en"]
        expected[2 + 2 * n] = reason
    problems_to = tmp_path / "problems.csv"
    result = import_csv(csv_file(tmp_path, "\n".join(lines)), problems_to=problems_to)
    assert stored(database) == [(number(n), "en") for n in range(len(BROKEN))]
    with problems_to.open(newline="", encoding="utf-8") as file:
        told = {int(row["row"]): row["reason"] for row in csv.DictReader(file)}
    assert told.keys() == expected.keys()
    assert {row: reason for row, reason in told.items() if expected[row] not in reason} == {}
    assert (result.problems, result.count, len(result.examples)) == (len(BROKEN), len(BROKEN), 20)
    assert "7009000" not in problems_to.read_text()


def test_a_later_row_of_the_same_number_is_a_duplicate_and_no_problem(database, import_csv, tmp_path):
    path = csv_file(tmp_path, f"mobile\n{GOOD}\n07700900001\n{number(2)}\n7700900001\n")
    result = import_csv(path)
    assert (result.count, result.duplicates, result.problems) == (2, 2, 0)
    assert [each.row for each in result.examples] == [3, 5]
    assert result.examples[0].reason == "the number ending in 001 stands in an earlier row already"


def test_a_duplicate_of_an_earlier_chunk_is_found_too(database, import_csv, tmp_path):
    path = many(tmp_path, CHUNK + 10)
    with path.open("a") as file:
        file.write(f"{number(0)}\n{number(CHUNK + 1)}\n")
    result = import_csv(path)
    assert (result.count, result.duplicates) == (CHUNK + 10, 2)
    assert [each.row for each in result.examples] == [CHUNK + 12, CHUNK + 13]


def test_a_language_that_is_no_code_costs_the_language_only(database, import_csv, tmp_path):
    path = csv_file(tmp_path, f"mobile,lang\n{number(1)},Cymraeg or English\n{number(2)},en-GB\n")
    result = import_csv(path)
    assert stored(database) == [(number(1), ""), (number(2), "en-GB")]
    assert (result.remarks, result.problems, result.examples[0].row) == (1, 0, 2)


def test_without_one_good_row_nothing_is_kept(database, import_csv, tmp_path):
    with pytest.raises(Invalid, match=r"No phone number was found in column mobile of list.csv") as caught:
        import_csv(csv_file(tmp_path, "name,mobile\nann,12\nbob,none\n"))
    assert caught.value.details[0] == "row 2: the number is too short"
    assert counts(database) == (0, 0, 0, 0)


# --- versions -----------------------------------------------------------------------------------------------


def test_the_same_content_twice_gives_no_doubles(database, import_csv, tmp_path):
    first = import_csv(many(tmp_path, 5))
    before = counts(database)
    again = import_csv(csv_file(tmp_path, "\n".join(f"ann;{number(n)}" for n in range(5))))
    assert (again.outcome, again.version) == (ImportOutcome.NOTHING_NEW, 1)
    assert (again.added, again.removed, again.sha256) == (0, 0, first.sha256)
    assert counts(database) == before


def test_other_content_makes_the_next_version_and_leaves_the_old_one(database, import_csv, tmp_path):
    import_csv(many(tmp_path, 5))
    old = Audiences(database, VAULT).latest("residents")
    result = import_csv(csv_file(tmp_path, "\n".join(number(n) for n in range(2, 9))))
    assert (result.outcome, result.version, result.count) == (ImportOutcome.NEW_VERSION, 2, 7)
    assert (result.added, result.removed) == (4, 2)
    assert Audiences(database, VAULT).latest("residents").no == 2
    assert stored(database, old.id) == [(number(n), "") for n in range(5)]


def test_another_language_alone_makes_a_new_version(database, import_csv, tmp_path):
    import_csv(csv_file(tmp_path, f"mobile,lang\n{GOOD},en\n"))
    result = import_csv(csv_file(tmp_path, f"mobile,lang\n{GOOD},cy\n"))
    assert (result.outcome, result.version) == (ImportOutcome.NEW_VERSION, 2)


def test_an_older_content_becomes_the_newest_version_again(database, import_csv, tmp_path):
    one, two = many(tmp_path, 3, "one.csv"), many(tmp_path, 4, "two.csv")
    assert [import_csv(path).version for path in (one, two, one)] == [1, 2, 3]
    assert Audiences(database, VAULT).latest("residents").size == 3


def test_audiences_are_kept_apart(database, import_csv, tmp_path):
    import_csv(many(tmp_path, 3))
    result = import_csv(many(tmp_path, 3), name="schools")
    assert (result.outcome, result.version) == (ImportOutcome.NEW_VERSION, 1)
    assert [s.name for s in Audiences(database, VAULT).list()] == ["residents", "schools"]


def test_an_audience_that_is_not_there_gets_the_nearest_name(database, import_csv, tmp_path):
    import_csv(many(tmp_path, 3))
    with pytest.raises(NotFound, match=r'no audience "resident".*Did you mean "residents"'):
        Audiences(database, VAULT).latest("resident")


# --- who, and with what -------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["approver", "auditor"])
def test_others_may_not_import(database, import_csv, tmp_path, role):
    with database.write() as tx:
        eve = people.insert(tx, name="eve", roles=frozenset({role}))
    with pytest.raises(NotAllowed, match="Only a data-keeper or an administrator or an officer may import"):
        import_csv(many(tmp_path, 3), actor=eve)
    assert counts(database) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": " "}, "1 to 64 characters"),
        ({"name": "x" * 65}, "1 to 64 characters"),
        ({"region": "UK"}, '"UK" is not a country'),
        ({"review_on": "31/03/2027"}, "is not a date"),
        ({"column": "mobil"}, 'Did you mean "mobile"'),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_kept(
    database, import_csv, tmp_path, changes, words
):
    with pytest.raises(Invalid, match=words):
        import_csv(many(tmp_path, 3), **changes)
    assert counts(database) == (0, 0, 0, 0)


def test_files_that_cannot_be_opened_are_named(database, import_csv, tmp_path):
    with pytest.raises(Invalid, match=r"missing.csv cannot be read"):
        import_csv(tmp_path / "missing.csv")
    with pytest.raises(Invalid, match="cannot be written"):
        import_csv(many(tmp_path, 3), problems_to=tmp_path)
    assert counts(database) == (0, 0, 0, 0)
