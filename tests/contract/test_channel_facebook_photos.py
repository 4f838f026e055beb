"""A Facebook post with pictures: nothing before the publishing call may leave its outcome unknown."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
import structlog

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused
from channels.base import Account, Receipt, Secret, ShowsImages
from channels.facebook import FacebookPage
from channels.facebook_photos import IMAGE_RULES
from tests.contract.channel_suite import DOUBTING, KEY, PATIENT, Case, Table, attempt
from tests.contract.facebook_pictures import (
    ALTS,
    LINK,
    PICTURES,
    PRIVATE,
    PUBLISHED,
    RECEIPT,
    TEXT,
    Graph,
    drawn,
    image,
    page_on,
    photo_id,
    upload_of,
    with_pictures,
)
from tests.contract.on_facebook import CODES, PROOF, TOKEN, account, graph_error, not_in_specification, post
from tests.contract.requests_suite import OverRequests


class TestThePublishingCall(OverRequests):
    """The whole suite for a post with two pictures that reached Facebook: now the outcome is the publishing call's."""

    plain = lambda url: FacebookPage.from_account(account(url))  # noqa: E731

    table = Table(
        build=lambda url, timeouts, hosts: FacebookPage(account(url, hosts), timeouts=timeouts),
        post=with_pictures(),
        too_long=with_pictures(text=LINK + "a" * 63_207),
        accepted=PUBLISHED,
        receipt=RECEIPT,
        canaries=PRIVATE,
        statuses={503: OutcomeUnknown},
        cases=[
            *CODES,
            Case(
                name="photos that were posted before",
                answer=graph_error(100, subcode=1366051),
                outcome=OutcomeUnknown,
                code="duplicate",
            ),
        ],
    )

    @pytest.fixture
    def platform(self) -> Iterator[Graph]:
        with Graph() as graph:
            yield graph

    def test_the_next_try_uploads_the_same_pictures_again(self, platform, channel):
        platform.answer = graph_error(4)
        assert type(attempt(channel, self.table.post)) is NotSent
        platform.answer = self.table.accepted
        attempt(channel, self.table.post)
        first, second = platform.uploads[:2], platform.uploads[2:]
        assert [call.body for call in first] == [call.body for call in second]
        assert len({call.body for call in first}) == 2


def test_the_requests_stand_in_metas_specification(graph):
    attempt(page_on(graph), with_pictures())
    for (
        upload
    ) in graph.uploads:  # the file itself, `source`, is in no specification, only in the documents of photos
        fields = {name: value for name, value in upload_of(upload).items() if name != "source"}
        assert not_in_specification("POST", "photos", fields) == set()
        assert not_in_specification("POST", "photos", {**fields, "published": "no"}) == {"published"}
    [call] = graph.calls
    sent = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
    assert not_in_specification("POST", "feed", sent) == set()


def test_an_upload_is_unpublished_and_carries_picture_alt_text_and_proof(graph):
    assert attempt(page_on(graph), with_pictures()) == RECEIPT
    first, second = graph.uploads
    assert (first.method, first.path) == ("POST", "/v26.0/123456/photos")
    common = {"published": "false", "access_token": TOKEN, "appsecret_proof": PROOF}
    assert upload_of(first) == {**common, "alt_text_custom": ALTS[0], "source": PICTURES[0].content}
    assert upload_of(second) == {**common, "alt_text_custom": ALTS[1], "source": PICTURES[1].content}


def test_the_post_attaches_its_photos_in_order_and_its_link_stands_in_the_text(graph):
    attempt(page_on(graph), with_pictures())
    photos = [photo_id(call) for call in graph.uploads]
    [call] = graph.calls
    assert {name: values[0] for name, values in parse_qs(call.body.decode()).items()} == {
        "message": TEXT,
        "attached_media[0]": json.dumps({"media_fbid": photos[0]}),
        "attached_media[1]": json.dumps({"media_fbid": photos[1]}),
        "fields": "id,permalink_url",
        "access_token": TOKEN,
        "appsecret_proof": PROOF,
    }


