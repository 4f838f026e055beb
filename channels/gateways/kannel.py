"""Kannel's sendsms interface: its requests, answers and delivery receipts. Tried against Kannel 1.4.5 (Debian).

It is asked by POST with the text as body and all else in X-Kannel-* headers (user guide, table 7-17), so that
neither password nor number nor text stands in an address, where proxies and servers log it. A form is not an
alternative: smsbox 1.4.5 answers "Invalid content-type" to one (tried), and reads a query only with GET.

How it treats texts (tried, octet by octet at an SMPP peer; tests/contract/test_real_kannel.py): the body is converted
once, by the charset of the Content-Type, so UTF-8 is right for both codings. X-Kannel-Charset is not read. With coding
0 every character of GSM 7-bit arrives, ç becomes Ç and others "?". An emoji that meets the end of a UCS-2 segment is
cut in two, which some handsets show as two question marks; `check` finds it (docs/adr/0006-emoji-between-segments.md).
"""

import hmac
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar, Self
from urllib.parse import quote

from broadcaster.domain.errors import Invalid, NotConfigured, OutcomeUnknown, Refused, SendError
from broadcaster.domain.post import Post
from broadcaster.domain.readiness import Readiness
from channels.base import Account, CheckProblem, Option, Parcel, Receipt
from channels.gateways import Ask, GatewayAnswer, GatewayRequest
from channels.gateways.terms import (
    SENDER_HELP,
    checked_sender,
    is_key,
    seconds_left,
    texts_at_release,
    with_key,
)
from channels.http import from_status, redact
from channels.incoming import DeliveryReceipt, Heard, ReceiptState, Unreadable
from channels.options import address, option, require_secrets, secret
from channels.probing import failed, ready
from channels.text import graphemes, sms_size, utf16_units
from channels.text_sms import UCS2_PART, UCS2_SINGLE

SEND_PATH = "/cgi-bin/sendsms"
NO_RECEIVER = "Missing receiver"
MIN_TOKEN_CHARS = 16

# Delivered 1, undelivered 2, taken by the SMSC 8, rejected by it 16 (user guide, "Delivery reports"). 8 is
# asked for because sendsms can be asked nothing afterwards: where our call ended unknown, it is the only proof
# within seconds, while 1 waits for the handset. 4 (still buffered in Kannel) would add a call and no knowledge.
DLR_MASK = 1 + 2 + 8 + 16

_STATES = {
    "1": ReceiptState.DELIVERED,
    "2": ReceiptState.UNDELIVERED,
    "4": ReceiptState.ACCEPTED,
    "8": ReceiptState.ACCEPTED,
    "16": ReceiptState.UNDELIVERED,
}


