"""T31: a wrong message is corrected by two people with the pages alone. What takes time is what they read and type: nothing between
their clicks and the platforms waits for a timer, so nothing here moves the clock. `make storm` does it in real seconds."""

import re

import pytest

from broadcaster.db.tables import audit_event
from tests.builders import VALUES, a_world
from tests.integration.test_follow_ups import Living, states
from tests.integration.visitor import visitor

#: Fakes only, and what is beneath is tested on both databases.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

WRONG, RIGHT = "Clitheroe", "Cleveleys"
ALL = ("website", "facebook", "x", "sms")


@pytest.fixture
def world(database_url, tmp_path):
    with a_world(database_url, tmp_path, feed=Living()) as world:
        yield world


@pytest.fixture
def wrong(world):
    """A live message with the wrong place, on every channel."""
    world.add_audience("residents", 5)
    ref = world.release(channels=ALL, audience="residents", area=WRONG).ref
    world.parts.plan.plan(world.broadcast_id(ref))
    send(world)
    return ref


def send(world):
    world.work_public()
    world.work_bulk()


@pytest.fixture
def desk(world):
    return visitor(world, "oscar", "officer"), visitor(world, "nina", "approver")


def correct(desk, ref):
    """What oscar and nina do on the pages. The correction's reference."""
    oscar, nina = desk
    address = f"/messages/{ref}/follow-up/correction"
    assert address in oscar.get(f"/messages/{ref}/board").text
    form = oscar.get(address)
    assert WRONG in form.text
    typed = {f"blank-{name}": value for name, value in {**VALUES, "area": RIGHT}.items()}
    shown = re.findall(r'name="channels"[^>]*value="(\w+)"[^>]*checked', form.text)
    made = oscar.post(
        address, [*typed.items(), *(("channels", each) for each in shown), ("audience", "residents")]
    )
    new = made.onward.rpartition("/")[2]
    oscar.get(made.onward)
    oscar.post(f"/messages/{new}/submit")
    assert f"/messages/{new}/approve" in nina.get("/").text
    page = nina.get(f"/messages/{new}/approve")
    digest = re.search(r'name="hash" value="(\w+)"', page.text)[1]
    assert nina.post(f"/messages/{new}/approve", hash=digest, real="yes").status == 303
    return new


def test_two_people_correct_a_wrong_message_on_every_channel_and_nothing_waits_for_a_timer(
    world, wrong, desk
):
    new = correct(desk, wrong)
    world.parts.plan.plan(world.broadcast_id(new))
    send(world)
    assert states(world, new) == ["accepted"] * 8
    told = [world.site.ledger[-1], world.page.ledger[-1], world.gateway.ledger[-1]]
    texts = [taken.post.text for taken in told] + list(world.feed.standing.values())
    assert len(texts) == 4
    for text in texts:
        assert RIGHT in text
        assert WRONG not in text
        assert f"(Ref {wrong})" in text
    addresses = [taken.address for taken in world.gateway.ledger]
    assert sorted(addresses[:5]) == sorted(addresses[5:])


def test_its_record_says_who_corrected_what_and_by_how_many_acts(world, wrong, desk):
    before = world.size(audit_event)
    new = correct(desk, wrong)
    acts = [(e.actor, e.act) for e in world.rows(audit_event)[before:] if e.actor in {"oscar", "nina"}]
    assert acts == [
        ("oscar", "message_drafted"),
        ("oscar", "message_submitted"),
        ("nina", "message_approved_and_released"),
    ]
    timeline = visitor(world, "rita", "auditor").get(f"/messages/{new}/timeline").words
    assert f"{wrong}" in timeline
    assert "nina approved" in timeline
