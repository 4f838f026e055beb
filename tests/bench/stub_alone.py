"""Asks the stub gateway over bare sockets, with requests that were written beforehand, and only counts the answers: what
the stub alone does, so that nobody takes its limit for the product's. Prints recipients per second.

Arguments: the stub's address, how many recipients, how many connections, and `one` or `many` recipients in a request.
"""

import selectors
import socket
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from channels.gateways import GatewayRequest
from channels.gateways.kannel import Kannel
from channels.gateways.sinch import Sinch
from tests.bench.client_alone import POST, account, many_at_once, parcels


def raw(request: GatewayRequest) -> bytes:
    where = urlsplit(request.url)
    path = f"{where.path}?{where.query}" if where.query else where.path
    lines = [f"POST {path} HTTP/1.1", f"Host: {where.netloc}", f"Content-Length: {len(request.body)}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + request.body


def ask(url: str, todo: list[bytes], connections: int) -> None:
    where = urlsplit(url)
    left: Iterator[bytes] = iter(todo)
    with selectors.DefaultSelector() as ready:
        for _, first in zip(range(connections), left, strict=False):
            peer = socket.create_connection((where.hostname, where.port))
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ready.register(peer, selectors.EVENT_READ)
            peer.sendall(first)
        while ready.get_map():
            for key, _ in ready.select():
                _answered(key.fileobj, left, ready)


def _answered(peer: socket.socket, left: Iterator[bytes], ready: selectors.BaseSelector) -> None:
    """One answer is a few hundred bytes and comes at once."""
    answer = peer.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 20"), answer
    following = next(left, None)
    if following is None:
        ready.unregister(peer)
        peer.close()
    else:
        peer.sendall(following)


def main(url: str, count: str, connections: str, kind: str) -> None:
    gateway = Sinch(many_at_once(url)) if kind == "many" else Kannel(account(url))
    todo = [raw(request) for request in gateway.requests(POST, parcels(int(count)))]
    began = time.perf_counter()
    ask(url, todo, int(connections))
    print(round(int(count) / (time.perf_counter() - began)))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
