"""Signing in: what is told to whoever guesses, the delays, second factors, and what a session may do."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from argon2 import PasswordHasher

from broadcaster.db.tables import audit_event, brake, password, person, session
from broadcaster.domain.errors import Invalid, NotAllowed, TryLater
from broadcaster.domain.identity import Wants
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
