"""The mapping of exceptions and statuses is total, and the session keeps inside its bounds."""

import importlib
import inspect
import pkgutil
import random
import socket
import ssl
import threading
import time
from contextlib import suppress
from email.utils import formatdate

import aiohttp
import pytest
import requests
import tweepy
import urllib3
from requests.adapters import BaseAdapter
from urllib3.exceptions import (
    ConnectTimeoutError,
    EmptyPoolError,
    FullPoolError,
    LocationParseError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)
from urllib3.util.ssl_match_hostname import CertificateError

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused, SendError
from channels.base import Account, Secret
from channels.http import (
    DEFAULT_TIMEOUTS,
    Timeouts,
    from_exception,
    from_status,
    open_session,
    redact,
    retry_after_s,
)
from channels.http_errors import BEFORE_SENDING, MEANINGS

NOT_OURS = (
    ".web",
    "pytest_plugin",
    "test_utils",
    "worker",
    ".asynchronous",
    "urllib3.contrib",
    "urllib3.http2",
)  # servers, test tools, AsyncClient, and what needs libraries that are not here
LIBRARIES = {"requests", "urllib3", "aiohttp", "tweepy"}


def exception_classes():
    found = set()
    for library in (requests, urllib3, aiohttp, tweepy):
        modules = pkgutil.walk_packages(library.__path__, library.__name__ + ".", onerror=lambda _: None)
        names = [library.__name__, *(m.name for m in modules)]
        for name in names:
            if any(part in name for part in NOT_OURS):
                continue
            for value in vars(importlib.import_module(name)).values():
                if inspect.isclass(value) and issubclass(value, BaseException):
                    found.add(value)
    return {cls for cls in found if cls.__module__.split(".")[0] in LIBRARIES}


def full_name(cls):
    return f"{cls.__module__}.{cls.__qualname__}"


def bare(cls):
    """An instance without its constructor's arguments: as little as an exception can know of itself."""
    exc = cls.__new__(cls)
    exc.args = ()
    return exc


@pytest.mark.filterwarnings("ignore")
def test_every_exception_class_of_the_four_libraries_is_mapped():
    classes = exception_classes()
    assert len(classes) > 100
    assert len([cls for cls in classes if cls.__module__.startswith("urllib3")]) >= 39
    assert sorted(full_name(c) for c in classes if full_name(c) not in MEANINGS.keys() | BEFORE_SENDING) == []


@pytest.mark.filterwarnings("ignore")
def test_no_row_stands_for_a_class_that_is_gone():
    known = {full_name(cls) for cls in exception_classes()}
    ours = {name for name in MEANINGS.keys() | BEFORE_SENDING if name.split(".")[0] in LIBRARIES}
    assert sorted(ours - known) == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("cls", sorted(exception_classes(), key=full_name), ids=full_name)
def test_the_outcome_is_a_send_error_with_a_code_that_is_known(cls):
    error = from_exception(bare(cls))
    assert isinstance(error, SendError)
    assert error.code != "unheard_of_error"
    before = full_name(cls) in BEFORE_SENDING
    assert isinstance(error, NotSent) if before else type(error) is MEANINGS[full_name(cls)].outcome


def wrapped(reason):
    return requests.ConnectionError(MaxRetryError(None, "/path?secret", reason))


