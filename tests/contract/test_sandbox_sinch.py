"""The stand-in for Sinch against Sinch's documents, and our channel against the stand-in."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from broadcaster.domain.errors import NotSent, OutcomeUnknown, Refused
from broadcaster.domain.post import Post
from channels.base import Account, Parcel, Receipt, Secret
from channels.gateways.sinch import Sinch
from channels.gateways.wire import Wire
from channels.http import Timeouts
from channels.incoming import Heard, ReceiptState
from channels.sms import Sms
from tests.contract.callbacks import Callbacks
from tests.contract.sandbox_process import eventually
from tests.contract.sms_suite import FAULTS_OF_A_GATEWAY
from tests.mass import send_many

NUMBERS = [f"+4477009001{n:02d}" for n in range(3)]
KEYS = [f"0198f2c0-7b1e-7c3a-9d55-0000000000{n:02d}" for n in range(3)]
PATIENT = Timeouts(connect_s=5, read_s=5)
#: 503 is documented as "unable to perform the request".
FAULTS = [*(fault for fault in FAULTS_OF_A_GATEWAY if fault[0] != "503"), ("503", NotSent)]


def batch(sandbox, token=None, plan=None, **changes):
    sinch = sandbox.accounts["sinch"]
    body = {"to": NUMBERS, "from": "WyreCouncil", "body": "Leave now.", **changes}
    return sandbox.post(
        f"/xms/v1/{plan or sinch['service_plan_id']}/batches",
        json={name: value for name, value in body.items() if value is not None},
        headers={"Authorization": f"Bearer {token or sinch['api_token']}"},
    )


def channel_of(sandbox, receipt_url="", timeouts=PATIENT, **changes):
    sinch = sandbox.accounts["sinch"]
    options = {"service_plan_id": sinch["service_plan_id"], "sender": "WyreCouncil"}
    account = Account(
        name="sinch",
        channel="sms",
        mode="live",
        options={
            "gateway": "sinch",
            "base_url": sandbox.url,
            "receipt_url": receipt_url,
            **options,
            **changes,
        },
        secrets={name: Secret(sinch[name]) for name in ("api_token", "callback_secret", "receipt_key")},
        allowed_hosts=frozenset({"127.0.0.1"}),
    )
    return Sms(account, wire=Wire(timeouts=timeouts), gateway=Sinch)


@pytest.fixture
def channel(sandbox):
    channel = channel_of(sandbox)
    yield channel
    channel.close()


def attempt(channel, text="Leave now.", numbers=NUMBERS, **facts):
    post = Post(channel="sms", account="sinch", title="Flood", text=text, facts=facts)
    parcels = [Parcel(key=key, address=number) for key, number in zip(KEYS, numbers, strict=False)]
    return send_many(channel, post, parcels)


def test_a_batch_is_taken_as_documented_and_is_one_row_with_all_in_it(sandbox):
    answer = batch(sandbox, client_reference="ref-1")
    assert answer.status_code == 201
    said = answer.json()
    assert said.keys() >= {"id", "to", "from", "body", "canceled", "created_at", "modified_at"}
    assert said["to"] == [number[1:] for number in NUMBERS]
    [row] = sandbox.ledger(platform="sinch")
    assert (row["accepted"], row["recipient"], row["text"]) == (1, " ".join(NUMBERS), "Leave now.")
    assert (row["platform_id"], row["key"]) == (said["id"], "ref-1")
    counted = sandbox.summary("sinch")
    assert (counted["requests"], counted["accepted"], counted["recipients_distinct"]) == (1, 3, 3)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"to": None}, 400, "syntax_constraint_violation"),
        ({"to": []}, 400, "syntax_constraint_violation"),
        ({"to": ["+447700900123"] * 1001}, 400, "syntax_constraint_violation"),
        ({"to": [NUMBERS[0], "07700900123"]}, 400, "syntax_invalid_parameter_format"),
        ({"from": "TwelveLetter"}, 400, "syntax_invalid_parameter_format"),
        ({"body": None}, 400, "syntax_constraint_violation"),
        ({"body": "a" * 2001}, 400, "syntax_constraint_violation"),
        ({"type": "mt_fax"}, 400, "syntax_constraint_violation"),
        ({"delivery_report": "loud"}, 400, "syntax_constraint_violation"),
        ({"client_reference": "a" * 129}, 400, "syntax_constraint_violation"),
        ({"callback_url": "http://127.0.0.1/" + "a" * 2048}, 400, "syntax_constraint_violation"),
        ({"expire_at": "2020-01-01T00:00:00.000Z"}, 400, "syntax_constraint_violation"),
        ({"expire_at": "soon"}, 400, "syntax_invalid_parameter_format"),
        ({"delivery_report": "full"}, 403, "missing_callback_url"),
        (
            {"delivery_report": "full", "callback_url": "http://198.51.100.7/hooks"},
            403,
            "missing_callback_url",
        ),
    ],
    ids=range(15),
)
def test_what_sinch_would_not_take_is_refused_as_a_whole(sandbox, changes, status, code):
    answer = batch(sandbox, **changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json().keys() == {"code", "text"}
    assert sandbox.summary("sinch")["accepted"] == 0


@pytest.mark.parametrize("wrong", [{"token": "another"}, {"plan": "another"}])
def test_a_token_is_good_for_its_own_service_plan_only(sandbox, wrong):
    assert batch(sandbox, **wrong).status_code == 401


def test_our_channel_is_understood(sandbox):
    channel = channel_of(sandbox, receipt_url="http://127.0.0.1:9/hooks")
    expires = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    text = "Afon Ŵyre € & 🌪\n" + "Leave now. " * 30
    receipts = attempt(channel, text, expires=expires)
    channel.close()
    [row] = sandbox.ledger(platform="sinch")
    assert (row["text"], row["key"], row["recipient"]) == (text, " ".join(KEYS), " ".join(NUMBERS))
    assert [receipt.platform_id.partition(":")[0] for receipt in receipts] == [row["platform_id"]] * 3
    assert len({receipt.platform_id for receipt in receipts}) == 3


@pytest.mark.parametrize(("kind", "outcome"), FAULTS)
def test_each_fault_has_its_outcome_for_everybody(sandbox, channel, kind, outcome):
    sandbox.fault(platform="sinch", kind=kind, count=1)
    assert [type(each) for each in attempt(channel)] == [outcome] * 3
    assert sandbox.summary("sinch")["accepted"] == 3 * kind.startswith(("accept", "broken"))


@pytest.mark.parametrize(("kind", "accepted"), [("silence", 0), ("accept_then_silence", 3)])
def test_silence_is_unknown(sandbox, kind, accepted):
    sandbox.fault(platform="sinch", kind=kind, count=1)
    impatient = channel_of(sandbox, timeouts=Timeouts(connect_s=5, read_s=1))
    errors = attempt(impatient)
    impatient.close()
    assert [(type(each), each.code) for each in errors] == [(OutcomeUnknown, "read_timeout")] * 3
    assert sandbox.summary("sinch")["accepted"] == accepted


def test_one_bad_number_refuses_the_batch_and_the_others_go_without_it(sandbox, channel):
    sandbox.fault(platform="sinch", kind="refuse_recipient", recipient=NUMBERS[1])
    found = attempt(channel)
    assert [(type(each), each.code) for each in found] == [
        (NotSent, "batch_refused"),
        (Refused, "number_invalid"),
        (NotSent, "batch_refused"),
    ]
    assert sandbox.summary("sinch")["accepted"] == 0
    again = attempt(channel, numbers=[NUMBERS[0], NUMBERS[2]])
    assert [type(each) for each in again] == [Receipt, Receipt]


def test_who_is_not_named_in_the_answer_is_unknown_though_the_text_is_out(sandbox, channel):
    sandbox.fault(platform="sinch", kind="unnamed_recipient", recipient=NUMBERS[1])
    assert [type(each) for each in attempt(channel)] == [Receipt, OutcomeUnknown, Receipt]
    assert sandbox.summary("sinch")["accepted"] == 3


@pytest.mark.parametrize(
    "order",
    [
        {"platform": "sinch", "kind": "duplicate_refusal"},
        {"platform": "sinch", "kind": "readback_500"},
        {"platform": "sinch", "kind": "unnamed_recipient"},
        {"platform": "sms", "kind": "unnamed_recipient", "recipient": NUMBERS[0]},
        {"platform": "x", "kind": "unnamed_recipient", "recipient": NUMBERS[0]},
    ],
    ids=range(5),
)
def test_a_fault_that_sinch_or_others_cannot_have_is_not_taken(sandbox, order):
    answer = sandbox.post("/_sandbox/faults", json=order)
    assert answer.status_code == 400
    assert order["kind"] in answer.text


def query_of(path):
    return dict(pair.split("=", 1) for pair in path.partition("?")[2].split("&"))


@pytest.mark.parametrize("lost", [False, True])
def test_signed_receipts_follow_for_each_and_our_channel_reads_them(sandbox, lost):
    """Also where the answer was lost, so that nobody ever told the batch's id."""
    with Callbacks() as callbacks:
        sandbox.set(undelivered=[NUMBERS[1]])
        if lost:
            sandbox.fault(platform="sinch", kind="accept_then_reset", count=1)
        channel = channel_of(sandbox, receipt_url=f"{callbacks.url}/hooks")
        outcomes = attempt(channel)
        assert eventually(lambda: len(callbacks.arrived) == 3)
        channel.close()
    read = [channel.read_receipt(query_of(a.path), a.body, a.headers) for a in callbacks.arrived]
    assert {receipt.key: (receipt.state, receipt.code) for receipt in read} == {
        KEYS[0]: (ReceiptState.DELIVERED, "Delivered 0"),
        KEYS[1]: (ReceiptState.UNDELIVERED, "Failed 11"),
        KEYS[2]: (ReceiptState.DELIVERED, "Delivered 0"),
    }
    if lost:
        assert {type(each) for each in outcomes} == {OutcomeUnknown}
    else:
        assert {r.platform_id for r in read} == {r.platform_id for r in outcomes}
    one = callbacks.arrived[0]
    with pytest.raises(ValueError, match="right signature"):
        channel.read_receipt(query_of(one.path), one.body + b" ", one.headers)