class Kannel:
    """A Kannel smsbox reached at `base_url`. It gives no id: our key in the receipt's address is all there is."""

    options: ClassVar[tuple[Option, ...]] = (
        Option(
            name="base_url", help="address of Kannel's smsbox, e.g. http://127.0.0.1:13013", required=True
        ),
        Option(
            name="username",
            # Without both, Kannel answers "accepted" and sends the first segment alone, or loose pieces (tried).
            help="the name of Kannel's sendsms-user; kannel.conf must give it concatenation = true and max-messages = 6",
            required=True,
        ),
        Option(name="password", help="the password of Kannel's sendsms-user", required=True, secret=True),
        Option(name="sender", help=SENDER_HELP, required=True),
        Option(name="receipt_url", help="our address to which Kannel brings delivery receipts"),
        Option(
            name="callback_token",
            help="a secret of your own, at least 16 characters, that Kannel brings with receipts and what people write",
            secret=True,
            verifies=True,
        ),
    )

    def __init__(self, account: Account, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        require_secrets(account, self.options)
        self._now = now
        self._password = secret(account, "password")
        self._url = address(account, self.options, "base_url", plain_http=True) + SEND_PATH
        self._receipt_url = address(account, self.options, "receipt_url", plain_http=True)
        self._token = _checked_token(account, secret(account, "callback_token"))
        self._sender = checked_sender(option(account, self.options, "sender"))
        self._fixed = {
            "Content-Type": "text/plain; charset=UTF-8",
            "X-Kannel-Username": option(account, self.options, "username"),
            "X-Kannel-Password": self._password,
            "X-Kannel-From": self._sender,
        }

    @classmethod
    def from_account(cls, account: Account) -> Self:
        return cls(account)

    @property
    def target(self) -> str:
        return f"sender {self._sender}"

    def check(self, post: Post) -> list[CheckProblem]:
        """An emoji that some phones would get in two halves. All else that 7 bits cannot say goes in UCS-2, whole."""
        cut = list(dict.fromkeys(found for text in texts_at_release(post) for found in _on_an_edge(text)))
        if not cut:
            return []
        text = (
            f"Kannel would cut an emoji in two between two segments of the text message: {', '.join(cut)}. Some phones "
            "then show question marks. Move it by a word, or leave it out."
        )
        return [CheckProblem(code="emoji_cut", text=text)]

    def requests(self, post: Post, parcels: Sequence[Parcel]) -> list[GatewayRequest]:
        coding = "0" if sms_size(post.text).encoding == "GSM-7" else "2"
        shared = {**self._fixed, "X-Kannel-Coding": coding, **self._validity(post)}
        body = post.text.encode("utf-8")
        return [
            GatewayRequest(
                url=self._url,
                headers={**shared, "X-Kannel-To": parcel.address, **self._receipt_headers(parcel)},
                body=body,
            )
            for parcel in parcels
        ]

    def _validity(self, post: Post) -> dict[str, str]:
        """Minutes, rounded down, so that no network delivers a warning after it has expired."""
        left_s = seconds_left(post, self._now())
        return {} if left_s is None else {"X-Kannel-Validity": str(max(1, math.floor(left_s / 60)))}

    def _receipt_headers(self, parcel: Parcel) -> dict[str, str]:
        if not self._receipt_url:
            return {}
        return {
            "X-Kannel-DLR-Mask": str(DLR_MASK),
            "X-Kannel-DLR-Url": f"{with_key(self._receipt_url, parcel.key)}{self._token_part()}&status=%d",
        }

    def _token_part(self) -> str:
        return f"&token={quote(self._token, safe='')}" if self._token else ""

    def outcome(self, answer: GatewayAnswer, post: Post, parcel: Parcel) -> Receipt | SendError:
        """By table 7-16 of the user guide: 202 with 0 or 3 is taken, 4xx refused, 503 "try again later"."""
        said = answer.body.decode("utf-8", "replace")
        if answer.status == 202 and said.startswith(("0:", "3:")):
            return Receipt(platform_id="")
        quoted = redact(said, [self._password, parcel.address], private=post.text)
        detail = f"HTTP {answer.status}: {quoted}"
        if 200 <= answer.status < 300:
            text = "Kannel answered neither yes nor no; it may have the message."
            return OutcomeUnknown("unexpected_answer", text, detail=detail)
        return _refusal(answer, said, detail)

    def probe(self, ask: Ask) -> Readiness:
        """A text to nobody: smsbox looks at the password first and then misses the receiver (1.4.5, tried). It has no
        question of its own, and does not say whether a network stands behind it."""
        answer = ask(GatewayRequest(url=self._url, headers=self._fixed, body=b""), method="POST")
        said = answer.body.decode("utf-8", "replace")
        if answer.status == 400 and said.startswith(NO_RECEIVER):
            unknown = "whether the network behind Kannel takes texts, and what they cost"
            return ready("Kannel accepts the user.", facts=(("cannot be checked", unknown),))
        return failed(
            "Kannel", _refusal(answer, said, f"HTTP {answer.status}"), certain="Authorization failed" in said
        )

    def read_receipt(
        self,
        query: Mapping[str, str],
        body: bytes,  # noqa: ARG002 - Kannel brings everything in the query
        headers: Mapping[str, str],  # noqa: ARG002 - same
    ) -> DeliveryReceipt:
        """Kannel signs nothing: that the caller knows a delivery's random key is what makes a receipt genuine; and our
        token, where the account has one."""
        key, status = query.get("key", ""), query.get("status", "")
        if self._token and not self._has_token(query):
            raise ValueError("a Kannel receipt without our token")
        if not is_key(key):
            raise ValueError("a Kannel receipt without a delivery's key")
        if status not in _STATES:
            wrong = Unreadable if self._token else ValueError
            raise wrong("a Kannel receipt with an unknown status")
        return DeliveryReceipt(key=key, state=_STATES[status], code=status)

    def hear(
        self,
        query: Mapping[str, str],
        body: bytes,  # noqa: ARG002 - Kannel brings everything in the query
        headers: Mapping[str, str],  # noqa: ARG002 - same
    ) -> Heard:
        """What an sms-service of kannel.conf calls: its get-url ends with `&from=%p&text=%a&id=%I`. Anybody could ask for
        it, and have people left out of warnings: without a token in the account, nothing is heard."""
        if not self._token or not self._has_token(query):
            raise ValueError("a text to us through Kannel without our token")
        sender = query.get("from", "").strip()
        if not sender or "text" not in query:
            raise Unreadable("a text to us through Kannel without its sender or its words")
        sender = f"+{sender}" if sender[:1].isdigit() and not sender.startswith("0") else sender
        return Heard(address=sender, text=query["text"], platform_id=query.get("id", ""))

    def _has_token(self, query: Mapping[str, str]) -> bool:
        return hmac.compare_digest(query.get("token", "").encode(), self._token.encode())


def _checked_token(account: Account, token: str) -> str:
    if token and len(token) < MIN_TOKEN_CHARS:
        raise Invalid(
            f'The account "{account.name}": callback_token is too short to be a secret. Make one: openssl rand -hex 24'
        )
    return token


def _on_an_edge(text: str) -> Iterator[str]:
    """Each emoji that stands on an edge between two segments, with the word before it.

    By smsbox 1.4.5, which looks at no character: 67 UTF-16 units to a segment where the text has more than 70.
    """
    if utf16_units(text) <= UCS2_SINGLE:
        return
    before, end = "", 0
    for piece in graphemes(text):
        for char in piece:
            end += utf16_units(char)
            if utf16_units(char) == 2 and end % UCS2_PART == 1:
                yield f'{piece} after "{"".join(before.split()[-1:])}"'
        before += piece


def _refusal(answer: GatewayAnswer, said: str, detail: str) -> SendError:
    if "Authorization failed" in said and answer.status < 500:
        text = "Kannel does not accept this account. Check username and password, and that the user may send."
        return NotConfigured("credentials_refused", text, detail=detail)
    if answer.status in {404, 405}:
        text = f"There is no Kannel sendsms at this address. Check base_url; we add {SEND_PATH} to it."
        return NotConfigured("wrong_address", text, detail=detail)
    if "black-lists" in said and answer.status < 500:
        return Refused("number_denied", "Kannel's lists of numbers do not allow this number.", detail=detail)
    return from_status(answer.status, answer.headers, detail=detail)