@pytest.mark.parametrize(
    ("exc", "outcome", "code"),
    [
        (wrapped(NewConnectionError(None, "refused")), NotSent, "not_connected"),
        (wrapped(NameResolutionError("host", None, OSError("no such name"))), NotSent, "not_connected"),
        (requests.ConnectTimeout(MaxRetryError(None, "/", ConnectTimeoutError())), NotSent, "not_connected"),
        (wrapped(ReadTimeoutError(None, "/", "slow")), OutcomeUnknown, "connection_lost"),
        (
            requests.ConnectionError(ProtocolError("aborted", ConnectionResetError())),
            OutcomeUnknown,
            "connection_lost",
        ),
        (requests.exceptions.SSLError(ssl.SSLCertVerificationError("bad")), NotSent, "tls_failed"),
        (requests.exceptions.SSLError(ssl.SSLEOFError("eof")), OutcomeUnknown, "connection_lost"),
        (requests.ReadTimeout(), OutcomeUnknown, "read_timeout"),
        (TimeoutError(), OutcomeUnknown, "read_timeout"),
        (aiohttp.ConnectionTimeoutError(), NotSent, "not_connected"),
        (aiohttp.SocketTimeoutError(), OutcomeUnknown, "read_timeout"),
        (aiohttp.ServerDisconnectedError(), OutcomeUnknown, "connection_lost"),
        (aiohttp.ClientOSError(104, "reset"), OutcomeUnknown, "connection_lost"),
        (tweepy.TweepyException("any"), OutcomeUnknown, "connection_lost"),
        (RuntimeError("never heard of"), OutcomeUnknown, "unheard_of_error"),
        (requests.exceptions.InvalidURL("x"), NotConfigured, "bad_address"),
        (requests.exceptions.TooManyRedirects(), Refused, "redirected"),
        (LocationParseError("a..b"), NotConfigured, "bad_address"),
        (requests.ConnectionError(EmptyPoolError(None, "none left")), NotSent, "not_connected"),
        (requests.ConnectionError(FullPoolError(None, "put back")), OutcomeUnknown, "connection_lost"),
        (CertificateError("another name"), NotSent, "not_connected"),
    ],
)
def test_failures_before_the_first_byte_differ_from_those_after_it(exc, outcome, code):
    error = from_exception(exc)
    assert (type(error), error.code) == (outcome, code)


def response(status, **headers):
    made = requests.Response()
    made.status_code, made.reason, made._content = status, "reason", b"{}"
    made.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return made


def test_an_exception_that_holds_an_answer_is_judged_by_its_status():
    error = from_exception(tweepy.TooManyRequests(response(429, retry_after="9")))
    assert (type(error), error.retry_after_s) == (NotSent, 9)
    assert type(from_exception(tweepy.Unauthorized(response(401)))) is NotConfigured
    assert type(from_exception(requests.HTTPError(response=response(502)))) is OutcomeUnknown


def test_a_send_error_stays_itself():
    error = NotSent("busy")
    assert from_exception(error) is error


def test_a_chain_that_bites_its_tail_ends():
    exc = requests.ConnectionError("x")
    exc.__cause__ = exc
    assert type(from_exception(exc)) is OutcomeUnknown


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_has_an_outcome(status):
    expected = {1: OutcomeUnknown, 2: OutcomeUnknown, 3: Refused, 4: Refused, 5: OutcomeUnknown}[
        status // 100
    ]
    special = {401: NotConfigured, 403: NotConfigured, 408: OutcomeUnknown, 429: NotSent, 503: NotSent}
    assert type(from_status(status, {})) is special.get(status, expected)


@pytest.mark.parametrize("status", [0, -1, 600, 999])
def test_an_impossible_status_is_unknown(status):
    assert type(from_status(status, {})) is OutcomeUnknown


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", 7),
        ("0", 0),
        ("1.5", 1.5),
        ("-1", 0),
        ("1e9", 300),
        ("1000000000", 300),
        ("inf", 300),
        ("nan", None),
        ("soon", None),
        ("", None),
        (formatdate(1_000_060, usegmt=True), 60),
        (formatdate(1, usegmt=True), 0),
        (formatdate(9_999_999_999, usegmt=True), 300),
        ("Thu, 99 Foo 2026", None),
    ],
)
def test_retry_after_is_read_and_bounded(value, expected):
    assert retry_after_s({"retry-AFTER": value}, now_s=1_000_000) == expected


def test_an_absent_retry_after_is_none():
    assert retry_after_s({}) is None


def test_random_bytes_in_retry_after_are_harmless():
    chance = random.Random(1)
    for _ in range(500):
        value = "".join(chr(chance.randrange(32, 255)) for _ in range(chance.randrange(12)))
        wait_s = retry_after_s({"Retry-After": value}, now_s=0)
        assert wait_s is None or 0 <= wait_s <= 300


class Recording(BaseAdapter):
    """Takes the place of the network and keeps how it was called."""

    def __init__(self, status=200, **headers):
        super().__init__()
        self.calls, self._answer = [], (status, headers)

    def send(self, request, **kwargs):
        self.calls.append((request, kwargs))
        made = response(self._answer[0], **self._answer[1])
        made.request, made.url = request, request.url
        return made

    def close(self):
        """Nothing is open."""


