"""Twilio's Messages resource: its requests, answers and status callbacks (twilio.com/docs/messaging/api, read 2026-11).

Twilio has no key against doubles and cannot be asked for one of ours: after an unknown outcome only a status callback
tells, whose address carries our key.
"""

import base64
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar, Self
from urllib.parse import parse_qsl, urlencode

from broadcaster.domain.errors import Invalid, OutcomeUnknown, SendError
from broadcaster.domain.post import Post
from broadcaster.domain.readiness import Readiness
from channels.base import Account, CheckProblem, Holds, Option, Parcel, Receipt
from channels.gateways import Ask, GatewayAnswer, GatewayRequest, twilio_probe
from channels.gateways.terms import SENDER_HELP, checked_sender, is_key, seconds_left, with_key
from channels.gateways.twilio_errors import failed, refusal
from channels.gateways.twilio_signature import is_genuine
from channels.http import header, object_in, redact
from channels.incoming import DeliveryReceipt, Heard, ReceiptState, Unreadable
from channels.options import address, option, require_secrets, secret

MAX_VALIDITY_S = 36_000  # and without one, Twilio delivers for 10 hours: into the all-clear
MAX_FIELDS = 100

_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
_API_KEY = re.compile(r"SK[0-9a-fA-F]{32}")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_SID = re.compile(r"(?:SM|MM)[0-9a-fA-F]{32}")

_STATES = {
    **dict.fromkeys(("accepted", "scheduled", "queued", "sending", "sent"), ReceiptState.ACCEPTED),
    **dict.fromkeys(("delivered", "read"), ReceiptState.DELIVERED),
    **dict.fromkeys(("undelivered", "failed", "canceled"), ReceiptState.UNDELIVERED),
}
_ENDED = {"failed", "undelivered", "canceled"}


