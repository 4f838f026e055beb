"""One suite for every channel that talks HTTP: a table per channel says what is its own, the rest is shared."""

import json
import logging
import socket
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused, SendError
from broadcaster.domain.post import Post
from channels.base import Channel, Parcel, Receipt, SendsMany
from channels.http import Timeouts
from tests.contract.platform_server import INTERIM, Answer, Call, Fault, Platform
from tests.mass import send_many

KEY = "0198f2c0-7b1e-7c3a-9d55-000000000001"
ADDRESS = "+447700900123"
SHARED = Path(__file__).parents[3] / "shared" / "contracts"
PATIENT = Timeouts(connect_s=5, read_s=30)
IMPATIENT = Timeouts(
    connect_s=5, read_s=0.2
)  # only for peers that never answer, so that no slow machine fails
DOUBTING = Timeouts(connect_s=5, read_s=1)  # for peers that take it before they fall silent
HASTY = Timeouts(connect_s=5, read_s=30, total_s=1)  # the same for peers whose answer never ends


def payload(name: str) -> Any:
    """A saved payload of a platform; skips where the folder beside the repository is missing."""
    path = SHARED / "payloads" / name
    if not path.exists():
        pytest.skip(f"the saved payloads are not at {path}", allow_module_level=True)
    return json.loads(path.read_text(encoding="utf-8"))


@dataclass(frozen=True, kw_only=True)
class Case:
    """An answer of the platform, and what it must be taken for."""

    name: str
    answer: Answer
    outcome: type[SendError]
    code: str
    retry_after_s: float | None = None


#: What a status without a body that says more means for any channel; a table states its differences. All that IANA
#: lists from 300 on, those of proxies and content networks (419, 420, 460, 499, 520 to 530, 561, 598, 599), and the ends
#: of each family. Every number from 100 to 599 is in test_channel_http_errors.
STATUSES: dict[int, type[SendError]] = {
    **dict.fromkeys((300, 301, 302, 303, 304, 305, 306, 307, 308, 399), Refused),
    400: Refused,
    401: NotConfigured,
    402: Refused,
    403: NotConfigured,
    404: Refused,
    405: Refused,
    **dict.fromkeys((406, 407), Refused),
    408: OutcomeUnknown,
    **dict.fromkeys(range(409, 429), Refused),
    429: NotSent,
    **dict.fromkeys((430, 431, 444, 451, 460, 499), Refused),
    500: OutcomeUnknown,
    501: OutcomeUnknown,
    502: OutcomeUnknown,
    503: NotSent,
    **dict.fromkeys((*range(504, 512), *range(520, 531), 561, 598, 599), OutcomeUnknown),
}
#: A success that no platform documents for a new post, or that says nothing of it.
OTHER_SUCCESSES = (200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 299)

GARBAGE = [b"", b"<html>ok</html>", b"[]", b"null", b'"x"', b"{", b"\xff\xfe", b'{"id": ""}', b'{"data": []}']


@dataclass(frozen=True, kw_only=True)
class Table:
    """`build(url, timeouts, allowed_hosts)` makes the channel; `canaries` must be seen nowhere."""

    build: Callable[[str, Timeouts, frozenset[str] | None], Channel]
    post: Post
    too_long: Post
    accepted: Answer
    receipt: Receipt
    canaries: Sequence[str]
    cases: Sequence[Case]
    statuses: Mapping[int, type[SendError]] = field(default_factory=dict)
    key_of: Callable[[Call], str] | None = None


def attempt(channel: Channel, post: Post, key: str = KEY) -> Receipt | SendError:
    """One try, as the service makes it: to the public place, or to one recipient where there is none."""
    if isinstance(channel, SendsMany):
        return send_many(channel, post, [Parcel(key=key, address=ADDRESS)])[0]
    try:
        return channel.send(post, key)
    except SendError as exc:
        return exc


def all_that_is_said(error: SendError) -> str:
    """Whatever of an error could reach a log, a page or a person."""
    told = [str(error), repr(error), repr(error.args), error.detail, error.operator_text]
    return "\n".join([*told, *traceback.format_exception(error)])


