"""The stand-in for GOV.UK Notify against Notify's own specification, and our channel against the stand-in."""

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from broadcaster.domain.errors import NotConfigured, OutcomeUnknown, Refused, SendError
from broadcaster.domain.post import Post
from channels.base import Account, Parcel, Receipt, Secret
from channels.gateways.notify import Notify
from channels.gateways.wire import Wire
from channels.http import Timeouts
from channels.incoming import ReceiptState
from channels.sandbox.notify_token import token_problem
from channels.sms import AskableSms
from tests.contract.callbacks import Callbacks
from tests.contract.sandbox_process import contract, eventually
from tests.contract.sms_suite import FAULTS_OF_A_GATEWAY
from tests.mass import send_many

NUMBER = "+447700900123"
NOW = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)


def token(key, *, iat=None, secret=None, service=None, alg="HS256"):
    """Made here by hand, so that stand-in and channel are not merely of one mind."""
    claims = {"iss": service or key[-73:-37], "iat": int(time.time()) if iat is None else iat}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"typ": "JWT", "alg": alg}, claims)
    ]
    mark = hmac.new((secret or key[-36:]).encode(), b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, base64.urlsafe_b64encode(mark).rstrip(b"=")]).decode()


def send(sandbox, *, bearer=None, **changes):
    notify = sandbox.accounts["notify"]
    body = {
        "phone_number": NUMBER,
        "template_id": notify["template_id"],
        "personalisation": {"message": "Leave now."},
        "reference": "key-1",
        **changes,
    }
    body = {name: value for name, value in body.items() if value is not None}
    headers = {"Authorization": f"Bearer {bearer or token(notify['api_key'])}"}
    return sandbox.post("/v2/notifications/sms", json=body, headers=headers)


def ask(sandbox, **query):
    headers = {"Authorization": f"Bearer {token(sandbox.accounts['notify']['api_key'])}"}
    return sandbox.get("/v2/notifications", params=query, headers=headers)


def channel_of(sandbox, read_s=5.0):
    notify = sandbox.accounts["notify"]
    account = Account(
        name="notify",
        channel="sms",
        mode="live",
        options={
            "gateway": "notify",
            "base_url": sandbox.url,
            "service_id": notify["service_id"],
            "template_id": notify["template_id"],
        },
        secrets={name: Secret(notify[name]) for name in ("api_key", "callback_token")},
        allowed_hosts=frozenset({"127.0.0.1"}),
    )
    timeouts = Timeouts(connect_s=5, read_s=read_s)
    return AskableSms(account, wire=Wire(timeouts=timeouts), gateway=Notify, timeouts=timeouts)


@pytest.fixture
def channel(sandbox):
    channel = channel_of(sandbox)
    yield channel
    channel.close()


def post(text="Leave now."):
    return Post(channel="sms", account="notify", title="Flood", text=text)


def attempt(channel, text="Leave now.", key="key-1", address=NUMBER):
    return send_many(channel, post(text), [Parcel(key=key, address=address)])[0]


def shape(name):
    return contract("govuk-notify/schema.json")["components"]["schemas"][name]["properties"]