def account(allowed_hosts=None):
    return Account(name="a", channel="facebook", mode="exercise", allowed_hosts=allowed_hosts)


def recording_session(allowed_hosts=None, **answer):
    session, adapter = (
        open_session(account(allowed_hosts), timeout=Timeouts(connect_s=1, read_s=2)),
        Recording(**answer),
    )
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session, adapter


@pytest.mark.parametrize("timeout", [{}, {"timeout": None}, {"timeout": 99}])
def test_every_call_has_both_time_outs(timeout):
    session, adapter = recording_session()
    session.post("https://a.example/", data=b"", **timeout)
    session.get("https://a.example/")
    assert [kwargs["timeout"] for _, kwargs in adapter.calls] == [(1, 2), (1, 2)]


def test_a_request_is_over_before_a_worker_s_lease_is():
    assert Timeouts(connect_s=3, read_s=10, total_s=15) == DEFAULT_TIMEOUTS


@pytest.mark.parametrize("host", ["a..b.example", f"{'a' * 64}.example", "."])
def test_a_host_that_can_be_none_is_told_and_nothing_is_sent(host):
    """urllib3 finds some of them only when it connects, and requests passes that on as it is."""
    session = open_session(account())
    with pytest.raises((NotConfigured, requests.exceptions.InvalidURL, requests.ConnectionError)) as caught:
        session.post(f"https://{host}/", data=b"")
    assert (type(from_exception(caught.value)), from_exception(caught.value).code) == (
        NotConfigured,
        "bad_address",
    )


class Raising(Recording):
    def __init__(self, error):
        super().__init__()
        self._error = error

    def send(self, request, **kwargs):
        raise self._error


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        (LocationParseError("a..b"), NotConfigured, "bad_address"),
        (urllib3.exceptions.DecodeError(), OutcomeUnknown, "unreadable_answer"),
        (requests.ConnectionError(ReadTimeoutError(None, "/", "slow")), OutcomeUnknown, "read_timeout"),
        (requests.ConnectionError(ProtocolError("aborted", TimeoutError())), OutcomeUnknown, "read_timeout"),
        (requests.ConnectTimeout(ConnectTimeoutError()), NotSent, "not_connected"),
        (wrapped(NewConnectionError(None, "slow")), NotSent, "not_connected"),
    ],
)
def test_a_time_out_is_told_as_one_and_nothing_of_urllib3_gets_out(error, outcome, code):
    session = open_session(account())
    session.mount("https://", Raising(error))
    with pytest.raises((SendError, requests.RequestException)) as caught:
        session.get("https://a.example/")
    assert (type(from_exception(caught.value)), from_exception(caught.value).code) == (outcome, code)


class Peer:
    """A platform on loopback that takes a connection and then says what a test wants, byte by byte."""

    def __init__(self, *, says=b"", pause_s=0.0):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        self.heard, self._says, self._pause_s = [], says, pause_s
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._thread.join()
        self._socket.close()

    def _serve(self):
        with self._socket.accept()[0] as connection, suppress(OSError):
            self.heard.append(connection.recv(65536))
            for byte in self._says:
                time.sleep(self._pause_s)
                connection.send(bytes([byte]))


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def hasty(total_s):
    return open_session(account(), timeout=Timeouts(connect_s=5, read_s=20, total_s=total_s))


def test_a_slow_answer_that_is_whole_in_time_is_taken():
    with Peer(says=ANSWER, pause_s=0.002) as peer:
        assert hasty(20).get(peer.url).content == b"hello"


def test_an_answer_that_is_not_whole_in_time_is_a_time_out_though_each_byte_came_soon():
    with Peer(says=ANSWER, pause_s=0.05) as peer, pytest.raises(requests.ReadTimeout):
        hasty(0.5).get(peer.url)


def test_an_answer_that_comes_late_in_one_piece_is_a_time_out_too():
    with Peer(says=ANSWER[:1], pause_s=2) as peer, pytest.raises(requests.ReadTimeout):
        hasty(0.5).get(peer.url)


