"""Changes of who may do what: proposed by one administrator, confirmed by another, done to the letter."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from broadcaster.db import people, proposals
from broadcaster.db.tables import invitation, passkey, person, proposal, token, totp
from broadcaster.domain.changes import DisableUser, ProposalState, from_json, to_json
from broadcaster.domain.errors import FactorWanted, Invalid, NotAllowed, NotFound, Stale
from broadcaster.domain.identity import Wants
from broadcaster.service.proposals import Done, Proposal
from broadcaster.stand_ins import MARK
from tests.builders import ALWAYS
from tests.integration.identities import PASSWORD, enter, outcome, with_app
from tests.integration.identities import person as a_person

DATABASES = ("sqlite",)


@pytest.fixture
def two(world):
    """Two administrators who can act, where two are needed."""
    with world.database.write() as tx:
        proposals.set_switch(tx, "second-administrator", "on")
    return [replace(a_person(world, name, "administrator"), factor_at=ALWAYS) for name in ("ada", "bob")]


def test_what_one_proposes_another_confirms_and_exactly_that_is_done(world, two):
    ada, bob = two
    made = world.parts.proposals.add_user(ada, "olive", ["officer", "auditor"], reason="new on the rota")
    assert made.in_words == "Add the user olive as auditor and officer, with an invitation to set a password."
    assert world.rows(person, name="olive") == []
    (shown,) = world.parts.proposals.listed(bob)
    assert (shown.ref, shown.proposed_by, shown.reason) == (made.ref, "ada", "new on the rota")
    done = world.parts.proposals.confirm(bob, made.ref.lower(), shown.sha256)
    assert world.row(person, name="olive").roles == "auditor officer"
    opened = world.parts.passwords.accept(done.invitation, PASSWORD)
    assert opened.session.person.name == "olive"
    assert world.acts() == ["change_proposed", "user_added", "invitation_accepted"]
    (told,) = world.events("user_added")
    assert told == {
        "roles": ["auditor", "officer"],
        "proposal": made.ref,
        "proposed_by": "ada",
        "sha256": made.sha256,
    }
    assert world.parts.proposals.listed(bob) == []
    assert done.invitation not in str(world.snapshot()) + repr(done)


def test_nobody_confirms_what_he_proposed_himself(world, two):
    made = world.parts.proposals.add_user(two[0], "olive", ["officer"])
    with world.refused(NotAllowed, "You proposed"):
        world.parts.proposals.confirm(two[0], made.ref)


def test_only_an_administrator_with_a_fresh_factor_proposes_or_confirms(world, two):
    ada, bob = two
    parts = world.parts.proposals
    otto = a_person(world, "otto", "officer")
    with world.refused(NotAllowed, "may manage users"):
        parts.add_user(otto, "eve", ["officer"])
    with world.refused(FactorWanted, "second factor"):
        parts.add_user(replace(ada, factor_at=None), "eve", ["officer"])
    with world.refused(NotAllowed, "may read the audit log"):
        parts.listed(otto)
    made = parts.add_user(ada, "eve", ["officer"])
    with world.refused(FactorWanted, "second factor"):
        parts.confirm(replace(bob, factor_at=None), made.ref)


def test_after_a_week_a_proposal_is_confirmed_no_more(world, two):
    made = world.parts.proposals.add_user(two[0], "olive", ["officer"])
    world.clock.advance(7 * 86400)
    with world.refused(Stale, "older than 7 days"):
        world.parts.proposals.confirm(two[1], made.ref)
    assert world.parts.proposals.listed(two[1]) == []
    (old,) = world.parts.proposals.listed(two[1], open_only=False)
    assert old.state is ProposalState.EXPIRED


def test_what_has_changed_in_between_is_not_done(world, two):
    ada, bob = two
    a_person(world, "olive", "officer")
    parts = world.parts.proposals
    roles = parts.change_roles(ada, "olive", ["officer", "approver"])
    again = parts.add_user(ada, "new", ["officer"])
    world.change(person, {"roles": "auditor"}, name="olive")
    with world.refused(Stale, "What olive may do has changed"):
        parts.confirm(bob, roles.ref)
    with world.database.write() as tx:
        people.insert(tx, name="new", roles=frozenset())
    with world.refused(Invalid, "is a user"):
        parts.confirm(bob, again.ref)
    disabled = parts.disable_user(ada, "olive")
    world.change(person, {"disabled_at": world.now()}, name="olive")
    with world.refused(Stale, "is disabled"):
        parts.confirm(bob, disabled.ref)


def test_what_is_confirmed_is_what_was_shown_and_what_was_proposed(world, two):
    made = world.parts.proposals.add_user(two[0], "olive", ["officer"])
    with world.refused(Stale, "not what you were shown"):
        world.parts.proposals.confirm(two[1], made.ref, "0" * 64)
    content = world.row(proposal).content
    world.change(proposal, {"content": content.replace("officer", "approver")}, ref=made.ref)
    with world.refused(Stale, "was altered"):
        world.parts.proposals.confirm(two[1], made.ref, made.sha256)
    assert "was altered" in world.parts.proposals.listed(two[1])[0].in_words


def test_of_two_who_confirm_at_once_one_does_it(world, two):
    third = replace(a_person(world, "cyn", "administrator"), factor_at=ALWAYS)
    parts = [world.parts, world.beside()]
    for n in range(4):
        made = world.parts.proposals.add_user(two[0], f"olive{n}", ["officer"])
        barrier = Barrier(2)

        def confirm(who, ref=made.ref, barrier=barrier):
            barrier.wait()
            return outcome(lambda: parts[who].proposals.confirm((two[1], third)[who], ref))

        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(confirm, range(2)))
        assert sorted(type(each).__name__ for each in found) == ["Done", "Stale"]
    assert len(world.events("user_added")) == 4


def test_declining_needs_a_reason_and_ones_own_is_withdrawn(world, two):
    ada, bob = two
    parts = world.parts.proposals
    first, second = parts.add_user(ada, "olive", ["officer"]), parts.add_user(ada, "otto", ["officer"])
    with world.refused(Invalid, "Give a reason"):
        parts.decline(bob, first.ref, " ")
    parts.decline(bob, first.ref, "she left")
    parts.decline(ada, second.ref, "")
    assert [p.state for p in parts.listed(bob, open_only=False)] == ["withdrawn", "declined"]
    assert world.acts()[-2:] == ["change_declined", "change_withdrawn"]
    for act in (lambda: parts.confirm(bob, first.ref), lambda: parts.decline(bob, second.ref, "x")):
        with world.refused(Stale, "already"):
            act()
    with world.refused(NotFound, "no proposal"):
        parts.confirm(bob, "ZZZZZZ")


def test_what_cannot_be_done_is_not_even_proposed(world, two):
    ada = two[0]
    a_person(world, "olive", "officer")
    parts = world.parts.proposals
    for act, error in (
        (lambda: parts.add_user(ada, "olive", ["officer"]), Invalid),
        (lambda: parts.add_user(ada, "eve", ["king"]), Invalid),
        (lambda: parts.change_roles(ada, "olive", ["officer"]), Stale),
        (lambda: parts.enable_user(ada, "olive"), Stale),
        (lambda: parts.disable_user(ada, "nobody"), NotFound),
        (lambda: parts.change_switch(ada, "second-factor", "never"), Invalid),
        (lambda: parts.change_switch(ada, "third-factor", "on"), Invalid),
    ):
        with world.refused(error, "."):
            act()


# --- one administrator --------------------------------------------------------------------------------------


def test_the_only_administrator_adds_a_second_at_once_and_nothing_else(world, two):
    ada = two[0]
    world.change(person, {"disabled_at": world.now()}, name="bob")
    a_person(world, "olive", "officer")
    parts = world.parts.proposals
    for act in (
        lambda: parts.add_user(ada, "eve", ["officer"]),
        lambda: parts.disable_user(ada, "olive"),
        lambda: parts.change_switch(ada, "second-administrator", "off"),
        lambda: parts.invite_user(ada, "olive"),
        lambda: parts.issue_token(ada, "olive", days=1),
    ):
        with world.refused(NotAllowed, "only administrator.*role administrator"):
            act()
    done = parts.add_user(ada, "cyn", ["administrator"])
    assert isinstance(done, Done)
    assert isinstance(parts.invite_user(ada, "cyn"), Done), "the link was lost, and nobody else is there yet"
    assert isinstance(parts.add_user(ada, "dora", ["administrator"]), Done)
    invited = parts.invite_user(ada, "cyn")
    world.parts.passwords.accept(invited.invitation, PASSWORD)
    assert isinstance(parts.add_user(ada, "eve", ["officer"]), Proposal)
    with pytest.raises(NotFound, match="not good any more"):
        world.parts.passwords.accept(done.invitation, PASSWORD)


def test_somebody_stays_administrator(world, two):
    ada, bob = two
    parts = world.parts.proposals
    first, second = parts.change_roles(ada, "bob", ["auditor"]), parts.change_roles(bob, "ada", ["auditor"])
    parts.confirm(bob, first.ref)
    gone = replace(bob, roles=frozenset({"auditor"}))
    with world.refused(NotAllowed, "may manage users"):
        parts.confirm(gone, second.ref)
    with world.refused(NotAllowed, "only administrator"):
        parts.disable_user(ada, "ada")


def test_users_and_others_tokens_are_not_changed_past_a_proposal(world, two):
    a_person(world, "olive", "officer")
    with world.refused(NotAllowed, "second administrator"):
        world.parts.people.add(two[0], name="eve", roles=["officer"])
    with world.refused(NotAllowed, "second administrator"):
        world.parts.people.issue_token(two[0], name="olive", days=1)


def test_with_stand_ins_only_one_is_enough_until_there_is_one_real_account(world, two):
    folder = world.parts.settings.credentials / "live"
    folder.mkdir(parents=True)
    rules, stand_in = world.parts.rules, f'{MARK}channel = "x"\nbase_url = "http://127.0.0.1:8001"\n'
    assert not rules.is_sandbox()
    (folder / "x.toml").write_text(stand_in)
    assert rules.is_sandbox()
    assert isinstance(world.parts.proposals.add_user(two[0], "olive", ["officer"]), Done)
    for real in (
        'channel = "x"\nusername = "wyre"\n',
        f'{MARK}channel = "x"\nbase_url = "https://api.x.com"\n',
        f'{MARK}channel = "x"\nusername = "wyre"\n',
        f'{MARK}channel = "x"\nbase_url = "http://127.0.0.1.evil.example"\n',
        f"{MARK}channel = ",
    ):
        (folder / "y.toml").write_text(real)
        assert not rules.is_sandbox(), real
    assert isinstance(world.parts.proposals.add_user(two[0], "otto", ["officer"]), Proposal)
    with world.refused(NotAllowed, "sandbox"):
        world.parts.passwords.give_in_sandbox("olive", "x", "y")


# --- the single changes -------------------------------------------------------------------------------------


def confirmed(world, two, made):
    return world.parts.proposals.confirm(two[1], made.ref)


def test_a_user_is_disabled_and_enabled_again(world, two):
    a_person(world, "olive", "officer")
    parts = world.parts.proposals
    confirmed(world, two, parts.disable_user(two[0], "olive", reason="left"))
    assert isinstance(outcome(lambda: enter(world, "olive")), NotAllowed)
    confirmed(world, two, parts.enable_user(two[0], "olive"))
    assert enter(world, "olive").session.wants is Wants.NOTHING
    assert [k.disabled_at for k in world.parts.people.listed(two[0])] == [None] * 3


def test_whoever_lost_everything_begins_anew(world, two):
    with_app(world, "anna", "approver")
    confirmed(world, two, world.parts.proposals.invite_user(two[0], "anna"))
    assert world.size(totp) == 1
    done = confirmed(world, two, world.parts.proposals.invite_user(two[0], "anna", factors=True))
    assert (world.size(totp), world.size(passkey)) == (0, 0)
    opened = world.parts.passwords.accept(done.invitation, "nine dry herons at dawn")
    assert opened.session.wants is Wants.ENROLMENT
    assert isinstance(outcome(lambda: enter(world, "anna")), NotAllowed)
    with pytest.raises(NotFound, match="not good"):
        world.parts.passwords.accept(done.invitation, "nine dry herons at dusk")


def test_an_invitation_ends_after_three_days_and_with_its_user(world, two):
    first = confirmed(world, two, world.parts.proposals.add_user(two[0], "olive", ["officer"])).invitation
    second = confirmed(world, two, world.parts.proposals.add_user(two[0], "otto", ["officer"])).invitation
    assert world.parts.passwords.invited(first) == "olive"
    world.change(person, {"disabled_at": world.now()}, name="otto")
    with world.refused(NotFound, "not good"):
        world.parts.passwords.accept(second, PASSWORD)
    world.clock.advance(3 * 86400)
    with world.refused(NotFound, "not good"):
        world.parts.passwords.accept(first, PASSWORD)
    assert world.size(invitation) == 2


def test_a_token_for_a_program_is_narrow_and_named(world, two):
    a_person(world, "olive", "officer")
    made = world.parts.proposals.issue_token(two[0], "olive", days=30, label="press desk", scopes=["read"])
    assert 'called "press desk" for 30 days, good for: read' in made.in_words
    text = confirmed(world, two, made).token
    who = world.parts.people.who(text)
    with world.refused(NotAllowed, "good for read only"):
        world.parts.recall.stop(who, "7F3K2M", "x")
    for act in (
        lambda: world.parts.passwords.change(who, PASSWORD, "nine dry herons at dawn"),
        lambda: world.parts.factors.begin_totp(who),
    ):
        with world.refused(NotAllowed, "good for read only"):
            act()
    narrow = world.parts.people.issue_token(who, name="olive", days=1, scopes=["read", "write"])
    assert world.parts.people.who(narrow.text).roles.scopes == {"read"}
    listed = world.parts.people.tokens(two[0], of="olive")
    assert [(t.name, t.scopes, t.used_at is None) for t in listed] == [
        ("", ("read",), False),
        ("press desk", ("read",), False),
    ]
    assert text not in str(world.snapshot())


def test_a_token_is_revoked_at_once_by_its_user_or_an_administrator(world, two):
    olive, eve = a_person(world, "olive", "officer"), a_person(world, "eve", "officer")
    issued = [world.parts.people.issue_token(olive, name="olive", days=1).text for _ in range(2)]
    first, second = world.rows(token)
    with world.refused(NotFound, "no token"):
        world.parts.people.revoke_token(eve, first.id)
    world.parts.people.revoke_token(olive, first.id)
    world.parts.people.revoke_token(two[0], second.id)
    for text in issued:
        assert isinstance(outcome(lambda t=text: world.parts.people.who(t)), NotAllowed)
    assert [(e["token"]) for e in world.events("token_revoked")] == [first.id, second.id]
    with world.refused(NotFound, "no token"):
        world.parts.people.revoke_token(olive, first.id)


def test_an_approver_makes_a_token_of_his_own_with_a_fresh_factor_only(world):
    anna = a_person(world, "anna", "approver")
    with world.refused(FactorWanted, "second factor"):
        world.parts.people.issue_token(anna, name="anna", days=1)


def test_a_change_is_the_same_after_it_was_written_down():
    assert from_json(to_json(DisableUser(name="olive"))) == DisableUser(name="olive")
    with pytest.raises((KeyError, TypeError)):
        from_json({"kind": "make_king", "name": "eve"})
