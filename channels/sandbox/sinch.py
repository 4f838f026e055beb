"""Sinch's SMS REST API as its documents have it: batches taken or refused as a whole, signed callbacks for each recipient.

github.com/sinch/docs, docs/sms/sms-guide.md, and developers.sinch.com/docs/sms/api-reference, read 2026-11.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from channels.sandbox.exchange import Answer, Call, Mood, Purpose, Said
from channels.sandbox.ledger import Entry
from channels.sandbox.loopback import is_loopback
from channels.sandbox.receipts import Callback, Receipts

PATHS = "/xms/v1/"
MOST_RECIPIENTS, MOST_CHARS, ONE_PART = 1000, 2000, 160
REPORTS = ("none", "summary", "full", "per_recipient", "per_recipient_final")
_NUMBER = re.compile(r"(?:\+|00)?[1-9]\d{6,14}")
_SENDER = re.compile(r"\+?\d{3,15}|[A-Za-z0-9 ]{1,11}")
_BLANK = re.compile(r"\$\{[A-Za-z0-9._-]{1,16}\}")
_ULID = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_FINAL = {"delivered": ("Delivered", 0), "undelivered": ("Failed", 11)}
_UNMATCHED_PARAMETER = ("Aborted", 405)


class Sinch:
    name: ClassVar[str] = "sinch"

    def __init__(self, account: Mapping[str, str], receipts: Receipts) -> None:
        self._account = account
        self._receipts = receipts
        self._path = f"{PATHS}{account['service_plan_id']}/batches"

    def purpose(self, call: Call) -> Purpose:
        return Purpose.PUBLISH if call.path == self._path and call.method == "POST" else Purpose.OTHER

    def said(self, call: Call) -> Said:
        return _said(_object(call.body))

    def answer(self, call: Call, mood: Mood) -> Answer:
        if not hmac.compare_digest(
            call.header(b"authorization").encode(), f"Bearer {self._account['api_token']}".encode()
        ):
            return Answer(status=401, body=b"")
        if call.path != self._path:
            return Answer(status=401 if call.path.startswith(PATHS) else 404, body=b"")
        if call.method == "GET":
            return self._nothing(call)
        asked = _object(call.body)
        problem = next(_problems(asked, mood), None)
        return _error(*problem) if problem else self._accept(asked, mood)

    def refusal(self, kind: str, call: Call) -> Answer:  # noqa: ARG002 -- the words are the same for every call
        """Only 400 and 403 are documented to have a body."""
        if kind == "expired_token":
            return Answer(status=401, body=b"")
        if kind in {"429", "500", "503"}:
            return Answer(status=int(kind), body=b"")
        return Answer(status=int(kind), body=b"<html>bad gateway</html>", content_type=b"text/html")

    def restore(self, entries: Iterable[Entry]) -> None:
        """Nothing here can be read back."""

    def forget(self) -> None:
        """Nothing here can be read back."""

    def heard(self, sender: str, text: str, url: str) -> Callback:
        """What a person wrote to us, on its way to the address that is set for the service plan."""
        return self._signed(
            url,
            {
                "body": text,
                "from": sender.removeprefix("+"),
                "id": _ulid(),
                "received_at": _now(),
                "to": "447537404817",
                "type": "mo_text",
            },
        )

    def _nothing(self, call: Call) -> Answer:
        """Of the lists, only one of a reference that no batch has is understood: nobody's number may come into a check."""
        if parse_qs(call.query.decode("latin-1")).get("client_reference") != ["broadcaster-check"]:
            return Answer(status=404, body=b"")
        return _json(200, {"batches": [], "count": 0, "page": 0, "page_size": 0})

    def _accept(self, asked: Mapping[str, Any], mood: Mood) -> Answer:
        """A text with a blank that nothing fills is taken and reaches nobody."""
        batch, now = _ulid(), _now()
        numbers = [_bare(one).removeprefix("+").removeprefix("00") for one in asked["to"]]
        dropped = bool(_BLANK.search(asked["body"])) and not asked.get("parameters")
        self._report(asked, batch, numbers, dropped=dropped)
        unnamed = {number.removeprefix("+") for number in mood.unnamed}
        shown = {
            **asked,
            "id": batch,
            "to": [number for number in numbers if number not in unnamed],
            "canceled": False,
            "created_at": now,
            "modified_at": now,
        }
        answer = _json(201, shown)
        answer.accepted, answer.platform_id, answer.said = not dropped, batch, _said(asked)
        return answer

    def _report(self, asked: Mapping[str, Any], batch: str, numbers: Iterable[str], *, dropped: bool) -> None:
        wanted = asked.get("delivery_report", "none")
        if not wanted.startswith("per_recipient"):
            return
        for number in dict.fromkeys(numbers):
            if wanted == "per_recipient":
                self._receipts.now(self._receipt(asked, batch, number, ("Dispatched", 401)))
            final = _UNMATCHED_PARAMETER if dropped else _FINAL.get(self._receipts.final(f"+{number}"))
            if final:
                self._receipts.later(self._receipt(asked, batch, number, final))

    def _receipt(
        self, asked: Mapping[str, Any], batch: str, number: str, status: tuple[str, int]
    ) -> Callback:
        said = {
            "at": _now(),
            "batch_id": batch,
            "client_reference": asked.get("client_reference"),
            "code": status[1],
            "operator_status_at": _now(),
            "recipient": number,
            "status": status[0],
            "type": "recipient_delivery_report_sms",
        }
        return self._signed(asked["callback_url"], {k: v for k, v in said.items() if v is not None})

    def _signed(self, url: str, said: Mapping[str, Any]) -> Callback:
        body, nonce, at = json.dumps(said).encode(), secrets.token_hex(13), str(int(time.time()))
        secret = self._account["callback_secret"].encode()
        mark = hmac.new(secret, body + f".{nonce}.{at}".encode(), hashlib.sha256).digest()
        headers = {
            "Content-Type": "application/json",
            "x-sinch-webhook-signature": base64.b64encode(mark).decode(),
            "x-sinch-webhook-signature-algorithm": "HmacSHA256",
            "x-sinch-webhook-signature-nonce": nonce,
            "x-sinch-webhook-signature-timestamp": at,
        }
        return Callback(url=url, body=body, headers=headers)


