"""Carries many requests to a gateway at once over kept-alive connections; knows no provider.

One thread drives a line of connections by itself: it begins requests, does its own work while they are under way, and
comes back for their answers. libcurl does the carrying (docs/adr/0009-bulk-client.md has the measurements).
"""

import io
import select
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import certifi
import pycurl

from broadcaster.domain.errors import SendError
from channels.gateways import GatewayAnswer, GatewayRequest
from channels.gateways.curl_errors import from_curl
from channels.http import DEFAULT_TIMEOUTS, USER_AGENT, Timeouts

TOTAL_TIMEOUT_S = 15.0
#: Idle connections go before a usual peer (5 s) drops them, because a request written while the peer closes ends unknown.
IDLE_S = 4
MAX_ANSWER_BYTES = 1 << 20

Tag = TypeVar("Tag")


class Wire:
    """Lends its lines to threads, one line to one thread at a time; made without input or output."""

    def __init__(self, *, timeouts: Timeouts = DEFAULT_TIMEOUTS, total_s: float = TOTAL_TIMEOUT_S) -> None:
        self._timeouts = timeouts
        self._total_s = min(total_s, timeouts.connect_s + timeouts.read_s)
        self._idle: list[Line[Any]] = []
        self._lending = threading.Lock()

    @contextmanager
    def line(self) -> "Iterator[Line[Any]]":
        """A line for this thread. What is still under way when it is left is broken off."""
        with self._lending:
            line = self._idle.pop() if self._idle else None
        line = line or Line(connect_s=self._timeouts.connect_s, total_s=self._total_s)
        try:
            yield line
        finally:
            line.break_off()
            with self._lending:
                self._idle.append(line)

    def close(self) -> None:
        """Ends the connections of lines that nobody uses. The next one opens new ones."""
        with self._lending:
            while self._idle:
                self._idle.pop().close()


class Line(Generic[Tag]):
    """Requests under way, each known by the tag that it was begun with. For one thread at a time."""

    def __init__(self, *, connect_s: float, total_s: float) -> None:
        self._connect_ms, self._total_ms = int(connect_s * 1000), int(total_s * 1000)
        self._poll = select.epoll()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._wake_at: float | None = None
        self._spare: list[_Exchange] = []
        self._under_way: dict[pycurl.Curl, tuple[Tag, _Exchange]] = {}

    def begin(self, tag: Tag, request: GatewayRequest) -> None:
        """Without waiting. The first bytes leave with the next `push` or `answers`."""
        exchange = self._spare.pop() if self._spare else _Exchange(self._connect_ms, self._total_ms)
        exchange.load(request)
        self._under_way[exchange.curl] = (tag, exchange)
        self._multi.add_handle(exchange.curl)

    def push(self) -> None:
        """Let the first bytes of what was begun leave."""
        self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)

    def answers(self, within_s: float) -> list[tuple[Tag, GatewayAnswer | SendError]]:
        """What is there by now, waiting for the first of it at most so long; empty where nothing is under way."""
        end = time.monotonic() + within_s
        found = self._finished()
        while not found and self._under_way:
            left_s = end - time.monotonic()
            if left_s <= 0:
                break
            self._turn(left_s)
            found = self._finished()
        return found

    def break_off(self) -> None:
        """Forget what is under way: its connections are closed."""
        for curl in list(self._under_way):
            self._multi.remove_handle(curl)
            curl.close()
        self._under_way.clear()

    def close(self) -> None:
        self.break_off()
        for exchange in self._spare:
            exchange.curl.close()
        self._spare.clear()
        self._multi.close()
        self._poll.close()

    def _turn(self, wait_s: float) -> None:
        """Wait for sockets or for libcurl's own timer, and let it go on."""
        if self._wake_at is not None:
            wait_s = min(wait_s, max(0.0, self._wake_at - time.monotonic()))
        ready = self._poll.poll(wait_s)
        for socket, events in ready:
            self._multi.socket_action(socket, _as_curl(events))
        if self._wake_at is not None and time.monotonic() >= self._wake_at:
            self._wake_at = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)

    def _finished(self) -> list[tuple[Tag, GatewayAnswer | SendError]]:
        found: list[tuple[Tag, GatewayAnswer | SendError]] = []
        more = 1
        while more:
            more, answered, failed = self._multi.info_read()
            for curl in answered:
                tag, exchange = self._under_way.pop(curl)
                found.append((tag, exchange.answer()))
                self._put_aside(exchange)
            for curl, code, _text in failed:
                tag, exchange = self._under_way.pop(curl)
                found.append((tag, from_curl(code, begun=curl.getinfo(pycurl.REQUEST_SIZE) > 0)))
                self._put_aside(exchange)
        return found

    def _put_aside(self, exchange: "_Exchange") -> None:
        self._multi.remove_handle(exchange.curl)
        self._spare.append(exchange)

    def _watch(self, what: int, socket: int, _multi: pycurl.CurlMulti, _data: object) -> None:
        if what == pycurl.POLL_REMOVE:
            try:
                self._poll.unregister(socket)
            except OSError:  # libcurl has closed it already
                return
            return
        events = (select.EPOLLIN if what & pycurl.POLL_IN else 0) | (
            select.EPOLLOUT if what & pycurl.POLL_OUT else 0
        )
        try:
            self._poll.modify(socket, events)
        except FileNotFoundError:
            self._poll.register(socket, events)

    def _set_timer(self, wait_ms: int) -> None:
        self._wake_at = None if wait_ms < 0 else time.monotonic() + wait_ms / 1000