def test_several_requests_share_the_time_that_they_are_given_together():
    session = hasty(20)
    with Peer(says=ANSWER) as peer, session.within(20):
        assert session.get(peer.url).status_code == 200
    with (
        Peer(says=ANSWER, pause_s=0.05) as peer,
        session.within(0.5),
        pytest.raises(requests.ReadTimeout),
    ):
        session.get(peer.url)
    with Peer(says=ANSWER, pause_s=0.002) as peer:
        assert session.get(peer.url).status_code == 200


def test_more_time_within_less_is_less():
    session = hasty(20)
    with (
        Peer(says=ANSWER, pause_s=0.05) as peer,
        session.within(0.5),
        session.within(20, longer=True),
        pytest.raises(requests.ReadTimeout),
    ):
        session.get(peer.url)


def test_the_time_of_one_thread_is_not_another_s():
    session, codes = hasty(20), []
    with Peer(says=ANSWER) as peer, session.within(0):
        thread = threading.Thread(target=lambda: codes.append(session.get(peer.url).status_code))
        thread.start()
        thread.join()
    assert codes == [200]


def test_a_process_that_stood_still_sends_nothing_late():
    """Its time is over before its first byte: surely not sent, rather than sent when others have long sent it again."""
    session = hasty(20)
    with Peer() as peer, session.within(0), pytest.raises(requests.ConnectionError) as caught:
        session.post(peer.url, data=b"late")
    assert type(from_exception(caught.value)) is NotSent
    assert peer.heard == [b""]


def test_no_redirect_is_followed_even_when_asked_for():
    session, adapter = recording_session(status=302, location="https://b.example/")
    assert session.get("https://a.example/", allow_redirects=True).status_code == 302
    assert len(adapter.calls) == 1


def test_nothing_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:1")
    session, adapter = recording_session()
    session.get("https://a.example/")
    assert dict(adapter.calls[0][1]["proxies"]) == {}
    assert adapter.calls[0][0].headers["User-Agent"].startswith("crisis-broadcaster/")


@pytest.mark.parametrize(
    "url",
    [
        "https://b.example/",
        "https://a.example.b.example/",
        "https://a.example@b.example/",
        "http://127.0.0.1:1/",
    ],
)
def test_no_byte_leaves_to_a_host_outside_the_fence(url):
    session, adapter = recording_session(frozenset({"a.example"}))
    with pytest.raises(NotConfigured) as caught:
        session.post(url, data=b"")
    assert caught.value.code == "host_not_allowed"
    assert adapter.calls == []


def test_hosts_inside_the_fence_are_reached_whatever_the_case():
    session, adapter = recording_session(frozenset({"a.example"}))
    session.get("https://A.Example:8443/")
    assert len(adapter.calls) == 1


def test_automatic_retries_are_off():
    session = open_session(account())
    assert {adapter.max_retries.total for adapter in session.adapters.values()} == {0}


@pytest.mark.parametrize(
    "told", ["token s3/cr+t here", "token s3%2Fcr%2Bt here", "url?t=s3%2Fcr%2Bt", "s3/cr+ts3/cr+t"]
)
def test_secrets_are_redacted_in_every_form(told):
    shown = redact(told, {"token": Secret("s3/cr+t")})
    assert "cr" not in shown.replace("here", "")
    assert "***" in shown


@pytest.mark.parametrize("number", ["+447700900123", "07700 900123", "447700900123", "+44 (7700) 900-123"])
def test_numbers_are_redacted(number):
    shown = redact(f"to {number} failed")
    assert "900" not in shown
    assert shown.endswith("failed")


@pytest.mark.parametrize("code", ["code 1404078", "HTTP 400", "trace EJplcsCHuLu"])
def test_codes_stay_readable(code):
    assert redact(code) == code


def test_a_quotation_of_the_post_is_withheld_and_long_answers_are_cut():
    text = "Flood warning for the River Wyre.\nMove to upper floors now."
    assert "Wyre" not in redact("bad: '…warning for the River Wyre. Move…'", private=text)
    assert redact("Invalid parameter", private=text) == "Invalid parameter"
    assert len(redact("x" * 5000)) == 200


def test_an_empty_secret_redacts_nothing():
    assert redact("abc", [""]) == "abc"
