"""The console's pages for lists of numbers: importing one, and finding and erasing one person."""

import threading

import pytest
from sqlalchemy import func, select

from broadcaster.db.tables import audience_version, audit_event, recipient, suppression
from broadcaster.domain.errors import Invalid
from broadcaster.service.audiences import Audiences
from broadcaster.web.console import importing
from broadcaster.web.console.importing import Importing
from tests.builders import number
from tests.integration.visitor import visitor

DATABASES = ("sqlite",)

LIST = b"name,mobile\nAnn,+447700900001\nBob,07700900002\nCid,0770\nDee,+447700900001\n"
ABOUT = {
    "name": "residents",
    "source": "sign-up form",
    "lawful_basis": "public task",
    "purpose": "flood warnings",
    "review_on": "2027-03-31",
}


def events(world):
    with world.database.read() as tx:
        return tx.execute(select(func.count()).select_from(audit_event)).scalar_one()


def uploads(world):
    return [file for file in (world.parts.settings.root / "uploads").rglob("*") if file.exists()]


@pytest.fixture
def kim(world):
    return visitor(world, "kim", "data-keeper")


def test_a_list_is_imported_and_each_bad_row_is_named_and_nothing_of_the_file_stays(world, kim):
    kim.get("/manage/audiences/import")
    before = events(world)
    answer = kim.upload("/manage/audiences/import", LIST, **ABOUT)
    assert (answer.status, events(world) - before) == (200, 1)
    for told in ("2 numbers in residents", "1 row without a number", "Row 4", "Row 5", "2 added"):
        assert told in answer.words
    assert "is too short" in answer.words
    for never in ("7700900001", "7700900002", "Ann", "Cid"):
        assert never not in answer.text
    assert uploads(world) == []
    listed = kim.get("/manage/audiences").words
    for told in ("residents 2 people", *list(ABOUT.values())[1:4], "31 March 2027", "by kim"):
        assert told in listed
    assert world.acts()[-1] == "audience_imported"
    again = kim.upload("/manage/audiences/import", LIST, **ABOUT).words
    assert "residents is as it was" in again


def test_what_cannot_be_imported_is_said_and_what_was_typed_stays(world, kim):
    kim.get("/manage/audiences/import")
    before = world.size(audience_version)
    for content, changes, told in (
        (b"name\nAnn\n", {}, "No column with phone numbers was found."),
        (b"mobile\nnone\n", {"column": "mobile"}, "of list.csv. Nothing was imported."),
        (LIST, {"review_on": "soon"}, 'The review date "soon" is not a date.'),
        (LIST, {"column": "fax"}, 'There is no column "fax".'),
        (b"", {}, "Choose the file with the numbers."),
    ):
        answer = kim.upload("/manage/audiences/import", content, **{**ABOUT, **changes})
        assert answer.status == 422
        assert told in answer.words
        assert "--column" not in answer.text
        assert 'value="flood warnings"' in answer.text
        assert uploads(world) == []
    without = kim.post("/manage/audiences/import", ABOUT)  # as it comes back after signing in again
    assert (without.status, 'value="flood warnings"' in without.text) == (422, True)
    assert world.size(audience_version) == before
    assert uploads(world) == []


def test_a_review_that_is_overdue_is_marked(world, kim):
    kim.get("/manage/audiences/import")
    kim.upload("/manage/audiences/import", LIST, **{**ABOUT, "review_on": "2020-01-31"})
    assert "review is overdue" in kim.get("/manage/audiences").words
    kim.get("/manage/audiences/import")
    kim.upload("/manage/audiences/import", LIST + b"Eve,+447700900009\n", **ABOUT)
    assert "review is overdue" not in kim.get("/manage/audiences").words


class Slow(Audiences):
    """Is not over before it is told to go on."""

    def __init__(self, real):
        self._real, self.error, self.go_on = real, None, threading.Event()

    def import_csv(self, *, on_progress, **given):
        result = self._real.import_csv(on_progress=on_progress, **given)
        assert self.go_on.wait(20)
        if self.error:
            raise self.error
        return result

    def list(self):
        return self._real.list()


def test_while_a_long_list_is_read_the_page_grows(world, kim, monkeypatch):
    slow, progress = Slow(world.parts.audiences), Importing.progress

    def grows(job):
        slow.go_on.set()
        return progress(job)

    monkeypatch.setattr(Importing, "progress", grows)
    world.parts.audiences = slow
    for error, told in ((None, "2 numbers in residents"), (Invalid("It broke off."), "It broke off.")):
        slow.error = error
        slow.go_on.clear()
        kim.get("/manage/audiences/import")
        answer = kim.upload("/manage/audiences/import", LIST, **ABOUT)
        assert answer.status == 200
        assert "You may leave this page" in answer.words
        assert "100 %: 4 rows read, 2 numbers kept" in answer.words
        assert told in answer.words
        assert answer.text.rstrip().endswith("</html>")
        assert uploads(world) == []


