"""Kannel's `sendsms` as smsbox 1.4.5 speaks it: what it takes, what it refuses, answers in plain text."""

import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from channels.sandbox.exchange import Answer, Call, Mood, Purpose, Said
from channels.sandbox.kannel_request import parameters_of
from channels.sandbox.kannel_text import readable_text
from channels.sandbox.ledger import Entry
from channels.sandbox.receipts import Receipts, is_loopback

ACCEPTED = b"0: Accepted for delivery"
TRY_LATER = b"Temporal failure, try again later."
FORBIDDEN = b"Authorization failed for sendsms"
MOST_DLR_MASK = 63
_NUMBER = re.compile(r"[0-9+ -]+")  # smsbox's default sendsms-chars

#: Bounds of the whole-number parameters, and how smsbox names each when it refuses.
_NUMBERS = {
    "dlr-mask": (0, MOST_DLR_MASK, b"DLR-Mask field misformed, rejected"),
    "coding": (0, 2, b"Coding field misformed, rejected"),
    "priority": (0, 3, b"Priority field misformed, rejected"),
    "validity": (0, 10**9, b"Validity field misformed, rejected"),
}


class Kannel:
    name: ClassVar[str] = "sms"

    def __init__(self, account: Mapping[str, str], receipts: Receipts) -> None:
        self._login = f"{account['username']}\n{account['password']}".encode()
        self._receipts = receipts

    def purpose(self, call: Call) -> Purpose:
        return Purpose.PUBLISH if call.path == "/cgi-bin/sendsms" else Purpose.OTHER

    def said(self, call: Call) -> Said:
        try:
            parameters = parameters_of(call)
            text = _text(parameters)
        except ValueError:
            return Said()
        return Said(_key(parameters), " ".join(parameters.get("to", b"").decode("latin-1").split()), text)

    def answer(self, call: Call, mood: Mood) -> Answer:
        if call.path != "/cgi-bin/sendsms":
            return _plain(404, b"Not found")
        if call.method not in ("GET", "POST"):
            return _plain(405, b"Method not allowed")
        try:
            parameters = parameters_of(call)
        except ValueError:
            return _plain(400, b"Invalid content-type")
        login = parameters.get("username", b"") + b"\n" + parameters.get("password", b"")
        if not hmac.compare_digest(login, self._login):
            return _plain(403, FORBIDDEN)
        problem = next(_problems(parameters), b"")
        if problem:
            return _plain(400, problem)
        return self._accept(parameters, mood)

    def refusal(self, kind: str, call: Call) -> Answer:  # noqa: ARG002 -- the words are the same for every call
        match kind:
            case "429":
                return _plain(429, b"Too Many Requests")
            case "500":
                return _plain(500, b"Sending failed.")
            case "503":
                return _plain(503, TRY_LATER)
            case "expired_token":
                return _plain(403, FORBIDDEN)
            case _:
                return _plain(int(kind), b"Bad gateway" if kind == "502" else b"Gateway time-out")

    def restore(self, entries: Iterable[Entry]) -> None:
        """A gateway keeps nothing that can be read back."""

    def forget(self) -> None:
        """A gateway keeps nothing that can be read back."""

    def _accept(self, parameters: Mapping[str, bytes], mood: Mood) -> Answer:
        """As smsbox does it: refused recipients are named only where none is left."""
        try:
            text = _text(parameters)
        except ValueError:
            return _plain(400, b"Charset or body misformed, rejected")
        recipients = [r for r in parameters["to"].decode("latin-1").split() if r not in mood.refused]
        if not recipients:
            return _plain(400, b"Number(s) has/have been denied by white- and/or black-lists.")
        if parameters.get("dlr-url"):
            mask = int(parameters.get("dlr-mask", b"0") or b"0")
            sender = parameters.get("from", b"").decode("utf-8", "replace")
            for recipient in recipients:
                self._receipts.expect(parameters["dlr-url"].decode("latin-1"), mask, sender, recipient)
        answer = _plain(202, ACCEPTED)
        answer.accepted, answer.said = True, Said(_key(parameters), " ".join(recipients), text)
        return answer


def _problems(parameters: Mapping[str, bytes]) -> Iterator[bytes]:
    """Why smsbox would not take this, in its words, gravest first. A sender is not asked for: it has a default."""
    recipients = parameters.get("to", b"").decode("latin-1")
    if "to" not in parameters:
        yield b"Missing receiver number, rejected"
    if not recipients.strip():
        yield b"Empty receiver number not allowed, rejected"
    if not _NUMBER.fullmatch(recipients):
        yield b"Number(s) has/have been denied by white- and/or black-lists."
    if not parameters.get("text"):
        yield b"Empty text not allowed, rejected."
    for name, (least, most, words) in _NUMBERS.items():
        value = parameters.get(name)
        if value and not (value.isdigit() and least <= int(value) <= most):
            yield words
    if parameters.get("dlr-url") and not is_loopback(parameters["dlr-url"].decode("latin-1")):
        yield b"DLR-URL field misformed, rejected"


def _text(parameters: Mapping[str, bytes]) -> str:
    return readable_text(
        parameters.get("text", b""),
        charset=parameters.get("charset", b"").decode("latin-1"),
        coding=parameters.get("coding", b"").decode("latin-1"),
    )


def _key(parameters: Mapping[str, bytes]) -> str:
    """Our delivery's key: the `key` in the query of the address for receipts."""
    address = parameters.get("dlr-url", b"").decode("latin-1")
    if "key=" not in address:
        return ""
    return parse_qs(urlsplit(address).query).get("key", [""])[0]


def _plain(status: int, body: bytes) -> Answer:
    return Answer(status=status, body=body, content_type=b"text/plain")
