"""The stand-in for Twilio against Twilio's API description, and our channel against the stand-in."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest

from broadcaster.domain.errors import OutcomeUnknown, Refused
from broadcaster.domain.post import Post
from channels.base import Account, Parcel, Receipt, Secret
from channels.gateways.twilio import Twilio
from channels.gateways.wire import Wire
from channels.http import Timeouts
from channels.incoming import ReceiptState
from channels.sms import Sms
from tests.contract.callbacks import Callbacks
from tests.contract.sandbox_process import contract, eventually
from tests.contract.sms_suite import FAULTS_OF_A_GATEWAY
from tests.mass import send_many

NUMBER = "+447700900123"


def send(sandbox, *, login=None, **changes):
    twilio = sandbox.accounts["twilio"]
    form = {"To": NUMBER, "From": "WyreCouncil", "Body": "Leave now.", **changes}
    return sandbox.post(
        f"/2010-04-01/Accounts/{twilio['account_sid']}/Messages.json",
        data={name: value for name, value in form.items() if value is not None},
        auth=login or (twilio["api_key"], twilio["api_key_secret"]),
    )


def channel_of(sandbox, receipt_url="", read_s=5.0, **changes):
    twilio = sandbox.accounts["twilio"]
    options = {"account_sid": twilio["account_sid"], "api_key": twilio["api_key"], "sender": "WyreCouncil"}
    account = Account(
        name="twilio",
        channel="sms",
        mode="live",
        options={
            "gateway": "twilio",
            "base_url": sandbox.url,
            "receipt_url": receipt_url,
            **options,
            **changes,
        },
        secrets={name: Secret(twilio[name]) for name in ("api_key_secret", "auth_token")},
        allowed_hosts=frozenset({"127.0.0.1"}),
    )
    return Sms(account, wire=Wire(timeouts=Timeouts(connect_s=5, read_s=read_s)), gateway=Twilio)


@pytest.fixture
def channel(sandbox):
    channel = channel_of(sandbox)
    yield channel
    channel.close()


def attempt(channel, text="Leave now.", key="key-1", address=NUMBER, **facts):
    post = Post(channel="sms", account="twilio", title="Flood", text=text, facts=facts)
    return send_many(channel, post, [Parcel(key=key, address=address)])[0]


def test_a_text_is_taken_as_the_description_has_it(sandbox):
    answer = send(sandbox)
    assert answer.status_code == 201
    described = contract("twilio/twilio_api_v2010.messages.json")["components"]["schemas"]
    assert answer.json().keys() == described["api.v2010.account.message"]["properties"].keys()
    assert answer.json()["status"] in described["message_enum_status"]["enum"]
    row = sandbox.ledger(platform="twilio")[0]
    assert (row["accepted"], row["recipient"], row["text"]) == (1, NUMBER, "Leave now.")
    assert row["platform_id"] == answer.json()["sid"]
    assert sandbox.summary("sms")["requests"] == 0


def test_the_accounts_auth_token_is_a_login_too(sandbox):
    twilio = sandbox.accounts["twilio"]
    assert send(sandbox, login=(twilio["account_sid"], twilio["auth_token"])).status_code == 201


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"To": None}, 21604),
        ({"From": None}, 21603),
        ({"Body": None}, 21602),
        ({"To": "07700900123"}, 21211),
        ({"From": "TwelveLetter"}, 21606),
        ({"From": None, "MessagingServiceSid": "MG1"}, 21701),
        ({"Body": "a" * 1601}, 21617),
        ({"StatusCallback": "http://198.51.100.7/hooks"}, 21609),
    ],
)
def test_what_twilio_would_not_take_is_refused_with_its_code(sandbox, changes, code):
    answer = send(sandbox, **changes)
    assert answer.status_code == answer.json()["status"] >= 400
    assert answer.json()["code"] == code
    assert answer.json().keys() == {"code", "message", "more_info", "status"}
    assert sandbox.summary("twilio")["accepted"] == 0
    assert sandbox.get("/_sandbox/receipts").json()["expected"] == 0


@pytest.mark.parametrize("login", [("SK1", "x"), ("", "")])
def test_a_wrong_login_is_refused(sandbox, login):
    answer = send(sandbox, login=login)
    assert (answer.status_code, answer.json()["code"]) == (401, 20003)


def test_another_account_is_not_found(sandbox):
    twilio = sandbox.accounts["twilio"]
    path = f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json"
    answer = sandbox.post(path, data={}, auth=(twilio["api_key"], twilio["api_key_secret"]))
    assert (answer.status_code, answer.json()["code"]) == (404, 20404)


def test_our_channel_is_understood(sandbox):
    channel = channel_of(sandbox, receipt_url="http://127.0.0.1:9/hooks")
    expires = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    receipt = attempt(channel, "Afon Ŵyre € & 🌪\nLeave now.", expires=expires)
    channel.close()
    row = sandbox.ledger(platform="twilio")[0]
    assert receipt == Receipt(platform_id=row["platform_id"])
    assert (row["text"], row["key"]) == ("Afon Ŵyre € & 🌪\nLeave now.", "key-1")
    assert 3500 < int(parse_qs(row["body"])["ValidityPeriod"][0]) <= 3600


def test_a_messaging_service_is_understood(sandbox):
    service = sandbox.accounts["twilio"]["messaging_service_sid"]
    channel = channel_of(sandbox, sender="", messaging_service_sid=service)
    assert isinstance(attempt(channel), Receipt)
    channel.close()


@pytest.mark.parametrize(("kind", "outcome"), FAULTS_OF_A_GATEWAY)
def test_each_fault_has_its_outcome(sandbox, channel, kind, outcome):
    sandbox.fault(platform="twilio", kind=kind, count=1)
    assert type(attempt(channel)) is outcome
    assert sandbox.summary("twilio")["accepted"] == int(kind.startswith(("accept", "broken")))


@pytest.mark.parametrize(("kind", "accepted"), [("silence", 0), ("accept_then_silence", 1)])
def test_silence_is_unknown(sandbox, kind, accepted):
    sandbox.fault(platform="twilio", kind=kind, count=1)
    impatient = channel_of(sandbox, read_s=1)
    error = attempt(impatient)
    impatient.close()
    assert (type(error), error.code) == (OutcomeUnknown, "read_timeout")
    assert sandbox.summary("twilio")["accepted"] == accepted


def test_who_has_said_stop_is_refused_and_another_is_not(sandbox, channel):
    sandbox.fault(platform="twilio", kind="refuse_recipient", recipient=NUMBER)
    error = attempt(channel)
    assert (type(error), error.code) == (Refused, "opted_out")
    assert isinstance(attempt(channel, address="+447700900124"), Receipt)


@pytest.mark.parametrize("kind", ["duplicate_refusal", "readback_500", "readback_lookalike"])
def test_a_fault_that_twilio_cannot_have_is_not_taken(sandbox, kind):
    answer = sandbox.post("/_sandbox/faults", json={"platform": "twilio", "kind": kind})
    assert answer.status_code == 400
    assert kind in answer.text


@pytest.mark.parametrize(
    ("settings", "states", "code"),
    [
        ({}, {ReceiptState.ACCEPTED, ReceiptState.DELIVERED}, "delivered"),
        (
            {"undelivered": [NUMBER]},
            {ReceiptState.ACCEPTED, ReceiptState.UNDELIVERED},
            "undelivered 30003",
        ),
    ],
)
def test_signed_callbacks_follow_and_our_channel_reads_them(sandbox, settings, states, code):
    with Callbacks() as callbacks:
        sandbox.set(**settings)
        channel = channel_of(sandbox, receipt_url=f"{callbacks.url}/hooks")
        attempt(channel)
        assert eventually(lambda: len(callbacks.arrived) == 2)
        channel.close()
    assert {arrived.path for arrived in callbacks.arrived} == {"/hooks?key=key-1"}
    read = [channel.read_receipt({"key": "key-1"}, a.body, a.headers) for a in callbacks.arrived]
    assert {receipt.key for receipt in read} == {"key-1"}
    assert {receipt.state for receipt in read} == states
    assert code in {receipt.code for receipt in read}
    for arrived in callbacks.arrived:
        with pytest.raises(ValueError, match="right signature"):
            channel.read_receipt({"key": "key-1"}, arrived.body + b"&x=1", arrived.headers)


def test_the_wall_shows_a_text_of_twilio(sandbox):
    sandbox.text("+447700900123", "Sent by Kannel")
    send(sandbox, Body="Sent by Twilio", From="Fleetwood")
    wall = sandbox.get("/").text
    assert "Sent by Twilio" in wall
    assert "Sent by Kannel" not in wall
    assert "Fleetwood" in wall
    assert "2 texts accepted" in wall
