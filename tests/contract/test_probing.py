"""Every channel's check: what makes it red, amber and green, that it posts nothing, and that it tells no secret.

What platforms tell is set at the stand-ins by their control call; what goes wrong on the way is played by a small server.
"""

import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from broadcaster.domain.readiness import ReadinessState
from channels import channel_class
from channels.base import Account, Probes, Secret
from channels.facebook import FacebookPage
from channels.gateways.notify_token import ApiKey
from channels.probing import PROBE_WITHIN_S
from channels.sms import Sms
from channels.twitter import XAccount
from tests.contract.platform_server import Answer, Fault, Platform
from tests.contract.sandbox_process import contract

READY, DOUBTFUL, NOT_READY = ReadinessState
SECRET_OPTIONS = {
    "facebook": {"access_token", "app_secret"},
    "x": {"consumer_key", "consumer_secret", "access_token", "access_token_secret"},
    "notify": {"api_key", "callback_token"},
    "twilio": {"api_key_secret", "auth_token"},
    "sinch": {"api_token", "callback_secret"},
    "kannel": {"password"},
}
SENDER = {
    "notify": {},
    "twilio": {},
    "kannel": {"sender": "WyreCouncil"},
    "sinch": {"sender": "WyreCouncil"},
}
PUBLIC = {"facebook": FacebookPage, "x": XAccount}


def account_of(kind, known, url, **changes):
    given = {
        name: value for name, value in {**known, "base_url": url, **changes}.items() if value is not None
    }
    given.pop("service_id", None)
    channel = kind if kind in PUBLIC else "sms"
    extra = {} if kind in PUBLIC else {"gateway": kind, **SENDER[kind]}
    options = {name: value for name, value in given.items() if name not in SECRET_OPTIONS[kind]} | extra
    secrets = {name: Secret(given[name]) for name in SECRET_OPTIONS[kind] if name in given}
    return Account(name="wyre", channel=channel, mode="live", options=options, secrets=secrets)


def opened(kind, known, url, **changes):
    account = account_of(kind, known, url, **changes)
    return PUBLIC.get(kind, Sms).from_account(account)


def known_to(sandbox, kind):
    return sandbox.accounts["sms" if kind == "kannel" else kind]


@dataclass(frozen=True, kw_only=True)
class Case:
    """What the stand-in is told (`settings`, `fault`) or the account's file says otherwise, and what a check makes of it."""

    kind: str
    name: str
    state: ReadinessState
    code: str
    settings: dict = field(default_factory=dict)
    fault: str = ""
    options: dict = field(default_factory=dict)
    says: str = ""


