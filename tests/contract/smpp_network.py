"""A network behind Kannel: an SMPP centre that keeps the octets it gets, and an address for delivery receipts."""

import http.server
import socket
import socketserver
import struct
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from channels.sandbox.kannel_text import GSM_7BIT

NUMBER, DENIED_BY_NETWORK = "+447700900123", "+447700900999"
GSM_CODES = {code: char for code, char in enumerate(GSM_7BIT) if code != 0x1B}
EXTENSION_CODES = dict(zip(b"\x0a\x14\x28\x29\x2f\x3c\x3d\x3e\x40\x65", "\f^{}\\[~]|€", strict=True))


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One submit_sm: what a network gets of a text. `series` is the reference, the total and the number, or empty."""

    to: str
    sender: str
    coding: int
    validity: str
    series: bytes
    octets: bytes

    @property
    def text(self) -> str:
        if self.coding == 8:
            return self.octets.decode("utf-16-be", "surrogatepass")
        return from_septets(self.octets) if self.coding == 0 else self.octets.decode("latin-1")


def from_septets(octets: bytes) -> str:
    text, rest = "", iter(octets)
    for code in rest:
        text += EXTENSION_CODES[next(rest)] if code == 0x1B else GSM_CODES[code]
    return text


def whole(segments: list[Segment]) -> str:
    """As a handset joins them. Joined before decoding, so that a character in two halves is whole again."""
    octets = b"".join(s.octets for s in sorted(segments, key=lambda s: s.series))
    first = segments[0]
    return Segment(**(vars(first) | {"octets": octets})).text


def read_segment(body: bytes) -> Segment:
    """SMPP 3.4, 4.4.1. The numbers are international, so Kannel takes their + away."""
    _, rest = body.split(b"\0", 1)
    sender, rest = rest[2:].split(b"\0", 1)
    to, rest = rest[2:].split(b"\0", 1)
    has_header = rest[0] & 0x40
    _, validity, rest = rest[3:].split(b"\0", 2)
    coding, length = rest[2], rest[4]
    octets = rest[5 : 5 + length]
    start = 1 + octets[0] if has_header else 0
    return Segment(
        to=to.decode(),
        sender=sender.decode(),
        coding=coding,
        validity=validity.decode(),
        series=octets[3:start],
        octets=octets[start:],
    )


class Centre(socketserver.ThreadingTCPServer):
    """A network's SMPP message centre: takes every segment, but for one number."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Conversation)
        self.segments: dict[str, list[Segment]] = defaultdict(list)
        self.connections: list[socket.socket] = []


class Conversation(socketserver.StreamRequestHandler):
    def handle(self):
        self.server.connections.append(self.request)
        with suppress(OSError):
            while len(head := self.rfile.read(16)) == 16:
                length, command, _, sequence = struct.unpack(">4I", head)
                self.answer(command, sequence, self.rfile.read(length - 16))

    def answer(self, command, sequence, body):
        status, said = 0, b""
        if command == 4:  # submit_sm
            segment = read_segment(body)
            self.server.segments["+" + segment.to].append(segment)
            status = 0x0B if segment.to == DENIED_BY_NETWORK[1:] else 0  # ESME_RINVDSTADR
            said = b"%d\0" % sequence
        elif command in {1, 2, 9}:  # the three kinds of bind
            said = b"centre\0"
        if not command & 0x80000000:
            head = struct.pack(">4I", 16 + len(said), command | 0x80000000, status, sequence)
            self.wfile.write(head + said)


class Hooks(http.server.ThreadingHTTPServer):
    """Where the delivery receipts come in."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), HooksHandler)
        self.queries = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hooks/sms"


class HooksHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.queries.append(dict(parse_qsl(urlsplit(self.path).query)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Quiet."""
