"""Following a message that was sent, through the pages: one button, the words before beside the words now, reminders."""

from datetime import timedelta

import pytest

from broadcaster.db.tables import audit_event, broadcast, message, message_version
from tests.builders import VALUES, a_world
from tests.integration.at_the_board import Browser, events

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def world(database_url, tmp_path):
    with a_world(database_url, tmp_path) as world:
        yield world


@pytest.fixture
def olga(world):
    return Browser(world, "olga", "officer")


def sent(world):
    ref = world.release(channels=("website", "x")).ref
    world.clock.advance(1)
    world.work_public()
    return ref


def test_a_correction_is_one_button_away_and_shows_the_wrong_words_beside_the_new(world, olga):
    ref = sent(world)
    address = f"/messages/{ref}/follow-up/correction"
    for page in (f"/messages/{ref}/board", f"/messages/{ref}"):
        assert address in olga.get(page).text
    form = olga.get(address).text
    assert f"Correction of {ref}, sent" in form
    assert VALUES["action"] in form
    blanks = {f"blank-{name}": value for name, value in VALUES.items()}
    refused = olga.post(address, **{**blanks, "blank-action": ""}, channels="website")
    assert refused.status == 422
    made = olga.post(address, **{**blanks, "blank-action": "Stay indoors."}, channels="website")
    assert made.status == 303
    new = made.headers["location"].rpartition("/")[2]
    ((_, payload),) = [e for e in events(world, "message_drafted") if e[0] == "olga"]
    assert (payload["follows"], payload["as"]) == (ref, "correction")
    world.parts.compose.submit(olga.person, new)
    for shown in (olga.get(f"/messages/{new}").text, olga.get(f"/messages/{new}/approve").text):
        assert VALUES["action"] in shown
        assert "Stay indoors." in shown
        assert "Nothing older goes out after it" in shown


def test_who_may_not_write_is_offered_nothing_and_changes_nothing(world, olga):
    ref = sent(world)
    rita = Browser(world, "rita", "auditor")
    assert "follow-up" not in rita.get(f"/messages/{ref}/board").text
    before = world.size(message)
    assert rita.post(f"/messages/{ref}/follow-up/update", channels="website").status == 403
    assert rita.post(f"/messages/{ref}/let-end", reason="so").status == 403
    assert world.size(message) == before
    assert not world.rows(audit_event, act="message_let_end")


def test_a_promised_update_reminds_until_it_is_released(world, olga):
    ref = sent(world)
    soon = world.now()
    world.change(message_version, {"next_update_at": soon.replace(microsecond=0)})
    world.clock.advance(1)
    assert "The next update is overdue" in olga.get("/").text
    world.parts.alarms.look()
    assert [a.code for a in world.parts.alarms.of(ref)] == ["next_update_due"]
    proof = world.parts.follow_ups.draft(olga.person, ref, "update", values={"action": "Stay in."})
    world.approve(world.parts.compose.submit(olga.person, proof.ref))
    assert "The next update is overdue" not in olga.get("/").text
    world.parts.alarms.look()
    assert world.parts.alarms.of(ref) == []


def test_the_end_reminds_until_somebody_lets_it_be(world, olga):
    ref = sent(world)
    assert "It ends soon" not in olga.get("/").text
    world.change(broadcast, {"expires_at": world.now() + timedelta(minutes=20)})
    assert "It ends soon" in olga.get("/").text
    assert olga.post(f"/messages/{ref}/let-end", reason=" ").status in {400, 409, 422}
    assert olga.post(f"/messages/{ref}/let-end", reason="The Met Office lets it end").status == 303
    ((actor, payload),) = events(world, "message_let_end")
    assert (actor, payload["reason"]) == ("olga", "The Met Office lets it end")
    assert "It ends soon" not in olga.get("/").text
