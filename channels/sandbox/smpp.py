"""An SMS centre that speaks SMPP 3.4, on a TCP port of its own inside the sandbox's process.

It takes each segment as a row of the ledger, misbehaves as ordered, and brings delivery receipts and people's texts to
whoever is bound as a receiver; until they are acknowledged it keeps them, and brings them again at the next bind.
"""

import asyncio
import hmac
import socket
import time
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, ClassVar, cast

from channels.sandbox import smpp_pdus as smpp
from channels.sandbox.exchange import RESET_ON_CLOSE, Purpose
from channels.sandbox.faults import Fault, Faults
from channels.sandbox.ledger import Entry, Ledger
from channels.sandbox.settings import Settings

BINDS = {smpp.BIND_RECEIVER, smpp.BIND_TRANSMITTER, smpp.BIND_TRANSCEIVER}
SENDERS = {smpp.BIND_TRANSMITTER, smpp.BIND_TRANSCEIVER}
#: A fault in the centre's own words.
STATUSES = {
    "429": smpp.THROTTLED,
    "503": smpp.QUEUE_FULL,
    "500": smpp.SYSTEM_ERROR,
    "expired_token": smpp.BAD_PASSWORD,
}
MOST_KEPT = 200_000
#: How many deliver_sm may wait for their answer.
WINDOW = 50


