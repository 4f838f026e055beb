"""GOV.UK Notify's REST API: its requests, answers and callbacks (docs.notifications.service.gov.uk/rest-api.html, read 2026-11).

A text lives in a template there, so the account names one whose whole content is `((message))`. Notify has no key against
doubles and no limit to a text's life, but it can be asked for our reference: that is how an unknown outcome is cleared up.
"""

import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Self
from urllib.parse import urlencode

from broadcaster.domain.errors import Invalid, OutcomeUnknown, SendError
from broadcaster.domain.post import Post
from broadcaster.domain.readiness import Readiness
from channels.base import Account, CheckProblem, Holds, Option, Parcel, Receipt
from channels.gateways import Ask, GatewayAnswer, GatewayRequest
from channels.gateways.notify_errors import refusal
from channels.gateways.notify_probe import TEMPLATE_PATH, of_refusal, of_template
from channels.gateways.notify_text import changes
from channels.gateways.notify_token import ApiKey
from channels.gateways.terms import is_key, texts_at_release
from channels.http import from_status, header, redact
from channels.incoming import DeliveryReceipt, Heard, ReceiptState, Unreadable
from channels.options import address, option, require_secrets, secret

SEND_PATH = "/v2/notifications/sms"
ASK_PATH = "/v2/notifications"
MOST_TOLD = 5  # places of a text that an officer is shown at once

_STATES = {  # of a callback
    "delivered": ReceiptState.DELIVERED,
    "permanent-failure": ReceiptState.UNDELIVERED,
    "temporary-failure": ReceiptState.UNDELIVERED,
    "technical-failure": ReceiptState.UNDELIVERED,
}
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TOKEN = re.compile(r"eyJ[\w-]*\.[\w-]+\.[\w-]*")  # good for 30 seconds to whoever reads it in a log


