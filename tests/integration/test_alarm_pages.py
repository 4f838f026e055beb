"""Alarms that cannot wait page somebody: once for each, until somebody is on it or it is over, and never about an exercise."""

import pytest
from sqlalchemy import event

from broadcaster.db.tables import page_request
from broadcaster.domain.alarm import WAKES, AlarmCode
from broadcaster.domain.message import Mode
from broadcaster.domain.rota import DutyRole
from broadcaster.service.alarms import raise_alarm, take_back
from broadcaster.service.findings import Finding
from tests.integration.alarms import looked, pause
from tests.integration.test_paging import Clock
from tests.integration.visitor import visitor

DATABASES = ("sqlite",)

CANNOT = (AlarmCode.QUARANTINED, AlarmCode.COUNTS_DIFFER)


def raised(world, code, subject, text="The platform said: ring 07700 900123."):
    with world.database.write() as tx:
        raise_alarm(tx, Finding(code=code, subject=subject, text=text))


def asked(world):
    return [(row.subject, row.role, row.state) for row in world.rows(page_request)]


def test_a_refused_account_pages_whoever_is_technical_once_and_again_when_it_happens_again(world):
    subject, role = "live/page", str(DutyRole.TECHNICAL)
    pause(world)
    for _ in range(3):
        looked(world)
    assert asked(world) == [(subject, role, "open")]
    (row,) = world.rows(page_request)
    assert "live/page" in row.words
    assert "expired" not in row.words  # the platform's own words stay in the house
    world.parts.accounts.resume(world.administrator, "page", "live")
    looked(world)
    assert asked(world) == [(subject, role, "closed")]
    pause(world)
    looked(world)
    assert [state for _, _, state in asked(world)] == ["closed", "open"]


def test_nobody_is_woken_for_an_exercise_nor_for_what_can_wait(world):
    ref = world.draft(channels=("website",), mode=Mode.EXERCISE)
    for code in set(AlarmCode) - WAKES.keys():
        raised(world, code, "live/page")
    for code in WAKES:
        raised(world, code, ref)
    raised(world, AlarmCode.ACCOUNT_PAUSED, "exercise/site")
    raised(world, AlarmCode.NOBODY_SENDS, "exercise/public")
    assert asked(world) == []


def test_whoever_wrote_the_message_is_paged_about_its_alarm(world):
    """Of an approval they are not: they could decide nothing."""
    clock = Clock(world)
    ref = world.draft(channels=("website",))
    world.parts.rota.set_contact(world.officer, phone="", mail=f"{world.officer.name}@wyre.example")
    raised(world, AlarmCode.POST_NOT_SEEN, ref)
    clock.look()
    assert clock.way.to == [world.officer.name]
    assert "07700" not in clock.way.pages[0][2]
    assert f"/messages/{ref}/board#post_not_seen" in clock.way.pages[0][2]


def test_each_alarm_of_a_message_has_a_page_of_its_own_and_ends_with_it(world):
    ref = world.draft(channels=("website",))
    for code in CANNOT:
        raised(world, code, ref)
    assert [state for *_, state in asked(world)] == ["open", "open"]
    world.parts.alarms.acknowledge(world.officer, CANNOT[1], ref, reason="The gateway shows them all.")
    assert [state for *_, state in asked(world)] == ["open", "closed"]
    with world.database.write() as tx:
        take_back(tx, CANNOT[0], ref)
    assert [state for *_, state in asked(world)] == ["closed", "closed"]


def test_somebody_says_on_home_to_be_on_it_and_is_paged_no_more_while_the_alarm_stands(world):
    world.parts.seal.seal()
    adam, olga = visitor(world, "adam", "administrator"), visitor(world, "olga", "officer")
    pause(world)
    looked(world)
    assert "I am on it" not in olga.get("/").words
    home = adam.get("/")
    assert "ALARM about live/page" in home.words
    (row,) = world.rows(page_request)
    done = adam.post(f"/pages/{row.uid}/on-it")
    assert (done.status, done.onward) == (303, "/manage/accounts#account_paused")
    looked(world)
    (row,) = world.rows(page_request)
    assert (row.state, row.acknowledged_way) == ("closed", "console")
    assert "ALARM about live/page" not in adam.get("/").words
    olga.get("/me")
    assert olga.post(f"/pages/{row.uid}/on-it").status == 404


@pytest.mark.parametrize("code", sorted(WAKES))
def test_what_a_page_says_fits_into_a_text(code):
    role, words = WAKES[code]
    assert role in {DutyRole.OFFICER, DutyRole.TECHNICAL}
    assert 20 < len(words) < 100


def test_a_look_at_many_that_nobody_answers_asks_the_database_no_more_than_at_one(world):
    clock, asked_of_it = Clock(world), []
    event.listen(world.database.engine, "before_cursor_execute", lambda *_given: asked_of_it.append(1))

    def asked_in_a_look():
        for _ in range(4):  # until everybody was paged in vain
            clock.look()
        asked_of_it.clear()
        clock.look()
        return len(asked_of_it)

    raised(world, AlarmCode.ACCOUNT_PAUSED, "live/page")
    at_one = asked_in_a_look()
    for no in range(6):
        raised(world, AlarmCode.ACCOUNT_PAUSED, f"live/page{no}")
    assert asked_in_a_look() == at_one
    assert len(asked(world)) == 7