def test_a_text_is_taken_as_the_specification_has_it(sandbox):
    answer = send(sandbox)
    assert answer.status_code == 201
    assert answer.json().keys() == shape("SendTextMessageResponse").keys()
    assert answer.json()["content"]["body"] == "Leave now."
    row = sandbox.ledger(platform="notify")[0]
    assert (row["accepted"], row["recipient"], row["text"], row["key"]) == (1, NUMBER, "Leave now.", "key-1")
    assert row["platform_id"] == answer.json()["id"]
    assert sandbox.summary("sms")["requests"] == 0


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"phone_number": None}, "ValidationError", "phone_number is a required property"),
        ({"template_id": None}, "ValidationError", "template_id is a required property"),
        ({"phone_number": "+44770x"}, "ValidationError", "phone_number Must not contain letters or symbols"),
        ({"phone_number": "12"}, "ValidationError", "phone_number Not enough digits"),
        ({"template_id": "other"}, "BadRequestError", "Template not found"),
        ({"personalisation": {}}, "BadRequestError", "Missing personalisation: message"),
        ({"sms_sender_id": "x"}, "BadRequestError", "does not exist in database for service id"),
        ({"personalisation": {"message": "a" * 919}}, "ValidationError", "longer than 918 characters"),
    ],
)
def test_what_notify_would_not_take_is_refused_in_its_words(sandbox, changes, error, words):
    answer = send(sandbox, **changes)
    assert (answer.status_code, answer.json()["status_code"]) == (400, 400)
    assert answer.json()["errors"][0]["error"] == error
    assert words in answer.json()["errors"][0]["message"]
    assert sandbox.summary("notify")["accepted"] == 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"iat": 0}, "within 30 seconds"),
        ({"secret": "x" * 36}, "API key not found"),
        ({"service": "x"}, "service not found"),
        ({"alg": "none"}, "API key not found"),
    ],
)
def test_a_wrong_token_is_refused(sandbox, given, words):
    answer = send(sandbox, bearer=token(sandbox.accounts["notify"]["api_key"], **given))
    assert (answer.status_code, answer.json()["errors"][0]["error"]) == (403, "AuthError")
    assert words in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("given", ["nonsense", "a.b.c", "..", "", "é.é.é", "e30.e30.e30"])
def test_what_is_no_token_is_refused(given):
    key = "n-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0"
    assert token_problem(f"Bearer {given}", key, now=NOW)
    assert token_problem(given, key, now=NOW)


def test_one_half_minute_is_the_border_of_the_clock():
    key = "n-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0"
    for off_s, good in [(-31, False), (-30, True), (30, True), (31, False)]:
        authorization = f"Bearer {token(key, iat=int(NOW.timestamp()) + off_s)}"
        assert (token_problem(authorization, key, now=NOW) == "") is good


def test_a_text_is_found_by_its_reference_and_no_other(sandbox):
    id_ = send(sandbox).json()["id"]
    send(sandbox, reference="key-2")
    found = ask(sandbox, reference="key-1").json()
    assert [one["id"] for one in found["notifications"]] == [id_]
    required = {"id", "reference", "phone_number", "body", "status", "type", "template", "created_at"}
    assert required <= found["notifications"][0].keys()
    assert ask(sandbox, reference="key-3").json()["notifications"] == []
    assert len(ask(sandbox).json()["notifications"]) == 2


def test_a_lag_hides_what_is_young(sandbox):
    send(sandbox)
    sandbox.fault(platform="notify", kind="readback_lag", seconds=60)
    assert ask(sandbox, reference="key-1").json()["notifications"] == []


def test_our_channel_is_understood_and_finds_what_it_sent(sandbox, channel):
    receipt = attempt(channel, "Afon Ŵyre € [A6]\nLeave now.")
    row = sandbox.ledger(platform="notify")[0]
    assert receipt == Receipt(platform_id=row["platform_id"])
    assert (row["text"], row["key"]) == ("Afon Ŵyre € [A6]\nLeave now.", "key-1")
    assert channel.find(post(), "key-1", NOW) == receipt
    assert channel.find(post(), "key-2", NOW) is None


@pytest.mark.parametrize(
    ("approved", "arrived"),
    [
        ("Don\u2019t go \u2014 stay\u2026", "Don't go - stay..."),
        ("  River , road\n\n\n\nGo  now\u00a0. ", "River, road\n\nGo now ."),
        ("All \U0001f468\u200d\U0001f469", "All \U0001f468\U0001f469"),
    ],
)
def test_what_notify_changes_stands_changed_in_the_ledger_and_our_check_refuses_it(
    sandbox, channel, approved, arrived
):
    receipt = attempt(channel, approved)
    row = sandbox.ledger(platform="notify")[0]
    assert (row["text"], row["platform_id"]) == (arrived, receipt.platform_id)
    assert ask(sandbox, reference="key-1").json()["notifications"][0]["body"] == arrived
    assert [problem.code for problem in channel.check(post(approved))] == ["would_be_changed"]


def test_emoji_and_every_script_arrive(sandbox, channel):
    text = "Storm \U0001f32a\ufe0f Afon \u0174yre, \u0141\u00f3d\u017a, \u0627\u0644"
    attempt(channel, text)
    assert sandbox.ledger(platform="notify")[0]["text"] == text
    assert channel.check(post(text)) == []