OTHER_ID = "f33517ff-2a88-4f6e-b855-c550268ce08a"
CASES = [
    Case(kind="facebook", name="good", state=READY, code="ready"),
    Case(kind="facebook", name="without app_id", state=READY, code="ready", options={"app_id": None}),
    Case(
        kind="facebook",
        name="token refused",
        state=NOT_READY,
        code="token_refused",
        options={"access_token": "EAAother"},
    ),
    Case(kind="facebook", name="expired", state=NOT_READY, code="token_refused", fault="expired_token"),
    Case(
        kind="facebook",
        name="told as ended",
        state=NOT_READY,
        code="token_refused",
        settings={"facebook_token_days": -1},
        says="ended",
    ),
    Case(
        kind="facebook",
        name="may not post",
        state=NOT_READY,
        code="no_permission",
        settings={"facebook_scopes": ["pages_show_list", "pages_read_engagement"]},
        says="lacks pages_manage_posts,",
    ),
    Case(
        kind="facebook",
        name="may not read",
        state=NOT_READY,
        code="no_permission",
        settings={"facebook_scopes": ["pages_show_list", "pages_manage_posts"]},
        says="lacks pages_read_engagement,",
    ),
    Case(
        kind="facebook",
        name="another page",
        state=NOT_READY,
        code="wrong_page",
        settings={"facebook_speaks_for": "100000000000001"},
    ),
    Case(
        kind="facebook",
        name="another app's secret",
        state=NOT_READY,
        code="wrong_app_secret",
        options={"app_secret": "0" * 32},
    ),
    Case(
        kind="facebook",
        name="another app",
        state=DOUBTFUL,
        code="token_not_described",
        options={"app_id": "1234"},
    ),
    Case(kind="x", name="good", state=READY, code="ready"),
    Case(kind="x", name="tokens refused", state=NOT_READY, code="credentials_refused", fault="expired_token"),
    Case(
        kind="x",
        name="another name",
        state=NOT_READY,
        code="wrong_account",
        settings={"x_username": "another"},
    ),
    Case(
        kind="x",
        name="may only read",
        state=NOT_READY,
        code="no_permission",
        settings={"x_access_level": "read"},
    ),
    Case(kind="x", name="no credits", state=NOT_READY, code="no_credits", fault="no_credits"),
    Case(kind="x", name="spending cap", state=NOT_READY, code="spending_capped", fault="spend_cap"),
    Case(
        kind="x",
        name="few credits",
        state=DOUBTFUL,
        code="credits_low",
        settings={"x_credits": 0.4},
        says="0.40 USD",
    ),
    Case(kind="notify", name="good", state=READY, code="ready"),
    Case(
        kind="notify", name="key refused", state=NOT_READY, code="credentials_refused", fault="expired_token"
    ),
    Case(
        kind="notify",
        name="more than the message",
        state=NOT_READY,
        code="wrong_template",
        settings={"notify_template": "Wyre Council: ((message))"},
        says="another text",
    ),
    Case(
        kind="notify",
        name="no such template",
        state=NOT_READY,
        code="wrong_template",
        options={"template_id": OTHER_ID},
        says="does not know",
    ),
    Case(kind="twilio", name="good", state=READY, code="ready"),
    Case(
        kind="twilio", name="key refused", state=NOT_READY, code="credentials_refused", fault="expired_token"
    ),
    Case(
        kind="twilio",
        name="suspended",
        state=NOT_READY,
        code="account_suspended",
        settings={"twilio_status": "suspended"},
    ),
    Case(
        kind="twilio",
        name="no money",
        state=DOUBTFUL,
        code="no_balance",
        settings={"twilio_balance": "-0.10"},
        says="-0.10 GBP",
    ),
    Case(kind="sinch", name="good", state=READY, code="ready"),
    Case(
        kind="sinch",
        name="another token",
        state=NOT_READY,
        code="credentials_refused",
        options={"api_token": "another"},
    ),
    Case(
        kind="sinch",
        name="another plan",
        state=NOT_READY,
        code="credentials_refused",
        options={"service_plan_id": "another"},
    ),
    Case(kind="kannel", name="good", state=READY, code="ready"),
    Case(
        kind="kannel",
        name="password refused",
        state=NOT_READY,
        code="credentials_refused",
        fault="expired_token",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{case.kind}: {case.name}" for case in CASES])
def test_a_check_finds_what_the_platform_tells_and_posts_nothing(sandbox, case):
    if case.settings:
        sandbox.set(**case.settings)
    if case.fault:
        sandbox.fault(platform="sms" if case.kind == "kannel" else case.kind, kind=case.fault)
    known = known_to(sandbox, case.kind)
    found = opened(case.kind, known, sandbox.url, **case.options).probe()
    assert (found.state, found.code) == (case.state, case.code)
    assert case.says in found.operator_text
    secrets = [known[name] for name in SECRET_OPTIONS[case.kind] if name in known]
    assert [secret for secret in secrets if secret in repr(found)] == []
    asked = sandbox.ledger()
    assert asked
    assert [row for row in asked if row["accepted"]] == []


def test_each_of_our_channels_and_gateways_can_be_checked():
    ours = ("website", "facebook", "x", "sms")
    assert [name for name in ours if not issubclass(channel_class(name), Probes)] == []
    assert {case.kind for case in CASES} == {"facebook", "x", "kannel", "notify", "twilio", "sinch"}


def test_what_the_platforms_tell_is_told_in_words(sandbox):
    sandbox.set(facebook_token_days=5)
    page = opened("facebook", sandbox.accounts["facebook"], sandbox.url).probe()
    assert abs(page.valid_until - datetime.now(UTC) - timedelta(days=5)) < timedelta(minutes=1)
    assert dict(page.facts)["token"] == "of a page"
    assert dict(page.facts)["rate limit used"] == "1 %"
    sandbox.set(facebook_token_days=0)
    page = opened("facebook", sandbox.accounts["facebook"], sandbox.url).probe()
    assert (page.valid_until, dict(page.facts)["token ends"]) == (None, "never")
    x = opened("x", sandbox.accounts["x"], sandbox.url).probe()
    assert dict(x.facts)["credits"] == "25.00 USD"
    assert dict(x.facts)["questions left"].startswith("89")
    twilio = opened("twilio", sandbox.accounts["twilio"], sandbox.url).probe()
    assert twilio.facts == (("account", "active"), ("balance", "25.00 GBP"))


def test_a_key_of_twilio_that_may_not_ask_for_the_account_is_as_good(platform):
    """A Standard key: refused at /Accounts, as if it were wrong."""
    empty, refused = Answer(body={"messages": []}), Answer(status=401, body={"code": 20003})
    platform.by_path = lambda path: empty if "/Messages.json" in path else refused
    found = opened("twilio", TWILIO, platform.url).probe()
    assert (found.state, dict(found.facts)["balance"]) == (READY, "not told to this key")


@pytest.mark.parametrize(
    ("code", "told"), [("blocked_account", "account_suspended"), ("anything_new", "credentials_refused")]
)
def test_a_service_plan_of_sinch_that_may_do_nothing_is_not_ready(platform, code, told):
    platform.answer = Answer(status=403, body={"code": code, "text": "..."})
    found = opened("sinch", KNOWN["sinch"], platform.url).probe()
    assert (found.state, found.code) == (NOT_READY, told)


def test_x_that_does_not_tell_credits_is_ready(platform):
    me = Answer(body={"data": {"id": "99", "username": "WyreCouncil", "name": "Wyre"}})
    refused = Answer(status=403, body={"title": "Unsupported Authentication", "type": "about:blank"})
    platform.by_path = lambda path: me if "/users/me" in path else refused
    found = opened("x", X, platform.url).probe()
    assert found.state is READY
    assert dict(found.facts)["credits"].startswith("not told")


# --- what says nothing about the next post ----------------------------------------------------------------

KNOWN = {
    "facebook": {
        "page_id": "123456",
        "access_token": "EAAcanaryToken",
        "app_secret": "canary-app-secret",
        "app_id": "789",
    },
    "x": {
        "username": "WyreCouncil",
        "user_id": "99",
        "consumer_key": "canaryConsumerKey",
        "consumer_secret": "canaryConsumerSecret",
        "access_token": "99-canaryAccessToken",
        "access_token_secret": "canaryAccessTokenSecret",
    },
    "notify": {
        "api_key": "key-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0",
        "template_id": OTHER_ID,
    },
    "twilio": {
        "account_sid": "AC" + "a1" * 16,
        "api_key": "SK" + "b2" * 16,
        "api_key_secret": "canary-key-secret",
        "sender": "WyreCouncil",
    },
    "kannel": {"username": "alerts", "password": "canary-password"},
    "sinch": {"service_plan_id": "jd63jf88477ll", "api_token": "canary-api-token"},
}
X, TWILIO = KNOWN["x"], KNOWN["twilio"]
PROXY = b"<html>403 Forbidden by the proxy</html>"
SAYS_NOTHING = {
    "unavailable": Answer(status=503),
    "broken": Answer(status=500, body={"error": {"code": 1, "message": "said"}}),
    "busy": Answer(status=429, body={"errors": [{"code": 88, "message": "Rate limit exceeded"}]}),
    "a proxy's page": Answer(status=403, body=PROXY),
    "another page": Answer(body=b"<html>ok</html>"),
    "nothing": Answer(body={}),
    "a list": Answer(body=[]),
    "reset": Answer(fault=Fault.RESET),
    "closed": Answer(fault=Fault.CLOSE),
    "elsewhere": Answer(status=302, headers={"Location": "https://elsewhere.example/"}),
}


class PathPlatform(Platform):
    """Answers by path where a test says how."""

    by_path = None

    def _respond(self, handler):
        if self.by_path:
            self.answer = self.by_path(handler.path)
        super()._respond(handler)


@pytest.fixture
def platform():
    with PathPlatform() as platform:
        yield platform


@pytest.mark.parametrize("kind", sorted(KNOWN))
def test_what_says_nothing_about_a_post_is_doubtful_and_stops_no_alert(platform, kind, caplog):
    channel = opened(kind, KNOWN[kind], platform.url)
    with caplog.at_level(logging.DEBUG):
        found = {}
        for name, answer in SAYS_NOTHING.items():
            platform.answer = answer
            found[name] = channel.probe()
    assert {name: each.state for name, each in found.items()} == dict.fromkeys(SAYS_NOTHING, DOUBTFUL)
    secrets = [KNOWN[kind][name] for name in SECRET_OPTIONS[kind] if name in KNOWN[kind]]
    told = repr(found) + "".join(
        record.getMessage() for record in caplog.records if record.name != "urllib3.connectionpool"
    )
    assert [secret for secret in secrets if secret in told] == []


@pytest.mark.parametrize("kind", sorted(KNOWN))
def test_a_platform_that_quotes_our_secrets_has_none_of_them_told(platform, kind):
    channel = opened(kind, KNOWN[kind], platform.url)
    secrets = [KNOWN[kind][name] for name in SECRET_OPTIONS[kind] if name in KNOWN[kind]]
    echo = " ".join(secrets)
    for status in (200, 400, 401, 402, 403, 404, 500):
        error = {"message": echo, "code": 190, "error": echo, "fbtrace_id": echo}
        body = {"error": error, "errors": [error], "title": echo, "detail": echo, "code": 20003, "body": echo}
        platform.answer = Answer(status=status, body=body)
        told = repr(channel.probe())
        assert [secret for secret in secrets if secret in told] == []


def test_a_platform_that_is_not_there_is_doubtful():
    for kind, known in KNOWN.items():
        found = opened(kind, known, "http://127.0.0.1:9").probe()
        assert (found.state, found.code) == (DOUBTFUL, "not_connected")


def test_a_check_ends_in_time(platform):
    """Of the channels with sessions of their own; a gateway's check has its own limits, which are shorter."""
    assert PROBE_WITHIN_S < 15
    platform.answer = Answer(fault=Fault.TRICKLE)
    page = opened("facebook", KNOWN["facebook"], platform.url)
    before = time.monotonic()
    with page._session.within(0.3):
        assert page.probe().state is DOUBTFUL
    assert time.monotonic() - before < PROBE_WITHIN_S


# --- against what the platforms publish -------------------------------------------------------------------


def test_the_questions_stand_in_the_specifications(sandbox):
    for kind in KNOWN:
        opened(kind, known_to(sandbox, kind), sandbox.url).probe()
    asked = [row["path"] for row in sandbox.ledger() if row["platform"] == "twilio"]
    parameters = contract("twilio/twilio_api_v2010.messages.json")["paths"][
        "/2010-04-01/Accounts/{AccountSid}/Messages.json"
    ]["get"]["parameters"]
    assert {"PageSize", "DateSent<"} <= {each["name"] for each in parameters}
    assert any(path.endswith("/Messages.json?PageSize=1&DateSent%3C=2000-01-01") for path in asked)
    assert "get" in contract("x/openapi.json")["paths"]["/2/users/me"]


def test_the_stand_in_for_notify_shows_its_template_as_documented(sandbox):
    variants = contract("govuk-notify/schema.json")["components"]["schemas"]["TemplateResponse"]["oneOf"]
    documented = next(each for each in variants if each["title"] == "sms")["properties"]
    known = sandbox.accounts["notify"]
    token = ApiKey.read(known["api_key"], account="wyre").token(datetime.now(UTC))
    shown = sandbox.get(f"/v2/template/{known['template_id']}", headers={"Authorization": f"Bearer {token}"})
    assert set(shown.json()) == set(documented)
    assert shown.json()["personalisation"] == {"message": {"required": True}}
