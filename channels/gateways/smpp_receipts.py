"""What a deliver_sm says: a delivery receipt, or what a person wrote to us. No input or output.

SMPP 3.4, 5.2.12 and appendix B. That it is a receipt is told by the centre, in esm_class: a person can write "id:7
stat:DELIVRD" to our number, and nobody may forge receipts by text message.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Final

from channels.gateways.smpp_pdus import Delivered, Tlvs
from channels.gateways.smpp_segments import gsm_text
from channels.incoming import DeliveryReceipt, Heard, ReceiptState

RECEIPTED_MESSAGE_ID, MESSAGE_STATE, MESSAGE_PAYLOAD = 0x001E, 0x0427, 0x0424
#: Bits 5 to 2 of esm_class: what a deliver_sm is. 0 is a person's text; 1 the centre's receipt, 8 its news on the way.
KIND: Final = 0x3C
RECEIPTS: Final = frozenset({0x04, 0x20})
HAS_HEADER: Final = 0x40
INTERNATIONAL: Final = 1

_STATES: Mapping[str, ReceiptState] = {
    "DELIVRD": ReceiptState.DELIVERED,
    **dict.fromkeys(("UNDELIV", "EXPIRED", "DELETED", "REJECTD"), ReceiptState.UNDELIVERED),
    **dict.fromkeys(("ACCEPTD", "ENROUTE", "UNKNOWN"), ReceiptState.ACCEPTED),
}
#: The values of message_state (5.2.28), in the words of the receipt's text.
_WORDS = dict(
    enumerate(
        ("ENROUTE", "DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD"), start=1
    )
)
_FIELD = re.compile(r"\b(id|stat|err):\s*(\S{1,65})", re.IGNORECASE)
_ENCODINGS = {3: "latin-1", 8: "utf-16-be", 1: "ascii"}


class Ids:
    """The one place where message ids get the form in which a receipt is matched with what it is about.

    Centres write the same id with leading zeros or without, in capitals or not, and some in hexadecimal where they take
    a text and in decimal in its receipt, or the other way round.
    """

    def __init__(self, message_ids: str) -> None:
        self._differ = message_ids != "same"
        self._from_answer = 16 if message_ids == "hex-decimal" else 10
        self._from_receipt = 10 if message_ids == "hex-decimal" else 16

    def of_answer(self, text: str) -> str:
        return _plain(text, self._from_answer if self._differ else None)

    def of_receipt(self, text: str, tlvs: Tlvs) -> str:
        """The id in the receipt's text, or its parameter, which repeats the answer's form at most centres: it comes
        first where the forms are the same, and last where they differ, since then it may be in either."""
        said = _fields(text).get("id", "")
        parameter = tlvs.get(RECEIPTED_MESSAGE_ID, b"").split(b"\0", 1)[0].decode("latin-1").strip()
        if not self._differ:
            return _plain(parameter or said, None)
        return _plain(said, self._from_receipt) if said else _plain(parameter, self._from_answer)


def _plain(text: str, base: int | None) -> str:
    if base:
        try:
            return str(int(text, base))
        except ValueError:
            pass  # not of the form that was promised: as it is
    return text.lower().lstrip("0") or text[-1:]


def read(pdu: Delivered, ids: Ids, *, latin1: bool, now: float) -> DeliveryReceipt | Heard | None:
    """None where it says nothing that we could use: a receipt without an id, or one from a telephone."""
    kind = pdu.esm_class & KIND
    octets: bytes = pdu.short_message or pdu.tlvs.get(MESSAGE_PAYLOAD, b"")
    if kind in RECEIPTS:
        return _receipt(octets.decode("latin-1"), pdu.tlvs, ids)
    return _heard(pdu, octets, latin1=latin1, now=now) if kind == 0 else None


def _receipt(text: str, tlvs: Tlvs, ids: Ids) -> DeliveryReceipt | None:
    said = _fields(text)
    word = _WORDS.get(int.from_bytes(tlvs.get(MESSAGE_STATE, b""), "big"), said.get("stat", "").upper()[:7])
    platform_id = ids.of_receipt(text, tlvs)
    if not platform_id or word not in _STATES:
        return None
    code = f"{word} {said['err'][:8]}" if said.get("err") else word
    return DeliveryReceipt(key="", platform_id=platform_id, state=_STATES[word], code=code)


def _fields(text: str) -> dict[str, str]:
    """Of the first of each name, and before the receipt quotes the text that it is about."""
    head = re.split(r"\btext:", text, maxsplit=1, flags=re.IGNORECASE)[0]
    return {name.lower(): value for name, value in reversed(_FIELD.findall(head))}


def _heard(pdu: Delivered, octets: bytes, *, latin1: bool, now: float) -> Heard:
    if pdu.esm_class & HAS_HEADER and octets:
        octets = octets[1 + octets[0] :]
    number = pdu.source_addr.decode("latin-1")
    address = f"+{number}" if pdu.source_addr_ton == INTERNATIONAL and number.isdecimal() else number
    parameter = pdu.tlvs.get(RECEIPTED_MESSAGE_ID, b"").split(b"\0", 1)[0].decode("latin-1").strip()
    text = _text(octets, pdu.data_coding, latin1=latin1)
    return Heard(address=address, text=text, platform_id=parameter or _id_of(address, octets, now))


def _text(octets: bytes, data_coding: int, *, latin1: bool) -> str:
    if data_coding == 0 and not latin1:
        return gsm_text(octets)
    return octets.decode(_ENCODINGS.get(data_coding, "latin-1"), "replace")


def _id_of(address: str, octets: bytes, now: float) -> str:
    """SMPP gives such a text no id. With the moment in it, since a second STOP must never pass for a repetition of the
    first; the price is that a text which the centre brings again is heard twice, which does no harm."""
    digest = hashlib.sha256(f"{now:.3f} {address} ".encode() + octets).hexdigest()
    return f"heard-{digest[:32]}"
