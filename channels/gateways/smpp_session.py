"""One bound connection to an SMPP centre, for one thread at a time: what was written, what came, whether it still lives.

It knows PDUs and sockets, nothing of texts. The socket never blocks, so that a PDU is either not begun, or may have arrived:
that is the line between what is sent again and what is never sent again blindly.
"""

import selectors
import socket
import ssl
import time
from collections import deque
from typing import Final, Literal, Self

from broadcaster.domain.errors import NotSent, SendError
from channels.gateways import smpp_outcomes as outcomes
from channels.gateways.smpp_pdus import (
    ENQUIRE_LINK,
    GENERIC_NACK,
    RESPONSE,
    UNBIND,
    Incoming,
    Pdu,
    command_of,
    request,
    response,
)
from channels.gateways.smpp_settings import SmppSettings
from channels.gateways.smpp_times import Times
from channels.gateways.smpp_window import Window
from channels.http import require_allowed

READ_OCTETS: Final = 65_536
LAST_SEQUENCE: Final = 0x7FFFFFFF

Role = Literal["bind_transmitter", "bind_receiver"]


class LineLost(Exception):
    """The connection is over. What had not been begun was not sent."""


class Session:
    """Made by `open`. Not for two threads at once."""

    def __init__(self, sock: socket.socket, window: Window, times: Times) -> None:
        self.window = window
        self._times = times
        self.heard_at = time.monotonic()
        self._sock = sock
        self._incoming = Incoming()
        self._early: list[Pdu] = []  # what a centre brings in one breath with the answer to our bind
        self._out: deque[tuple[int, bytes]] = deque()
        self._written = 0  # octets of the first PDU in _out that the system has taken
        self._sequence = 0
        self._lost = ""
        self._selector = selectors.DefaultSelector()
        self._selector.register(sock, selectors.EVENT_READ)

    @classmethod
    def open(cls, settings: SmppSettings, role: Role, times: Times) -> Self:
        """A session that may send (or hear). Raises NotSent or NotConfigured: nothing was sent."""
        require_allowed(settings.account, settings.place)
        until = time.monotonic() + times.open_s
        session = cls(_connected(settings, times), Window(settings.window, times.pause_s), times)
        try:
            session._bind(settings, role, until)
        except BaseException:
            session.drop()
            raise
        return session

    def _bind(self, settings: SmppSettings, role: Role, until: float) -> None:
        sequence = self.next_sequence()
        bind = request(
            role,
            sequence,
            system_id=settings.system_id,
            password=settings.password.reveal(),
            system_type=settings.system_type,
            addr_ton=0,
            addr_npi=0,
            address_range="",
        )
        self.put(sequence, bind)
        answer = self._answer_to(sequence, until)
        if answer is None:
            raise _not_opened("bind_timeout", "The SMS centre did not answer our bind; nothing was sent.")
        if answer.status != outcomes.OK:
            raise outcomes.of_bind(answer.status)
        if answer.command != command_of(role) | RESPONSE:
            raise _not_opened("no_smpp", "What answers at host and port does not bind us. Check both.")

    def _answer_to(self, sequence: int, until: float) -> Pdu | None:
        """None where it did not come in time. Before anything was sent, so that a lost line is NotSent."""
        try:
            while (left := until - time.monotonic()) > 0:
                came = self.step(left)
                answer = next((p for p in came if p.sequence == sequence and p.command & RESPONSE), None)
                if answer is not None:
                    self._early = [pdu for pdu in came if pdu is not answer]
                    return answer
        except LineLost as exc:
            raise _not_opened(
                "not_bound", "The SMS centre hung up before it let us in; nothing was sent."
            ) from exc
        return None

    def next_sequence(self) -> int:
        self._sequence = self._sequence % LAST_SEQUENCE + 1
        return self._sequence

    def put(self, sequence: int, pdu: bytes) -> None:
        """Queue one PDU. It leaves with the next `flush` or `step`."""
        self._out.append((sequence, pdu))

    def is_begun(self, sequence: int) -> bool:
        """Whether an octet of this PDU may have left. Of those that are waiting, only the first can have begun."""
        begun = 1 if self._written else 0
        return all(waiting != sequence for waiting, _ in list(self._out)[begun:])

    @property
    def is_idle(self) -> bool:
        return not self._out and not self._lost

    def flush(self) -> None:
        """Write what the system takes without waiting. A broken line shows itself in the next `step`."""
        try:
            while self._out:
                self._written += self._sock.send(memoryview(self._out[0][1])[self._written :])
                if self._written < len(self._out[0][1]):
                    return
                self._out.popleft()
                self._written = 0
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError as exc:
            self._lost = type(exc).__name__

    def step(self, wait_s: float) -> list[Pdu]:
        """Write, wait for something to come at most so long, and return what came but for the line's own talk.

        Raises LineLost when the line is over, once what came before that was returned.
        """
        self.flush()
        early, self._early = self._early, []
        if not self._lost:
            self._await(0 if early else wait_s)
            self.flush()
        came = early + self._read()
        if not came and self._lost:
            raise LineLost(self._lost)
        return [pdu for pdu in came if not self._is_own_talk(pdu)]

    def is_alive(self, within_s: float) -> bool:
        """Asks by enquire_link, and waits for the answer."""
        sequence, until = self.next_sequence(), time.monotonic() + within_s
        self.put(sequence, request("enquire_link", sequence))
        try:
            while (left := until - time.monotonic()) > 0:
                if any(pdu.sequence == sequence for pdu in self.step(left)):
                    return not self._lost
        except LineLost:
            pass
        return False

    def close(self) -> None:
        """Says goodbye, waits a moment for the answer, and ends the connection."""
        if not self._lost and not self._written:
            self._out.clear()
            sequence = self.next_sequence()
            self.put(sequence, request("unbind", sequence))
            until = time.monotonic() + self._times.goodbye_s
            try:
                while (left := until - time.monotonic()) > 0:
                    if any(pdu.sequence == sequence for pdu in self.step(left)):
                        break
            except LineLost:
                pass
        self.drop()

    def drop(self) -> None:
        """Ends the connection without a word."""
        self._lost = self._lost or "closed"
        self._selector.close()
        self._sock.close()

    def _await(self, wait_s: float) -> None:
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._out else 0)
        self._selector.modify(self._sock, events)
        self._selector.select(max(0.0, wait_s))

    def _read(self) -> list[Pdu]:
        came: list[Pdu] = []
        try:
            while octets := self._sock.recv(READ_OCTETS):
                came += self._incoming.feed(octets)
            self._lost = self._lost or "closed by the centre"
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except (OSError, ValueError) as exc:
            self._lost = self._lost or type(exc).__name__
        if came:
            self.heard_at = time.monotonic()
        return came

    def _is_own_talk(self, pdu: Pdu) -> bool:
        """Whether this is the line's own business, which is answered here."""
        if pdu.command == ENQUIRE_LINK:
            self.put(0, response("enquire_link_resp", pdu.sequence))
        elif pdu.command == UNBIND:
            self.put(0, response("unbind_resp", pdu.sequence))
            self.flush()
            self._lost = self._lost or "unbound by the centre"
        else:
            return False
        self.flush()
        return True

    def refuse(self, pdu: Pdu) -> None:
        """Of a request that is none of ours: an answer, so that the centre does not wait for one."""
        if not pdu.command & RESPONSE and pdu.command != GENERIC_NACK:
            self.put(0, response("generic_nack", pdu.sequence, 0x03))
            self.flush()


def _connected(settings: SmppSettings, times: Times) -> socket.socket:
    try:
        sock = socket.create_connection((settings.host, settings.port), timeout=times.connect_s)
    except OSError as exc:
        raise _not_opened("not_connected", "The SMS centre could not be reached; nothing was sent.") from exc
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if settings.tls:
            context = ssl.create_default_context(cafile=settings.tls_authority or None)
            sock = context.wrap_socket(sock, server_hostname=settings.host)
        sock.settimeout(0)
    except OSError as exc:  # ssl.SSLError and a certificate file that is not there are OSErrors
        sock.close()
        text = "The SMS centre's certificate or encryption could not be verified, so nothing was sent to it."
        raise _not_opened("tls_failed", text) from exc
    return sock


def _not_opened(code: str, text: str) -> SendError:
    return NotSent(code, text)
