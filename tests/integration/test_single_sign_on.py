"""Single sign-on against a provider that runs as another process: who gets in, who does not, and what a provider, or somebody
between, can make of it (nothing)."""

import json
import re
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
from typer.testing import CliRunner

from broadcaster.cli.main import app
from broadcaster.db import people, proposals
from broadcaster.db.tables import audit_event, challenge, person, session, sso_user
from broadcaster.domain.identity import Switch, Wants
from broadcaster.web.console.sign_in_sso import COOKIE as BEGUN
from tests.integration.identities import person as a_person
from tests.integration.identities import token_of, with_app
from tests.integration.visitor import Visitor, visitor
from tests.oidc_provider import CLIENT, SECRET, Running

DATABASES = ("sqlite",)


@pytest.fixture(scope="module")
def running():
    provider = Running()
    yield provider
    provider.stop()


@pytest.fixture
def provider(running, world):
    """What it does from now on."""

    def does(**changes):
        answer = requests.post(f"{running.issuer}/control", data=json.dumps(changes), timeout=10)
        assert answer.status_code == 200

    does(reset=True, now=world.now().timestamp())
    return does


@pytest.fixture
def parts(running, world, provider):
    return world.beside(
        oidc_issuer=running.issuer, oidc_client_id=CLIENT, oidc_client_secret=SECRET, oidc_name="Wyre account"
    )


@pytest.fixture
def olive(world):
    return let_in(world, a_person(world, "olive", "officer"))


def let_in(world, who):
    with world.database.write() as tx:
        tx.insert(sso_user, {"person_id": who.id, "allowed_at": tx.now()})
    return who


def known(world, name):
    with world.database.read() as tx:
        return people.by_name(tx, name)


def to_the_provider(browser, onward="/"):
    """As far as the address at which the browser comes back."""
    sent = browser.get(f"/sign-in/sso?{urlencode({'next': onward})}")
    assert sent.status == 303, sent.words
    answer = requests.get(sent.onward, allow_redirects=False, timeout=10)
    back = urlsplit(answer.headers["location"])
    return f"{back.path}?{back.query}"


def come(parts, **given):
    browser = Visitor(parts)
    return browser, browser.get(to_the_provider(browser, **given))


def last(world):
    return world.rows(audit_event)[-1]


def refused(world, browser, answer, words="cannot be trusted"):
    assert (answer.status, browser.cookie) == (403, ""), answer.words
    assert words in answer.words
    assert 'name="password"' in answer.text  # the other way stands open
    assert world.size(session) == 0


def test_who_was_let_in_gets_in_and_is_linked_the_first_time(world, parts, olive):
    for act, payload_has in (("sso_linked", "identity"), ("signed_in", "factor")):
        before = world.size(audit_event)
        browser, answer = come(parts, onward="/messages")
        assert (answer.status, answer.onward) == (303, "/messages")
        assert browser.get("/").status == 200
        assert (world.size(audit_event) - before, last(world).act, last(world).actor) == (1, act, "olive")
        assert payload_has in last(world).payload
        assert "u-1" not in last(world).payload
        assert BEGUN not in browser.jar
    assert (world.row(sso_user).subject, world.size(challenge)) == ("u-1", 0)


def test_nobody_becomes_a_user_by_signing_in_and_nobody_gets_in_who_was_not_let_in(world, parts, provider):
    a_person(world, "oscar", "officer")
    for name in ("stranger", "oscar", ""):
        provider(user=name)
        refused(world, *come(parts), "nobody under that name may sign in here that way")
    gone = let_in(world, a_person(world, "gone", "officer"))
    world.change(person, {"disabled_at": world.now()}, id=gone.id)
    provider(user="gone")
    refused(world, *come(parts), "nobody under that name")
    assert world.size(person) == 2


def test_a_user_who_was_disabled_after_he_was_linked_stays_outside(world, parts, olive):
    come(parts)
    world.change(person, {"disabled_at": world.now()}, id=olive.id)
    browser, answer = come(parts)
    assert (answer.status, browser.cookie) == (403, "")