class _Exchange:
    """One request and its answer; used again for others."""

    def __init__(self, connect_ms: int, total_ms: int) -> None:
        self.curl = curl = pycurl.Curl()
        self._lines: list[bytes] = []
        self._body: list[bytes] = []
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.PROXY, "")  # also none from the environment
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.CAINFO, certifi.where())
        curl.setopt(pycurl.USERAGENT, USER_AGENT)
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, connect_ms)
        curl.setopt(pycurl.TIMEOUT_MS, total_ms)
        curl.setopt(pycurl.MAXAGE_CONN, IDLE_S)
        curl.setopt(pycurl.MAXFILESIZE, MAX_ANSWER_BYTES)
        curl.setopt(pycurl.POST, 1)
        curl.setopt(pycurl.HEADERFUNCTION, self._lines.append)
        curl.setopt(pycurl.WRITEFUNCTION, self._body.append)

    def load(self, request: GatewayRequest) -> None:
        """The body is read through a function that cannot be wound back, on purpose: libcurl sends a request again by
        itself when a kept-alive connection breaks before the answer, which would be a second SMS. Now it gives up."""
        self._lines.clear()
        self._body.clear()
        self.curl.setopt(pycurl.URL, request.url)
        self.curl.setopt(pycurl.HTTPHEADER, [f"{n}: {v}" for n, v in request.headers.items()] + ["Expect:"])
        self.curl.setopt(pycurl.POSTFIELDSIZE, len(request.body))
        self.curl.setopt(pycurl.READFUNCTION, io.BytesIO(request.body).read)

    def answer(self) -> GatewayAnswer:
        status = self.curl.getinfo(pycurl.RESPONSE_CODE)
        return GatewayAnswer(
            status=status,
            headers=_headers(self._lines) if status >= 300 else {},  # a success says nothing there
            body=b"".join(self._body),
        )


def _headers(lines: Sequence[bytes]) -> dict[str, str]:
    """Those of the last answer: interim ones (1xx) stand before it."""
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            headers[name] = value.strip()
        elif name.startswith("HTTP/"):
            headers.clear()
    return headers


def _as_curl(events: int) -> int:
    found = 0
    if events & (select.EPOLLIN | select.EPOLLHUP):
        found |= pycurl.CSELECT_IN
    if events & select.EPOLLOUT:
        found |= pycurl.CSELECT_OUT
    if events & select.EPOLLERR:
        found |= pycurl.CSELECT_ERR
    return found
