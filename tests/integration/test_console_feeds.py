"""The console's pages of what others warn of: Home, one warning, what is written from it, and which feeds are watched."""

import re

import pytest

from broadcaster.db.tables import audit_event, feed, feed_warning, message, worksheet
from tests.integration.visitor import visitor
from tests.integration.weather import Fetching, look, watch, watching

#: The services beneath are tested on both databases; what a page says of them does not depend on which it is.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def source():
    return Fetching()


@pytest.fixture
def laid(world, source):
    """A feed with one warning that concerns us."""
    uid = watch(world, source)
    source.issue(hours=1_000)
    look(world, uid)
    return uid


def test_home_says_who_has_issued_what_and_leads_to_it(world, laid):
    home = visitor(world, "oona", "officer").get("/")
    assert "Met Office has issued: Amber warning of wind affecting North West England" in home.words
    assert "What needs somebody now" in home.words
    (uid,) = [row.uid for row in world.rows(feed_warning)]
    assert f'href="/warnings/{uid}"' in home.text


def test_an_officer_writes_from_it_and_the_draft_stands_on_it(world, source, laid):
    oona = visitor(world, "oona", "officer")
    (uid,) = [row.uid for row in world.rows(feed_warning)]
    shown = oona.get(f"/warnings/{uid}")
    assert "Keep off the seafront. Avoid driving." in shown.words
    acts = len(world.rows(audit_event))
    form = oona.post(f"/warnings/{uid}/write")
    assert (form.status, len(world.rows(audit_event))) == (303, acts)
    filled = oona.get(form.onward)
    for said in ("North West England", "Keep off the seafront. Avoid driving.", "Gusts of up to 75 mph"):
        assert said in filled.text
    assert re.search(r'value="Amber" checked|checked[^>]*value="Amber"', filled.text)
    assert "oona is writing from it" in visitor(world, "otto", "officer").get("/").words
    sheet = re.search(r'name="sheet" value="([^"]+)"', filled.text)[1]
    assert [row.uid for row in world.rows(worksheet)] == [sheet]
    acts = len(world.rows(audit_event))
    values = world.parts.feed_warnings.one(world.officer, uid).filled.values
    typed = {**values, "next_update": "+3h", "source": "Duty officer, Wyre Council", "phone": "01632 960123"}
    fields = {f"blank-{name}": value for name, value in typed.items()}
    made = oona.post(
        "/messages/new/severe-weather", {**fields, "sheet": sheet, "channels": "website", "mode": "live"}
    )
    assert made.status == 303
    assert len(world.rows(audit_event)) == acts + 1
    ref = made.onward.rpartition("/")[2]
    assert world.row(feed_warning, uid=uid).message_id == world.row(message, ref=ref).id
    assert "has issued" not in oona.get("/").words
    page = oona.get(f"/messages/{ref}").words
    assert "Written from a warning of Met Office" in page
    source.issue(
        kind="Cancel", refers_to=world.parts.feed_warnings.one(world.officer, uid).warning.alert.identifier
    )
    look(world, laid)
    assert "The source cancelled it" in oona.get(f"/messages/{ref}").words
    assert "Met Office has cancelled: Amber warning" in oona.get("/").words


def test_to_dismiss_it_says_why_and_nothing_typed_is_lost(world, laid):
    oona = visitor(world, "oona", "officer")
    (uid,) = [row.uid for row in world.rows(feed_warning)]
    oona.get(f"/warnings/{uid}")
    empty = oona.post(f"/warnings/{uid}/dismiss", reason="")
    assert (empty.status, "Give a reason" in empty.words, 'href="#reason"' in empty.text) == (422, True, True)
    done = oona.post(f"/warnings/{uid}/dismiss", reason="Only the hills of Cumbria.")
    assert done.status == 303
    record = oona.get(done.onward.partition("#")[0]).words
    assert "Not to warn: Not to warn of what Met Office has issued" in record
    assert "Only the hills of Cumbria." in record
    assert "oona dismissed it" in oona.get("/warnings").words
    again = oona.post(f"/warnings/{uid}/dismiss", reason="Again")
    assert (again.status, "dismissed already, by oona" in again.words) == (422, True)


def test_who_only_reads_cannot_write_from_it_or_dismiss_it(world, laid):
    rita = visitor(world, "rita", "auditor")
    (uid,) = [row.uid for row in world.rows(feed_warning)]
    page = rita.get(f"/warnings/{uid}")
    assert (page.status, "Write from it" in page.words, "Dismiss it" in page.words) == (200, False, False)
    rita.get("/me")
    before = world.snapshot()
    assert [rita.post(f"/warnings/{uid}/{act}", reason="no").status for act in ("write", "dismiss")] == [
        403,
        403,
    ]
    assert world.snapshot() == before
    kim = visitor(world, "kim", "data-keeper")
    assert [kim.get(path).status for path in ("/warnings", f"/warnings/{uid}", "/manage/feeds")] == [403] * 3


def test_an_administrator_has_a_feed_watched_looks_at_it_and_ends_it(world, source):
    watching(world, source)
    ada = visitor(world, "ada", "administrator")
    assert "No feed is watched yet" in ada.get("/manage/feeds").words
    wrong = ada.post(
        "/manage/feeds", name="", url="https://weather.example/atom.xml", template="severe-weather", every="x"
    )
    assert (wrong.status, 'href="#name"' in wrong.text, 'href="#every"' in wrong.text) == (422, True, True)
    assert 'value="https://weather.example/atom.xml"' in wrong.text
    made = ada.post(
        "/manage/feeds",
        name="Met Office",
        url="http://weather.example/weather/atom.xml",
        template="severe-weather",
        events="wind, thunder",
        areas="North West",
        least="Moderate",
        every="60",
        silent="0",
    )
    assert made.status == 303
    page = ada.get("/manage/feeds").words
    assert "Wind, thunder in North West, at least moderate: Severe weather" in page
    (row,) = world.rows(feed)
    source.issue(hours=1_000)
    assert "1 new warning, of which 1 before the officers" in ada.post(f"/manage/feeds/{row.uid}/check").words
    source.fail("broken")
    assert "it cannot be read (it is no whole XML)" in ada.post(f"/manage/feeds/{row.uid}/check").words
    assert ada.post(f"/manage/feeds/{row.uid}/remove").status == 303
    assert "No feed is watched yet" in ada.get("/manage/feeds").words
    officer = visitor(world, "oona", "officer")
    officer.get("/manage/feeds")
    assert officer.post("/manage/feeds", name="X", url="https://x.example", template="flood").status == 403