def test_somebody_else_under_the_same_name_is_refused_and_it_is_written_down(world, parts, provider, olive):
    come(parts)
    world.change(session, {"ended_at": world.now()})
    provider(sub="u-2")
    browser, answer = come(parts)
    assert (answer.status, browser.cookie) == (403, "")
    assert "somebody else is known here" in answer.words
    assert (last(world).act, last(world).subject) == ("sso_refused", "olive")
    provider(sub="u-1", user="renamed")  # the name may change there: it is still olive
    assert come(parts)[1].status == 303


def test_our_own_second_factor_is_still_asked_for(world, parts, provider):
    app = with_app(world, "anna", "approver")
    anna = known(world, "anna")
    let_in(world, anna)
    provider(user="anna", claims={"amr": ["pwd", "otp"], "acr": "2"})
    browser, answer = come(parts, onward="/messages")
    assert (answer.status, answer.onward) == (303, "/sign-in/code?next=/messages")
    assert browser.get("/").onward == "/sign-in/code"
    before = world.size(audit_event)
    assert browser.post("/sign-in/code", code=app.next_code(), token=False).status == 303
    assert (world.size(audit_event) - before, last(world).act) == (1, "signed_in")


@pytest.mark.parametrize(
    ("claims", "wants"),
    [({"amr": ["otp"]}, Wants.NOTHING), ({"amr": ["pwd"], "acr": "bronze"}, Wants.FACTOR)],
)
def test_the_providers_second_factor_counts_where_it_is_named_and_is_as_old_as_it_says(
    world, running, provider, claims, wants
):
    with_app(world, "anna", "approver")
    parts = world.beside(
        oidc_issuer=running.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        oidc_factor_values="otp gold",
    )
    let = known(world, "anna")
    let_in(world, let)
    for auth_time, fresh in (
        (int(world.now().timestamp()), True),
        (int(world.now().timestamp()) - 3600, False),
        (None, False),
    ):
        provider(user="anna", claims={**claims, "auth_time": auth_time})
        browser, _ = come(parts)
        found = parts.sessions.find(browser.cookie)
        assert found.wants is wants
        if wants is Wants.NOTHING:
            with world.database.read() as tx:
                assert parts.rules.is_fresh(tx, found.person) is fresh


MISBEHAVIOURS = {
    "changed nonce": {"claims": {"nonce": "another"}},
    "no nonce": {"claims": {"nonce": None}},
    "wrong audience": {"claims": {"aud": "another-client"}},
    "wrong audience, and yet said to be for us": {"claims": {"aud": "another-client", "azp": CLIENT}},
    "several audiences without whom it is for": {"claims": {"aud": [CLIENT, "another"], "azp": "another"}},
    "wrong issuer": {"claims": {"iss": "https://evil.example"}},
    "expired": {"claims": {"exp": 1}},
    "not yet": {"claims": {"nbf": 32503680000}},
    "no end": {"claims": {"exp": None}},
    "no subject": {"claims": {"sub": None}},
    "another hash of the access token": {"claims": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}},
    "no signature": {"alg": "none"},
    "the public key taken for a secret": {"alg": "HS256"},
    "forged": {"forge": True},
    "answer of another issuer": {"iss_param": "https://evil.example"},
    "issuer announced and not told": {"iss_param": None},
}


def test_what_is_not_to_the_letter_signs_nobody_in(world, parts, provider, olive, subtests):
    before = world.size(audit_event)
    for how, does in MISBEHAVIOURS.items():
        with subtests.test(how):
            provider(reset=True, now=world.now().timestamp(), **does)
            refused(world, *come(parts))
            assert (world.row(sso_user).subject, world.size(audit_event) - before) == (None, 0)
    provider(reset=True, now=world.now().timestamp())
    assert come(parts)[1].status == 303


def test_a_clock_that_is_a_little_wrong_does_not_matter(world, parts, provider, olive):
    for wrong_s in (-340, 50):
        provider(now=world.now().timestamp() + wrong_s)
        assert come(parts)[1].status == 303, wrong_s
    provider(now=world.now().timestamp() - 400)  # it ended more than a minute ago
    assert come(parts)[1].status == 403


