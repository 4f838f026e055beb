"""A gateway that does nothing but answer, as fast as one core can: what the product is measured against.

It speaks Kannel's sendsms and Sinch's batches, and keeps one bit per number, so that it can say how many it got and how
many of them twice. Run it as a module: it prints its port.
"""

import asyncio
import json
import re
import sys
from typing import Any

import uvloop

KANNEL = b"0: Accepted for delivery"
HEAD = b"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
ACCEPTED = HEAD % (b"202 Accepted", b"text/plain", len(KANNEL)) + KANNEL
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_KANNEL_TO = re.compile(rb"\r\nx-kannel-to: *\+?(\d+)", re.IGNORECASE)
_SINCH_TO = re.compile(rb'"\+?(\d{8,15})"')
HIGHEST = 100_000_000  # numbers are told apart by their last eight digits


class Counts:
    def __init__(self) -> None:
        self.requests = self.recipients = self.twice = 0
        self._seen = bytearray(HIGHEST // 8)

    def take(self, number: bytes) -> None:
        place, bit = divmod(int(number[-8:]), 8)
        if self._seen[place] >> bit & 1:
            self.twice += 1
        self._seen[place] |= 1 << bit
        self.recipients += 1

    def told(self) -> bytes:
        said = {"requests": self.requests, "recipients": self.recipients, "twice": self.twice}
        return json.dumps(said).encode()


class Peer(asyncio.Protocol):
    def __init__(self, counts: Counts, latency_s: float) -> None:
        self._counts, self._latency_s = counts, latency_s
        self._buffer = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            found = _LENGTH.search(head)
            whole = end + 4 + (int(found[1]) if found else 0)
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET"):
            told = self._counts.told()
            self._transport.write(HEAD % (b"200 OK", b"application/json", len(told)) + told)
            return
        self._counts.requests += 1
        answer = self._batch(body) if b"/batches" in head[:120] else self._single(head)
        if self._latency_s:
            asyncio.get_running_loop().call_later(self._latency_s, self._write, answer)
        else:
            self._write(answer)

    def _single(self, head: bytes) -> bytes:
        if found := _KANNEL_TO.search(head):
            self._counts.take(found[1])
        return ACCEPTED

    def _batch(self, body: bytes) -> bytes:
        for number in _SINCH_TO.findall(body[body.find(b'"to"') : body.find(b"]")]):
            self._counts.take(number)
        said = b'{"id":"01JSTUB%019d"}' % self._counts.requests
        return HEAD % (b"201 Created", b"application/json", len(said)) + said

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


async def serve(latency_s: float) -> None:
    counts = Counts()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Peer(counts, latency_s), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(float(sys.argv[1])))
