"""What Sinch's callbacks say, once they are known to be genuine: how a text ended, and what a person wrote to us.

developers.sinch.com/docs/sms/api-reference/sms/delivery-reports and .../webhooks, read 2026-11: numbers come with or
without a +, statuses as "Delivered" and in Sinch's SDKs as "DELIVERED".
"""

import re
from collections.abc import Mapping
from typing import Any

from channels.gateways.sinch_errors import digits_of
from channels.gateways.sinch_keys import key_of, mark
from channels.incoming import DeliveryReceipt, Heard, ReceiptState, Unreadable

#: Of batches and of texts to us: letters and digits, 26 of them today.
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

_NUMBER = re.compile(r"\d{7,15}")
_CODE = re.compile(r"\d{1,6}")

_STATES = {  # "unknown" is the end of it where the network never told more
    **dict.fromkeys(("queued", "dispatched", "unknown"), ReceiptState.ACCEPTED),
    "delivered": ReceiptState.DELIVERED,
    **dict.fromkeys(
        ("aborted", "canceled", "cancelled", "rejected", "deleted", "failed", "expired"),
        ReceiptState.UNDELIVERED,
    ),
}


def receipt_in(said: Mapping[str, Any], carried: str, token: bytes) -> DeliveryReceipt:
    """Unreadable for what is no receipt of one text. `carried` is what its address carries of our keys.

    The receipt is signed and its address is not: the two belong together by the batch's reference, its first key.
    """
    if said.get("type") != "recipient_delivery_report_sms":
        raise Unreadable("no Sinch receipt of a text message to one recipient")
    batch, recipient = _text(said, "batch_id"), digits_of(_text(said, "recipient"))
    if not ID.fullmatch(batch) or not _NUMBER.fullmatch(recipient):
        raise Unreadable("a Sinch receipt without a batch and a recipient")
    status, first = _text(said, "status"), _text(said, "client_reference")
    if status.lower() not in _STATES:
        raise Unreadable("a Sinch receipt with an unknown status")
    number = str(said.get("code", ""))
    return DeliveryReceipt(
        key=key_of(carried, token, first=first, digits=recipient),
        state=_STATES[status.lower()],
        code=f"{status} {number}" if _CODE.fullmatch(number) else status,
        platform_id=mark(token, batch, recipient),
    )


def heard_in(said: Mapping[str, Any]) -> Heard:
    """Unreadable for what is no text to us."""
    if said.get("type") != "mo_text":
        raise Unreadable("no text to us through Sinch")
    sender, id_ = digits_of(_text(said, "from")), _text(said, "id")
    if not _NUMBER.fullmatch(sender) or not ID.fullmatch(id_):
        raise Unreadable("a text to us through Sinch without a number and an id")
    return Heard(address=f"+{sender}", text=_text(said, "body"), platform_id=id_)


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    return value if isinstance(value, str) else ""
