"""Passkeys, with a device in software: registering, signing in without a name, and every answer that must not count."""

import json
from datetime import timedelta

import pytest

from broadcaster.db.tables import challenge, passkey, person, session
from broadcaster.domain.errors import Invalid, NotAllowed
from broadcaster.domain.identity import Wants
from tests.integration.identities import HERE, enter, outcome, with_key
from tests.integration.identities import person as a_person
from tests.soft_key import SoftKey, b64

DATABASES = ("sqlite",)


def knock(world, answer, **given):
    return outcome(lambda: world.parts.sign_in.with_passkey(answer, **{"address": HERE, **given}))


def options(world):
    return world.parts.sign_in.passkey_options()


def test_a_passkey_alone_lets_an_approver_all_the_way_in(world):
    key = with_key(world, "anna", "approver")
    asked = json.loads(options(world))
    assert (asked["rpId"], asked["userVerification"], asked["allowCredentials"]) == (
        "localhost",
        "required",
        [],
    )
    opened = knock(world, key.get(json.dumps(asked)))
    assert (opened.session.person.name, opened.session.wants) == ("anna", Wants.NOTHING)
    assert opened.session.factor == "passkey"
    assert world.row(passkey).sign_count == key.count
    assert world.events("signed_in")[-1]["factor"] == "passkey"


def test_registering_asks_for_a_key_that_knows_its_user_and_gives_codes_for_paper(world):
    a_person(world, "anna", "approver")
    opened = enter(world, "anna")
    assert opened.session.wants is Wants.ENROLMENT
    asked = json.loads(world.parts.passkeys.begin(opened.session))
    assert asked["authenticatorSelection"]["residentKey"] == "required"
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    done = world.parts.passkeys.finish(
        opened.cookie, SoftKey().create(json.dumps(asked)), name="  Blue   key "
    )
    assert len(done.recovery_codes) == 10
    assert done.opened.session.wants is Wants.NOTHING
    (shown,) = world.parts.factors.of(done.opened.session.person).factors
    assert (shown.kind, shown.name) == ("passkey", "Blue key")
    assert world.row(passkey).transports == "usb"
    assert world.acts()[-1] == "factor_added"
    again = json.loads(world.parts.passkeys.begin(done.opened.session))
    assert [each["id"] for each in again["excludeCredentials"]] == [b64(world.row(passkey).credential_id)]


@pytest.mark.parametrize(
    "wrong", [{"origin": "http://localhost:8001"}, {"rp_id": "evil.example"}, {"verified": False}]
)
def test_an_answer_from_elsewhere_or_of_nobody_is_refused(world, wrong):
    key = with_key(world, "anna", "approver")
    assert isinstance(knock(world, key.get(options(world), **wrong)), NotAllowed)
    opened = enter(world, "anna")
    asked = world.parts.sign_in.passkey_options(opened.cookie)
    with pytest.raises(NotAllowed):
        world.parts.sign_in.with_passkey_again(opened.cookie, key.get(asked, **wrong))
    a_person(world, "eve", "approver")
    opened = enter(world, "eve")
    with pytest.raises(Invalid, match="not added"):
        world.parts.passkeys.finish(
            opened.cookie, SoftKey().create(world.parts.passkeys.begin(opened.session), **wrong), name="x"
        )
    assert world.size(passkey) == 1
    assert isinstance(knock(world, key.get(options(world))).session.uid, str)


def test_a_challenge_is_answered_once_in_time_and_for_what_it_was_made(world):
    key = with_key(world, "anna", "approver")
    asked = options(world)
    answer = key.get(asked)
    knock(world, answer)
    assert isinstance(knock(world, answer), NotAllowed)
    assert isinstance(knock(world, key.get(asked)), NotAllowed)
    late = options(world)
    world.clock.advance(301)
    assert isinstance(knock(world, key.get(late)), NotAllowed)
    made_up = json.dumps({**json.loads(asked), "challenge": b64(b"x" * 32)})
    assert isinstance(knock(world, key.get(made_up)), NotAllowed)
    opened = enter(world, "anna")
    for_a_session = world.parts.sign_in.passkey_options(opened.cookie)
    assert isinstance(knock(world, key.get(for_a_session)), NotAllowed)
    with pytest.raises(NotAllowed):
        world.parts.sign_in.with_passkey_again(opened.cookie, key.get(options(world)))
    assert world.size(challenge) <= 2


