"""Every channel's check: what makes it red, amber and green, that it posts nothing, and that it tells no secret.

What platforms tell is set at the stand-ins by their control call; what goes wrong on the way is played by a small server.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from broadcaster.domain.readiness import ReadinessState
from channels import channel_class
from channels.base import Probes
from channels.gateways.notify_token import ApiKey
from tests.contract.platform_server import Answer
from tests.contract.probed import (
    DOUBTFUL,
    KNOWN,
    NOT_READY,
    OTHER_ID,
    READY,
    SECRET_OPTIONS,
    PathPlatform,
    opened,
)
from tests.contract.sandbox_process import contract


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


X, TWILIO = KNOWN["x"], KNOWN["twilio"]


@pytest.fixture
def platform():
    with PathPlatform() as platform:
        yield platform


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
