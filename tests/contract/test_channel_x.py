"""What is X's own; the rest is in channel_suite."""

import json
import logging
from dataclasses import replace
from urllib.parse import unquote

import pytest
import tweepy
from oauthlib.oauth1.rfc5849 import signature
from oauthlib.oauth1.rfc5849.utils import parse_authorization_header

from broadcaster.domain.errors import Invalid, NotConfigured, NotSent, OutcomeUnknown, Refused
from channels.base import Account, Receipt, Secret
from channels.twitter import XAccount
from channels.twitter_session import TALKATIVE_LOGGERS
from tests.contract.channel_suite import IMPATIENT, Case, Table, attempt
from tests.contract.on_x import NOW_S, SECRETS, account, post, problem, saved, valid
from tests.contract.platform_server import Answer
from tests.contract.requests_suite import OverRequests


def v1_error(status, code):
    return Answer(status=status, body={"errors": [{"code": code, "message": "said"}]})


V1_CODES = {
    32: (NotConfigured, "credentials_refused"),
    64: (NotConfigured, "account_locked"),
    89: (NotConfigured, "credentials_refused"),
    186: (Refused, "too_long"),
    187: (OutcomeUnknown, "duplicate"),
    215: (NotConfigured, "credentials_refused"),
    226: (Refused, "looks_automated"),
    261: (NotConfigured, "no_permission"),
    326: (NotConfigured, "account_locked"),
}
TYPES = {
    "usage-capped": (429, NotConfigured, "usage_capped"),
    "unsupported-authentication": (403, NotConfigured, "credentials_refused"),
    "client-forbidden": (403, NotConfigured, "no_permission"),
    "oauth1-permissions": (403, NotConfigured, "no_permission"),
    "user-suspended": (403, NotConfigured, "account_locked"),
    "not-authorized-for-resource": (403, Refused, "forbidden"),
    "invalid-request": (400, Refused, "refused"),
}


class TestX(OverRequests):
    plain = lambda url: XAccount.from_account(account(url))  # noqa: E731
    client_errors = (*OverRequests.client_errors, tweepy.TweepyException)
    table = Table(
        build=lambda url, timeouts, hosts: XAccount(
            account(url, hosts), timeouts=timeouts, now_s=lambda: NOW_S
        ),
        post=post(),
        too_long=post("a" * 281),
        accepted=saved("create 201"),
        receipt=Receipt(
            platform_id="1445880548472328192", link="https://x.com/WyreCouncil/status/1445880548472328192"
        ),
        canaries=list(SECRETS.values()),
        statuses={402: NotConfigured, 403: Refused},
        cases=[
            Case(
                name="duplicate (live answer)",
                answer=saved("duplicate content (live)"),
                outcome=OutcomeUnknown,
                code="duplicate",
            ),
            Case(
                name="rate limit (documented)",
                answer=saved("rate limit (docs)"),
                outcome=NotSent,
                code="rate_limited",
                retry_after_s=100,
            ),
            Case(
                name="a reset long ahead is cut",
                answer=Answer(status=429, headers={"x-rate-limit-reset": "9999999999"}),
                outcome=NotSent,
                code="rate_limited",
                retry_after_s=300,
            ),
            Case(
                name="a reset that is no number",
                answer=Answer(status=429, headers={"x-rate-limit-reset": "soon"}),
                outcome=NotSent,
                code="rate_limited",
            ),
            Case(
                name="credits used up",
                answer=problem(402, title="CreditsDepleted", detail="no credits"),
                outcome=NotConfigured,
                code="no_credits",
            ),
            Case(
                name="overloaded",
                answer=Answer(status=503, headers={"Retry-After": "7"}),
                outcome=NotSent,
                code="busy",
                retry_after_s=7,
            ),
            *(
                Case(name=f"code {n}", answer=v1_error(403, n), outcome=outcome, code=code)
                for n, (outcome, code) in V1_CODES.items()
            ),
            *(
                Case(
                    name=kind,
                    answer=problem(status, type=f"https://api.x.com/2/problems/{kind}", title="t"),
                    outcome=outcome,
                    code=code,
                )
                for kind, (status, outcome, code) in TYPES.items()
            ),
            *(
                Case(
                    name=f"a {status} whose body is {body!r}",
                    answer=Answer(status=status, body=body),
                    outcome=outcome,
                    code=code,
                )
                for body in (b'["no object"]', b'{"errors": "no list"}', b'{"errors": [1, null]}')
                for status, outcome, code in (
                    (400, Refused, "refused"),
                    (502, OutcomeUnknown, "platform_error"),
                )
            ),
        ],
    )

    def test_the_request_is_signed_for_the_host_that_is_asked(self, platform, channel):
        platform.answer = self.table.accepted
        attempt(channel, self.table.post)
        call = platform.calls[0]
        assert (call.method, call.path) == ("POST", "/2/tweets")
        assert json.loads(call.body) == {"text": self.table.post.text}
        assert call.headers["Authorization"].startswith("OAuth ")
        assert f'oauth_token="{SECRETS["access_token"]}"' in call.headers["Authorization"]
        assert signature_is_right(f"{platform.url}/2/tweets", call.headers["Authorization"])

    @pytest.mark.parametrize("in_reply_to", ["", "1445880548472328192"])
    def test_the_request_is_one_of_x_specification(self, platform, channel, in_reply_to):
        platform.answer = self.table.accepted
        attempt(channel, replace(self.table.post, in_reply_to=in_reply_to))
        sent = json.loads(platform.calls[0].body)
        assert valid("CreatePostsRequest", sent)
        assert not valid("CreatePostsRequest", {**sent, "txet": "x"})
        assert not valid("CreatePostsRequest", {**sent, "reply": {"in_reply_to_tweet_id": "no number"}})

    def test_loggers_that_would_tell_credentials_are_quiet(self, channel):
        assert [logging.getLogger(name).level for name in TALKATIVE_LOGGERS] == [logging.INFO] * 3


def signature_is_right(url, authorization):
    """Signs anew with an independent implementation of OAuth 1.0a (oauthlib), for the address asked."""
    given = dict(parse_authorization_header(authorization))
    params = [(name, value) for name, value in given.items() if name not in {"oauth_signature", "realm"}]
    base = signature.signature_base_string(
        "POST", signature.base_string_uri(url), signature.normalize_parameters(params)
    )
    return unquote(given["oauth_signature"]) == signature.sign_hmac_sha1_with_client(base, _Client())


class _Client:
    client_secret = SECRETS["consumer_secret"]
    resource_owner_secret = SECRETS["access_token_secret"]


def test_the_target_is_the_handle():
    assert XAccount(account("https://api.x.com"), timeouts=IMPATIENT).target == "@WyreCouncil"


@pytest.mark.parametrize("length", [280, 281])
def test_the_edge_of_the_limit(length):
    channel = XAccount(account("https://api.x.com"))
    assert bool(channel.check(post("a" * length))) == (length > 280)


def test_a_user_id_of_another_account_is_refused_at_set_up():
    options = {"username": "WyreCouncil", "user_id": "100"}
    secrets = {name: Secret(text) for name, text in SECRETS.items()}
    with pytest.raises(Invalid, match="user_id"):
        XAccount(Account(name="x", channel="x", mode="live", options=options, secrets=secrets))