def test_a_refused_answer_uses_its_challenge_up_too(world):
    key = with_key(world, "anna", "approver")
    asked = options(world)
    assert isinstance(knock(world, key.get(asked, verified=False)), NotAllowed)
    assert isinstance(knock(world, key.get(asked)), NotAllowed)


def test_a_count_that_goes_back_is_refused_and_told(world):
    key = with_key(world, "anna", "approver")
    key.count = 50
    knock(world, key.get(options(world)))
    key.count = 9
    assert isinstance(knock(world, key.get(options(world))), NotAllowed)
    assert world.events("passkey_count_fell") == [{"name": "My key"}]
    key.count = 51
    assert knock(world, key.get(options(world))).session.person.name == "anna"


def test_a_passkey_kept_in_sync_counts_nothing_and_is_good(world):
    key = with_key(world, "anna", "approver", counts=False)
    for _ in range(2):
        assert knock(world, key.get(options(world))).session.person.name == "anna"


def test_another_persons_passkey_answers_for_nobody_else(world):
    annas, eves = with_key(world, "anna", "approver"), with_key(world, "eve", "approver")
    opened = enter(world, "anna")
    asked = world.parts.sign_in.passkey_options(opened.cookie)
    with pytest.raises(NotAllowed):
        world.parts.sign_in.with_passkey_again(opened.cookie, eves.get(asked))
    eves.handle = annas.handle
    assert isinstance(knock(world, eves.get(options(world))), NotAllowed)
    eves.id = annas.id
    assert isinstance(knock(world, eves.get(options(world))), NotAllowed)


def test_a_passkey_is_registered_once(world):
    key = with_key(world, "anna", "approver")
    a_person(world, "eve", "approver")
    opened = enter(world, "eve")
    with pytest.raises(Invalid):
        world.parts.passkeys.finish(
            opened.cookie, key.create(world.parts.passkeys.begin(opened.session)), name="x"
        )
    assert world.row(passkey).person_id == world.row(person, name="anna").id


def test_what_is_no_answer_at_all_is_refused(world, subtests):
    with_key(world, "anna", "approver")
    for answer in ("", "{}", "[]", "null", '{"response": {"clientDataJSON": "AA"}, "rawId": 7}', "x" * 1000):
        with subtests.test(answer[:20]):
            assert isinstance(knock(world, answer), NotAllowed)
    good = json.loads(SoftKey().get(options(world)))
    for broken in (
        {"rawId": "AA"},
        {"id": "AA"},
        {"type": "x"},
        {"response": {**good["response"], "signature": 7}},
    ):
        answer = json.dumps({**json.loads(SoftKey().get(options(world))), **broken})
        assert isinstance(knock(world, answer), NotAllowed)
    assert world.rows(session, ended_at=None) == []


def test_the_passkey_of_a_disabled_user_is_good_for_nothing(world):
    key = with_key(world, "anna", "approver")
    world.change(person, {"disabled_at": world.now()}, name="anna")
    assert isinstance(knock(world, key.get(options(world))), NotAllowed)


def test_no_failed_passwords_keep_a_passkey_out(world):
    key = with_key(world, "anna", "approver")
    for n in range(24):
        outcome(lambda n=n: enter(world, "anna", "wrong", address=f"203.0.113.{n % 5}"))
    assert knock(world, key.get(options(world)), address="203.0.113.1").session.person.name == "anna"


def test_a_passkey_gives_the_second_factor_once_more(world):
    key = with_key(world, "anna", "approver")
    first = knock(world, key.get(options(world)))
    world.clock.advance(301)
    after = world.parts.sign_in.with_passkey_again(
        first.cookie, key.get(world.parts.sign_in.passkey_options(first.cookie))
    )
    assert world.now() - after.session.factor_at < timedelta(seconds=60)
    assert after.session.uid == first.session.uid
    assert world.parts.sessions.find(first.cookie) is None
    assert world.acts()[-1] == "factor_given"
