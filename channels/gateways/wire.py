"""Carries many requests to a gateway at once over kept-alive connections; knows no provider.

Asynchronous inside, synchronous outside: one background thread runs one event loop with one session, and every
calling thread waits for its own group. So any number of threads share the connections, without a lock around them.
"""

import asyncio
import threading
import weakref
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import aiohttp
from yarl import URL

from channels.gateways import GatewayAnswer, GatewayRequest
from channels.http import DEFAULT_TIMEOUTS, USER_AGENT, Timeouts

TOTAL_TIMEOUT_S = 15.0

T = TypeVar("T")


class Wire:
    """Made without input or output; the thread and the session begin with the first group."""

    def __init__(self, *, timeouts: Timeouts = DEFAULT_TIMEOUTS, total_s: float = TOTAL_TIMEOUT_S) -> None:
        self._timeout = aiohttp.ClientTimeout(
            total=total_s,  # the only one that runs after an interim answer (1xx): aiohttp 3.14 ends sock_read there
            connect=timeouts.connect_s,
            sock_connect=timeouts.connect_s,
            sock_read=timeouts.read_s,
        )
        self._starting = threading.Lock()
        self._line: _Line | None = None

    def carry(self, requests: Sequence[GatewayRequest]) -> list[GatewayAnswer | Exception]:
        """One answer or exception per request, in their order. All of them are under way at once."""
        with self._starting:
            if self._line is None:
                self._line = _Line(self._timeout)
                # Runs when this object goes, at the latest when the interpreter ends: no connection is left open.
                self._finalizer = weakref.finalize(self, self._line.close)
            line = self._line
        return line.run(line.carry(requests))

    def close(self) -> None:
        """Ends thread and connections. The next group begins new ones."""
        with self._starting:
            if self._line is not None:
                self._line = None
                self._finalizer()


class _Line:
    """The running thread with its loop and session."""

    def __init__(self, timeout: aiohttp.ClientTimeout) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sms-wire", daemon=True)
        self._thread.start()
        self._session = self.run(self._open(timeout))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self, limits: aiohttp.ClientTimeout) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            # No limit, since the caller bounds each group. Idle connections go before a usual peer (5 s) drops
            # them, because a request written while the peer closes ends unknown.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=4),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT},
            timeout=limits,
            trust_env=False,
        )

    async def carry(self, requests: Sequence[GatewayRequest]) -> list[GatewayAnswer | Exception]:
        urls = {request.url: URL(request.url) for request in requests}
        return await asyncio.gather(*(self._one(urls[request.url], request) for request in requests))

    async def _one(self, url: URL, request: GatewayRequest) -> GatewayAnswer | Exception:
        """A POST, since aiohttp sends a GET again by itself when a kept-alive connection breaks: a second SMS."""
        try:
            async with self._session.post(
                url, data=request.body, headers=request.headers, allow_redirects=False
            ) as response:
                return GatewayAnswer(
                    status=response.status, headers=response.headers, body=await response.read()
                )
        except (aiohttp.ClientError, OSError, ValueError) as exc:  # TimeoutError is an OSError
            return exc

    def close(self) -> None:
        self.run(self._session.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
