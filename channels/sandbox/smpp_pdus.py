"""SMPP 3.4 as its centre reads and writes it: from the specification (issue 1.2), and from nothing of our channel."""

import struct
from dataclasses import dataclass

from channels.sandbox.kannel_text import GSM_7BIT

BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER = 0x1, 0x2, 0x9
SUBMIT_SM, DELIVER_SM, UNBIND, ENQUIRE_LINK = 0x4, 0x5, 0x6, 0x15
RESPONSE, GENERIC_NACK = 0x80000000, 0x80000000

OK, BAD_LENGTH, BAD_COMMAND, NOT_BOUND, ALREADY_BOUND, SYSTEM_ERROR = 0x00, 0x02, 0x03, 0x04, 0x05, 0x08
BAD_SENDER, BAD_NUMBER, BAD_PASSWORD, BAD_SYSTEM_ID = 0x0A, 0x0B, 0x0E, 0x0F
QUEUE_FULL, BAD_ESM_CLASS, THROTTLED, BAD_EXPIRY = 0x14, 0x43, 0x58, 0x62

_CHARS = {code: char for code, char in enumerate(GSM_7BIT) if code != 0x1B}
_EXTENSION = dict(zip(b"\x0a\x14\x28\x29\x2f\x3c\x3d\x3e\x40\x65", "\f^{}\\[~]|€", strict=True))
_CODES = {char: bytes([code]) for code, char in _CHARS.items()}


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One submit_sm. `part` is "2/3" of a text of several, or empty; `text` is what a telephone shows of it."""

    sender: str
    recipient: str
    validity: str
    wants_receipt: bool
    part: str
    text: str


class Malformed(Exception):
    """The body is not what its command says. Holds the command_status that tells."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"0x{status:x}")


def pdu(command: int, status: int, sequence: int, body: bytes = b"") -> bytes:
    return struct.pack(">4I", 16 + len(body), command, status, sequence) + body


def strings(body: bytes, count: int) -> list[str]:
    """The first strings of a body, each ended by a NUL."""
    parts = body.split(b"\0", count)
    if len(parts) <= count:
        raise Malformed(BAD_LENGTH)
    return [part.decode("latin-1") for part in parts[:count]]


def read_submit(body: bytes, *, bound: bool) -> Segment:
    """SMPP 3.4, 4.4.1. Malformed where a centre would refuse."""
    _require(bound, NOT_BOUND)
    try:
        _, rest = body.split(b"\0", 1)
        sender_ton, (sender, rest) = rest[0], rest[2:].split(b"\0", 1)
        ton, (number, rest) = rest[0], rest[2:].split(b"\0", 1)
        esm_class, (_, validity, rest) = rest[0], rest[3:].split(b"\0", 2)
        receipt, coding, length = rest[0], rest[2], rest[4]
        octets = rest[5 : 5 + length]
    except (ValueError, IndexError) as error:
        raise Malformed(BAD_LENGTH) from error
    if len(octets) != length:
        raise Malformed(BAD_LENGTH)
    _require(len(sender) <= 11 or sender_ton != 5, BAD_SENDER)
    _require(number.isdigit(), BAD_NUMBER)
    _require(not validity or (len(validity) == 16 and validity[-1:] in b"+-R"), BAD_EXPIRY)
    part, octets = _without_header(octets) if esm_class & 0x40 else ("", octets)
    return Segment(
        sender=sender.decode("latin-1"),
        recipient=("+" if ton == 1 else "") + number.decode(),
        validity=validity.decode("latin-1"),
        wants_receipt=receipt & 3 == 1,
        part=part,
        text=_text(octets, coding),
    )


def _require(right: bool, status: int) -> None:  # noqa: FBT001 - a check and its answer, side by side
    if not right:
        raise Malformed(status)


def _without_header(octets: bytes) -> tuple[str, bytes]:
    """3GPP TS 23.040, 9.2.3.24.1: the concatenation with a reference of 8 bits."""
    _require(octets[:3] == b"\x05\x00\x03" and len(octets) >= 6, BAD_ESM_CLASS)
    total, no = octets[4], octets[5]
    _require(1 <= no <= total, BAD_ESM_CLASS)
    return f"{no}/{total}", octets[6:]


def _text(octets: bytes, coding: int) -> str:
    if coding == 8:
        return octets.decode(
            "utf-16-be", "replace"
        )  # half of a pair is shown as a question mark, and seen here
    if coding != 0:
        return octets.decode("latin-1")
    text, rest = "", iter(octets)
    for code in rest:
        text += _EXTENSION.get(next(rest, 0), "?") if code == 0x1B else _CHARS.get(code, "?")
    return text


def deliver_sm(
    sequence: int, sender: str, to: str, octets: bytes, *, esm_class: int = 0, tlvs: bytes = b""
) -> bytes:
    """4.6.1, from an international number to ours."""
    head = b"\0\x01\x01" + sender.lstrip("+").encode() + b"\0\x00\x01" + to.encode() + b"\0"
    body = head + bytes([esm_class, 0, 0]) + b"\0\0" + bytes([0, 0, 0, 0, len(octets)]) + octets + tlvs
    return pdu(DELIVER_SM, 0, sequence, body)


def gsm_octets(text: str) -> bytes:
    return b"".join(_CODES.get(char, b"?") for char in text)
