"""A Facebook post with pictures: nothing before the publishing call may leave its outcome unknown."""

import hashlib
import inspect
import io
import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import PIL.Image
import pytest
import requests
import structlog

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused
from broadcaster.domain.media import Image
from channels.base import Account, Receipt, Secret, ShowsImages
from channels.facebook import FacebookPage
from channels.facebook_photos import IMAGE_RULES, UPLOADS_WITHIN_S, nothing_published
from channels.http import Timeouts, from_exception
from channels.sandbox.exchange import Call as SandboxCall
from channels.sandbox.multipart import parts
from tests.contract.channel_suite import (
    GARBAGE,
    IMPATIENT,
    KEY,
    PATIENT,
    STATUSES,
    TRICKLES,
    Answer,
    Case,
    Fault,
    Platform,
    Table,
    all_that_is_said,
    attempt,
    close,
)
from tests.contract.requests_suite import OverRequests
from tests.contract.test_channel_facebook import (
    APP_SECRET,
    CODES,
    PROOF,
    TOKEN,
    USAGE,
    account,
    graph_error,
    not_in_specification,
    post,
)

LINK = "https://alerts.example/alerts/7f3k2m/"
TEXT = f"Flood warning for the River Wyre.\n\nMove to upper floors now.\n\nMore: {LINK}\n\nRef 7F3K2M"
ALTS = ("Map: water over Garstang Road from the church to the weir", "Ŵyre bridge, “closed” by a barrier")
PUBLISHED = Answer(body={"id": "123456_789", "permalink_url": "https://www.facebook.com/x/posts/789"})
RECEIPT = Receipt(platform_id="123456_789", link="https://www.facebook.com/x/posts/789")
PRIVATE = [TOKEN, APP_SECRET, PROOF, *ALTS]


def drawn(colour="navy", kind="JPEG", **saving) -> bytes:
    file = io.BytesIO()
    PIL.Image.new("RGB", (64, 48), colour).save(file, kind, **saving)
    return file.getvalue()


def image(alt=ALTS[0], colour="navy", kind="JPEG", **changes) -> Image:
    content = changes.pop("content", None) or drawn(colour, kind)
    values = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "media_type": f"image/{kind.lower()}",
        "width": 64,
        "height": 48,
        "size": len(content),
        "alt": alt,
        "content": content,
    }
    return Image(**values | changes)


BIG = bytes(range(256)) * 40_000  # more than the sockets between here and there hold
PICTURES = (image(ALTS[0], "navy"), image(ALTS[1], "red", kind="PNG"))


def with_pictures(*images, **changes):
    return post(**{"text": TEXT, "link": LINK, "images": images or PICTURES, **changes})


def upload_of(call) -> dict[str, str | bytes]:
    """The fields of an upload; the file's bytes under "source"."""
    headers = [(name.lower().encode(), value.encode()) for name, value in call.headers.items()]
    asked = SandboxCall(
        method="POST", path=call.path, target=call.path, query=b"", headers=headers, body=call.body
    )
    return {part.name: part.content if part.filename else part.text for part in parts(asked)}


class Graph(Platform):
    """Takes every picture under an id made of the request, and answers what a test says to the publishing call.

    `on_upload` are the answers to the uploads, one after the other, and the last one from then on; None takes one.
    """

    def __init__(self) -> None:
        self._to_this_call = threading.local()  # each call has a thread of its own
        super().__init__()
        self.uploads = []
        self.on_upload: list[Answer | None] = [None]

    @property
    def answer(self) -> Answer:
        return getattr(self._to_this_call, "answer", self._answer)

    @answer.setter
    def answer(self, answer: Answer) -> None:
        self._answer = answer

    def _respond(self, handler) -> None:
        if handler.path.endswith("/photos"):
            self.uploads.append(self.calls.pop())
            told = self.on_upload.pop(0) if len(self.on_upload) > 1 else self.on_upload[0]
            self._to_this_call.answer = told or Answer(body={"id": photo_id(self.uploads[-1])})
        super()._respond(handler)


def photo_id(upload) -> str:
    return str(int(hashlib.sha256(upload.body).hexdigest()[:12], 16))


