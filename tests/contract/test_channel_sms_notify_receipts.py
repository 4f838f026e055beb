"""Delivery receipts of GOV.UK Notify: read where its token comes with them, and refused otherwise."""

import json

import pytest

from channels.base import Secret
from channels.incoming import ReceiptState
from channels.sms import Sms
from tests.contract.channel_suite import KEY, payload
from tests.contract.on_notify import TOKEN, account

SAVED = payload("govuk_notify_callbacks.json")


def receipt(**changes):
    said = SAVED["delivery_receipt"] | {"reference": KEY} | changes
    return json.dumps({name: value for name, value in said.items() if value is not Ellipsis}).encode()


def read(body, token=TOKEN, header="authorization", made=None):
    return Sms.from_account(made or account()).read_receipt({}, body, {header: f"Bearer {token}"})


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("delivered", ReceiptState.DELIVERED),
        ("permanent-failure", ReceiptState.UNDELIVERED),
        ("temporary-failure", ReceiptState.UNDELIVERED),
        ("technical-failure", ReceiptState.UNDELIVERED),
    ],
)
def test_a_documented_callback_is_read(status, state):
    found = read(receipt(status=status))
    assert (found.key, found.state, found.code) == (KEY, state, status)


def test_the_name_of_a_header_may_be_in_any_case():
    assert read(receipt(), header="AUTHORIZATION").key == KEY


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x", TOKEN[:-1], "é"])
def test_a_callback_without_our_token_is_refused(token):
    with pytest.raises(ValueError, match="without our token"):
        read(receipt(), token=token)


def test_a_callback_without_any_header_is_refused():
    with pytest.raises(ValueError, match="without our token"):
        Sms.from_account(account()).read_receipt({"key": KEY}, receipt(), {})


def test_an_account_without_a_token_takes_no_callback_at_all():
    with pytest.raises(ValueError, match="without our token"):
        read(receipt(), token="", made=account(secrets={"callback_token": Secret("")}))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        json.dumps(SAVED["inbound"]).encode(),
        receipt(notification_type="email"),
        receipt(reference=None),
        receipt(reference=Ellipsis),
        receipt(reference="../x"),
        receipt(reference=["k"]),
        receipt(status="elephant"),
        receipt(status=None),
        receipt(status=["delivered"]),
    ],
    ids=range(13),
)
def test_what_is_no_receipt_is_a_value_error(body):
    with pytest.raises(ValueError, match="Notify receipt"):
        read(body)
