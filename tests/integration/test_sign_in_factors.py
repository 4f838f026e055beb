"""The second factor: asked for, guessed at, changed, and fresh for approving."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pyotp
import pytest

from broadcaster.db.tables import totp, totp_begun
from broadcaster.domain.errors import FactorWanted, NotAllowed, TryLater
from broadcaster.domain.identity import Wants
from broadcaster.domain.message import Mode
from broadcaster.domain.policy import Action, require
from tests.integration.identities import PASSWORD, all_the_way, enter, outcome, with_app
from tests.integration.identities import person as a_person

DATABASES = ("sqlite",)


# --- the second factor --------------------------------------------------------------------------------------


def test_an_approver_gives_the_second_factor_before_anything_else(world):
    app = with_app(world, "anna", "approver")
    opened = enter(world, "anna")
    assert opened.session.wants is Wants.FACTOR
    who = opened.session.person
    with pytest.raises(NotAllowed, match="second factor first"):
        require(who.name, who.roles, Action.APPROVE)
    with world.refused(NotAllowed, "second factor first"):
        world.parts.passwords.change(who, PASSWORD, "nine dry herons at dawn", cookie=opened.cookie)
    with world.refused(NotAllowed, "Give your second factor"):
        world.parts.passkeys.begin(opened.session)
    with world.refused(FactorWanted, "second factor"):
        world.parts.factors.begin_totp(who)
    assert world.events("signed_in") == []
    after = world.parts.sign_in.with_code(opened.cookie, app.code())
    assert after.session.wants is Wants.NOTHING
    require("anna", after.session.person.roles, Action.APPROVE)
    assert world.parts.sessions.find(opened.cookie) is None
    assert world.events("signed_in")[0]["factor"] == "totp"


def test_without_a_second_factor_an_approver_may_do_nothing_but_set_one_up(world):
    a_person(world, "anna", "approver")
    opened = enter(world, "anna")
    assert opened.session.wants is Wants.ENROLMENT
    with world.refused(NotAllowed, "Set up a second factor first"):
        world.parts.approve.approve(opened.session.person, "7F3K2M", "0")
    with world.refused(NotAllowed, "Finish signing in|second factor"):
        world.parts.people.issue_token(opened.session.person, name="anna", days=1)
    factors = world.parts.factors
    made = factors.begin_totp(opened.session.person)
    code = pyotp.TOTP(made.secret).at(world.now())
    done = factors.finish_totp(opened.session.person, code, cookie=opened.cookie)
    assert done.opened.session.wants is Wants.NOTHING
    assert len(set(done.recovery_codes)) == 10
    assert made.secret not in repr(made) + repr(done)
    assert world.parts.sessions.find(opened.cookie) is None
    assert (
        done.opened.session.ends_at - done.opened.session.created_at == world.parts.sessions._limits.longest
    )


def test_whoever_has_a_second_factor_is_asked_for_it_whatever_the_role(world):
    with_app(world, "olive", "officer")
    assert enter(world, "olive").session.wants is Wants.FACTOR


def test_the_policy_can_ask_it_of_everybody(world):
    a_person(world, "olive", "officer")
    world.parts.proposals.change_switch(world.administrator, "second-factor", "all")
    assert enter(world, "olive").session.wants is Wants.ENROLMENT


def test_a_code_is_good_once_and_so_is_every_code_before_it(world):
    app = with_app(world, "anna", "approver")
    first, used = enter(world, "anna"), app.code()
    world.parts.sign_in.with_code(first.cookie, used)
    second = enter(world, "anna")
    for code in (used, app.code(steps=-1)):
        with pytest.raises(NotAllowed, match="used before"):
            world.parts.sign_in.with_code(second.cookie, code)


def test_a_phones_clock_may_be_one_step_off_and_no_more(world, subtests):
    for steps, good in ((-2, False), (-1, True), (1, True), (2, False)):
        with subtests.test(str(steps)):
            app = with_app(world, f"anna{steps}", "approver")
            world.clock.advance(60)
            opened = enter(world, f"anna{steps}")
            found = outcome(
                lambda o=opened, a=app, s=steps: world.parts.sign_in.with_code(o.cookie, a.code(steps=s))
            )
            assert isinstance(found, NotAllowed) is not good


def test_of_two_requests_with_the_same_code_at_once_one_is_let_in(world):
    app = with_app(world, "anna", "approver")
    parts = [world.parts, world.beside()]
    for _ in range(5):
        code = app.next_code()
        cookies = [enter(world, "anna").cookie for _ in parts]
        barrier = Barrier(2)

        def give(n, cookies=cookies, code=code, barrier=barrier):
            barrier.wait()
            return outcome(lambda: parts[n].sign_in.with_code(cookies[n], code))

        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(give, range(2)))
        assert sorted(isinstance(each, NotAllowed) for each in found) == [False, True]


def test_codes_that_are_guessed_wait_longer_each_time(world):
    app = with_app(world, "anna", "approver")
    cookie = enter(world, "anna").cookie
    found = [outcome(lambda: world.parts.sign_in.with_code(cookie, "000000")) for _ in range(6)]
    assert [type(each) for each in found] == [NotAllowed] * 4 + [TryLater] * 2
    assert isinstance(outcome(lambda: world.parts.sign_in.with_code(cookie, app.code())), TryLater)
    world.clock.advance(60)
    world.parts.sign_in.with_code(cookie, app.code())


def test_a_recovery_code_stands_in_once(world):
    app = with_app(world, "anna", "approver")
    who = all_the_way(world, app, "anna").session.person
    code = world.parts.factors.new_recovery_codes(who)[3]
    opened = enter(world, "anna")
    after = world.parts.sign_in.with_code(opened.cookie, f" {code.lower()} ")
    assert after.session.factor == "recovery-code"
    with pytest.raises(NotAllowed):
        world.parts.sign_in.with_code(enter(world, "anna").cookie, code)
    assert world.parts.factors.of(who).recovery_codes_left == 9
    assert code not in str(world.snapshot())


def test_somebody_elses_recovery_code_is_none(world):
    app = with_app(world, "anna", "approver")
    code = world.parts.factors.new_recovery_codes(all_the_way(world, app, "anna").session.person)[0]
    with_app(world, "eve", "approver")
    with pytest.raises(NotAllowed):
        world.parts.sign_in.with_code(enter(world, "eve").cookie, code)


def test_a_sealed_secret_put_into_another_users_row_opens_nothing(world):
    with_app(world, "anna", "approver")
    eve = with_app(world, "eve", "approver")
    eves = world.rows(totp)[1]
    world.change(
        totp, {"secret_sealed": eves.secret_sealed, "bound_to": eves.bound_to, "last_step": 0}, person_id=1
    )
    with pytest.raises(ValueError, match="does not match"):
        world.parts.sign_in.with_code(enter(world, "anna").cookie, eve.code())


# --- fresh for approving ------------------------------------------------------------------------------------


def test_a_live_message_is_approved_only_with_a_fresh_second_factor(world):
    app = with_app(world, "anna", "approver")
    opened = all_the_way(world, app, "anna")
    waiting = world.submit(channels=("website",))
    world.clock.advance(5 * 60 + 1)
    stale = world.parts.sessions.find(opened.cookie).person
    with world.refused(FactorWanted, "second factor, given in the last 5 minutes"):
        world.parts.approve.approve(stale, waiting.ref, waiting.manifest_sha256)
    again = world.parts.sign_in.with_code(opened.cookie, app.next_code())
    world.parts.approve.approve(again.session.person, waiting.ref, waiting.manifest_sha256)
    assert world.events("message_approved_and_released")[0]["factor"] == "totp"
    assert world.parts.sessions.find(opened.cookie) is None


def test_an_exercise_reaches_nobody_and_asks_for_no_second_factor(world):
    plain = a_person(world, "anna", "approver")
    waiting = world.submit(channels=("website",), mode=Mode.EXERCISE)
    world.parts.approve.approve(plain, waiting.ref, waiting.manifest_sha256)


# --- changing what one has ----------------------------------------------------------------------------------


def test_a_factor_is_changed_only_after_giving_one(world):
    app = with_app(world, "anna", "approver")
    opened = all_the_way(world, app, "anna")
    world.clock.advance(301)
    who = world.parts.sessions.find(opened.cookie).person
    factors, passkeys = world.parts.factors, world.parts.passkeys
    for act in (
        lambda: factors.begin_totp(who),
        lambda: factors.remove(who, "totp"),
        lambda: factors.new_recovery_codes(who),
        lambda: passkeys.begin(world.parts.sessions.find(opened.cookie)),
    ):
        with world.refused(FactorWanted, "once more"):
            act()


def test_the_last_factor_stays_where_the_role_needs_one(world):
    app = with_app(world, "anna", "approver")
    annas = all_the_way(world, app, "anna").session.person
    with world.refused(NotAllowed, "Add another one first"):
        world.parts.factors.remove(annas, "totp")
    other = with_app(world, "olive", "officer")
    who = all_the_way(world, other, "olive").session.person
    world.parts.factors.remove(who, "totp")
    assert world.parts.factors.of(who).factors == ()
    assert world.acts()[-1] == "factor_removed"


def test_an_app_that_was_never_confirmed_counts_for_nothing(world):
    who = a_person(world, "olive", "officer")
    world.parts.factors.begin_totp(who)
    with pytest.raises(NotAllowed):
        world.parts.factors.finish_totp(who, "000000")
    assert enter(world, "olive").session.wants is Wants.NOTHING
    world.parts.factors.begin_totp(who)
    assert (world.size(totp), world.size(totp_begun)) == (0, 1)