def test_the_length_is_that_of_the_text_as_it_is_sent(sandbox):
    assert send(sandbox, personalisation={"message": "a" * 918 + " " * 9}).status_code == 201


@pytest.mark.parametrize(("kind", "outcome"), FAULTS_OF_A_GATEWAY)
def test_each_fault_has_its_outcome_and_the_question_tells_the_truth(sandbox, channel, kind, outcome):
    sandbox.fault(platform="notify", kind=kind, count=1)
    assert type(attempt(channel)) is outcome
    accepted = sandbox.summary("notify")["accepted"]
    assert accepted == int(kind.startswith(("accept", "broken")))
    assert (channel.find(post(), "key-1", NOW) is not None) == bool(accepted)


@pytest.mark.parametrize(("kind", "accepted"), [("silence", 0), ("accept_then_silence", 1)])
def test_after_silence_the_question_tells_the_truth(sandbox, kind, accepted):
    sandbox.fault(platform="notify", kind=kind, count=1)
    impatient = channel_of(sandbox, read_s=1)
    error = attempt(impatient)
    assert (type(error), error.code) == (OutcomeUnknown, "read_timeout")
    impatient.close()
    assert (channel_of(sandbox).find(post(), "key-1", NOW) is not None) == bool(accepted)


def test_reading_that_fails_proves_nothing(sandbox, channel):
    attempt(channel)
    sandbox.fault(platform="notify", kind="readback_500", count=1)
    with pytest.raises(SendError):
        channel.find(post(), "key-1", NOW)
    assert channel.find(post(), "key-1", NOW) is not None


def test_one_recipient_is_refused_and_another_is_not(sandbox, channel):
    sandbox.fault(platform="notify", kind="refuse_recipient", recipient=NUMBER)
    error = attempt(channel)
    assert (type(error), error.code) == (Refused, "number_invalid")
    assert isinstance(attempt(channel, address="+447700900124"), Receipt)


@pytest.mark.parametrize("kind", ["duplicate_refusal", "readback_lookalike"])
def test_a_fault_that_notify_cannot_have_is_not_taken(sandbox, kind):
    answer = sandbox.post("/_sandbox/faults", json={"platform": "notify", "kind": kind})
    assert answer.status_code == 400
    assert kind in answer.text


@pytest.mark.parametrize(
    ("settings", "state"),
    [({}, ReceiptState.DELIVERED), ({"undelivered": [NUMBER]}, ReceiptState.UNDELIVERED)],
)
def test_the_callback_is_the_documented_one_and_our_channel_reads_it(sandbox, channel, settings, state):
    with Callbacks() as callbacks:
        sandbox.set(notify_callback_url=f"{callbacks.url}/hooks", **settings)
        callbacks.refusals = 1
        attempt(channel)
        assert eventually(lambda: len(callbacks.arrived) == 2)  # a refused one comes again
    arrived = callbacks.arrived[1]
    assert arrived.path == "/hooks"
    assert json.loads(arrived.body).keys() == shape("SmsCallbackRequest").keys()
    receipt = channel.read_receipt({}, arrived.body, arrived.headers)
    assert (receipt.key, receipt.state) == ("key-1", state)
    with pytest.raises(ValueError, match="without our token"):
        channel.read_receipt({}, arrived.body, {**arrived.headers, "Authorization": "Bearer other"})


@pytest.mark.parametrize("url", ["http://198.51.100.7/hooks", "ftp://127.0.0.1/", "127.0.0.1", 5])
def test_callbacks_go_nowhere_but_to_this_machine(sandbox, url):
    assert sandbox.post("/_sandbox/settings", json={"notify_callback_url": url}).status_code == 400


def test_the_wall_shows_a_text_of_notify(sandbox):
    send(sandbox, personalisation={"message": "Sent by Notify"})
    wall = sandbox.get("/").text
    assert "Sent by Notify" in wall
    assert "GOVUK" in wall
    assert "1 text accepted" in wall


def test_an_expired_clock_is_told_as_such(sandbox):
    late = channel_of(sandbox)
    late._gateway._now = lambda: datetime.now(UTC) - timedelta(seconds=90)
    error = attempt(late)
    late.close()
    assert (type(error), error.code) == (NotConfigured, "clock_wrong")