class SmppCentre:
    """Listens from `start` to `stop`. `port` is where."""

    name: ClassVar[str] = "smpp"

    def __init__(
        self, account: Mapping[str, str], ledger: Ledger, faults: Faults, settings: Settings, *, port: int = 0
    ) -> None:
        self.port = port
        self._account, self._ledger, self._faults, self.settings = account, ledger, faults, settings
        self._next_id = 0x1000
        self._era = 0  # receipts under way from before the last `forget` are dropped
        self._lines: set[Line] = set()
        self._kept: deque[tuple[str, str, bytes, int]] = deque(maxlen=MOST_KEPT)
        self.counts = {"expected": 0, "sent": 0}

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Line(self), "127.0.0.1", self.port, backlog=128)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        for line in list(self._lines):
            line.transport.abort()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), 1)

    def restore(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if entry.platform_id:
                self._next_id = max(self._next_id, int(entry.platform_id, 16) + 1)

    def forget(self) -> None:
        self._era += 1
        self._kept.clear()
        for line in self._lines:
            line.forget()
        self.counts = dict.fromkeys(self.counts, 0)

    def login(self, system_id: str, password: str) -> int:
        if any(fault.refuses for fault in self._faults.fire(self.name, Purpose.OTHER, [])):
            return smpp.BAD_PASSWORD
        if system_id != self._account["system_id"]:
            return smpp.BAD_SYSTEM_ID
        known = hmac.compare_digest(password.encode(), self._account["password"].encode())
        return smpp.OK if known else smpp.BAD_PASSWORD

    def joined(self, line: "Line") -> None:
        self._lines.add(line)

    def left(self, line: "Line", unanswered: Iterable[tuple[str, str, bytes, int]]) -> None:
        self._lines.discard(line)
        self._kept.extendleft(reversed(list(unanswered)))
        self.bring()

    def met_by(self, segment: smpp.Segment) -> list[Fault]:
        if not self._faults.active:
            return []
        return self._faults.fire(self.name, Purpose.PUBLISH, [segment.recipient])

    def take(self, segment: smpp.Segment) -> str:
        """The id of a segment that was taken. Its receipt is under way."""
        id_ = f"{self._next_id:08X}"
        self._next_id += 1
        if segment.wants_receipt:
            asyncio.get_running_loop().call_later(
                self.settings.dlr_delay_s, self._bring_receipt, segment, id_, self._era
            )
        return id_

    def record(
        self, body: bytes, segment: smpp.Segment | None, *, status: int, id_: str, answered: bool
    ) -> None:
        """A row of the ledger. `status` is the command_status, and stands in the headers too, with what HTTP lacks."""
        told = f"0x{status:08X}" if answered else "none"
        headers = [(b"command_status", told.encode()), (b"part", (segment.part if segment else "").encode())]
        if segment:
            headers += [(b"sender", segment.sender.encode()), (b"validity", segment.validity.encode())]
        self._ledger.record(
            Entry(
                at=datetime.now(UTC).isoformat(timespec="microseconds"),
                platform=self.name,
                method="submit_sm",
                path="/",
                headers=headers,
                body=body,
                status=status,
                accepted=bool(id_),
                platform_id=id_,
                key="",
                recipient=segment.recipient if segment else "",
                text=segment.text if segment else "",
                link="",
            )
        )

    def hear(self, data: Any) -> None:
        """Somebody writes to us. ValueError where the JSON is not {"from": number, "text": words}."""
        if not isinstance(data, dict) or not all(isinstance(data.get(key), str) for key in ("from", "text")):
            raise ValueError('A text is {"from": "+447700900123", "text": "STOP"}.')
        self._kept.append((data["from"], "447860039047", smpp.gsm_octets(data["text"])[:160], 0))
        self.bring()

    def _bring_receipt(self, segment: smpp.Segment, id_: str, era: int) -> None:
        """By appendix B, with the id in decimal where the settings say so."""
        failed = segment.recipient in self.settings.undelivered
        final = "undelivered" if failed else self.settings.dlr_final
        if final == "none" or era != self._era:
            return
        shown = f"{int(id_, 16):010d}" if self.settings.smpp_receipt_ids == "decimal" else id_
        state, error = ("DELIVRD", "000") if final == "delivered" else ("UNDELIV", "001")
        at = time.strftime("%y%m%d%H%M", time.gmtime())
        text = (
            f"id:{shown} sub:001 dlvrd:00{int(final == 'delivered')} submit date:{at} done date:{at} "
            f"stat:{state} err:{error} text:{segment.text[:20]}"
        )
        for _ in range(self.settings.dlr_copies):
            self.counts["expected"] += 1
            self._kept.append((segment.recipient, segment.sender, text.encode("ascii", "replace"), 0x04))
        self.bring()

    def bring(self) -> None:
        """What is kept, to a bound receiver, as far as its window goes."""
        for line in self._lines:
            while self._kept and line.hears:
                line.deliver(self._kept.popleft())

    def acknowledged(self) -> None:
        self.counts["sent"] += 1


class Line(asyncio.Protocol):
    """One connection of a client."""

    transport: asyncio.Transport

    def __init__(self, centre: SmppCentre) -> None:
        self._centre = centre
        self._rest = b""
        self._bound = 0
        self._sequence = 0
        self._waiting: dict[int, tuple[str, str, bytes, int]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._centre.joined(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why is all one
        self._centre.left(self, self._waiting.values())

    def data_received(self, data: bytes) -> None:
        data, at = self._rest + data, 0
        while len(data) - at >= 16:
            length, command, status, sequence = (
                int.from_bytes(data[i : i + 4], "big") for i in range(at, at + 16, 4)
            )
            if not 16 <= length <= 70_000:
                self._answer(smpp.GENERIC_NACK, smpp.BAD_LENGTH, sequence)
                self.transport.close()
                return
            if len(data) - at < length:
                break
            self._hear(command, status, sequence, data[at + 16 : at + length])
            at += length
        self._rest = data[at:]

    @property
    def hears(self) -> bool:
        bound = self._bound in {smpp.BIND_RECEIVER, smpp.BIND_TRANSCEIVER}
        return bound and len(self._waiting) < WINDOW and not self.transport.is_closing()

    def forget(self) -> None:
        self._waiting.clear()

    def deliver(self, kept: tuple[str, str, bytes, int]) -> None:
        self._sequence += 1
        self._waiting[self._sequence] = kept
        sender, to, octets, esm_class = kept
        self.transport.write(smpp.deliver_sm(self._sequence, sender, to, octets, esm_class=esm_class))

    def _hear(self, command: int, status: int, sequence: int, body: bytes) -> None:
        if command == smpp.SUBMIT_SM:
            self._submit(sequence, body)
        elif command in BINDS:
            self._bind(command, sequence, body)
        elif command == smpp.ENQUIRE_LINK:
            self._answer(command | smpp.RESPONSE, smpp.OK, sequence)
        elif command == smpp.UNBIND:
            self._answer(command | smpp.RESPONSE, smpp.OK, sequence)
            self.transport.close()
        elif command == smpp.DELIVER_SM | smpp.RESPONSE:
            self._delivered(sequence, status)
        elif not command & smpp.RESPONSE:
            self._answer(smpp.GENERIC_NACK, smpp.BAD_COMMAND, sequence)

    def _answer(self, command: int, status: int, sequence: int, body: bytes = b"") -> None:
        self.transport.write(smpp.pdu(command, status, sequence, body))

    def _bind(self, command: int, sequence: int, body: bytes) -> None:
        try:
            status = smpp.ALREADY_BOUND if self._bound else self._centre.login(*smpp.strings(body, 2))
        except smpp.Malformed as malformed:
            status = malformed.status
        said = b"sandbox\0" if status == smpp.OK else b""
        self._answer(command | smpp.RESPONSE, status, sequence, said)
        if status == smpp.OK:
            self._bound = command
            self._centre.bring()

    def _delivered(self, sequence: int, status: int) -> None:
        """What was not taken comes again at the next bind, unless the client says that it never will be."""
        kept = self._waiting.pop(sequence, None)
        if kept and status in {smpp.OK, 0x65}:
            self._centre.acknowledged()
        elif kept:
            self._waiting[-sequence] = kept
        self._centre.bring()

    def _submit(self, sequence: int, body: bytes) -> None:
        try:
            segment = smpp.read_submit(body, bound=self._bound in SENDERS)
        except smpp.Malformed as malformed:
            self._centre.record(body, None, status=malformed.status, id_="", answered=True)
            self._answer(smpp.SUBMIT_SM | smpp.RESPONSE, malformed.status, sequence)
            return
        faults = self._centre.met_by(segment)
        delay = sum(fault.seconds for fault in faults if fault.kind == "delay")
        if delay:
            loop = asyncio.get_running_loop()
            loop.call_later(delay, self._decide, sequence, body, segment, faults)
        else:
            self._decide(sequence, body, segment, faults)

    def _decide(self, sequence: int, body: bytes, segment: smpp.Segment, faults: list[Fault]) -> None:
        kinds = {fault.kind for fault in faults}
        status = next((STATUSES[kind] for kind in kinds if kind in STATUSES), smpp.OK)
        if "refuse_recipient" in kinds:
            status = smpp.BAD_NUMBER
        taken = status == smpp.OK and not kinds & {"silence", "reset"}
        unanswered = kinds & {"silence", "accept_then_silence", "reset", "accept_then_reset"}
        id_ = self._centre.take(segment) if taken else ""
        self._centre.record(body, segment, status=status, id_=id_, answered=not unanswered)
        if kinds & {"reset", "accept_then_reset"}:
            self._reset()
        elif not unanswered:
            said = id_.encode() + b"\0" if id_ else b""
            self._answer(smpp.SUBMIT_SM | smpp.RESPONSE, status, sequence, said)

    def _reset(self) -> None:
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.transport.abort()
