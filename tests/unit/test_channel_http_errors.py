"""The mapping of exceptions and statuses is total, and what is told of an answer quotes no secret."""

import random
import ssl
from email.utils import formatdate

import aiohttp
import pytest
import requests
import tweepy
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
from channels.base import Secret
from channels.http import from_exception, from_status, redact, retry_after_s
from channels.http_errors import BEFORE_SENDING, MEANINGS
from tests.unit.client_exceptions import LIBRARIES, bare, exception_classes, full_name, response, wrapped


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