class ChannelSuite:
    """Inherit it, name the class Test..., and set `table`."""

    table: ClassVar[Table]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "case" in metafunc.fixturenames:
            cases = self.table.cases
            assert len({case.name for case in cases}) == len(cases)
            metafunc.parametrize("case", cases, ids=[case.name for case in cases])
        if "status" in metafunc.fixturenames:
            metafunc.parametrize("status", STATUSES)

    @pytest.fixture
    def platform(self) -> Iterator[Platform]:
        with Platform() as platform:
            yield platform

    @pytest.fixture
    def channel(self, platform: Platform) -> Iterator[Channel]:
        channel = self.table.build(platform.url, PATIENT, None)
        yield channel
        close(channel)

    @pytest.fixture
    def impatient(self, platform: Platform) -> Iterator[Channel]:
        channel = self.table.build(platform.url, IMPATIENT, None)
        yield channel
        close(channel)

    def test_an_accepted_post_gives_its_receipt(self, platform, channel) -> None:
        platform.answer = self.table.accepted
        assert attempt(channel, self.table.post) == self.table.receipt
        assert len(platform.calls) == 1

    def test_each_listed_answer_has_its_outcome(self, platform, channel, case: Case) -> None:
        platform.answer = case.answer
        error = attempt(channel, self.table.post)
        assert (type(error), error.code) == (case.outcome, case.code)
        assert getattr(error, "retry_after_s", None) == case.retry_after_s
        assert len(platform.calls) == 1

    def test_each_status_has_its_outcome_and_is_asked_once(self, platform, channel, status: int) -> None:
        platform.answer = Answer(status=status, headers={"Location": f"{platform.url}/elsewhere"})
        error = attempt(channel, self.table.post)
        assert type(error) is self.table.statuses.get(status, STATUSES[status])
        assert len(platform.calls) == 1

    @pytest.mark.parametrize("answered", OTHER_SUCCESSES)
    def test_a_success_without_a_word_is_unknown_and_asked_once(self, platform, channel, answered) -> None:
        platform.answer = Answer(status=answered)
        assert type(attempt(channel, self.table.post)) is OutcomeUnknown
        assert len(platform.calls) == 1

    @pytest.mark.parametrize("answered", INTERIM)
    def test_an_interim_answer_that_nothing_follows_is_unknown_and_asked_once(
        self, platform, channel, answered
    ) -> None:
        platform.answer = Answer(status=answered)
        assert type(attempt(channel, self.table.post)) is OutcomeUnknown
        assert len(platform.calls) == 1

    @pytest.mark.parametrize("fault", [Fault.RESET, Fault.CLOSE, Fault.CUT])
    def test_a_connection_that_breaks_after_the_request_is_unknown_and_not_repeated(
        self, platform, channel, fault
    ) -> None:
        platform.answer = Answer(
            status=self.table.accepted.status, body=self.table.accepted.body, fault=fault
        )
        error = attempt(channel, self.table.post)
        assert type(error) is OutcomeUnknown
        assert error.code in {"connection_lost", "unreadable_answer"}
        assert len(platform.calls) == 1

    def test_a_time_out_after_the_request_is_unknown_and_not_repeated(self, platform, impatient) -> None:
        platform.answer = Answer(fault=Fault.HANG)
        error = attempt(impatient, self.table.post)
        assert (type(error), error.code) == (OutcomeUnknown, "read_timeout")
        assert len(platform.calls) == 1

    @pytest.mark.parametrize("garbage", GARBAGE)
    def test_a_success_that_cannot_be_read_is_unknown(self, platform, channel, garbage) -> None:
        platform.answer = Answer(status=self.table.accepted.status, body=garbage)
        assert type(attempt(channel, self.table.post)) is OutcomeUnknown

    def test_nobody_listening_is_surely_not_sent(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        channel = self.table.build(f"http://127.0.0.1:{port}", PATIENT, None)
        error = attempt(channel, self.table.post)
        close(channel)
        assert (type(error), error.code) == (NotSent, "not_connected")

    def test_a_peer_that_breaks_off_the_tls_handshake_is_surely_not_sent(self, platform) -> None:
        """The server speaks plain HTTP, so that the handshake fails and no byte of the post leaves."""
        channel = self.table.build(platform.url.replace("http:", "https:"), PATIENT, None)
        error = attempt(channel, self.table.post)
        close(channel)
        assert (type(error), error.code) == (NotSent, "tls_failed")
        assert platform.calls == []

    def test_a_host_outside_the_fence_is_not_asked(self, platform) -> None:
        channel = self.table.build(platform.url, PATIENT, frozenset({"alerts.example"}))
        error = attempt(channel, self.table.post)
        close(channel)
        assert (type(error), error.code) == (NotConfigured, "host_not_allowed")
        assert platform.calls == []

    def test_a_host_inside_the_fence_is_asked(self, platform) -> None:
        channel = self.table.build(platform.url, PATIENT, frozenset({"127.0.0.1"}))
        platform.answer = self.table.accepted
        assert attempt(channel, self.table.post) == self.table.receipt
        close(channel)

    def test_no_secret_number_or_text_is_told(self, platform, channel, impatient, caplog) -> None:
        """The platform quotes everything that it was sent, in every kind of answer."""
        caplog.set_level(logging.DEBUG)
        platform.answer = Answer(fault=Fault.HANG)
        errors = [attempt(impatient, self.table.post)]
        for answer in _quoting(" ".join([*self.table.canaries, self.table.post.text])):
            platform.answer = answer
            errors.append(attempt(channel, self.table.post))
        told = [repr(channel), *map(all_that_is_said, errors)]
        told += [record.getMessage() for record in caplog.records]
        for canary in [*self.table.canaries, ADDRESS, self.table.post.text]:
            assert canary not in "\n".join(told)

    def test_no_secret_stands_in_the_address(self, platform, channel) -> None:
        platform.answer = self.table.accepted
        attempt(channel, self.table.post)
        for canary in [*self.table.canaries, ADDRESS[1:]]:
            assert canary not in platform.calls[0].path

    def test_cookies_are_not_kept(self, platform, channel) -> None:
        platform.answer = replace(self.table.accepted, headers={"Set-Cookie": "tracked=1; Path=/"})
        attempt(channel, self.table.post)
        attempt(channel, self.table.post)
        assert [_has_cookie(call) for call in platform.calls] == [False, False]

    def test_check_finds_an_over_long_post_and_passes_a_good_one(self, channel) -> None:
        assert [problem.code for problem in channel.check(self.table.too_long)] == ["too_long"]
        assert channel.check(self.table.post) == []

    def test_check_finds_an_empty_post(self, channel) -> None:
        empty = Post(channel=channel.name, account="a", title="t", text=" \n ")
        assert "empty" in [problem.code for problem in channel.check(empty)]

    def test_every_try_is_the_same_request_with_the_same_key(self, platform, channel) -> None:
        platform.answer = Answer(status=429)
        assert type(attempt(channel, self.table.post)) is NotSent
        platform.answer = self.table.accepted
        assert attempt(channel, self.table.post) == self.table.receipt
        first, second = platform.calls
        assert (first.path, first.body) == (second.path, second.body)
        if self.table.key_of:
            assert self.table.key_of(first) == self.table.key_of(second) == KEY


def subclasses(*classes: type[BaseException]) -> list[type[BaseException]]:
    """The classes and all below them, sorted by name."""
    found, todo = set[type[BaseException]](), list(classes)
    while todo:
        cls = todo.pop()
        if cls not in found:
            found.add(cls)
            todo += cls.__subclasses__()
    return sorted(found, key=lambda cls: f"{cls.__module__}.{cls.__qualname__}")


def _has_cookie(call: Call) -> bool:
    return any(name.lower() == "cookie" for name in call.headers)


def _quoting(echo: str) -> Iterator[Answer]:
    for status in (400, 401, 403, 404, 409, 429, 500, 503):
        yield Answer(status=status, body=echo.encode())
        yield Answer(status=status, body={"error": {"message": echo, "code": 100, "fbtrace_id": echo}})
        yield Answer(status=status, body={"title": echo, "detail": echo, "errors": [{"message": echo}]})
    yield Answer(status=202, body=echo.encode())
    yield Answer(fault=Fault.RESET)
    yield Answer(fault=Fault.CLOSE)


def close(channel: Channel) -> None:
    closing = getattr(channel, "close", None)
    if closing:
        closing()
