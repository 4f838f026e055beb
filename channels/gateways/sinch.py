"""Sinch's SMS REST API (XMS): many recipients in one request, one answer about all of them.

developers.sinch.com/docs/sms/api-reference and github.com/sinch/docs, docs/sms/sms-guide.md, read 2026-11.

After an unknown outcome nobody can be asked. A list of batches can be narrowed down to a `client_reference`, which is a
label of the whole batch; a delivery knows its own key only, not whose batch it was in, and a list that lacks it would prove
nothing. Only a receipt tells, whose address carries the keys of the batch.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self
from urllib.parse import quote

from broadcaster.domain.errors import Invalid, OutcomeUnknown, SendError
from broadcaster.domain.post import Post
from broadcaster.domain.readiness import Readiness
from channels.base import Account, CheckProblem, Holds, Option, Parcel, Receipt
from channels.gateways import Ask, GatewayAnswer, GatewayRequest, sinch_probe
from channels.gateways.sinch_callbacks import ID, heard_in, receipt_in
from channels.gateways.sinch_errors import digits_of, refusals
from channels.gateways.sinch_keys import PARAMETER, mark, with_keys
from channels.gateways.sinch_signature import is_genuine
from channels.gateways.terms import SENDER_HELP, checked_sender, seconds_left, texts_at_release
from channels.http import object_in, redact
from channels.incoming import DeliveryReceipt, Heard, Unreadable
from channels.options import address, option, require_secrets, secret

#: `expire_at` is at most 3 days away; a minute less, for the clocks.
MOST_LEFT_S = 3 * 24 * 3600 - 60
#: Two more than a text of ours has. Without it the plan's own limit counts, and Sinch drops a longer text unsaid
#: (sms-guide.md, "Limiting message parts"); it counts parts by a table of its own, which may find one more than we do.
MOST_PARTS = 8
MIN_KEY_CHARS = 16

_NOT_NAMED = "Sinch took the batch and does not name this recipient in it; it may have the text."
_PLAN = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Sinch:
    """One service plan at Sinch, speaking as one sender."""

    #: Sinch takes 1,000. A lost answer leaves as many unknown as were in the batch, one bad number holds up as many, and
    #: the keys of more would not fit into the address for their receipts.
    most_at_once: ClassVar[int] = 50

    options: ClassVar[tuple[Option, ...]] = (
        Option(
            name="base_url",
            help="Sinch's address for the region of your plan, such as https://eu.sms.api.sinch.com",
            required=True,
        ),
        Option(name="service_plan_id", help="id of the service plan at Sinch", required=True),
        Option(name="api_token", help="the API token of that service plan", required=True, secret=True),
        Option(name="sender", help=SENDER_HELP, required=True),
        Option(
            name="callback_secret",
            help="the secret with which Sinch signs callbacks (HMAC); ask your account manager there to turn that on",
            secret=True,
            verifies=True,
        ),
        Option(
            name="receipt_key",
            help="a secret of your own, at least 16 characters, that marks the addresses to which receipts come as ours",
            secret=True,
            verifies=True,
        ),
        Option(name="receipt_url", help="our address to which Sinch brings delivery receipts"),
    )

    def __init__(self, account: Account, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        require_secrets(account, self.options)
        self._now = now
        self._token, self._callback_secret = secret(account, "api_token"), secret(account, "callback_secret")
        plan = _checked_plan(account, option(account, self.options, "service_plan_id"))
        base_url = address(account, self.options, "base_url")
        self._url = f"{base_url}/xms/v1/{quote(plan, safe='')}/batches"
        self._receipt_url = address(account, self.options, "receipt_url", plain_http=True)
        self._sender = checked_sender(option(account, self.options, "sender"))
        self._mac_key = _receipt_key(account, self._receipt_url).encode()
        self._mark_key = self._mac_key or self._token.encode()  # without a receipt that must find it again
        self._headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}

    @classmethod
    def from_account(cls, account: Account) -> Self:
        return cls(account)

    @property
    def target(self) -> str:
        return f"sender {self._sender}"

    def check(self, post: Post) -> list[CheckProblem]:
        """Sinch takes ${name} for a blank, finds nothing to fill it with, and drops the text (code 405)."""
        if not any("${" in text for text in texts_at_release(post)):
            return []
        text = (
            "Sinch takes ${ for the beginning of a blank and would drop the text message. Write it without."
        )
        return [CheckProblem(code="would_be_changed", text=text)]

    def requests(self, post: Post, parcels: Sequence[Parcel]) -> list[GatewayRequest]:
        shared = {
            "type": "mt_text",
            "from": self._sender,
            "body": post.text,
            "truncate_concat": False,  # true would cut an approved text to its first segment
            "max_number_of_message_parts": MOST_PARTS,
            **self._expiry(post),
        }
        batches = (parcels[at : at + self.most_at_once] for at in range(0, len(parcels), self.most_at_once))
        return [
            GatewayRequest(url=self._url, headers=self._headers, body=self._body(shared, batch))
            for batch in batches
        ]

    def _body(self, shared: Mapping[str, Any], parcels: Sequence[Parcel]) -> bytes:
        to = list(dict.fromkeys(parcel.address for parcel in parcels))
        label = {"client_reference": parcels[0].key}
        return json.dumps({"to": to, **shared, **label, **self._receipts(parcels)}).encode()

    def _expiry(self, post: Post) -> dict[str, str]:
        """To the millisecond, rounded down, so that a warning that waits at Sinch does not leave after it has expired."""
        now = self._now()
        left_s = seconds_left(post, now)
        if left_s is None:
            return {}
        until = (now + timedelta(seconds=min(max(1.0, left_s), MOST_LEFT_S))).astimezone(UTC)
        return {"expire_at": f"{until:%Y-%m-%dT%H:%M:%S}.{until.microsecond // 1000:03d}Z"}

    def _receipts(self, parcels: Sequence[Parcel]) -> dict[str, str]:
        """How each text ended, and not each step on its way there, which would be three callbacks for a person."""
        if not self._receipt_url:
            return {"delivery_report": "none"}
        named = [(parcel.key, digits_of(parcel.address)) for parcel in parcels]
        url = with_keys(self._receipt_url, self._mac_key, named)
        return {"delivery_report": "per_recipient_final", "callback_url": url}

    def outcome(self, answer: GatewayAnswer, post: Post, parcel: Parcel) -> Receipt | SendError:
        return self.outcomes(answer, post, [parcel])[0]

    def outcomes(
        self, answer: GatewayAnswer, post: Post, parcels: Sequence[Parcel]
    ) -> list[Receipt | SendError]:
        """A batch that was made names its recipients; one whom it does not name is unknown, and so are all without an id."""
        said = object_in(answer.body)
        if not 200 <= answer.status < 300:
            return [*refusals(answer, said, parcels, self._detail(answer, post, parcels))]
        batch = said.get("id")
        if answer.status != 201 or not isinstance(batch, str) or not ID.fullmatch(batch):
            text = "Sinch answered neither yes nor no; it may have the batch."
            unknown = OutcomeUnknown("unexpected_answer", text, detail=self._detail(answer, post, parcels))
            return [unknown] * len(parcels)
        named = _recipients(said)
        return [
            Receipt(platform_id=mark(self._mark_key, batch, digits))
            if named is None or digits in named
            else OutcomeUnknown("not_named", _NOT_NAMED)
            for digits in (digits_of(parcel.address) for parcel in parcels)
        ]

    def _detail(self, answer: GatewayAnswer, post: Post, parcels: Sequence[Parcel]) -> str:
        private = [self._token, self._callback_secret]
        for parcel in parcels:
            private += [parcel.address, digits_of(parcel.address)]
        quoted = redact(answer.body.decode("utf-8", "replace"), private, private=post.text)
        return f"HTTP {answer.status}: {quoted}"

    def probe(self, ask: Ask) -> Readiness:
        url = f"{self._url}{sinch_probe.NO_BATCHES}"
        return sinch_probe.of_answer(ask(GatewayRequest(url=url, headers=self._headers, body=b"")))

    def read_receipt(
        self, query: Mapping[str, str], body: bytes, headers: Mapping[str, str]
    ) -> DeliveryReceipt:
        """Where the account has no callback_secret, that the caller knows a batch's random id makes a receipt genuine."""
        if not self._mac_key:
            raise ValueError("a Sinch receipt, and the account has no receipt_key")
        if self._callback_secret and not is_genuine(self._callback_secret, body, headers):
            raise ValueError("a Sinch receipt without a right signature")
        try:
            return receipt_in(object_in(body), query.get(PARAMETER, ""), self._mac_key)
        except Unreadable as exc:
            if self._callback_secret:
                raise
            raise ValueError(str(exc)) from exc  # unsigned, so nobody need keep it

    def hear(
        self,
        query: Mapping[str, str],  # noqa: ARG002 - Sinch brings everything in the body
        body: bytes,
        headers: Mapping[str, str],
    ) -> Heard:
        """Only what is signed: whoever could forge a STOP could keep everybody from being warned."""
        if not self._callback_secret:
            raise ValueError("a text to us through Sinch, and the account has no callback_secret")
        if not is_genuine(self._callback_secret, body, headers):
            raise ValueError("a text to us through Sinch without a right signature")
        return heard_in(object_in(body))


def _recipients(said: Mapping[str, Any]) -> set[str] | None:
    """The digits of those whom the answer names; None where it names nobody at all."""
    listed = said.get("to")
    if not isinstance(listed, list):
        return None
    return {digits_of(one) for one in listed if isinstance(one, str)}


def _receipt_key(account: Account, receipt_url: str) -> str:
    """Not the API token: whoever reads receipts need not be able to send."""
    key = secret(account, "receipt_key")
    wanted = receipt_url and account.holds is not Holds.NOTHING
    if (key or wanted) and len(key) < MIN_KEY_CHARS:
        raise Invalid(
            f'The account "{account.name}" lacks receipt_key, or it is too short to be a secret. Make one: openssl rand '
            "-hex 24"
        )
    return key


def _checked_plan(account: Account, plan: str) -> str:
    if not _PLAN.fullmatch(plan):
        raise Invalid(
            f'The account "{account.name}": service_plan_id must be letters and digits. Copy it from Sinch\'s dashboard.'
        )
    return plan