def test_a_file_that_another_site_sends_is_refused_and_not_kept(world, kim):
    kim.page = ""
    assert kim.upload("/manage/audiences/import", LIST, **ABOUT).status == 403
    assert world.size(audience_version) == 0
    assert uploads(world) == []


def test_who_may_not_import_is_refused_before_the_file_is_read(world):
    anna = visitor(world, "anna", "approver")
    anna.get("/me")
    assert anna.upload("/manage/audiences/import", LIST, **ABOUT).status == 403
    assert not (world.parts.settings.root / "uploads").exists()
    assert anna.get("/manage/audiences").status == 403


def test_only_the_first_bad_rows_are_shown_and_the_others_are_counted(world, kim):
    kim.get("/manage/audiences/import")
    rows = b"".join(b"%d\n" % n for n in range(importing.SHOWN + 7))
    answer = kim.upload("/manage/audiences/import", b"mobile\n+447700900001\n" + rows, **ABOUT)
    assert "And 7 more." in answer.words
    assert f"{importing.SHOWN + 7} rows without a number" in answer.words


# --- one person -------------------------------------------------------------------------------------------


def test_a_person_is_found_and_erased_and_no_page_shows_the_number(world, kim):
    world.add_audience("residents", 3)
    world.opt_out(2)
    kim.get("/manage/person")
    before = events(world)
    found = kim.post("/manage/person", number="07700 900002")
    assert (found.status, events(world) - before) == (200, 1)
    for told in ("The number ending in 002", "is in residents, version 1", "opted out", "was sent 0 texts"):
        assert told in found.words
    refused = kim.post("/manage/person/erase", number=number(2), ending="002", reason="DP-1")
    assert (refused.status, "Tick that you are sure" in refused.words) == (422, True)
    other = kim.post("/manage/person/erase", number=number(3), ending="002", reason="DP-1", sure="yes")
    assert (other.status, "typed another one" in other.words) == (422, True)
    named = kim.post("/manage/person/erase", number=number(2), ending="002", reason=number(2), sure="yes")
    assert (named.status, "The reason holds the number" in named.words) == (422, True)
    erased = kim.post("/manage/person/erase", number=number(2), ending="002", reason="DP-1", sure="yes")
    assert (erased.status, events(world) - before) == (200, 2)
    assert "The number ending in 002 is erased" in erased.words
    assert world.rows(suppression) == []
    assert len([row for row in world.rows(recipient) if row.number_sealed]) == 2
    for page in (found, refused, other, erased):
        assert "900002" not in page.text + str(page.headers)
        assert "900003" not in page.text
    assert "900002" not in str(world.logs)
    assert "No audience, no opt-out" in kim.post("/manage/person", number=number(2)).words


def test_a_person_can_be_kept_out_and_the_opt_outs_are_counted(world, kim):
    world.add_audience("residents", 3)
    world.opt_out(3, purpose="flood warnings")
    kim.get("/manage/person")
    kim.post(
        "/manage/person/erase", number=number(1), ending="001", reason="DP-2", sure="yes", keep_out="yes"
    )
    shown = kim.get("/manage/audiences").words
    assert "All purposes was erased and stays out 1" in shown
    assert "flood warnings asked the staff 1" in shown


def test_an_officer_imports_and_finds_nobody(world):
    olive = visitor(world, "olive", "officer")
    world.add_audience("residents", 1)
    olive.get("/manage/audiences/import")
    assert olive.upload("/manage/audiences/import", LIST, **ABOUT).status == 200
    before = world.snapshot()
    olive.get("/me")
    for path in ("/manage/person", "/manage/person/erase"):
        assert olive.post(path, number=number(1), ending="001", reason="x", sure="yes").status == 403
    assert world.snapshot() == before
    assert "One person" not in olive.get("/manage/audiences").words


def test_a_number_is_not_kept_on_the_page_of_who_must_sign_in_again(world, kim):
    kim.get("/manage/person")
    world.parts.sessions.sign_out(kim.cookie)
    answer = kim.post("/manage/person", number=number(1))
    assert "Your session has ended" in answer.words or "Sign in" in answer.words
    assert "900001" not in answer.text
