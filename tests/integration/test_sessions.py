"""Sessions: whose they are, when they end, and that nobody else's cookie becomes somebody's."""

import pytest
from sqlalchemy import event

from broadcaster.db.tables import person, session, token
from broadcaster.domain.errors import NotAllowed, NotFound
from broadcaster.service.sessions import form_key, short_agent
from tests.integration.identities import ELSEWHERE, all_the_way, enter, outcome, with_app
from tests.integration.identities import person as a_person

DATABASES = ("sqlite",)


def find(world, opened):
    return world.parts.sessions.find(opened.cookie)


def test_a_cookie_that_a_browser_brought_is_never_the_one_it_leaves_with(world):
    a_person(world, "olive", "officer")
    a_person(world, "eve", "officer")
    planted = enter(world, "eve")
    opened = enter(world, "olive", cookie=planted.cookie)
    assert opened.cookie != planted.cookie
    assert find(world, planted) is None
    assert find(world, opened).person.name == "olive"
    assert enter(world, "olive", cookie="made-up").cookie != "made-up"


def test_a_cookie_that_there_is_not_is_nobodys(world, subtests):
    a_person(world, "olive", "officer")
    enter(world, "olive")
    for cookie in (None, "", "x", world.rows(session)[0].sha256):
        with subtests.test(str(cookie)):
            assert world.parts.sessions.find(cookie) is None


def test_who_does_nothing_is_signed_out_an_approver_sooner(world):
    app = with_app(world, "anna", "approver")
    a_person(world, "olive", "officer")
    anna, olive = all_the_way(world, app, "anna"), enter(world, "olive")
    world.clock.advance(30 * 60 - 31)
    assert find(world, anna)
    world.clock.advance(30 * 60 - 1)
    assert find(world, anna)
    world.clock.advance(30 * 60)
    assert find(world, anna) is None
    assert world.row(session, uid=anna.session.uid).why_ended == "idle"
    assert find(world, olive)


def test_after_twelve_hours_everybody_signs_in_anew(world):
    a_person(world, "olive", "officer")
    opened = enter(world, "olive")
    for _ in range(11):
        world.clock.advance(3600)
        assert find(world, opened)
    world.clock.advance(3600)
    assert find(world, opened) is None
    assert world.row(session).why_ended == "at its limit"


def test_between_password_and_code_there_is_a_quarter_of_an_hour(world):
    app = with_app(world, "anna", "approver")
    opened = enter(world, "anna")
    world.clock.advance(15 * 60)
    with pytest.raises(NotAllowed, match="Sign in again"):
        world.parts.sign_in.with_code(opened.cookie, app.code())


def test_a_page_view_is_a_write_every_half_minute_at_most(world):
    a_person(world, "olive", "officer")
    opened = enter(world, "olive")
    written = []

    def look(_connection, _cursor, statement, *_rest):
        if statement.startswith("UPDATE session"):
            written.append(statement)

    event.listen(world.database.engine, "after_cursor_execute", look)
    for _ in range(10):
        world.clock.advance(10)
        assert find(world, opened)
    event.remove(world.database.engine, "after_cursor_execute", look)
    assert len(written) == 3


def test_a_disabled_users_sessions_and_tokens_end_at_once(world):
    a_person(world, "olive", "officer")
    opened = enter(world, "olive")
    world.change(person, {"disabled_at": world.now()}, name="olive")
    assert find(world, opened) is None
    world.change(person, {"disabled_at": None}, name="olive")
    a_person(world, "otto", "officer")
    second = enter(world, "otto")
    token_text = world.parts.people.issue_token(world.administrator, name="otto", days=1).text
    world.parts.proposals.disable_user(world.administrator, "otto")
    assert find(world, second) is None
    assert isinstance(outcome(lambda: world.parts.people.who(token_text)), NotAllowed)
    assert world.row(session, uid=second.session.uid).why_ended == "user disabled"
    assert world.row(token).revoked_at


def test_other_roles_end_the_sessions_of_before(world):
    a_person(world, "olive", "officer")
    opened = enter(world, "olive")
    world.parts.proposals.change_roles(world.administrator, "olive", ["officer", "auditor"])
    assert find(world, opened) is None
    assert world.events("roles_changed")[0]["sessions"] == 1


def test_somebody_sees_and_ends_his_own_sessions_only(world):
    a_person(world, "olive", "officer")
    a_person(world, "eve", "officer")
    here, there, eves = enter(world, "olive"), enter(world, "olive", address=ELSEWHERE), enter(world, "eve")
    sessions, who = world.parts.sessions, here.session.person
    assert [s.address for s in sessions.listed(who)] == [ELSEWHERE, "192.0.2.1"]
    with world.refused(NotFound, "over already"):
        sessions.end(who, eves.session.uid)
    sessions.end(who, there.session.uid)
    assert [find(world, each) is None for each in (here, there, eves)] == [False, True, False]
    third = enter(world, "olive")
    assert sessions.end_all(who) == 1
    assert [find(world, each) is None for each in (here, third, eves)] == [False, True, False]
    with world.refused(NotAllowed, "may manage users"):
        sessions.end_all(who, "eve")
    assert sessions.end_all(world.administrator, "eve") == 1
    assert world.acts()[-1] == "sessions_ended"


def test_signing_out_ends_it_and_is_said_once(world):
    a_person(world, "olive", "officer")
    opened = enter(world, "olive")
    for _ in range(2):
        world.parts.sessions.sign_out(opened.cookie)
    assert find(world, opened) is None
    assert world.acts().count("signed_out") == 1


def test_what_an_old_session_tells_is_deleted(world):
    a_person(world, "olive", "officer")
    world.parts.sessions.sign_out(enter(world, "olive").cookie)
    world.clock.advance(29 * 86400)
    world.parts.sessions.wipe_old()
    assert world.size(session) == 1
    world.clock.advance(2 * 86400)
    world.parts.sessions.wipe_old()
    assert world.size(session) == 0


def test_each_sessions_forms_carry_a_key_of_their_own():
    assert form_key("a") == form_key("a") != form_key("b")
    assert "a" * 30 not in form_key("a" * 30)


def test_a_device_is_told_in_few_words(subtests):
    for given, told in (
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("curl/8", "another program"),
        ("", ""),
    ):
        with subtests.test(told):
            assert short_agent(given) == told


def test_a_password_of_an_open_session_is_asked_in_vain_after_a_few_tries(world):
    who = a_person(world, "olive", "officer")
    change = world.parts.passwords.change
    found = [outcome(lambda: change(who, "wrong", "nine dry herons at dawn")) for _ in range(5)]
    assert [type(each).__name__ for each in found] == ["NotAllowed"] * 4 + ["TryLater"]
