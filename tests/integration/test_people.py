"""Users and their tokens: the first administrator, who may add whom, and tokens that are not good any more."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from broadcaster.db.tables import account, audit_event, person, token
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound, Problem

DATABASES = ("sqlite",)

# --- the first one ------------------------------------------------------------------------------------------


def test_on_an_empty_database_anybody_may_make_the_first_administrator(world):
    people = world.parts.people
    assert people.is_empty()
    made = people.add(None, name="adam", roles=["administrator"])
    assert made.roles == {"administrator"}
    assert not people.is_empty()
    assert people.who(people.issue_token(None, name="adam", days=1).text).name == "adam"
    assert world.acts() == ["user_added", "token_issued"]
    assert {e.actor for e in world.rows(audit_event)} == {"nobody"}


def test_the_first_user_must_be_an_administrator(world):
    with world.refused(Invalid, "first user must be an administrator"):
        world.parts.people.add(None, name="olive", roles=["officer"])


def test_after_the_first_user_nobody_adds_users_without_a_token(world):
    add = world.parts.people.add
    add(None, name="adam", roles=["administrator"])
    with world.refused(NotAllowed, "Only an administrator"):
        add(None, name="eve", roles=["administrator"])


def test_of_two_first_administrators_at_once_one_is_made(world):
    other, barrier = world.beside(), Barrier(2)

    def add(parts, name):
        barrier.wait()
        try:
            return parts.people.add(None, name=name, roles=["administrator"])
        except Problem as problem:
            return problem

    for round_ in range(5):
        with ThreadPoolExecutor(2) as pool:
            made = list(pool.map(add, (world.parts, other), (f"adam{round_}", f"eve{round_}")))
        assert sum(isinstance(m, NotAllowed) for m in made) == 1
        assert world.size(person) == 1
        with world.database.write() as tx:
            tx.execute(person.delete())


# --- adding users -------------------------------------------------------------------------------------------


def test_an_administrator_adds_users(world):
    made = world.parts.people.add(world.administrator, name="anna", roles=["approver", "auditor"])
    assert made.roles == {"approver", "auditor"}
    event = world.rows(audit_event)[-1]
    assert (event.actor, event.act, event.subject) == ("adam", "user_added", "anna")


def test_nobody_else_adds_users_or_issues_tokens_to_others(world, subtests):
    for role in ["officer", "approver", "auditor", "data-keeper"]:
        with subtests.test(str(role)):
            assert world.administrator
            other = world.person(f"otto-{role}", role)
            people = world.parts.people
            with world.refused(NotAllowed, "may manage users"):
                people.add(other, name="eve", roles=["administrator"])
            with world.refused(NotAllowed, "may manage users"):
                people.issue_token(other, name="adam", days=1)
            assert people.who(people.issue_token(other, name=other.name, days=1).text).name == other.name


def test_a_name_that_cannot_be_one_is_refused(world, subtests):
    for name in ["", "a b", "a/b", "x" * 65, "a\n", "<b>"]:
        with subtests.test(str(name)):
            admin = world.administrator
            with world.refused(Invalid, "cannot be a user"):
                world.parts.people.add(admin, name=name, roles=["officer"])


def test_a_role_that_there_is_not_is_refused(world, subtests):
    for roles in [[], ["king"], ["officer", "king"]]:
        with subtests.test(str(roles)):
            admin = world.administrator
            with world.refused(Invalid, "roles cannot be used"):
                world.parts.people.add(admin, name="eve", roles=roles)


@pytest.mark.parametrize("disabled", [False, True])
def test_a_name_is_used_once_even_by_somebody_who_left(world, disabled):
    assert world.officer
    admin = world.administrator
    if disabled:
        world.change(person, {"disabled_at": world.now()}, name="olive")
    with world.refused(Invalid, 'is a user "olive" already'):
        world.parts.people.add(admin, name="olive", roles=["officer"])


# --- tokens -------------------------------------------------------------------------------------------------


def a_token(world, days=1):
    assert world.officer
    return world.parts.people.issue_token(world.administrator, name="olive", days=days).text


def test_a_token_says_who_is_asking_and_with_which_roles(world):
    found = world.parts.people.who(a_token(world))
    assert (found.name, found.roles) == ("olive", {"officer"})


def test_a_token_is_never_stored_and_never_shown_by_accident(world):
    text = a_token(world)
    issued = world.parts.people.issue_token(world.administrator, name="olive", days=1)
    assert issued.text not in repr(issued)
    assert issued.text not in str(issued)
    said = str(world.snapshot())
    assert text not in said
    assert issued.text not in said


def test_without_a_good_token_nobody_is_let_in(world, subtests):
    for given in [None, "", "bcr_", "bcr_wrong", "' OR 1=1 --"]:
        with subtests.test(str(given)):
            a_token(world)
            with pytest.raises(NotAllowed):
                world.parts.people.who(given)


def test_an_expired_token_is_not_good_any_more(world):
    text = a_token(world, days=1)
    world.clock.advance(24 * 3600 - 60)
    assert world.parts.people.who(text).name == "olive"
    world.clock.advance(61)
    with pytest.raises(NotAllowed, match="expired"):
        world.parts.people.who(text)


def test_a_revoked_token_is_not_good_any_more_and_others_are(world):
    first, second = a_token(world), a_token(world)
    world.change(token, {"revoked_at": world.now()}, id=world.rows(token)[0].id)
    with pytest.raises(NotAllowed, match="revoked"):
        world.parts.people.who(first)
    assert world.parts.people.who(second).name == "olive"


def test_the_tokens_of_a_disabled_user_are_not_good_any_more(world):
    text = a_token(world)
    world.change(person, {"disabled_at": world.now()}, name="olive")
    with pytest.raises(NotAllowed):
        world.parts.people.who(text)
    with pytest.raises(NotFound, match="no user"):
        a_token(world)


def test_roles_are_read_anew_with_each_token(world):
    text = a_token(world)
    world.change(person, {"roles": "auditor"}, name="olive")
    assert world.parts.people.who(text).roles == {"auditor"}


def test_without_a_token_nobody_issues_one_once_there_is_one(world):
    people = world.parts.people
    people.add(None, name="adam", roles=["administrator"])
    people.issue_token(None, name="adam", days=1)
    with world.refused(NotAllowed, "Only an administrator"):
        people.issue_token(None, name="adam", days=1)


# --- accounts -----------------------------------------------------------------------------------------------


def test_only_an_administrator_resumes_an_account(world):
    world.release(channels=("facebook",))
    world.change(account, {"paused_at": world.now(), "pause_reason": "x"}, name="page")
    resume = world.parts.accounts.resume
    with world.refused(NotAllowed, "may manage"):
        resume(world.officer, "page", "live")
    resume(world.administrator, "page", "live")
    with world.refused(Problem, "is not paused"):
        resume(world.administrator, "page", "live")
    with world.refused(NotFound, 'Did you mean "page"'):
        resume(world.administrator, "pag", "live")
    with world.refused(NotFound, "no exercise account"):
        resume(world.administrator, "page", "exercise")
    assert world.acts()[-1] == "account_resumed"
