"""The session keeps inside its bounds: its time, its hosts, no redirect, nothing from the environment."""

import socket
import threading
import time
from contextlib import suppress

import pytest
import requests
import urllib3
from requests.adapters import BaseAdapter
from urllib3.exceptions import (
    ConnectTimeoutError,
    LocationParseError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, SendError
from channels.base import Account
from channels.http import DEFAULT_TIMEOUTS, Timeouts, from_exception, open_session
from tests.unit.client_exceptions import response, wrapped


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
