"""Kannel's `sendsms` as smsbox 1.4.5 speaks it: what it takes, what it refuses, and its words.

tests/contract/test_real_kannel.py holds this against the real one.
"""

import hmac
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

from channels.sandbox.exchange import Answer, Call, Mood, Purpose, Said
from channels.sandbox.kannel_request import parameters_of
from channels.sandbox.kannel_text import readable_text
from channels.sandbox.ledger import Entry
from channels.sandbox.loopback import is_loopback
from channels.sandbox.receipts import Callback, Receipts

ACCEPTED = b"0: Accepted for delivery"
TRY_LATER = b"Temporal failure, try again later."
FORBIDDEN = b"Authorization failed for sendsms"
_NUMBER = re.compile(r"[0-9+ -]+")  # smsbox's default sendsms-chars

#: The whole numbers that have a bound, and how smsbox refuses. What is no number counts as not given.
_MOST = {
    "coding": (2, b"Coding field misformed, rejected"),
    "priority": (3, b"Priority field misformed, rejected"),
}
_NO_RECEIVER = {
    "GET": b"Missing receiver number, rejected",
    "POST": b"Missing receiver(s) number(s), rejected",
}


class Kannel:
    name: ClassVar[str] = "sms"

    def __init__(self, account: Mapping[str, str], receipts: Receipts) -> None:
        self._login = f"{account['username']}\n{account['password']}".encode()
        self._receipts = receipts

    def purpose(self, call: Call) -> Purpose:
        """Whoever names no receiver only asks whether the user is known."""
        if call.path != "/cgi-bin/sendsms" or (call.method == "POST" and not call.header(b"x-kannel-to")):
            return Purpose.OTHER
        return Purpose.PUBLISH

    def said(self, call: Call) -> Said:
        try:
            parameters = parameters_of(call)
            text = _text(parameters)
        except ValueError:
            return Said()
        return Said(_key(parameters), " ".join(parameters.get("to", b"").decode("latin-1").split()), text)

    def answer(self, call: Call, mood: Mood) -> Answer:
        if call.path != "/cgi-bin/sendsms":
            return _said_back(404, b"Unknown request.")
        if call.method not in ("GET", "POST"):
            return _said_back(400, b"")
        try:
            parameters = parameters_of(call)
        except ValueError:
            return _said_back(400, b"Invalid content-type")
        login = parameters.get("username", b"") + b"\n" + parameters.get("password", b"")
        if not hmac.compare_digest(login, self._login):
            return _said_back(403, FORBIDDEN)
        problem = next(_problems(call.method, parameters), b"")
        if problem:
            return _said_back(400, problem)
        return self._accept(parameters, mood)

    def refusal(self, kind: str, call: Call) -> Answer:  # noqa: ARG002 -- the words are the same for every call
        match kind:
            case "429":
                return _said_back(429, b"Too Many Requests")
            case "500":
                return _said_back(500, b"Sending failed.")
            case "503":
                return _said_back(503, TRY_LATER)
            case "expired_token":
                return _said_back(403, FORBIDDEN)
            case _:
                return _said_back(int(kind), b"Bad gateway" if kind == "502" else b"Gateway time-out")

    def restore(self, entries: Iterable[Entry]) -> None:
        """A gateway keeps nothing that can be read back."""

    def forget(self) -> None:
        """A gateway keeps nothing that can be read back."""

    def heard(self, sender: str, text: str, url: str) -> Callback:
        """What a person wrote, as an sms-service with `&from=%p&text=%a&id=%I` at the end of its get-url brings it; blanks
        are squeezed into one."""
        given = {"from": sender, "text": " ".join(text.split()), "id": str(uuid.uuid4())}
        return Callback(url=f"{url}{'&' if '?' in url else '?'}{urlencode(given)}")

    def _accept(self, parameters: Mapping[str, bytes], mood: Mood) -> Answer:
        """As smsbox does it: refused recipients are named only where none is left."""
        try:
            text = _text(parameters)
        except ValueError:
            return _said_back(400, b"Charset or body misformed, rejected")
        recipients = [r for r in parameters["to"].decode("latin-1").split() if r not in mood.refused]
        if not recipients:
            return _said_back(400, b"Number(s) has/have been denied by white- and/or black-lists.")
        if parameters.get("dlr-url"):
            mask = _number(parameters, "dlr-mask")
            sender = parameters.get("from", b"").decode("utf-8", "replace")
            for recipient in recipients:
                self._receipts.expect(parameters["dlr-url"].decode("latin-1"), mask, sender, recipient)
        answer = _said_back(202, ACCEPTED)
        answer.accepted, answer.said = True, Said(_key(parameters), " ".join(recipients), text)
        return answer


def _problems(method: str, parameters: Mapping[str, bytes]) -> Iterator[bytes]:
    """Why smsbox would not take this, in its words, gravest first.

    A sender is not asked for: there is a global one. An empty text is taken, as the real one takes it.
    """
    recipients = parameters.get("to", b"").decode("latin-1")
    if "to" not in parameters:
        yield _NO_RECEIVER[method]
    if not recipients.strip():
        yield b"Empty receiver number not allowed, rejected"
    if not _NUMBER.fullmatch(recipients):
        yield b"Number(s) has/have been denied by white- and/or black-lists."
    for name, (most, words) in _MOST.items():
        if _number(parameters, name) > most:
            yield words
    if parameters.get("dlr-url") and not is_loopback(parameters["dlr-url"].decode("latin-1")):
        yield b"DLR-URL field misformed, rejected"


def _number(parameters: Mapping[str, bytes], name: str) -> int:
    value = parameters.get(name, b"")
    return int(value) if value.isdigit() else 0


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


def _said_back(status: int, body: bytes) -> Answer:
    """Plain words that Kannel calls text/html."""
    return Answer(status=status, body=body, content_type=b"text/html")