class Notify:
    """One service of GOV.UK Notify, by one of its API keys."""

    options: ClassVar[tuple[Option, ...]] = (
        Option(name="api_key", help="Notify's API key, of the type live", required=True, secret=True),
        Option(
            name="service_id",
            help="the service's id, the first of the two in the API key: what an approver is shown",
            required=True,
        ),
        Option(
            name="template_id",
            help="id of a text message template at Notify whose whole content is ((message))",
            required=True,
        ),
        Option(name="sms_sender_id", help="id of the text message sender; without it, the service's default"),
        Option(
            name="callback_token",
            help="the bearer token entered at Notify for its callbacks, both kinds, at least 10 characters",
            secret=True,
            verifies=True,
        ),
        Option(name="base_url", help="Notify's address", default="https://api.notifications.service.gov.uk"),
    )

    def __init__(self, account: Account, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        require_secrets(account, self.options)
        self._now = now
        self._service_id = _checked_id(account, "service_id", option(account, self.options, "service_id"))
        self._key = _key_of(account, self._service_id)
        self._base_url = address(account, self.options, "base_url")
        self._template_id = _checked_id(account, "template_id", option(account, self.options, "template_id"))
        sender = option(account, self.options, "sms_sender_id")
        self._sender_id = _checked_id(account, "sms_sender_id", sender) if sender else ""
        self._callback_token = secret(account, "callback_token")

    @classmethod
    def from_account(cls, account: Account) -> Self:
        return cls(account)

    @property
    def target(self) -> str:
        sender = f"sender {self._sender_id}" if self._sender_id else "its default sender"
        return f"GOV.UK Notify service {self._service_id}, {sender}"

    def check(self, post: Post) -> list[CheckProblem]:
        """What Notify would change: what is sent must be what was approved."""
        found = dict.fromkeys(
            change.in_words() for text in texts_at_release(post) for change in changes(text)
        )
        if not found:
            return []
        places = ", ".join([*list(found)[:MOST_TOLD], *(["and more"] if len(found) > MOST_TOLD else [])])
        text = f"GOV.UK Notify would send another text than the approved one. It would change: {places}."
        return [CheckProblem(code="would_be_changed", text=text)]

    def requests(self, post: Post, parcels: Sequence[Parcel]) -> list[GatewayRequest]:
        headers = {"Content-Type": "application/json", **self._authorization()}
        return [
            GatewayRequest(url=self._base_url + SEND_PATH, headers=headers, body=self._body(post, parcel))
            for parcel in parcels
        ]

    def _body(self, post: Post, parcel: Parcel) -> bytes:
        body: dict[str, Any] = {
            "phone_number": parcel.address,
            "template_id": self._template_id,
            "personalisation": {"message": post.text},
            "reference": parcel.key,
        }
        if self._sender_id:
            body["sms_sender_id"] = self._sender_id
        return json.dumps(body).encode()

    def _authorization(self) -> dict[str, str]:
        """A fresh token for each group: it is good for 30 seconds, and a group takes 15 at most."""
        return {"Authorization": f"Bearer {self._key.token(self._now())}"}

    def outcome(self, answer: GatewayAnswer, post: Post, parcel: Parcel) -> Receipt | SendError:
        said = self._redacted(answer, parcel.address, private=post.text)
        if answer.status == 201:
            found = _json(answer.body)
            platform_id = found.get("id") if isinstance(found, dict) else None
            if isinstance(platform_id, str) and _ID.fullmatch(platform_id):
                return Receipt(platform_id=platform_id)
        if 200 <= answer.status < 300:
            text = "GOV.UK Notify answered neither yes nor no; it may have the message."
            return OutcomeUnknown("unexpected_answer", text, detail=said)
        return refusal(answer, _json(answer.body), said)

    def question(self, key: str) -> GatewayRequest:
        query = urlencode({"template_type": "sms", "reference": key})
        url = f"{self._base_url}{ASK_PATH}?{query}"
        return GatewayRequest(url=url, headers=self._authorization(), body=b"")

    def found(self, answer: GatewayAnswer, key: str) -> Receipt | None:
        """The first text with our reference, whatever became of it: its delivery receipt tells that."""
        said = self._redacted(answer)
        if answer.status != 200:
            raise refusal(answer, _json(answer.body), said)
        found = _json(answer.body)
        listed = found.get("notifications") if isinstance(found, dict) else None
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise from_status(answer.status, answer.headers, detail=said)
        ours = [one for one in listed if one.get("reference") == key]
        if listed and not ours:  # it did not look for our reference, so it says nothing about it
            raise from_status(answer.status, answer.headers, detail=said)
        return Receipt(platform_id=str(ours[0].get("id", ""))) if ours else None

    def probe(self, ask: Ask) -> Readiness:
        url = f"{self._base_url}{TEMPLATE_PATH}/{self._template_id}"
        answer = ask(GatewayRequest(url=url, headers=self._authorization(), body=b""))
        said = _json(answer.body)
        if answer.status == 200:
            return of_template(said, self._template_id)
        return of_refusal(answer.status, said, refusal(answer, said, self._redacted(answer)))

    def _redacted(self, answer: GatewayAnswer, number: str = "", *, private: str = "") -> str:
        secrets = [self._key.text, self._key.secret, self._callback_token, number, number.removeprefix("+")]
        said = _TOKEN.sub("***", answer.body.decode("utf-8", "replace"))
        quoted = redact(said, secrets, private=private)
        return f"HTTP {answer.status}: {quoted}"

    def read_receipt(
        self,
        query: Mapping[str, str],  # noqa: ARG002 - Notify brings everything in the body
        body: bytes,
        headers: Mapping[str, str],
    ) -> DeliveryReceipt:
        said = self._genuine(body, headers, what="receipt")
        if not isinstance(said, dict) or said.get("notification_type") != "sms":
            raise Unreadable("no Notify receipt of a text message")
        key, status = said.get("reference"), said.get("status")
        if not isinstance(key, str) or not is_key(key):
            raise Unreadable("a Notify receipt without a delivery's key")
        if not isinstance(status, str) or status not in _STATES:
            raise Unreadable("a Notify receipt with an unknown status")
        return DeliveryReceipt(key=key, state=_STATES[status], code=status)

    def hear(
        self,
        query: Mapping[str, str],  # noqa: ARG002 - Notify brings everything in the body
        body: bytes,
        headers: Mapping[str, str],
    ) -> Heard:
        """A text to the service's own number. Notify gives that of the sender without a +."""
        said = self._genuine(body, headers, what="text to us")
        if not isinstance(said, dict):
            raise Unreadable("no text to us through Notify")
        id_, sender, text = said.get("id"), said.get("source_number"), said.get("message")
        if not (isinstance(id_, str) and isinstance(sender, str) and isinstance(text, str) and sender):
            raise Unreadable("a text to us through Notify without its id, its sender or its words")
        return Heard(address=sender, text=text, platform_id=id_)

    def _genuine(self, body: bytes, headers: Mapping[str, str], *, what: str) -> Any:
        """What a callback says that carries the token which was entered at Notify; without one in the account, none is
        genuine. Notify signs nothing, so no time either: one that somebody brings again is known by what it says."""
        given = header(headers, "Authorization")
        expected = f"Bearer {self._callback_token}"
        if not self._callback_token or not hmac.compare_digest(given.encode(), expected.encode()):
            raise ValueError(f"a Notify {what} without our token")
        return _json(body)


def _json(body: bytes) -> Any:
    """What the body says, or None: nobody promises that a gateway's page is JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _key_of(account: Account, service_id: str) -> ApiKey:
    """Invalid where it is another service's; empty in a process that only describes the account."""
    if account.holds is not Holds.ALL:
        return ApiKey(text="", service_id=service_id, secret="")
    key = ApiKey.read(secret(account, "api_key"), account=account.name)
    if key.service_id.lower() != service_id.lower():
        raise Invalid(
            f'The account "{account.name}": service_id is not the one in api_key. An API key is the name, the '
            "service's id and a secret: copy service_id from its middle."
        )
    return key


def _checked_id(account: Account, name: str, value: str) -> str:
    if not _ID.fullmatch(value):
        raise Invalid(
            f'The account "{account.name}": {name} must be an id such as '
            "f33517ff-2a88-4f6e-b855-c550268ce08a. Copy it from Notify's pages."
        )
    return value