@pytest.mark.parametrize("content", [b"", drawn("green")], ids=["missing", "another picture"])
def test_only_the_approved_picture_leaves(graph, content):
    error = attempt(page_on(graph), with_pictures(PICTURES[0], replace(PICTURES[1], content=content)))
    assert (type(error), error.code) == (Refused, "image_not_approved")
    assert (graph.uploads, graph.calls) == ([], [])


class TestCheck:
    def codes(self, checked):
        problems = FacebookPage(account("https://graph.facebook.com")).check(checked)
        assert all(len(problem.text.split(". ")) >= 2 for problem in problems), "a problem without its cure"
        return [problem.code for problem in problems]

    def test_a_good_post_passes(self):
        assert self.codes(with_pictures()) == []
        assert self.codes(with_pictures(*PICTURES * 5)) == []

    def test_too_many_pictures(self):
        assert self.codes(with_pictures(*PICTURES * 5, PICTURES[0])) == ["too_many_images"]

    def test_a_picture_of_four_megabytes(self):
        assert self.codes(with_pictures(image(size=3_999_999))) == []
        assert self.codes(with_pictures(image(size=4_000_000))) == ["image_size"]

    def test_what_is_said_of_the_whole_message_is_not_said_again(self):
        assert self.codes(with_pictures(image(""), image("a" * 1001))) == []

    def test_another_kind_of_file(self):
        assert self.codes(with_pictures(image(media_type="image/webp"))) == ["image_type"]

    def test_a_link_that_the_pictures_would_swallow(self):
        assert self.codes(with_pictures(text="Flood warning. Ref 7F3K2M")) == ["link_not_in_text"]
        assert self.codes(with_pictures(text="Flood warning. Ref 7F3K2M", link="")) == []


def test_the_channel_declares_what_pictures_it_takes():
    channel = FacebookPage(account("https://graph.facebook.com"))
    assert isinstance(channel, ShowsImages)
    assert channel.image_rules is IMAGE_RULES


class TestUsage:
    def warnings(self, graph, headers):
        graph.answer = replace(PUBLISHED, headers=headers)
        with structlog.testing.capture_logs() as logs:
            assert attempt(page_on(graph), post()) == RECEIPT
        return [(entry["event"], entry["percent"]) for entry in logs if entry["log_level"] == "warning"]

    @pytest.mark.parametrize("name", ["X-App-Usage", "x-page-usage"])
    def test_more_than_three_quarters_used_up_is_told(self, graph, name):
        assert self.warnings(graph, {name: '{"call_count": 12, "total_time": 76}'}) == [("usage_high", 76)]
        assert self.warnings(graph, {name: '{"call_count": 75, "total_time": 75}'}) == []

    def test_the_business_header_is_read_too(self, graph):
        business = '{"1": [{"call_count": 3}], "2": [{"call_count": 9}, {"total_cputime": 100}]}'
        assert self.warnings(graph, {"X-Business-Use-Case-Usage": business}) == [("usage_high", 100)]

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "[]",
            "null",
            "{",
            '{"a": 1}',
            '{"call_count": NaN}',
            '{"call_count": "x", "b": [1, null]}',
            "[" * 5000,
        ],
    )
    def test_an_odd_header_costs_no_post(self, graph, value):
        headers = {"X-App-Usage": value, "X-Business-Use-Case-Usage": value}
        assert self.warnings(graph, headers) == []

    @pytest.mark.parametrize(
        ("minutes", "wait_s"),
        [
            ("2", 120),
            ("1e9", 300),
            ("1" + "0" * 400, None),
            ("-5", None),
            ("0", None),
            ("NaN", None),
            ('"3"', 180),
        ],
    )
    def test_the_wait_is_bounded(self, graph, minutes, wait_s):
        row = f'{{"1": [{{"estimated_time_to_regain_access": {minutes}}}]}}'
        graph.answer = graph_error(32, status=403, headers={"X-Business-Use-Case-Usage": row})
        error = attempt(page_on(graph), post())
        assert (error.code, error.retry_after_s) == ("rate_limited", wait_s)


# --- against the stand-in


@pytest.fixture
def page(sandbox) -> FacebookPage:
    return page_of(sandbox)