@pytest.fixture
def graph() -> Iterator[Graph]:
    with Graph() as graph:
        graph.answer = PUBLISHED
        yield graph


def page_on(graph, timeouts=PATIENT, **more):
    return FacebookPage(account(graph.url), timeouts=timeouts, **more)


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


def outcome_at_upload(graph, answer, timeouts=PATIENT):
    graph.on_upload = [answer]
    channel = page_on(graph, timeouts)
    error = attempt(channel, with_pictures())
    close(channel)
    assert graph.calls == [], "something was published after a picture failed"
    assert len(graph.uploads) == 1, "a picture was sent twice in one try"
    return error


def of_upload(outcome):
    return NotSent if outcome is OutcomeUnknown else outcome


@pytest.mark.parametrize("status", STATUSES)
def test_no_status_at_an_upload_leaves_the_post_unknown(graph, status):
    headers = {"Location": f"{graph.url}/elsewhere"}
    assert type(outcome_at_upload(graph, Answer(status=status, headers=headers))) is of_upload(
        STATUSES[status]
    )


@pytest.mark.parametrize("case", [c for c in CODES if c.code != "duplicate"], ids=lambda case: case.name)
def test_no_error_of_graph_at_an_upload_leaves_the_post_unknown(graph, case):
    error = outcome_at_upload(graph, case.answer)
    assert type(error) is of_upload(case.outcome)
    if case.code in {"content", "bad_link", "picture_refused"}:
        assert error.code == "picture_refused"
        assert "picture 1 of 2" in error.operator_text


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.CLOSE, Fault.CUT])
def test_a_connection_that_breaks_at_an_upload_is_surely_not_sent(graph, fault):
    error = outcome_at_upload(graph, Answer(body={"id": "1"}, fault=fault))
    assert (type(error), error.code) == (NotSent, "picture_not_uploaded")


def test_a_time_out_at_an_upload_is_surely_not_sent(graph):
    error = outcome_at_upload(graph, Answer(fault=Fault.HANG), IMPATIENT)
    assert (type(error), error.code) == (NotSent, "picture_not_uploaded")
    assert "read_timeout" in error.detail


@pytest.mark.parametrize("garbage", [*GARBAGE, b'{"id": 5}', b'{"id": ["a"]}', b'{"id": null}'])
def test_an_upload_whose_answer_has_no_id_is_surely_not_sent(graph, garbage):
    error = outcome_at_upload(graph, Answer(body=garbage))
    assert (type(error), error.code) == (NotSent, "picture_not_uploaded")


@pytest.mark.parametrize(
    "exception",
    [
        cls
        for _, cls in inspect.getmembers(requests.exceptions, inspect.isclass)
        if issubclass(cls, Exception)
    ],
)
def test_no_exception_of_the_client_at_an_upload_leaves_the_post_unknown(exception):
    failure = from_exception(exception.__new__(exception))
    assert not isinstance(nothing_published(failure, number=1, of=1), OutcomeUnknown)


def test_photos_that_were_posted_before_lead_to_another_reading(graph):
    """The word may come from an earlier try with an unknown outcome: sending again at once would double it."""
    error = outcome_at_upload(graph, graph_error(100, subcode=1366051))
    assert (type(error), error.code) == (OutcomeUnknown, "duplicate")


def test_the_wait_that_facebook_asks_for_at_an_upload_is_kept(graph):
    error = outcome_at_upload(graph, graph_error(32, status=403, headers=USAGE))
    assert (error.code, error.retry_after_s) == ("rate_limited", 120)


def test_a_picture_that_facebook_cannot_read_names_what_to_do(graph):
    error = outcome_at_upload(graph, graph_error(100, subcode=1366046))
    assert (type(error), error.code) == (Refused, "picture_refused")
    assert "new version" in error.operator_text


def test_a_refused_token_at_an_upload_still_pauses_the_account(graph):
    error = outcome_at_upload(graph, graph_error(190, subcode=463))
    assert (type(error), error.code) == (NotConfigured, "token_refused")
    assert "system user" in error.operator_text


