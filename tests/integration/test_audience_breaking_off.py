"""Importing an audience that is killed, crossed or starved on the way: whole or not at all, and in little memory."""

import subprocess
import sys

import pytest
from sqlalchemy import text

from broadcaster.db import people
from broadcaster.db.engine import Database
from broadcaster.domain.errors import NotFound, Stale, Unavailable
from broadcaster.service.audiences import CHUNK, Audiences
from tests.integration.audience_files import VAULT, counts, many, number

IMPORT_AND_DIE = """
import os, sys
from pathlib import Path
from broadcaster.db import people
from broadcaster.db.engine import Database
from broadcaster.db.key_files import KEY_BYTES
from broadcaster.db.vault import Vault
from broadcaster.service.audiences import Audiences
database = Database(sys.argv[1])
with database.read() as tx:
    actor = people.by_name(tx, "ann")
Audiences(database, Vault(bytes(KEY_BYTES))).import_csv(
    actor=actor, name="residents", path=Path(sys.argv[2]), on_progress=lambda _progress: os._exit(9)
)
"""


# --- when it breaks off -------------------------------------------------------------------------------------


def test_an_import_that_is_interrupted_leaves_nothing(database, import_csv, tmp_path):
    def interrupt(progress):
        assert (progress.rows, progress.kept) == (CHUNK, CHUNK)
        assert 0 < progress.bytes_read <= progress.bytes_total
        assert counts(database)[2] == CHUNK
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_csv(many(tmp_path, CHUNK + 10), on_progress=interrupt)
    assert counts(database) == (0, 0, 0, 0)


def test_an_interrupted_import_leaves_the_version_before(database, import_csv, tmp_path):
    import_csv(many(tmp_path, 5))
    before = counts(database)

    def interrupt(_progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_csv(many(tmp_path, CHUNK), on_progress=interrupt)
    assert counts(database) == before
    assert Audiences(database, VAULT).latest("residents").size == 5


def test_what_a_killed_import_left_cannot_be_used_and_goes_with_the_next(database, import_csv, tmp_path):
    path = many(tmp_path, CHUNK * 2)
    died = subprocess.run([sys.executable, "-c", IMPORT_AND_DIE, database.url, path], check=False)
    assert died.returncode == 9
    assert counts(database) == (1, 1, CHUNK, 0)
    with pytest.raises(NotFound):
        Audiences(database, VAULT).latest("residents")
    assert Audiences(database, VAULT).list() == []
    assert import_csv(many(tmp_path, 7)).version == 1
    assert counts(database) == (1, 1, 7, 1)


def test_of_two_imports_at_once_the_later_one_wins_whole(database, import_csv, tmp_path):
    second = []

    def start_another(_progress):
        if not second:
            second.append(import_csv(many(tmp_path, 7, "other.csv")))

    with pytest.raises(Stale, match="Another import of this audience was started"):
        import_csv(many(tmp_path, CHUNK * 2), on_progress=start_another)
    assert second[0].count == 7
    assert counts(database) == (1, 1, 7, 1)


def test_a_full_disk_leaves_nothing_that_can_be_used(sqlite_template, tmp_path):
    file = tmp_path / "small.db"
    file.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{file}")
    with database.write() as tx:
        person = people.insert(tx, name="ann", roles=frozenset({"data-keeper"}))
        pages = tx.execute(text("PRAGMA page_count")).scalar_one()
        tx.execute(text(f"PRAGMA max_page_count = {pages + 250}"))
    importer = Audiences(database, VAULT)
    with pytest.raises(Unavailable, match="disk with the database is full"):
        importer.import_csv(actor=person, name="residents", path=many(tmp_path, CHUNK * 4))
    assert importer.list() == []
    assert importer.import_csv(actor=person, name="residents", path=many(tmp_path, 7)).count == 7
    assert counts(database) == (1, 1, 7, 1)
    database.close()


# --- size ---------------------------------------------------------------------------------------------------

IMPORT_AND_MEASURE = """
import os, sys
from pathlib import Path
from broadcaster.db import people
from broadcaster.db.engine import Database
from broadcaster.db.key_files import KEY_BYTES
from broadcaster.db.vault import Vault
from broadcaster.service.audiences import Audiences
database = Database(sys.argv[1])
with database.read() as tx:
    actor = people.by_name(tx, "ann")
resident = []
Audiences(database, Vault(bytes(KEY_BYTES))).import_csv(
    actor=actor,
    name="residents",
    path=Path(sys.argv[2]),
    on_progress=lambda _: resident.append(int(Path("/proc/self/statm").read_text().split()[1])),
)
print(max(resident) * os.sysconf("SC_PAGE_SIZE"))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads its memory from /proc")
@pytest.mark.usefixtures("ann")
def test_a_long_file_takes_no_more_memory_than_a_short_one(database, tmp_path):
    def peak(rows):
        path = tmp_path / f"{rows}.csv"
        with path.open("w") as file:
            file.write("notes,mobile\n")
            file.writelines(f"{'x' * 300},{number(n)}\n" for n in range(rows))
        command = [sys.executable, "-c", IMPORT_AND_MEASURE, database.url, str(path)]
        return int(subprocess.run(command, check=True, capture_output=True).stdout)

    short, long = peak(CHUNK), peak(40_000)
    assert counts(database)[2] == CHUNK + 40_000
    assert long - short < 10_000_000  # the numbers alone, each with its row, would take more
