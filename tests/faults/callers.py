"""Brings callbacks at a rate, over kept-alive connections, and says of each how long its answer took.

A process of its own: `python -m tests.faults.callers PORT RATE FILE`. The file holds requests, each as its length on a line
and its bytes; it says one line of JSON at the end: how many of each status, and the seconds that answers took. A
request's time runs from the moment at which it was due: a server that stands still makes those behind it late too.
"""

import asyncio
import json
import sys
import time
from collections import Counter, deque
from pathlib import Path

import uvloop

CONNECTIONS = 64


class Connection(asyncio.Protocol):
    """One request at a time. Answers have no body, or an empty one."""

    def __init__(self, crew):
        self._crew, self._buffer = crew, b""

    def connection_made(self, transport):
        self._transport = transport
        self._crew.idle.append(self)

    def ask(self, due, request):
        self._due, self._buffer = due, b""
        self._transport.write(request)

    def data_received(self, data):
        self._buffer += data
        if self._buffer.endswith(b"\r\n\r\n"):
            self._crew.answered(int(self._buffer[9:12]), time.monotonic() - self._due)
            self._crew.free(self)

    def connection_lost(self, _error):
        self._crew.lost += 1
        self._crew.done.set()


class Crew:
    def __init__(self):
        self.idle, self.waiting, self.statuses, self.took = deque(), deque(), Counter(), []
        self.done, self.lost, self.open = asyncio.Event(), 0, 0

    def bring(self, due, request):
        self.open += 1
        if self.idle:
            self.idle.popleft().ask(due, request)
        else:
            self.waiting.append((due, request))

    def free(self, connection):
        if self.waiting:
            connection.ask(*self.waiting.popleft())
        else:
            self.idle.append(connection)

    def answered(self, status, seconds):
        self.statuses[status] += 1
        self.took.append(round(seconds, 4))
        self.open -= 1
        if not self.open:
            self.done.set()


async def bring_all(port, rate, requests):
    loop, crew = asyncio.get_running_loop(), Crew()
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: Connection(crew), "127.0.0.1", port)
    began = time.monotonic()
    for count, request in enumerate(requests):
        due = began + count / rate
        if (left := due - time.monotonic()) > 0:
            await asyncio.sleep(left)
        crew.done.clear()
        crew.bring(due, request)
        if count % 50 == 0:
            await asyncio.sleep(0)
        if crew.lost:
            break
    while crew.open and not crew.lost:
        crew.done.clear()
        await crew.done.wait()
    return crew, time.monotonic() - began


def read_requests(stream):
    while line := stream.readline():
        yield stream.read(int(line))


def main():
    port, rate = int(sys.argv[1]), float(sys.argv[2])
    with Path(sys.argv[3]).open("rb") as file:
        crew, seconds = uvloop.run(bring_all(port, rate, read_requests(file)))
    told = {"statuses": crew.statuses, "took": crew.took, "seconds": seconds, "lost": crew.lost}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