def test_the_second_picture_failing_publishes_nothing(graph):
    graph.on_upload = [None, Answer(status=500)]
    error = attempt(page_on(graph), with_pictures())
    assert (type(error), error.code) == (NotSent, "picture_not_uploaded")
    assert "2 of 2" in error.operator_text
    assert (len(graph.uploads), graph.calls) == (2, [])


@pytest.mark.parametrize(
    ("moments", "uploaded"), [([0, 0, 44, 45.1], 2), ([0, 0, 45], 1), ([0, 3600], 0)], ids=str
)
def test_pictures_that_take_too_long_are_given_up_before_anything_is_public(graph, moments, uploaded):
    """Also where the process stood still, after the last picture too: the last moment is asked for before publishing."""
    times = iter(moments)
    error = attempt(page_on(graph, monotonic=lambda: next(times)), with_pictures())
    assert (type(error), error.code) == (NotSent, "pictures_too_slow")
    assert (len(graph.uploads), graph.calls) == (uploaded, [])
    assert list(times) == []


def almost_over():
    """A clock that leaves the first picture one second."""
    times = iter([0.0])
    return lambda: next(times, UPLOADS_WITHIN_S - 1)


@pytest.mark.parametrize("fault", TRICKLES)
def test_an_upload_whose_answer_trickles_is_given_up_and_surely_not_sent(graph, fault):
    graph.on_upload = [Answer(fault=fault)]
    error = attempt(page_on(graph, monotonic=almost_over()), with_pictures())
    assert (type(error), error.code) == (NotSent, "picture_not_uploaded")
    assert "read_timeout" in error.detail
    assert (len(graph.uploads), graph.calls) == (1, [])


def test_an_upload_that_facebook_does_not_take_is_given_up_and_surely_not_sent(graph):
    graph.deaf = True
    error = attempt(page_on(graph, monotonic=almost_over()), with_pictures(image(content=BIG)))
    assert (type(error), error.code) == (NotSent, "picture_not_uploaded")
    assert (graph.uploads, graph.calls) == ([], [])  # given up while sending, not when the answer was late


def test_an_upload_may_take_longer_than_a_question(graph):
    """On a slow line a picture takes longer than any answer should."""
    slow = Timeouts(connect_s=5, read_s=30, total_s=0)
    channel = page_on(graph, slow)
    with pytest.raises(NotSent) as caught:
        channel.send(with_pictures(), KEY)
    assert caught.value.code == "not_connected"  # the publishing call, too late for its own limit
    assert (len(graph.uploads), graph.calls) == (2, [])


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


def test_no_secret_or_word_of_the_post_is_told_when_an_upload_fails(graph, caplog):
    caplog.set_level(logging.DEBUG)
    echo = " ".join([*PRIVATE, TEXT])
    channel, told = page_on(graph), []
    for status in (400, 401, 403, 413, 429, 500, 503):
        for body in (echo.encode(), {"error": {"message": echo, "code": 100, "fbtrace_id": echo}}):
            graph.on_upload = [Answer(status=status, body=body)]
            told.append(all_that_is_said(attempt(channel, with_pictures())))
    for alt in ALTS:  # the alt text alone: Graph quotes what it was given
        graph.on_upload = [Answer(status=400, body={"error": {"message": f"Bad: {alt}", "code": 100}})]
        told.append(all_that_is_said(attempt(channel, with_pictures())))
    told += [record.getMessage() for record in caplog.records]
    for canary in [*PRIVATE, TEXT]:
        assert canary not in "\n".join(told)


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
        timeouts=IMPATIENT,
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
    assert type(attempt(page, with_pictures())) is OutcomeUnknown
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
    error = attempt(page, with_pictures())
    assert (type(error), error.code) == (NotSent, "picture_not_uploaded")
    assert sandbox.summary("facebook")["accepted"] == 0
    assert type(attempt(page, with_pictures())) is Receipt
    assert sandbox.summary("facebook")["accepted"] == 1


def test_the_sandbox_shows_the_pictures_of_a_post(sandbox, page):
    page.send(with_pictures(), KEY)
    for row, sent in zip(uploads(sandbox), PICTURES, strict=True):
        shown = sandbox.get(row["link"])
        assert (shown.content, shown.headers["Content-Type"]) == (sent.content, sent.media_type)