def test_receipts_on_the_way_come_where_they_are_asked_for(sandbox):
    with Callbacks() as callbacks:
        asked = {"delivery_report": "per_recipient", "callback_url": f"{callbacks.url}/hooks"}
        batch(sandbox, to=NUMBERS[:1], **asked)
        assert eventually(lambda: len(callbacks.arrived) == 2)
    assert {json.loads(a.body)["status"] for a in callbacks.arrived} == {"Dispatched", "Delivered"}


def test_a_text_with_a_blank_that_nothing_fills_reaches_nobody(sandbox):
    with Callbacks() as callbacks:
        asked = {"delivery_report": "per_recipient_final", "callback_url": f"{callbacks.url}/hooks"}
        assert batch(sandbox, body="Pay ${amount}", to=NUMBERS[:1], **asked).status_code == 201
        assert eventually(lambda: len(callbacks.arrived) == 1)
    assert json.loads(callbacks.arrived[0].body)["code"] == 405
    assert sandbox.summary("sinch")["accepted"] == 0


def test_a_text_that_may_be_shortened_is_shown_as_a_telephone_gets_it(sandbox):
    batch(sandbox, body="a" * 200, truncate_concat=True)
    assert len(sandbox.ledger(platform="sinch")[0]["text"]) == 160


def test_a_stop_is_brought_to_us_signed(sandbox, channel):
    with Callbacks() as callbacks:
        order = {"platform": "sinch", "from": NUMBERS[0], "text": "STOP", "url": f"{callbacks.url}/heard"}
        assert sandbox.post("/_sandbox/inbound", json=order).status_code == 202
        assert eventually(lambda: len(callbacks.arrived) == 1)
    [brought] = callbacks.arrived
    gateway = Sinch(vars(channel)["_account"])
    heard = gateway.hear({}, brought.body, brought.headers)
    assert heard == Heard(address=NUMBERS[0], text="STOP", platform_id=heard.platform_id)
    with pytest.raises(ValueError, match="right signature"):
        gateway.hear({}, brought.body.replace(b"STOP", b"GO"), brought.headers)


@pytest.mark.parametrize(
    "wrong",
    [{"platform": "facebook"}, {"url": "http://198.51.100.7/"}, {"text": None}, {"from": 7}],
    ids=range(4),
)
def test_a_text_to_us_that_cannot_be_brought_is_told(sandbox, wrong):
    order = {"platform": "sinch", "from": NUMBERS[0], "text": "STOP", "url": "http://127.0.0.1:9/"} | wrong
    answer = sandbox.post("/_sandbox/inbound", json=order)
    assert (answer.status_code, bool(answer.json()["error"])) == (400, True)


def test_the_wall_shows_a_batch_of_sinch(sandbox):
    sandbox.text("+447700900123", "Sent by Kannel")
    batch(sandbox, body="Sent by Sinch", **{"from": "Fleetwood"})
    wall = sandbox.get("/").text
    assert "Sent by Sinch" in wall
    assert "Sent by Kannel" not in wall
    assert "Fleetwood" in wall
    assert "4 texts accepted" in wall
