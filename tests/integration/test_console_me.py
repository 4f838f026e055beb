"""One's own account in the console: second factors, codes on paper, tokens, and where one is signed in."""

import re
from html import unescape

import pytest
from sqlalchemy import func, select

from broadcaster.db.tables import audit_event, passkey, token, totp, totp_begun
from tests.integration.identities import PASSWORD, App, enter, person
from tests.integration.visitor import Visitor, later, visitor
from tests.soft_key import ORIGIN, SoftKey

DATABASES = ("sqlite",)


def events(world):
    with world.database.read() as tx:
        return tx.execute(select(func.count()).select_from(audit_event)).scalar_one()


@pytest.fixture
def ada(world):
    return visitor(world, "ada", "administrator")


@pytest.fixture
def new(world):
    """An approver who signs in for the first time and must set up a second factor."""
    person(world, "anna", "approver")
    return Visitor(world.parts, enter(world, "anna").cookie)


def secret_of(answer):
    return re.search(r'class="secret">(\w+)<', answer.text).group(1)


def codes_of(answer):
    return re.findall(r"<li><code>([^<]+)</code></li>", answer.text)


def test_the_key_of_a_new_app_stays_the_same_while_its_page_is_loaded_again(world, new):
    secret = secret_of(new.get("/me/second-factor"))
    assert secret_of(new.get("/me/second-factor")) == secret
    wrong = new.post("/me/second-factor", code="000000")
    assert (wrong.status, secret_of(wrong)) == (422, secret)
    assert secret.encode() not in b"".join(row.secret_sealed for row in world.rows(totp_begun))
    before = events(world)
    done = new.post("/me/second-factor", code=App(world, secret).next_code())
    assert (done.status, events(world) - before) == (200, 1)
    assert len(codes_of(done)) == 10
    assert new.get("/").status == 200


def test_two_sessions_that_set_up_an_app_at_once_do_not_swap_their_keys(world, new):
    other = Visitor(world.parts, enter(world, "anna").cookie)
    mine, theirs = secret_of(new.get("/me/second-factor")), secret_of(other.get("/me/second-factor"))
    assert mine != theirs
    assert new.post("/me/second-factor", code=App(world, theirs).next_code()).status == 422
    assert secret_of(new.get("/me/second-factor")) == mine
    assert new.post("/me/second-factor", code=App(world, mine).next_code()).status == 200
    assert world.size(totp_begun) == 0
    (kept,) = world.rows(totp)
    assert kept.confirmed_at is not None
    assert 'action="/sign-in"' in other.post("/me/second-factor", code=App(world, theirs).code()).text
    assert world.rows(totp) == [kept]


def test_an_old_key_that_nobody_confirmed_is_replaced(world, new):
    secret = secret_of(new.get("/me/second-factor"))
    world.clock.advance(16 * 60)
    again = Visitor(world.parts, enter(world, "anna").cookie)
    assert secret_of(again.get("/me/second-factor")) != secret


def test_who_has_an_app_can_look_at_the_page_and_add_a_passkey(world, ada):
    shown = ada.get("/me/second-factor")
    assert (shown.status, "You have an app already" in shown.words) == (200, True)
    later(world)
    asked = ada.get("/me/second-factor")
    assert (asked.status, 'name="next" value="/me/second-factor"' in asked.text) == (403, True)
    onward = ada.post("/me/again", next="/me/second-factor", code=ada.app.next_code())
    assert (onward.status, onward.onward) == (303, "/me/second-factor")
    assert ada.get(onward.onward).status == 200


def test_a_passkey_is_made_and_removed_with_one_event_each(world, ada):
    ada.get("/me/second-factor")
    key = SoftKey()
    options = ada.ask("POST", "/me/passkeys/options", headers=[(b"x-csrf-token", ada.token.encode())])
    before = events(world)
    answer = key.create(options.text, origin=ORIGIN)
    made = ada.post("/me/passkeys", answer=answer, name="Work phone")
    assert (made.status, made.onward, events(world) - before) == (303, "/me", 1)
    assert "Passkey: Work phone" in ada.get("/me").words
    assert ada.post("/me/passkeys", answer=answer, name="again").status == 422
    uid = world.row(passkey).uid
    assert ada.post("/me/factors/remove", uid=uid).status == 303
    assert (world.size(passkey), events(world) - before) == (0, 2)
    assert world.acts()[-2:] == ["factor_added", "factor_removed"]