def page_of(sandbox, *, kind: str = "") -> FacebookPage:
    """With little patience where the stand-in is about to be silent."""
    given = sandbox.accounts["facebook"]
    return FacebookPage(
        Account(
            name="wyre-page",
            channel="facebook",
            mode="exercise",
            options={"base_url": sandbox.url, "page_id": given["page_id"]},
            secrets={name: Secret(given[name]) for name in ("access_token", "app_secret")},
            allowed_hosts=frozenset({"127.0.0.1"}),
        ),
        timeouts=DOUBTING if kind.endswith("silence") else PATIENT,
    )


def uploads(sandbox):
    return [row for row in sandbox.ledger(platform="facebook") if row["path"].endswith("/photos")]


@pytest.mark.parametrize("count", [1, 2, 10])
def test_a_post_with_pictures_comes_out_once_and_is_found_with_its_address(sandbox, page, count):
    images = tuple(image(f"Picture number {n}", (n, n, 99)) for n in range(count))
    receipt = page.send(with_pictures(*images), KEY)
    assert receipt.link == f"{sandbox.url}/#facebook-{receipt.platform_id}"
    assert [(row["text"], row["status"]) for row in uploads(sandbox)] == [(each.alt, 200) for each in images]
    assert [row["link"] for row in uploads(sandbox)] == [f"/_sandbox/media/{i.sha256}" for i in images]
    assert [row["text"] for row in sandbox.ledger(accepted=1)] == [TEXT]
    stored = replace(with_pictures(), images=tuple(replace(each, content=b"") for each in images))
    assert page.find(stored, KEY, datetime.now(UTC) - timedelta(seconds=5)) == receipt


@pytest.mark.parametrize(
    "kind", ["accept_then_500", "accept_then_reset", "accept_then_silence", "broken_json"]
)
def test_an_accepted_post_with_pictures_whose_answer_is_lost_is_unknown_and_then_found(sandbox, page, kind):
    sandbox.fault(platform="facebook", kind=kind, count=1)
    assert type(attempt(page_of(sandbox, kind=kind), with_pictures())) is OutcomeUnknown
    found = page.find(with_pictures(), KEY, datetime.now(UTC) - timedelta(seconds=20))
    assert found is not None
    assert sandbox.summary("facebook")["accepted"] == 1


def test_after_a_refusal_the_next_try_shows_new_photos(sandbox, page):
    """The first try's photos stay behind unseen; nothing is shown twice."""
    sandbox.fault(platform="facebook", kind="429", count=1)
    assert type(attempt(page, with_pictures())) is NotSent
    assert type(attempt(page, with_pictures())) is Receipt
    assert len(uploads(sandbox)) == 4
    assert sandbox.summary("facebook")["accepted"] == 1


def test_a_lapsed_token_shows_at_the_upload_already(sandbox, page):
    sandbox.fault(platform="facebook", kind="expired_token")
    error = attempt(page, with_pictures())
    assert (type(error), error.code) == (NotConfigured, "token_refused")
    assert len(uploads(sandbox)) == 1


@pytest.mark.parametrize(
    "kind", ["500", "503", "silence", "accept_then_500", "accept_then_reset", "broken_json"]
)
def test_a_fault_at_an_upload_is_surely_not_sent_and_the_next_try_gets_through(sandbox, page, kind):
    sandbox.fault(platform="facebook", kind=kind, count=1, on="upload")
    error = attempt(page_of(sandbox, kind=kind), with_pictures())
    assert (type(error), error.code) == (NotSent, "picture_not_uploaded")
    assert sandbox.summary("facebook")["accepted"] == 0
    assert type(attempt(page, with_pictures())) is Receipt
    assert sandbox.summary("facebook")["accepted"] == 1


def test_the_sandbox_shows_the_pictures_of_a_post(sandbox, page):
    page.send(with_pictures(), KEY)
    for row, sent in zip(uploads(sandbox), PICTURES, strict=True):
        shown = sandbox.get(row["link"])
        assert (shown.content, shown.headers["Content-Type"]) == (sent.content, sent.media_type)