def sender_of(entry: Entry) -> str:
    """Whom a telephone shows as the sender of a text that was accepted."""
    return str(_object(entry.body).get("from", ""))


def _problems(asked: Mapping[str, Any], mood: Mood) -> Iterator[tuple[int, str, str]]:
    """Status, code and words of what Sinch would not take, gravest first. One bad number refuses the whole batch."""
    to, body = asked.get("to"), asked.get("body")
    if not asked:
        yield 400, "syntax_invalid_json", "Invalid JSON"
    if not isinstance(to, list) or not 1 <= len(to) <= MOST_RECIPIENTS:
        yield 400, "syntax_constraint_violation", f"to: must have 1 to {MOST_RECIPIENTS} elements"
    for one in to if isinstance(to, list) else ():
        if not isinstance(one, str) or not _NUMBER.fullmatch(_bare(one)) or one in mood.refused:
            yield 400, "syntax_invalid_parameter_format", f"Invalid recipient: {one}"
    if not isinstance(body, str) or not 0 < len(body) <= MOST_CHARS:
        yield 400, "syntax_constraint_violation", f"body: must have 1 to {MOST_CHARS} characters"
    if not _SENDER.fullmatch(str(asked.get("from", ""))):
        yield 400, "syntax_invalid_parameter_format", "Invalid sender"
    if asked.get("type", "mt_text") != "mt_text" or asked.get("delivery_report", "none") not in REPORTS:
        yield 400, "syntax_constraint_violation", "type, delivery_report: unknown value"
    yield from _later_problems(asked)


def _later_problems(asked: Mapping[str, Any]) -> Iterator[tuple[int, str, str]]:
    url = str(asked.get("callback_url", ""))
    if (
        len(url) > 2048 or len(str(asked.get("client_reference", ""))) > 128
    ):  # of both texts' limits the shorter
        yield 400, "syntax_constraint_violation", "callback_url, client_reference: too long"
    if asked.get("delivery_report", "none") != "none" and not is_loopback(url):
        yield 403, "missing_callback_url", "Callback has been requested but no URL is provided."
    if "expire_at" in asked:
        try:
            late = datetime.fromisoformat(str(asked["expire_at"])) <= datetime.now(UTC)
        except (ValueError, TypeError):
            yield 400, "syntax_invalid_parameter_format", "expire_at: not ISO 8601"
        else:
            if late:
                yield 400, "syntax_constraint_violation", "expire_at: must be after send_at"


def _said(asked: Mapping[str, Any]) -> Said:
    """Of a batch, the keys and numbers of all, in the same order. What is to be shortened is shown as a telephone gets it."""
    to, text = asked.get("to"), str(asked.get("body", ""))
    numbers = [_bare(str(one)) for one in to] if isinstance(to, list) else []
    cut = text[:ONE_PART] if asked.get("truncate_concat") else text
    return Said(" ".join(_keys(asked)), " ".join(numbers), cut)


def _keys(asked: Mapping[str, Any]) -> list[str]:
    """Our deliveries' keys: in the query of the address for callbacks, 19 bytes for each; without one, the reference."""
    carried = parse_qs(urlsplit(str(asked.get("callback_url", ""))).query).get("keys", [""])[0]
    try:
        raw = base64.urlsafe_b64decode(carried + "=" * (-len(carried) % 4))[:-12].hex()
    except ValueError:
        raw = ""
    found = [raw[at : at + 32] for at in range(0, len(raw), 38)]
    keys = ["-".join((key[:8], key[8:12], key[12:16], key[16:20], key[20:])) for key in found]
    return keys or [str(asked.get("client_reference", ""))]


def _bare(number: str) -> str:
    """Any space, dash or bracket is ignored."""
    return re.sub(r"[ ()-]", "", number)


def _object(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body)
    except ValueError:
        return {}
    return asked if isinstance(asked, dict) else {}


def _ulid() -> str:
    return "01" + "".join(secrets.choice(_ULID) for _ in range(24))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(status: int, data: Any) -> Answer:
    return Answer(status=status, body=json.dumps(data).encode())


def _error(status: int, code: str, text: str) -> Answer:
    return _json(status, {"code": code, "text": text})
