"""The PDUs of SMPP 3.4: built and read with smpplib, framed by ourselves. No input or output.

Of smpplib 2.2.4 only the PDUs are used (tried 2026-11). Its `make_parts` cuts € and surrogate pairs in two; its client
speaks IPv4 alone, leaves the host's name out of TLS, loses what it has read when a time-out falls into the middle of a
PDU, cannot tell which PDUs had left when a line broke, and logs numbers and texts at DEBUG.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from smpplib.command import DeliverSM
from smpplib.command_codes import get_command_code
from smpplib.smpp import make_pdu

# command_id (SMPP 3.4, table 5-1)
GENERIC_NACK: Final = 0x80000000
SUBMIT_SM, DELIVER_SM, UNBIND, ENQUIRE_LINK = 0x4, 0x5, 0x6, 0x15
RESPONSE: Final = 0x80000000

#: Octets of a header, and the most that a PDU may have: a message_payload of 64 KiB and what goes with it. A greater
#: length is a stream out of step, or no SMPP at all.
HEADER, MOST_OCTETS = 16, 70_000

Tlvs = Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class Pdu:
    """One PDU as it came. The body may hold a number and a text, so the `repr` leaves it out."""

    command: int
    status: int
    sequence: int
    body: bytes

    def __repr__(self) -> str:
        return f"Pdu(command=0x{self.command:08x}, status=0x{self.status:x}, sequence={self.sequence})"

    @property
    def message_id(self) -> str:
        """Of a submit_sm_resp: empty where there is none, or nothing that could be one."""
        return self.body.split(b"\0", 1)[0][:64].decode("latin-1").strip()


class Incoming:
    """Bytes in, whole PDUs out, wherever the network cut them."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, octets: bytes) -> list[Pdu]:
        """ValueError where this is no SMPP: nothing after it can be understood."""
        data, at, pdus = self._rest + octets, 0, []
        while len(data) - at >= HEADER:
            length, command, status, sequence = struct.unpack_from(">4I", data, at)
            if not HEADER <= length <= MOST_OCTETS:
                raise ValueError("no SMPP")
            if len(data) - at < length:
                break
            pdus.append(Pdu(command, status, sequence, data[at + HEADER : at + length]))
            at += length
        self._rest = data[at:]
        return pdus


def request(name: str, sequence: int, **fields: Any) -> bytes:
    """One PDU. Names and fields as smpplib has them: "submit_sm", destination_addr="447700900123"."""
    pdu = make_pdu(name, sequence=sequence, **fields)
    pdu.sequence = sequence  # smpplib keeps the number of its client, whatever the constructor is given
    octets: bytes = pdu.generate()
    return octets


def response(name: str, sequence: int, status: int = 0) -> bytes:
    return request(name, sequence, status=status)


def command_of(name: str) -> int:
    code: int = get_command_code(name)
    return code


class Delivered(DeliverSM):  # type: ignore[misc]  # smpplib has no types
    """A deliver_sm. Its optional parameters are read by their own lengths: smpplib stops at those it does not expect."""

    tlvs: Tlvs

    @classmethod
    def read(cls, body: bytes) -> "Delivered":
        """ValueError where the body is no deliver_sm."""
        pdu = cls("deliver_sm", sequence=0)
        pdu.tlvs, pdu.sm_length = {}, None
        try:
            pdu.parse_params(body)
        except (struct.error, TypeError, IndexError) as exc:
            raise ValueError("unreadable deliver_sm") from exc
        pdu.short_message = pdu.short_message or b""  # smpplib leaves out an empty one at the end
        if pdu.sm_length is None or len(pdu.short_message) != pdu.sm_length:
            raise ValueError("unreadable deliver_sm")
        return pdu

    def parse_optional_params(self, data: bytes) -> None:
        self.tlvs = dict(_tlvs(data))


def _tlvs(data: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at + 4 <= len(data):
        tag, length = struct.unpack_from(">2H", data, at)
        found.append((tag, data[at + 4 : at + 4 + length]))
        at += 4 + length
    return found
