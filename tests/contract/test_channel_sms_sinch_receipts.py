"""Sinch: its receipts, what people write, and who may bring them."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from channels.base import Parcel, Secret
from channels.gateways import GatewayAnswer
from channels.gateways.sinch import Sinch
from channels.gateways.sinch_signature import signature
from channels.incoming import Heard, ReceiptState, Unreadable
from tests.contract.channel_suite import ADDRESS, KEY
from tests.contract.on_sinch import (
    BATCH,
    CALLBACK_SECRET,
    DIGITS,
    HOOK,
    gateway,
    mark_of,
    parcels_of,
    post,
)

# --- receipts -----------------------------------------------------------------------------------------------------


def report(recipient=DIGITS, **changes):
    said = {
        "type": "recipient_delivery_report_sms",
        "batch_id": BATCH,
        "recipient": recipient,
        "code": 0,
        "status": "Delivered",
        "at": "2026-11-21T18:00:03.542Z",
        "client_reference": KEY,
    }
    return json.dumps({name: value for name, value in (said | changes).items() if value is not None}).encode()


def inbound(**changes):
    said = {"type": "mo_text", "id": BATCH, "from": DIGITS, "to": "447537404817", "body": "Stop "}
    return json.dumps(said | changes).encode()


def signed(body, secret=CALLBACK_SECRET, algorithm="HmacSHA256", digest="sha256"):
    return {
        "X-Sinch-Webhook-Signature": signature(
            secret, body, nonce="01FJA8B4A7", timestamp="1634579353", digest=digest
        ),
        "x-sinch-webhook-signature-nonce": "01FJA8B4A7",
        "x-sinch-webhook-signature-timestamp": "1634579353",
        "x-sinch-webhook-signature-algorithm": algorithm,
    }


def query_for(parcels, **changes):
    """The query of the address to which Sinch is told to bring the receipts of these."""
    [request] = gateway(**changes).requests(post(), parcels)
    query = urlsplit(json.loads(request.body)["callback_url"]).query
    return {name: values[0] for name, values in parse_qs(query).items()}


def read(body, query=None, headers=None, **changes):
    made_by = gateway(**changes)
    return made_by.read_receipt(query or {}, body, signed(body) if headers is None else headers)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("Queued", ReceiptState.ACCEPTED),
        ("Dispatched", ReceiptState.ACCEPTED),
        ("Unknown", ReceiptState.ACCEPTED),
        ("Delivered", ReceiptState.DELIVERED),
        ("DELIVERED", ReceiptState.DELIVERED),
        *(
            (word, ReceiptState.UNDELIVERED)
            for word in ("Aborted", "Rejected", "Failed", "Expired", "Deleted")
        ),
        *((word, ReceiptState.UNDELIVERED) for word in ("Cancelled", "Canceled")),
    ],
)
def test_a_signed_receipt_is_read(status, state):
    found = read(report(status=status, code=401))
    assert (found.key, found.state, found.code) == ("", state, f"{status} 401")
    assert found.platform_id == mark_of(DIGITS)


@pytest.mark.parametrize("recipient", [DIGITS, f"+{DIGITS}", f"00{DIGITS}"])
def test_a_receipt_names_the_recipient_as_the_answer_did(recipient):
    outcome = gateway().outcome(
        GatewayAnswer(status=201, headers={}, body=json.dumps({"id": BATCH}).encode()),
        post(),
        Parcel(key=KEY, address=ADDRESS),
    )
    assert read(report(recipient)).platform_id == outcome.platform_id


@pytest.mark.parametrize("count", [1, 2, Sinch.most_at_once])
def test_a_receipt_has_our_key_where_the_answer_of_its_batch_was_lost(count):
    parcels = parcels_of(count)
    query = query_for(parcels)
    for parcel in parcels:
        found = read(report(parcel.address, client_reference=parcels[0].key), query)
        assert found.key == parcel.key


def test_the_address_for_receipts_holds_no_number_and_is_as_long_as_sinch_takes():
    parcels = parcels_of(Sinch.most_at_once)
    [request] = gateway().requests(post(), parcels)
    address = json.loads(request.body)["callback_url"]
    assert len(address) <= 2048
    assert not [parcel for parcel in parcels if parcel.address[1:] in address]
    [long] = gateway(receipt_url=f"{HOOK}/{'x' * 900}").requests(post(), parcels)
    assert json.loads(long.body)["callback_url"] == f"{HOOK}/{'x' * 900}"


def test_an_address_with_a_query_and_keys_of_another_form_are_left_as_they_are():
    assert query_for(parcels_of(1), receipt_url=f"{HOOK}?a=1").keys() == {"a", "keys"}
    assert query_for([Parcel(key="key-1", address=ADDRESS)], receipt_url=f"{HOOK}?a=1") == {"a": "1"}


def test_keys_that_are_not_of_this_batch_and_number_are_not_believed():
    parcels, others = parcels_of(3), parcels_of(9)[5:]
    query, first = query_for(parcels), parcels[0].key
    body = report(parcels[1].address, client_reference=first)
    assert read(body, query).key == parcels[1].key
    of_others = query_for(others)
    of_another_key = query_for(parcels, secrets={"receipt_key": Secret("another-receipt-key")})
    at, keys = 30, query["keys"]  # in the middle of the second key
    changed = {"keys": keys[:at] + ("B" if keys[at] == "A" else "A") + keys[at + 1 :]}
    shorter = {"keys": query["keys"][:-4]}
    for wrong in (of_others, of_another_key, changed, shorter, {"keys": "ŵ"}, {"keys": "A"}, {"keys": ""}):
        assert read(body, wrong).key == ""
    for wrong in (
        report(parcels[1].address, client_reference=others[0].key),
        report(parcels[1].address, client_reference=None),
        report("447700911111", client_reference=first),
    ):
        assert read(wrong, query).key == ""


def test_two_who_share_a_number_are_not_told_apart_by_it():
    twice = [Parcel(key=parcel.key, address=ADDRESS) for parcel in parcels_of(2)]
    assert read(report(client_reference=twice[0].key), query_for(twice)).key == ""


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_each_algorithm_of_sinch_is_known(digest):
    body = report()
    headers = signed(body, algorithm=f"HmacSHA{digest[3:]}", digest=digest)
    assert read(body, headers=headers).state is ReceiptState.DELIVERED


WRONGLY_SIGNED = {
    "nothing": lambda body: {},
    "another secret": lambda body: signed(body, secret="another"),
    "another body": lambda body: signed(body + b" "),
    "another algorithm": lambda body: signed(body, algorithm="HmacSHA512"),
    "an unknown algorithm": lambda body: signed(body, algorithm="none"),
    "another nonce": lambda body: signed(body) | {"x-sinch-webhook-signature-nonce": "2"},
    "another time": lambda body: signed(body) | {"x-sinch-webhook-signature-timestamp": "1634579354"},
    "an empty signature": lambda body: signed(body) | {"X-Sinch-Webhook-Signature": ""},
    "letters of another kind": lambda body: signed(body) | {"X-Sinch-Webhook-Signature": "ŵ"},
}


@pytest.mark.parametrize("wrong", WRONGLY_SIGNED)
def test_what_is_not_signed_by_sinch_is_refused(wrong):
    for body, take in ((report(), gateway().read_receipt), (inbound(), gateway().hear)):
        with pytest.raises(ValueError, match="right signature") as refusal:
            take({}, body, WRONGLY_SIGNED[wrong](body))
        assert not isinstance(refusal.value, Unreadable)


def test_without_a_callback_secret_receipts_are_read_and_no_stop_is_believed():
    """A receipt is worth nothing to whoever does not know the random id of a batch; a STOP only needs a number."""
    unsigned = gateway(secrets={"callback_secret": Secret("")})
    assert unsigned.read_receipt({}, report(), {}).platform_id == mark_of(DIGITS)
    with pytest.raises(ValueError, match="no callback_secret"):
        unsigned.hear({}, inbound(), signed(inbound()))
    with pytest.raises(ValueError, match="no callback_secret"):
        unsigned.hear({}, inbound(), signed(inbound(), secret=""))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        report(type="delivery_report_sms"),
        report(type="mo_text"),
        report(batch_id=None),
        report(batch_id=7),
        report(batch_id="../x"),
        report(recipient=None),
        report(recipient="MTN"),
        report(status="Elephant"),
        report(status=None),
        report(status=["Delivered"]),
    ],
)
def test_a_signed_body_that_is_no_receipt_is_kept_and_an_unsigned_one_is_not(body):
    with pytest.raises(Unreadable, match="Sinch receipt"):
        read(body)
    with pytest.raises(ValueError, match="Sinch receipt") as unsigned:
        read(body, secrets={"callback_secret": Secret("")})
    assert not isinstance(unsigned.value, Unreadable)


@pytest.mark.parametrize(
    ("code", "told"), [("0", "Delivered 0"), (None, "Delivered"), ({"a": 1}, "Delivered")]
)
def test_a_code_is_told_where_it_is_one(code, told):
    assert read(report(code=code)).code == told


@pytest.mark.parametrize("sender", [DIGITS, f"+{DIGITS}"])
def test_what_a_person_writes_to_us_is_heard(sender):
    body = inbound(**{"from": sender})
    assert gateway().hear({}, body, signed(body)) == Heard(address=ADDRESS, text="Stop ", platform_id=BATCH)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        report(),
        inbound(type="mo_binary"),
        inbound(**{"from": "MTN"}),
        inbound(**{"from": "12345"}),
        inbound(**{"from": {"endpoint": DIGITS}}),
        inbound(id=""),
        inbound(id="a b"),
    ],
)
def test_a_signed_body_that_is_no_text_to_us_is_kept(body):
    with pytest.raises(Unreadable, match="text to us"):
        gateway().hear({}, body, signed(body))