def test_the_first_passkey_brings_the_codes_on_paper(world, new):
    new.get("/me/second-factor")
    options = new.ask("POST", "/me/passkeys/options", headers=[(b"x-csrf-token", new.token.encode())])
    done = new.post("/me/passkeys", answer=SoftKey().create(options.text), name="")
    assert (done.status, len(codes_of(done))) == (200, 10)
    assert new.get("/").status == 200


def test_a_script_of_another_site_is_given_no_options(ada):
    assert ada.ask("POST", "/me/passkeys/options").status == 403
    foreign = [(b"x-csrf-token", b"0" * 64)]
    assert ada.ask("POST", "/me/passkeys/options", headers=foreign).status == 403


def test_the_last_factor_of_who_needs_one_stays(world, ada):
    ada.get("/me")
    before = world.snapshot()
    refused = ada.post("/me/factors/remove", uid="totp")
    assert (refused.status, "Add another one first" in refused.words) == (422, True)
    assert world.snapshot() == before


def test_new_codes_on_paper_want_the_factor_and_are_shown_once(world, ada):
    ada.get("/me")
    later(world)
    assert ada.post("/me/recovery-codes").status == 403
    before = events(world)
    made = ada.post("/me/recovery-codes", code=ada.app.next_code())
    codes = codes_of(made)
    assert (len(codes), codes[0] in ada.get("/me").text) == (10, False)
    assert world.acts()[-1] == "recovery_codes_made"
    assert events(world) - before == 2  # the code that was given is an event of its own


def test_a_token_of_ones_own_is_shown_once_and_ended(world, ada):
    ada.get("/me")
    later(world)
    typed = [("label", "my laptop"), ("days", "7"), ("scopes", "read"), ("scopes", "write")]
    asked = ada.post("/me/tokens", typed)
    assert (asked.status, 'value="my laptop"' in asked.text) == (403, True)
    made = ada.post("/me/tokens", [*typed, ("code", ada.app.next_code())])
    text = unescape(re.search(r'id="token">([^<]+)<', made.text).group(1))
    assert world.parts.people.who(text).name == "ada"
    shown = ada.get("/me")
    assert "my laptop" in shown.words
    assert "read, write" in shown.words
    assert text not in shown.text
    before = events(world)
    assert ada.post(f"/me/tokens/{world.row(token).id}/revoke").status == 303
    assert (events(world) - before, world.row(token).revoked_at is None) == (1, False)


def test_nobody_ends_the_token_of_another(world, ada):
    ada.get("/me")
    ada.post("/me/tokens", label="mine")
    olive = visitor(world, "olive", "officer")
    olive.get("/me")
    before = world.snapshot()
    assert olive.post(f"/me/tokens/{world.row(token).id}/revoke").status == 422
    assert world.snapshot() == before


def test_another_browser_is_signed_out_by_its_name(world):
    here = visitor(world, "olive", "officer")
    there = Visitor(world.parts, enter(world, "olive").cookie)
    shown = here.get("/me")
    (uid,) = re.findall(r"/me/sessions/([\w-]+)/end\"", shown.text)
    before = events(world)
    assert here.post(f"/me/sessions/{uid}/end").status == 303
    assert events(world) - before == 1
    assert there.get("/me").onward.startswith("/sign-in")
    assert here.get("/me").status == 200


def test_what_was_typed_when_the_session_ended_comes_back_with_every_ticked_box_and_no_secret(world, ada):
    ada.get("/manage/users/new")
    world.parts.sessions.sign_out(ada.cookie)
    asked = ada.post(
        "/manage/users/new",
        [("name", "olive"), ("roles", "officer"), ("roles", "auditor"), ("old", PASSWORD)],
    )
    kept = re.findall(r'name="kept-(\w+)" value="([^"]*)"', asked.text)
    assert kept == [("name", "olive"), ("roles", "officer"), ("roles", "auditor")]
    again = ada.post(
        "/sign-in",
        [("name", "ada"), ("password", PASSWORD), ("kept_for", "/manage/users/new")]
        + [(f"kept-{name}", value) for name, value in kept],
    )
    assert re.findall(r'name="kept-(\w+)" value="([^"]*)"', again.text) == kept
