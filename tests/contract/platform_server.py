"""A platform as a small real server on loopback that answers what a test tells it to, faults included."""

import json
import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Fault(StrEnum):
    NONE = "none"
    HANG = "hang"
    RESET = "reset"
    CLOSE = "close"
    CUT = "cut"
    TRICKLE = "trickle"  #: an answer that never ends and is never silent for long
    TRICKLE_CHUNK = "trickle_chunk"  #: the same within one chunk
    TRICKLE_HEADERS = "trickle_headers"


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: Fault = Fault.NONE

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True, kw_only=True)
class Call:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    peer: tuple[str, int]


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128  # a group of 50 connects at once


class Platform:
    """Answers every request with `answer`, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.deaf = False  # takes no body for 5 s
        self.calls: list[Call] = []
        self.released = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(platform) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the handler has a self of its own
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                if platform.deaf and platform.released.wait(5):
                    self.close_connection = True
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                platform.calls.append(
                    Call(
                        peer=self.client_address,
                        method=self.command,
                        path=self.path,
                        headers=dict(self.headers.items()),
                        body=body,
                    )
                )
                platform._respond(self)

            do_GET = do_POST  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Quiet."""

        return Handler

    def _respond(self, handler: BaseHTTPRequestHandler) -> None:
        answer = self.answer
        if answer.fault is not Fault.NONE:
            handler.close_connection = True
        match answer.fault:
            case Fault.HANG:
                self.released.wait(20)
            case Fault.RESET:
                linger = struct.pack("ii", 1, 0)
                handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                handler.connection.shutdown(socket.SHUT_RD)
                handler.connection.close()
            case Fault.CLOSE:
                pass
            case Fault.TRICKLE | Fault.TRICKLE_CHUNK | Fault.TRICKLE_HEADERS:
                _trickle(handler, self.released, answer.fault)
            case _:
                content = answer.content()
                cut = 100 if answer.fault is Fault.CUT else 0
                handler.send_response(answer.status)
                for name, value in answer.headers.items():
                    handler.send_header(name, value)
                handler.send_header("Content-Length", str(len(content) + cut))
                handler.end_headers()
                handler.wfile.write(content)
                if answer.status in INTERIM:
                    handler.close_connection = True


#: Not an answer yet. What comes after it never comes here.
INTERIM = (100, 101, 102, 103, 199)


TRICKLES = {
    Fault.TRICKLE: (b"Content-Length: 100000\r\n\r\n", b" "),
    Fault.TRICKLE_CHUNK: (b"Transfer-Encoding: chunked\r\n\r\n186a0\r\n", b" "),
    Fault.TRICKLE_HEADERS: (b"", b"X-More: 1\r\n"),
}


def _trickle(handler: BaseHTTPRequestHandler, released: threading.Event, fault: Fault) -> None:
    begin, drop = TRICKLES[fault]
    with suppress(OSError):  # until the client has had enough
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + begin)
        while not released.wait(0.05):
            handler.wfile.write(drop)
