"""What is Facebook's own; the rest is in channel_suite."""

from urllib.parse import parse_qs

import pytest

from broadcaster.domain.errors import Invalid, NotConfigured, NotSent, OutcomeUnknown, Refused
from channels.base import Account, Receipt
from channels.facebook import FacebookPage
from channels.facebook_errors import KINDS
from tests.contract.channel_suite import Case, Table, attempt, payload
from tests.contract.on_facebook import (
    APP_SECRET,
    CODES,
    EXPECTED,
    PROOF,
    TOKEN,
    USAGE,
    account,
    graph_error,
    not_in_specification,
    post,
)
from tests.contract.platform_server import Answer
from tests.contract.requests_suite import OverRequests
from tests.contract.sandbox_process import contract


def specified_fields():
    return {field["name"] for field in contract("meta/PagePost.json")["fields"]}


SAVED = payload("meta_error_bodies.json")["bodies"]
SAVED_OUTCOMES = [(NotConfigured, "token_refused"), (NotSent, "rate_limited"), (Refused, "content")]


class TestFacebook(OverRequests):
    plain = lambda url: FacebookPage.from_account(account(url))  # noqa: E731
    table = Table(
        build=lambda url, timeouts, hosts: FacebookPage(account(url, hosts), timeouts=timeouts),
        post=post(),
        too_long=post(text="a" * 63_207),
        accepted=Answer(body={"id": "123456_789", "permalink_url": "https://www.facebook.com/x/posts/789"}),
        receipt=Receipt(platform_id="123456_789", link="https://www.facebook.com/x/posts/789"),
        canaries=[TOKEN, APP_SECRET, PROOF],
        statuses={503: OutcomeUnknown},
        cases=[
            *CODES,
            *(
                Case(
                    name=f"saved body {i}",
                    answer=Answer(status=saved["http"], body=saved["body"]),
                    outcome=outcome,
                    code=code,
                )
                for i, (saved, (outcome, code)) in enumerate(zip(SAVED, SAVED_OUTCOMES, strict=True))
            ),
            Case(
                name="the subcode counts before the code",
                answer=graph_error(100, subcode=1366051),
                outcome=OutcomeUnknown,
                code="duplicate",
            ),
            Case(
                name="an unlisted transient error",
                answer=graph_error(9999, transient=True),
                outcome=NotSent,
                code="temporary",
            ),
            Case(name="an unlisted error", answer=graph_error(9999), outcome=Refused, code="refused"),
            Case(
                name="a passing fault with 500 may have been stored",
                answer=graph_error(2, status=500, transient=True),
                outcome=OutcomeUnknown,
                code="platform_error",
            ),
            Case(
                name="a passing fault with 200",
                answer=graph_error(2, status=200),
                outcome=OutcomeUnknown,
                code="temporary",
            ),
            Case(
                name="an error with 200",
                answer=graph_error(190, status=200),
                outcome=NotConfigured,
                code="token_refused",
            ),
            Case(
                name="an unlisted error with 200",
                answer=graph_error(9999, status=200),
                outcome=OutcomeUnknown,
                code="unexpected_answer",
            ),
            Case(
                name="an error that is no object",
                answer=Answer(status=200, body={"error": "no"}),
                outcome=OutcomeUnknown,
                code="unexpected_answer",
            ),
            Case(
                name="the wait stands in a usage header, in minutes",
                answer=graph_error(32, status=403, headers=USAGE),
                outcome=NotSent,
                code="rate_limited",
                retry_after_s=120,
            ),
        ],
    )

    def test_the_request_is_a_form_with_the_post_as_approved(self, platform, channel):
        platform.answer = self.table.accepted
        attempt(channel, self.table.post)
        call = platform.calls[0]
        assert (call.method, call.path) == ("POST", "/v26.0/123456/feed")
        assert {name: values[0] for name, values in parse_qs(call.body.decode()).items()} == {
            "message": self.table.post.text,
            "link": self.table.post.link,
            "fields": "id,permalink_url",
            "access_token": TOKEN,
            "appsecret_proof": PROOF,
        }

    def test_the_request_stands_in_metas_specification(self, platform, channel):
        platform.answer = self.table.accepted
        attempt(channel, self.table.post)
        sent = {name: values[0] for name, values in parse_qs(platform.calls[0].body.decode()).items()}
        assert not_in_specification("POST", "feed", sent) == set()
        assert not_in_specification("POST", "feed", {**sent, "messages": "x"}) == {"messages"}
        assert set(sent["fields"].split(",")) <= specified_fields()

    def test_a_post_without_permalink_gets_its_address_from_the_id(self, platform, channel):
        platform.answer = Answer(body={"id": "123456_789"})
        expected = Receipt(platform_id="123456_789", link="https://www.facebook.com/123456_789")
        assert attempt(channel, self.table.post) == expected

    def test_each_post_has_a_connection_of_its_own(self, platform, channel):
        """The server offers to keep it; on a kept one a closing peer makes "not sent" look like "unknown"."""
        platform.answer = self.table.accepted
        attempt(channel, self.table.post)
        attempt(channel, self.table.post)
        assert len({call.peer for call in platform.calls}) == 2

    def test_the_trace_id_is_kept_for_meta(self, platform, channel):
        platform.answer = graph_error(100)
        assert "EJplcsCHuLu" in attempt(channel, self.table.post).detail


def test_the_table_of_codes_is_the_one_tested():
    assert set(KINDS) == {n for codes in EXPECTED.values() for numbers in codes.values() for n in numbers}


@pytest.mark.parametrize(
    "link", ["http://alerts.example/", "javascript:alert(1)", "alerts.example", "https://"]
)
def test_a_link_that_is_not_https_is_a_problem(link):
    problems = FacebookPage(account("https://graph.facebook.com")).check(post(link=link))
    assert [problem.code for problem in problems] == ["bad_link"]


def test_a_link_to_this_machine_may_be_plain():
    assert (
        FacebookPage(account("https://graph.facebook.com")).check(post(link="http://127.0.0.1:8000/a")) == []
    )


def test_the_target_names_the_page():
    assert FacebookPage(account("https://graph.facebook.com")).target == "Wyre Council (page 123456)"


def test_plain_http_to_another_machine_would_show_the_token():
    with pytest.raises(Invalid, match="https://"):
        FacebookPage(account("http://graph.facebook.com"))


def test_a_missing_token_is_told():
    bare = Account(name="a", channel="facebook", mode="live", options={"page_id": "1"})
    with pytest.raises(Invalid, match="access_token"):
        FacebookPage(bare)
