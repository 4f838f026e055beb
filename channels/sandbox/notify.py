"""GOV.UK Notify's REST API as documented: text messages, the question for one's own, and callbacks.

Its service has one template, whose whole content is ((message)), does not put its name before texts, and may send
abroad. The ledger has each text as a telephone gets it, after Notify's changes.
"""

import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qs

from channels.sandbox.exchange import Answer, Call, Mood, Purpose, Said
from channels.sandbox.ledger import Entry
from channels.sandbox.notify_text import as_notify_sends
from channels.sandbox.notify_token import token_problem
from channels.sandbox.receipts import Callback, Receipts
from channels.sandbox.settings import Settings

SEND, ASK, TEMPLATE = "/v2/notifications/sms", "/v2/notifications", "/v2/template/"
MOST_CHARS = 918
PER_PAGE = 250
FROM_NUMBER = "GOVUK"
_FINAL = {"delivered": "delivered", "undelivered": "permanent-failure", "none": "sending"}


class Notify:
    name: ClassVar[str] = "notify"

    def __init__(self, account: Mapping[str, str], settings: Settings, receipts: Receipts) -> None:
        self._account = account
        self._template_path = TEMPLATE + account["template_id"]
        self._settings = settings
        self._receipts = receipts
        self._texts: list[dict[str, Any]] = []  # oldest first

    def purpose(self, call: Call) -> Purpose:
        if call.path == SEND and call.method == "POST":
            return Purpose.PUBLISH
        return Purpose.READ if call.path == ASK else Purpose.OTHER

    def said(self, call: Call) -> Said:
        asked = _asked(call)
        message = _message(asked)
        return Said(str(asked.get("reference") or ""), str(asked.get("phone_number") or ""), message)

    def answer(self, call: Call, mood: Mood) -> Answer:
        authorization = call.header(b"authorization")
        problem = token_problem(authorization, self._account["api_key"], now=datetime.now(UTC))
        if problem:
            return _error(403, "AuthError", problem)
        if call.path == SEND and call.method == "POST":
            return self._send(call, mood)
        if call.path == self._template_path and call.method == "GET":
            return _json(200, self._shown_template())
        if call.path.startswith(TEMPLATE) and call.method == "GET":
            return _error(404, "NoResultFound", "No result found")
        if call.path == ASK and call.method == "GET":
            return self._list(call, mood)
        return _error(404, "NoResultFound", "Not found")

    def refusal(self, kind: str, call: Call) -> Answer:  # noqa: ARG002 -- the words are the same for every call
        match kind:
            case "429":
                words = "Exceeded rate limit for key type LIVE of 3000 requests per 60 seconds"
                return _error(429, "RateLimitError", words)
            case "expired_token":
                return _error(403, "AuthError", "Invalid token: API key not found")
            case "500":
                return _error(500, "Exception", "Internal server error")
            case _:
                return Answer(status=int(kind), body=b"<html>bad gateway</html>", content_type=b"text/html")

    def restore(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if entry.accepted:
                asked = _object(entry.body)
                self._keep(asked, entry.platform_id, entry.text, datetime.fromisoformat(entry.at))

    def forget(self) -> None:
        self._texts.clear()

    def _send(self, call: Call, mood: Mood) -> Answer:
        asked = _asked(call)
        problem = next(self._problems(asked, mood), None)
        if problem:
            return _error(400, *problem)
        text = as_notify_sends(_message(asked))
        kept = self._keep(asked, str(uuid.uuid4()), text, datetime.now(UTC))
        self._report(kept)
        answer = _json(201, self._created(asked, kept, call.base_url))
        answer.accepted, answer.platform_id = True, kept["id"]
        answer.said = Said(str(kept["reference"] or ""), kept["phone_number"], text)
        return answer

    def _problems(self, asked: Mapping[str, Any], mood: Mood) -> Iterator[tuple[str, str]]:
        """Class and words of what Notify would not take, gravest first."""
        for name in ("phone_number", "template_id"):
            if name not in asked:
                yield "ValidationError", f"{name} is a required property"
        number = str(asked.get("phone_number"))
        if number in mood.refused:
            yield "ValidationError", "phone_number Not a UK mobile number"
        if re.search(r"[^0-9+ ()-]", number):
            yield "ValidationError", "phone_number Must not contain letters or symbols"
        if len(re.sub(r"\D", "", number)) < 7:
            yield "ValidationError", "phone_number Not enough digits"
        if asked.get("template_id") != self._account["template_id"]:
            yield "BadRequestError", "Template not found"
        if "message" not in (asked.get("personalisation") or {}):
            yield "BadRequestError", "Missing personalisation: message"
        if asked.get("sms_sender_id") not in (None, self._account["sms_sender_id"]):
            service = self._account["service_id"]
            words = (
                f"sms_sender_id {asked['sms_sender_id']} does not exist in database for service id {service}"
            )
            yield "BadRequestError", words
        size = len(as_notify_sends(_message(asked)))
        if size > MOST_CHARS:
            words = f"Text messages cannot be longer than {MOST_CHARS} characters. Your message is {size} characters"
            yield "ValidationError", words

    def _keep(self, asked: Mapping[str, Any], id_: str, text: str, at: datetime) -> dict[str, Any]:
        number = str(asked.get("phone_number"))
        kept = {
            "id": id_,
            "reference": asked.get("reference"),
            "phone_number": number,
            "body": text,
            "created_at": at,
        }
        self._texts.append(kept)
        return kept

    def _created(self, asked: Mapping[str, Any], kept: Mapping[str, Any], base_url: str) -> dict[str, Any]:
        return {
            "id": kept["id"],
            "reference": asked.get("reference"),
            "scheduled_for": None,
            "content": {"body": kept["body"], "from_number": FROM_NUMBER},
            "uri": f"{base_url}{ASK}/{kept['id']}",
            "template": self._template(base_url),
        }

    def _template(self, base_url: str) -> dict[str, Any]:
        id_ = self._account["template_id"]
        return {"id": id_, "version": 1, "uri": f"{base_url}/v2/template/{id_}"}

    def _shown_template(self) -> dict[str, Any]:
        """As TemplateResponse has it."""
        body = self._settings.notify_template
        return {
            "id": self._account["template_id"],
            "name": "Broadcaster",
            "type": "sms",
            "created_at": "2026-11-01T09:00:00.000000Z",
            "updated_at": None,
            "version": 1,
            "created_by": "duty.officer@wyre.example",
            "body": body,
            "subject": None,
            "postage": None,
            "letter_contact_block": None,
            "personalisation": {name: {"required": True} for name in re.findall(r"\(\((\w+)\)\)", body)},
        }

    def _list(self, call: Call, mood: Mood) -> Answer:
        query = parse_qs(call.query.decode("latin-1"))
        known = datetime.now(UTC) - timedelta(seconds=mood.lag_s)
        wanted = query.get("reference", [None])[0]
        found = [
            self._shown(one, call.base_url)
            for one in reversed(self._texts)
            if wanted in (None, one["reference"]) and one["created_at"] <= known
        ]
        return _json(
            200, {"notifications": found[:PER_PAGE], "links": {"current": call.base_url + call.target}}
        )

    def _shown(self, kept: Mapping[str, Any], base_url: str) -> dict[str, Any]:
        """As GetOneMessageResponse has it."""
        return {
            **kept,
            "created_at": _time(kept["created_at"]),
            "sent_at": _time(kept["created_at"]),
            "completed_at": None,
            "created_by_name": None,
            "email_address": None,
            "subject": None,
            "scheduled_for": None,
            "type": "sms",
            "status": _FINAL[self._receipts.final(kept["phone_number"])],
            "template": self._template(base_url),
        }

    def _report(self, kept: Mapping[str, Any]) -> None:
        """Call the service's callback address, as far as one is set and the text has an end."""
        final = self._receipts.final(kept["phone_number"])
        if not self._settings.notify_callback_url or final == "none":
            return
        at = _time(kept["created_at"])
        body = {
            "id": kept["id"],
            "reference": kept["reference"],
            "to": kept["phone_number"],
            "status": _FINAL[final],
            "created_at": at,
            "completed_at": at,
            "sent_at": at,
            "notification_type": "sms",
            "template_id": self._account["template_id"],
            "template_version": 1,
        }
        self._receipts.later(self._callback(self._settings.notify_callback_url, body))

    def heard(self, sender: str, text: str, url: str) -> Callback:
        """What a person wrote to the service's number, on its way to the address that is set for received texts."""
        body = {
            "id": str(uuid.uuid4()),
            "source_number": sender.removeprefix("+"),
            "destination_number": "07700987654",
            "message": text,
            "date_received": _time(datetime.now(UTC)),
        }
        return self._callback(url, body)

    def _callback(self, url: str, body: Mapping[str, Any]) -> Callback:
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self._account['callback_token']}",
        }
        return Callback(url=url, body=json.dumps(body).encode(), headers=headers)


def _asked(call: Call) -> dict[str, Any]:
    return _object(call.body)


def _object(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body)
    except ValueError:
        return {}
    return asked if isinstance(asked, dict) else {}


def _message(asked: Mapping[str, Any]) -> str:
    personalisation = asked.get("personalisation")
    return str(personalisation.get("message", "")) if isinstance(personalisation, dict) else ""


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _json(status: int, data: Any) -> Answer:
    return Answer(status=status, body=json.dumps(data).encode())


def _error(status: int, kind: str, words: str) -> Answer:
    return _json(status, {"errors": [{"error": kind, "message": words}], "status_code": status})