def test_what_was_typed_when_the_session_had_ended_is_still_there_after_single_sign_on_in_another_tab(
    parts, olive
):
    browser = Visitor(parts)
    kept = browser.post("/messages/new/severe-weather", {"blank-action": "Keep off."}, token=False)
    assert 'target="_blank"' in kept.text
    fields = dict(re.findall(r'name="(kept[\w-]+)" value="([^"]*)"', kept.text))
    early = browser.post("/sign-in/elsewhere", fields, token=False)
    assert "not signed in yet" in early.words
    assert 'value="Keep off."' in early.text
    assert browser.get(to_the_provider(browser)).status == 303
    again = browser.post("/sign-in/elsewhere", fields, token=False)
    assert "What you had typed is still there" in again.words
    assert 'action="/messages/new/severe-weather"' in again.text
    assert 'name="blank-action" value="Keep off."' in again.text


def test_a_code_counts_once_and_only_in_the_browser_that_began(world, parts, provider, olive):
    browser = Visitor(parts)
    back = to_the_provider(browser)
    thief = Visitor(parts)
    refused(world, thief, thief.get(back), "not begun in this browser")
    to_the_provider(thief)  # begins one of his own, and mixes the two up
    refused(world, thief, thief.get(back), "not begun in this browser")
    kept = dict(browser.jar)
    assert browser.get(back).status == 303
    again = Visitor(parts)
    again.jar = kept
    assert again.get(back).status == 403
    assert again.cookie == ""


def test_a_code_of_another_sign_in_is_refused_by_its_verifier(world, parts, provider, olive):
    """Somebody who stole a code puts it into an answer that is his in all else."""
    victim, thief = Visitor(parts), Visitor(parts)
    code = dict(parse_qsl(urlsplit(to_the_provider(victim)).query))["code"]
    path, _, query = to_the_provider(thief).partition("?")
    refused(world, thief, thief.get(f"{path}?{urlencode({**dict(parse_qsl(query)), 'code': code})}"))
    provider(pkce=False)  # and where the provider forgets to look, by the nonce
    code = dict(parse_qsl(urlsplit(to_the_provider(victim)).query))["code"]
    path, _, query = to_the_provider(thief).partition("?")
    refused(world, thief, thief.get(f"{path}?{urlencode({**dict(parse_qsl(query)), 'code': code})}"))


def test_a_mixed_up_state_and_one_that_took_too_long_are_refused(world, parts, provider, olive):
    provider(state="another")
    refused(world, *come(parts), "not begun in this browser")
    provider(reset=True, now=world.now().timestamp())
    browser = Visitor(parts)
    back = to_the_provider(browser)
    world.clock.advance(601)
    refused(world, browser, browser.get(back), "took too long")


def test_the_session_that_the_browser_had_ends_and_another_cookie_takes_its_place(world, parts, olive):
    planted = visitor(world, "mallory", "officer").cookie
    browser = Visitor(parts, planted)
    assert browser.get(to_the_provider(browser)).status == 303
    assert browser.cookie not in ("", planted)
    assert parts.sessions.find(planted) is None
    assert parts.sessions.find(browser.cookie).person.name == "olive"


def test_it_leads_to_our_own_pages_only(parts, olive):
    for onward in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"):
        browser, answer = come(parts, onward=onward)
        assert (answer.status, answer.onward) == (303, "/"), onward
    browser.jar[BEGUN] = "x https://evil.example"
    assert "evil" not in browser.get("/sign-in/sso/back?state=x").text


def test_a_new_key_of_the_provider_is_fetched_and_made_up_ones_do_not_make_us_ask_without_end(
    world, parts, provider, running, olive
):
    assert come(parts)[1].status == 303
    provider(rotate=True)
    looked = parts.single_sign_on.provider
    looked._keys_asked -= 60
    assert come(parts)[1].status == 303
    provider(rotate=True)
    assert come(parts)[1].status == 403  # it asked a moment ago
    asked = requests.get(f"{running.issuer}/asked", timeout=10).json()
    assert asked.count("/jwks") == 2
    assert asked.count("/.well-known/openid-configuration") == 1


def test_where_the_provider_is_away_the_page_says_so_and_still_takes_a_password(
    world, parts, provider, olive
):
    browser = Visitor(parts)
    back = to_the_provider(browser)
    provider(away=True)
    answer = browser.get(back)
    assert (answer.status, "cannot be reached just now" in answer.words) == (503, True)
    parts.single_sign_on.provider._metadata_until = 0
    answer = Visitor(parts).get("/sign-in/sso")
    assert "cannot be reached just now" in answer.words
    assert 'name="password"' in answer.text
    provider(away=False)
    assert come(parts)[1].status == 303


