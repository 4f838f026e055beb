"""Connections that serve one request and end in time. They know time limits and sockets, nothing of posts or platforms.

`requests` bounds each wait by itself only: a peer that sends a byte now and then would hold a worker for ever. So
here every read and every write is given no more time than is left to the whole request, headers and chunks included.
"""

import io
import socket
import time
from collections.abc import Callable
from functools import partial
from http.client import HTTPException, HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationValueError, NewConnectionError

#: Tells the moment, by the monotonic clock, at which the request of the calling thread must be over.
End = Callable[[], float]


class OncePerRequestAdapter(HTTPAdapter):
    """Opens a connection for each request, repeats nothing, and keeps to `end`."""

    def __init__(self, end: End) -> None:
        self._end = end
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        pools = {"http": PlainPool, "https": TlsPool}
        self.poolmanager.pool_classes_by_scheme = {
            scheme: partial(pool, end=self._end) for scheme, pool in pools.items()
        }


class _Bounded(HTTPConnection):
    """Both kinds of connection have this. `end` is asked for when a connection is made, for what it is made for."""

    def __init__(self, *args: Any, end: End, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._ask_for_end = end
        self._end = 0.0
        self._begun = False

    @property
    def is_connected(self) -> bool:
        """False: tells urllib3 that a connection in its pool is gone, so that the next request opens one of its own.

        On a connection that idled, the peer's closing may show only after the post has been written: a plain "not
        sent" would become an unknown outcome. (`Connection: close` is not enough: a server need not say it back.)
        """
        return False

    def connect(self) -> None:
        self._begun, self._end = False, self._ask_for_end()
        super().connect()
        # A class that needs one argument more; http.client calls it, and asks nothing else of it.
        self.response_class = partial(_BoundedResponse, left_s=self._left_s)  # type: ignore[assignment]

    def send(self, data: Any) -> None:
        """A process that stood still before its first byte sends nothing any more: what it carries may be overtaken."""
        if self.sock is None:
            self.connect()
        if not self._begun and self._end <= time.monotonic():
            raise NewConnectionError(self, "no time left before the first byte")
        self._begun = True
        self.sock.settimeout(self._left_s())
        super().send(data)

    def _left_s(self) -> float:
        left_s = self._end - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the request took too long as a whole")
        return left_s


class _PlainConnection(_Bounded):
    pass


class _TlsConnection(_Bounded, HTTPSConnection):
    """Tells a failed handshake (nothing sent) from a failure later on; urllib3 raises the same errors for both."""

    def connect(self) -> None:
        try:
            super().connect()
        except (NewConnectionError, LocationValueError):
            raise
        except (OSError, HTTPException, HTTPError) as exc:
            raise NewConnectionError(self, f"no connection: {type(exc).__name__}") from exc


class PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _BoundedResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, left_s: Callable[[], float], **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp: io.BufferedReader = io.BufferedReader(_Reads(self.fp.detach(), sock, left_s))


class _Reads(io.RawIOBase):
    """The socket's bytes; each wait for them ends with the request's time, if not before."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, left_s: Callable[[], float]) -> None:
        super().__init__()
        self._raw, self._sock, self._left_s = raw, sock, left_s
        self._wait_s = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        left_s = self._left_s()
        self._sock.settimeout(left_s if self._wait_s is None else min(left_s, self._wait_s))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