class Twilio:
    """One Twilio account, speaking as one sender or as a Messaging Service."""

    #: Twilio answers STOP by itself, unless somebody has its support turn that off, and refuses the number from then on
    #: (21610): a confirmation of ours would be a second one, and would be refused.
    answers_stop: ClassVar[bool] = True
    options: ClassVar[tuple[Option, ...]] = (
        Option(name="account_sid", help="Twilio's Account SID, AC...", required=True),
        Option(name="api_key", help="SID of a Twilio API key, SK...", required=True),
        Option(name="api_key_secret", help="the secret of that API key", required=True, secret=True),
        Option(
            name="sender",
            help=f"{SENDER_HELP}; or messaging_service_sid instead",
        ),
        Option(
            name="messaging_service_sid", help="a Twilio Messaging Service, MG..., which chooses the sender"
        ),
        Option(
            name="auth_token",
            help="the account's Auth Token, with which Twilio signs delivery receipts",
            secret=True,
            verifies=True,
        ),
        Option(name="receipt_url", help="our address to which Twilio brings delivery receipts"),
        Option(
            name="heard_url", help="our address, as entered at Twilio, to which it brings what people write"
        ),
        Option(name="base_url", help="Twilio's address", default="https://api.twilio.com"),
    )

    def __init__(self, account: Account, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        require_secrets(account, self.options)
        self._now = now
        sid = _checked_sid(account, "account_sid", _ACCOUNT, option(account, self.options, "account_sid"))
        key = _checked_sid(account, "api_key", _API_KEY, option(account, self.options, "api_key"))
        self._secret, self._auth_token = secret(account, "api_key_secret"), secret(account, "auth_token")
        self._login = base64.b64encode(f"{key}:{self._secret}".encode()).decode()
        self._account_url = f"{address(account, self.options, 'base_url')}/2010-04-01/Accounts/{sid}"
        self._url = f"{self._account_url}/Messages.json"
        self._receipt_url = _signed_url(account, "receipt_url", self._auth_token)
        self._heard_url = _signed_url(account, "heard_url", self._auth_token)
        self._from, self.target = _speaker(account)

    @classmethod
    def from_account(cls, account: Account) -> Self:
        return cls(account)

    def check(self, post: Post) -> list[CheckProblem]:  # noqa: ARG002 - part of the contract of a gateway
        """Nothing: Twilio's 1,600 characters are more than six segments hold, and it sends them as they are."""
        return []

    def requests(self, post: Post, parcels: Sequence[Parcel]) -> list[GatewayRequest]:
        # SmartEncoded would replace characters of an approved text without showing it to anybody.
        shared = {**self._from, "Body": post.text, "SmartEncoded": "false", **self._validity(post)}
        headers = {
            "Authorization": f"Basic {self._login}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return [
            GatewayRequest(
                url=self._url,
                headers=headers,
                body=urlencode({"To": parcel.address, **shared, **self._callback(parcel.key)}).encode(),
            )
            for parcel in parcels
        ]

    def _validity(self, post: Post) -> dict[str, str]:
        """Seconds, rounded down, so that a warning that waits at Twilio does not leave after it has expired."""
        left_s = seconds_left(post, self._now())
        if left_s is None:
            return {}
        return {"ValidityPeriod": str(min(max(1, math.floor(left_s)), MAX_VALIDITY_S))}

    def _callback(self, key: str) -> dict[str, str]:
        return {"StatusCallback": with_key(self._receipt_url, key)} if self._receipt_url else {}

    def outcome(self, answer: GatewayAnswer, post: Post, parcel: Parcel) -> Receipt | SendError:
        said = object_in(answer.body)
        detail = self._detail(answer, post, parcel)
        if not 200 <= answer.status < 300:
            return refusal(answer, said, detail)
        sid = said.get("sid")
        if answer.status != 201 or not isinstance(sid, str) or not _SID.fullmatch(sid):
            text = "Twilio answered neither yes nor no; it may have the message."
            return OutcomeUnknown("unexpected_answer", text, detail=detail)
        if said.get("status") in _ENDED:
            return failed(said.get("error_code"), detail)
        return Receipt(platform_id=sid)

    def probe(self, ask: Ask) -> Readiness:
        def get(what: str) -> twilio_probe.Answered:
            url = self._account_url + (what if what.startswith(".") else f"/{what}")
            headers = {"Authorization": f"Basic {self._login}"}
            answer = ask(GatewayRequest(url=url, headers=headers, body=b""))
            return answer.status, object_in(answer.body)

        return twilio_probe.probe(get)

    def _detail(self, answer: GatewayAnswer, post: Post, parcel: Parcel) -> str:
        private = [
            self._secret,
            self._auth_token,
            self._login,
            parcel.address,
            parcel.address.removeprefix("+"),
        ]
        quoted = redact(answer.body.decode("utf-8", "replace"), private, private=post.text)
        return f"HTTP {answer.status}: {quoted}"

    def read_receipt(
        self, query: Mapping[str, str], body: bytes, headers: Mapping[str, str]
    ) -> DeliveryReceipt:
        """Genuine is what is signed for the very address that we gave with this key."""
        key = query.get("key", "")
        if not self._receipt_url or not self._auth_token:
            raise ValueError("a Twilio receipt, and the account has no receipt_url and auth_token")
        if not is_key(key):
            raise ValueError("a Twilio receipt without a delivery's key")
        told = self._signed(with_key(self._receipt_url, key), body, headers, what="receipt")
        status = told.get("MessageStatus", "")
        if status not in _STATES:
            raise Unreadable("a Twilio receipt with an unknown status")
        code = f"{status} {told['ErrorCode']}" if told.get("ErrorCode") else status
        return DeliveryReceipt(key=key, state=_STATES[status], code=code)

    def hear(
        self,
        query: Mapping[str, str],  # noqa: ARG002 - Twilio brings everything in the body
        body: bytes,
        headers: Mapping[str, str],
    ) -> Heard:
        """Genuine is what is signed for `heard_url`. Where Twilio itself took the text for STOP or START, that is what was
        written: with Advanced Opt-Out its own list of words counts, in other languages too, and it says so beside the text
        (OptOutType; support.twilio.com, "Getting Started with Advanced Opt-Out", read 2026-11)."""
        if not self._heard_url or not self._auth_token:
            raise ValueError("a text to us through Twilio, and the account has no heard_url and auth_token")
        told = self._signed(self._heard_url, body, headers, what="text to us")
        sid, sender = told.get("MessageSid", ""), told.get("From", "")
        if not _SID.fullmatch(sid) or not sender:
            raise Unreadable("a text to us through Twilio without its id or its sender")
        taken_for = told.get("OptOutType", "")
        text = taken_for if taken_for in {"STOP", "START"} else told.get("Body", "")
        return Heard(address=sender, text=text, platform_id=sid)

    def _signed(self, url: str, body: bytes, headers: Mapping[str, str], *, what: str) -> dict[str, str]:
        """The fields of a form that Twilio has signed for this address, and when is not among what it signs: one that
        somebody brings again is known by what it says."""
        fields = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        if not is_genuine(header(headers, "X-Twilio-Signature"), self._auth_token, url, fields):
            raise ValueError(f"a Twilio {what} without a right signature")
        return dict(fields)


def _speaker(account: Account) -> tuple[dict[str, str], str]:
    """The fields that say who speaks, and how the approver reads it. Invalid unless there is exactly one."""
    sender = option(account, Twilio.options, "sender")
    service = option(account, Twilio.options, "messaging_service_sid")
    if bool(sender) == bool(service):
        raise Invalid(f'The account "{account.name}": give sender or messaging_service_sid, one of the two.')
    if sender:
        return {"From": checked_sender(sender)}, f"sender {sender}"
    service = _checked_sid(account, "messaging_service_sid", _SERVICE, service)
    return {"MessagingServiceSid": service}, f"Messaging Service {service}"


def _signed_url(account: Account, name: str, auth_token: str) -> str:
    """Invalid where callbacks would come that nobody can tell from forged ones."""
    url = address(account, Twilio.options, name, plain_http=True)
    if url and not auth_token and account.holds is not Holds.NOTHING:
        raise Invalid(
            f'The account "{account.name}" lacks auth_token: without it no callback of Twilio can be verified.'
        )
    return url


def _checked_sid(account: Account, name: str, form: re.Pattern[str], value: str) -> str:
    if not form.fullmatch(value):
        raise Invalid(
            f'The account "{account.name}": {name} must be {form.pattern[:2]} and 32 hexadecimal digits. '
            "Copy it from Twilio's console."
        )
    return value
