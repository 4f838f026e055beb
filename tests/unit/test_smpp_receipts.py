"""What comes back over SMPP: receipts that nobody can forge by text message, ids in one form, people's own words."""

import struct

import pytest

from channels.gateways.smpp_pdus import Delivered
from channels.gateways.smpp_receipts import Ids, read
from channels.incoming import DeliveryReceipt, Heard, ReceiptState
from channels.sandbox.smpp_pdus import deliver_sm

RECEIPT = "id:0000000123 sub:001 dlvrd:001 submit date:2611210301 done date:2611210302 stat:{} err:{} text:River id:9"


def tlv(tag, value):
    return struct.pack(">2H", tag, len(value)) + value


def body_of(octets, *, esm_class=0, tlvs=b"", coding=0):
    body = bytearray(
        deliver_sm(1, "+447700900123", "WyreCouncil", octets, esm_class=esm_class, tlvs=tlvs)[16:]
    )
    body[body.index(b"WyreCouncil\0") + 12 + 7] = coding
    return bytes(body)


def said(octets, *, ids="same", now=1.0, latin1=False, **more):
    if isinstance(octets, str):
        octets = octets.encode("latin-1")
    return read(Delivered.read(body_of(octets, **more)), Ids(ids), latin1=latin1, now=now)


@pytest.mark.parametrize(
    ("stat", "state"),
    [
        ("DELIVRD", ReceiptState.DELIVERED),
        ("UNDELIV", ReceiptState.UNDELIVERED),
        ("EXPIRED", ReceiptState.UNDELIVERED),
        ("DELETED", ReceiptState.UNDELIVERED),
        ("REJECTD", ReceiptState.UNDELIVERED),
        ("ACCEPTD", ReceiptState.ACCEPTED),
        ("ENROUTE", ReceiptState.ACCEPTED),
        ("UNKNOWN", ReceiptState.ACCEPTED),
    ],
)
@pytest.mark.parametrize("esm_class", [0x04, 0x20, 0x44 & ~0x40])
def test_a_receipt_is_read_from_its_text(stat, state, esm_class):
    receipt = said(RECEIPT.format(stat, "000"), esm_class=esm_class)
    assert receipt == DeliveryReceipt(key="", platform_id="123", state=state, code=f"{stat} 000")


def test_the_parameters_are_preferred_to_the_text():
    tlvs = tlv(0x001E, b"ABC7\0") + tlv(0x0427, b"\x05")
    receipt = said(RECEIPT.format("DELIVRD", "000"), esm_class=4, tlvs=tlvs)
    assert (receipt.platform_id, receipt.state) == ("abc7", ReceiptState.UNDELIVERED)


def test_parameters_alone_are_enough_and_unheard_of_ones_do_no_harm():
    tlvs = tlv(0x1400, b"vendor") + tlv(0x0420, b"") + tlv(0x001E, b"7\0") + tlv(0x0427, b"\x02") + b"\x12"
    receipt = said("", esm_class=4, tlvs=tlvs)
    assert receipt == DeliveryReceipt(key="", platform_id="7", state=ReceiptState.DELIVERED, code="DELIVRD")


def test_a_receipt_in_the_payload_is_read_too():
    tlvs = tlv(0x0424, RECEIPT.format("DELIVRD", "000").encode())
    assert said("", esm_class=4, tlvs=tlvs).platform_id == "123"


@pytest.mark.parametrize("text", ["", "stat:DELIVRD", "id:1 stat:PERHAPS", "id:1", "id: stat:"])
def test_a_receipt_that_names_no_text_or_no_state_is_nothing(text):
    assert said(text, esm_class=4) is None


def test_a_text_that_looks_like_a_receipt_is_what_a_person_wrote():
    heard = said(RECEIPT.format("DELIVRD", "000"))
    assert isinstance(heard, Heard)
    assert heard.text.startswith("id:0000000123")


@pytest.mark.parametrize(
    ("ids", "answer", "receipt", "parameter"),
    [
        ("same", "00AB12", "ab12", ""),
        ("same", "0000000123", "123", ""),
        ("same", "ABCDEF", "irrelevant", "abcdef"),
        ("same", "3f6b2a-X", "3F6B2A-x", ""),
        ("same", "0", "0000000000", ""),
        ("hex-decimal", "1F2E", "0000007982", ""),
        ("hex-decimal", "1F2E", "0000007982", "1F2E"),
        ("hex-decimal", "1F2E", "", "1F2E"),
        ("decimal-hex", "7982", "1F2E", ""),
        ("decimal-hex", "7982", "1F2E", "7982"),
        ("decimal-hex", "not-a-number", "not-a-number", ""),
    ],
)
def test_answer_and_receipt_name_a_text_by_the_same_id(ids, answer, receipt, parameter):
    tlvs = tlv(0x001E, parameter.encode() + b"\0") if parameter else b""
    text = f"id:{receipt} stat:DELIVRD" if receipt else "stat:DELIVRD"
    found = said(text, ids=ids, esm_class=4, tlvs=tlvs)
    assert found.platform_id == Ids(ids).of_answer(answer)


def test_two_texts_have_two_ids_in_any_form():
    for ids in ("same", "hex-decimal", "decimal-hex"):
        made = [Ids(ids).of_answer(f"{no:08x}" if ids == "hex-decimal" else str(no)) for no in range(1, 3000)]
        assert len(set(made)) == len(made)


@pytest.mark.parametrize(
    ("octets", "coding", "latin1", "text"),
    [
        (b"STOP", 0, False, "STOP"),
        (b"\x1b\x65 \x00", 0, False, "€ @"),
        ("é".encode("latin-1"), 0, True, "é"),
        ("Stopiwch ŵ🌊".encode("utf-16-be"), 8, False, "Stopiwch ŵ🌊"),
        ("é".encode("latin-1"), 3, False, "é"),
        (b"\xd8", 8, False, "\ufffd"),
    ],
)
def test_what_a_person_writes_is_read_in_its_coding(octets, coding, latin1, text):
    heard = said(octets, coding=coding, latin1=latin1)
    assert (heard.address, heard.text) == ("+447700900123", text)
    assert "STOP" not in repr(heard)


def test_a_part_of_a_long_text_is_read_without_its_header():
    assert said(b"\x05\x00\x03\x07\x02\x01STOP", esm_class=0x40).text == "STOP"


def test_a_second_stop_is_not_taken_for_a_repetition_of_the_first():
    assert said("STOP", now=1.0).platform_id != said("STOP", now=61.0).platform_id
    assert said("STOP", tlvs=tlv(0x001E, b"mo-7\0")).platform_id == "mo-7"


@pytest.mark.parametrize("kind", [0x08, 0x10, 0x18])
def test_what_telephones_acknowledge_by_themselves_is_nothing(kind):
    assert said("x", esm_class=kind) is None


@pytest.mark.parametrize("body", [b"", b"\0", b"\0\x01\x01447700900123\0", body_of(b"STOP")[:-1]])
def test_what_is_no_deliver_sm_is_said_to_be_none(body):
    with pytest.raises(ValueError, match="unreadable"):
        Delivered.read(body)