def test_who_says_no_at_the_provider_is_told_what_else_there_is(world, parts, provider, olive):
    provider(error="access_denied<script>")
    browser, answer = come(parts)
    refused(world, browser, answer, "did not sign you in there (access_denied<script>)")
    assert "<script>" not in answer.text.replace("<script src", "").replace("<script type", "")


def test_there_is_a_button_only_where_it_is_set_up(world, parts):
    assert "Sign in with Wyre account" in Visitor(parts).get("/sign-in?next=/me").words
    plain = Visitor(world.parts)
    assert "/sign-in/sso" not in plain.get("/sign-in").text
    assert "not set up here" in plain.get("/sign-in/sso").words
    assert "not set up here" in plain.get("/sign-in/sso/back?code=x&state=y").words


def test_an_administrator_lets_somebody_in_and_takes_it_away_with_one_event_each(world, parts, provider):
    with world.database.write() as tx:
        proposals.set_switch(tx, Switch.SECOND_ADMINISTRATOR, "on")
    a_person(world, "olive", "officer")
    a_person(world, "beth", "administrator")
    ada = visitor(world, "ada", "administrator")
    ada = Visitor(parts, ada.cookie, ada.app)
    page = ada.get("/manage/users/olive")
    assert "Allow single sign-on" in page.words
    before = world.size(audit_event)
    asked = ada.post("/manage/users/olive/sso", reason="new provider")
    assert (asked.status, asked.onward[:8], world.size(audit_event) - before) == (303, "/manage#", 1)
    assert come(parts)[1].status == 403  # one administrator alone lets nobody in
    ref = asked.onward.partition("#")[2]
    beth = known(world, "beth")
    beth = replace(beth, factor_at=world.now())
    parts.proposals.confirm(beth, ref)
    assert last(world).act == "sso_allowed"
    browser, answer = come(parts)
    assert answer.status == 303
    ref = ada.post("/manage/users/olive/sso", away="yes", reason="left").onward.partition("#")[2]
    parts.proposals.confirm(beth, ref)
    assert (last(world).act, world.size(sso_user)) == ("sso_taken_away", 0)
    assert browser.get("/").status == 303  # every session ended
    assert come(parts)[1].status == 403


def test_what_is_wrong_with_the_provider_is_found_without_signing_anybody_in(parts, provider):
    check = parts.single_sign_on.provider.check
    assert [(c.what.partition(" at ")[0], c.wrong) for c in check()] == [
        ("Discovery", ""),
        ("PKCE", ""),
        ("Signatures", ""),
        ("Keys", ""),
    ]
    provider(algs=["HS256"])
    assert "Choose RS256" in [c.wrong for c in check()][2]
    provider(calls_itself="https://other.example")
    (found,) = check()
    assert "it calls itself" in found.wrong
    provider(away=True)
    (found,) = check()
    assert "did not answer as it should" in found.wrong


def test_the_secret_is_in_no_repr_and_no_log(parts, world):
    assert SECRET not in repr(parts.settings) + repr(vars(parts.single_sign_on.provider)) + str(world.logs)


def test_the_command_line_tells_what_is_wrong(world, running, provider, monkeypatch):
    ada = token_of(world, a_person(world, "ada", "administrator"))
    given = {"OIDC_ISSUER": running.issuer, "OIDC_CLIENT_ID": CLIENT, "DATABASE_URL": world.database.url}
    for name, value in {**given, "DATA_DIR": str(world.folder), "TOKEN": ada}.items():
        monkeypatch.setenv(f"BROADCASTER_{name}", value)
    done = CliRunner().invoke(app, ["sso", "check"])
    assert (done.exit_code, done.stdout.count("right")) == (0, 4)
    provider(algs=["HS256"])
    done = CliRunner().invoke(app, ["sso", "check", "--json"])
    assert (done.exit_code, [each["right"] for each in json.loads(done.stdout)]) == (
        1,
        [True, True, False, True],
    )
    monkeypatch.delenv("BROADCASTER_OIDC_ISSUER")
    assert "not set up" in CliRunner().invoke(app, ["sso", "check"]).stderr
