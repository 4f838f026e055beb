"""Signing in: what is told to whoever guesses, the delays, second factors, and what a session may do."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pyotp
import pytest
from argon2 import PasswordHasher

from broadcaster.db.tables import audit_event, brake, password, person, session, totp, totp_begun
from broadcaster.domain.errors import FactorWanted, Invalid, NotAllowed, TryLater
from broadcaster.domain.identity import Wants
from broadcaster.domain.message import Mode
from broadcaster.domain.policy import Action, require
from broadcaster.service.hashing import Hashing
from broadcaster.service.sign_in import NOT_RIGHT
from tests.integration.identities import ELSEWHERE, HERE, PASSWORD, all_the_way, enter, outcome, with_app
from tests.integration.identities import person as a_person

DATABASES = ("sqlite",)

# --- a name and a password ----------------------------------------------------------------------------------


def test_an_officer_signs_in_with_name_and_password_and_may_write(world):
    a_person(world, "olive", "officer")
    opened = enter(world, "olive", agent="Mozilla/5.0 (Windows NT 10.0) Firefox/130.0")
    assert opened.session.wants is Wants.NOTHING
    found = world.parts.sessions.find(opened.cookie)
    assert (found.person.name, found.agent, found.address) == ("olive", "Firefox on Windows", HERE)
    require(found.person.name, found.person.roles, Action.WRITE)
    (told,) = world.events("signed_in")
    assert told["factor"] == "password"
    assert HERE not in str(world.rows(audit_event))


def test_whoever_guesses_is_told_the_same_whatever_was_wrong(world):
    a_person(world, "olive", "officer")
    a_person(world, "gone", "officer")
    world.change(person, {"disabled_at": world.now()}, name="gone")
    world.person("nopass", "officer")
    told = {
        str(outcome(lambda n=n, p=p: enter(world, n, p)))
        for n, p in (("olive", "wrong"), ("nobody", PASSWORD), ("gone", PASSWORD), ("nopass", ""), ("", ""))
    }
    assert told == {NOT_RIGHT}
    assert world.size(session) == 0


def test_for_every_name_as_many_hashes_are_looked_at(world, tmp_path):
    """Time itself is not asserted; what takes the time is counted."""
    a_person(world, "olive", "officer")
    looked = []

    class Counting(Hashing):
        def fits(self, hash_, password):
            looked.append(bool(hash_))
            return super().fits(hash_, password)

    parts = world.beside()
    parts.__dict__["_hashing"] = Counting(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    for name in ("olive", "nobody"):
        with pytest.raises(NotAllowed):
            parts.sign_in.with_password(name, "wrong", address=HERE)
    assert looked == [True, False]


def test_nothing_that_somebody_typed_or_was_handed_can_be_read_in_the_database(world):
    app = with_app(world, "anna", "approver")
    opened = all_the_way(world, app, "anna")
    with pytest.raises(NotAllowed):
        enter(world, "typed-password-as-name", "x")
    stored = str(world.snapshot())
    for secret in (PASSWORD, app.secret, opened.cookie, "typed-password-as-name"):
        assert secret not in stored
    assert opened.cookie not in repr(opened)


def test_a_real_hash_has_the_real_parameters_and_an_older_one_is_made_anew(world):
    a_person(world, "olive", "officer")
    cheap = world.row(password).hash
    parts = world.beside()
    parts.__dict__["_hashing"] = Hashing()
    parts.sign_in.with_password("olive", PASSWORD, address=HERE)
    assert "m=8," in cheap
    assert world.row(password).hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    parts.sign_in.with_password("olive", PASSWORD, address=HERE)


def test_few_hashes_are_made_at_once_and_too_many_are_refused_politely():
    barrier, made = Barrier(3), []

    class Slow:
        def hash(self, given):
            made.append(given)
            barrier.wait(timeout=30)
            return "x"

    hashing = Hashing(Slow(), at_once=2, waiting=0, wait_s=0.05)
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(hashing.hash, str(n)) for n in range(2)]
        while len(made) < 2:
            pass
        with pytest.raises(TryLater, match="Very many people"):
            hashing.hash("third")
        barrier.wait(timeout=30)
        assert [r.result() for r in running] == ["x", "x"]
    assert len(made) == 2


# --- delays -------------------------------------------------------------------------------------------------


def fail(world, times, *, name="olive", address=HERE):
    """How many of them were looked at."""
    found = [outcome(lambda: enter(world, name, "wrong", address=address)) for _ in range(times)]
    return sum(not isinstance(each, TryLater) for each in found)


def test_after_three_failures_each_next_try_waits_twice_as_long(world, subtests):
    for name in ("olive", "nobody-of-this-name"):
        with subtests.test(name):
            if name == "olive":
                a_person(world, name, "officer")
            assert fail(world, 5, name=name, address=f"for-{name}") == 4
            for wait_s in (1, 2, 4, 8, 16, 32, 60, 60):
                refused = outcome(lambda n=name: enter(world, n, PASSWORD, address=f"for-{n}"))
                assert (type(refused), refused.retry_after_s) == (TryLater, wait_s)
                world.clock.advance(wait_s)
                assert fail(world, 1, name=name, address=f"for-{name}") == 1


def test_the_right_password_ends_the_delay_and_says_how_often_it_was_guessed(world):
    a_person(world, "olive", "officer")
    fail(world, 4)
    world.clock.advance(2)
    enter(world, "olive")
    assert world.events("signed_in")[0]["failed_before"] == 4
    assert fail(world, 4) == 4


def test_a_stranger_cannot_keep_somebody_out_who_was_here_before(world):
    a_person(world, "olive", "officer")
    enter(world, "olive")
    for n in range(24):
        fail(world, 1, address=f"203.0.113.{n}")
    assert isinstance(outcome(lambda: enter(world, "olive", address="192.0.2.99")), TryLater)
    assert enter(world, "olive").session.wants is Wants.NOTHING


def test_from_a_new_place_somebody_waits_a_few_seconds_at_most(world):
    a_person(world, "olive", "officer")
    for n in range(30):
        fail(world, 1, address=f"203.0.113.{n}")
        world.clock.advance(1)
    refused = outcome(lambda: enter(world, "olive", address=ELSEWHERE))
    assert refused.retry_after_s <= 10
    world.clock.advance(refused.retry_after_s)
    assert enter(world, "olive", address=ELSEWHERE).session.wants is Wants.NOTHING


def test_many_names_from_one_place_are_slowed_down_too(world):
    assert sum(fail(world, 1, name=f"name-{n}") for n in range(40)) == 31


def test_of_many_tries_at_once_no_more_are_looked_at_than_one_after_the_other(world):
    a_person(world, "olive", "officer")
    parts = [world.parts, world.beside()]

    def guess(n):
        return outcome(lambda: parts[n % 2].sign_in.with_password("olive", "wrong", address=HERE))

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(guess, range(12)))
    assert sum(type(each) is NotAllowed for each in found) == 4


def test_failed_tries_do_not_flood_the_log(world):
    a_person(world, "olive", "officer")
    for n in range(12):
        fail(world, 1, address=f"203.0.113.{n}")
        fail(world, 1, name="nobody", address=f"203.0.113.{n}")
    world.change(brake, {"failures": 48}, failures=12)
    for n in range(3):
        world.clock.advance(11)
        fail(world, 1, address=f"198.51.100.{n}")
    assert [told["tries"] for told in world.events("sign_in_failed")] == [5, 50]
    assert "203.0.113" not in str(world.rows(audit_event))


def test_failures_are_forgotten_and_their_marks_deleted(world):
    fail(world, 4)
    world.clock.advance(3601)
    assert fail(world, 4) == 4
    world.clock.advance(61 * 86400)
    with world.database.write() as tx:
        assert world.parts._braking.wipe_old(tx) is False
    assert world.size(brake) == 0


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


# --- passwords ----------------------------------------------------------------------------------------------


def test_a_password_is_changed_with_the_old_one_and_ends_every_other_session(world):
    who = a_person(world, "olive", "officer")
    here, there = enter(world, "olive"), enter(world, "olive", address=ELSEWHERE)
    change = world.parts.passwords.change
    with pytest.raises(NotAllowed, match="old password"):
        change(who, "wrong", "nine dry herons at dawn", cookie=here.cookie)
    after = change(who, PASSWORD, "nine dry herons at dawn", cookie=here.cookie)
    find = world.parts.sessions.find
    assert [find(c) is None for c in (here.cookie, there.cookie, after.cookie)] == [True, True, False]
    enter(world, "olive", "nine dry herons at dawn")
    with pytest.raises(NotAllowed):
        enter(world, "olive", PASSWORD)


def test_a_password_that_would_be_guessed_is_refused(world, subtests):
    who = world.person("brunhilde", "officer")
    refused = [
        "short",
        "Passw0rd!Passw0rd!",
        "qwertyuiop123456",
        "123456789012",
        "aaaaaaaaaaaaaa",
        "Brunhilde1234",
    ]
    refused += [
        "abcabcabcabc",
        "Welcome2026!!!",
        "1q2w3e4r5t6y",
        "letmein-letmein",
        "x" * 257,
        "P@ssw0rd12345",
    ]
    for given in refused:
        with subtests.test(given[:20]), pytest.raises(Invalid, match="cannot be used"):
            world.parts.passwords.change(who, "", given)
    for given in ("seven wet gulls", "Llanfair pwllgwyngyll", "correct horse, battery"):
        with subtests.test(given):
            world.parts.passwords.change(who, "", given)
            with world.database.write() as tx:
                tx.execute(password.delete())
