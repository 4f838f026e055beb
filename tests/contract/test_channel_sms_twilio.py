"""What is the SMS channel's own with Twilio; the rest is in channel_suite."""

import base64
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, urlencode

import pytest

from broadcaster.domain.errors import Invalid, NotConfigured, NotSent, OutcomeUnknown, Refused
from broadcaster.domain.post import Post
from channels.base import Account, AfterUnknown, Channel, Finds, Receipt, Secret
from channels.gateways.twilio import Twilio
from channels.gateways.twilio_signature import is_genuine, signature
from channels.gateways.wire import TOTAL_TIMEOUT_S, Wire
from channels.incoming import ReadsReceipts, ReceiptState
from channels.sms import AskableSms, Sms
from tests.contract.channel_suite import ADDRESS, KEY, PATIENT, Case, Table, attempt, payload
from tests.contract.platform_server import Answer
from tests.contract.sandbox_process import contract
from tests.contract.sms_suite import SmsSuite

SID, API_KEY, SERVICE = "AC" + "a1" * 16, "SK" + "b2" * 16, "MG" + "c3" * 16
MESSAGE = "SM" + "d4" * 16
SECRET, AUTH_TOKEN = "canary-key-secret", "canary-auth-token"
LOGIN = base64.b64encode(f"{API_KEY}:{SECRET}".encode()).decode()
HOOK = "https://alerts.example/hooks/live/wyre/receipt"
NOW = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
SAVED = payload("twilio_signature_vectors.json")
PATH = f"/2010-04-01/Accounts/{SID}/Messages.json"


def account(url="https://api.twilio.com", allowed_hosts=None, secrets=None, **options):
    shown = {"gateway": "twilio", "base_url": url, "account_sid": SID, "api_key": API_KEY}
    shown |= {"sender": "WyreCouncil", "receipt_url": HOOK}
    return Account(
        name="wyre",
        channel="sms",
        mode="live",
        options=shown | options,
        secrets={"api_key_secret": Secret(SECRET), "auth_token": Secret(AUTH_TOKEN)} | (secrets or {}),
        allowed_hosts=allowed_hosts,
    )


def build(url, timeouts, hosts, total_s=TOTAL_TIMEOUT_S, **options):
    wire = Wire(timeouts=timeouts, total_s=total_s)
    return Sms(account(url, hosts, **options), wire=wire, gateway=lambda a: Twilio(a, now=lambda: NOW))


def post(text="Flood warning for the River Wyre. Move to upper floors now. Ref 7F3K2M", **facts):
    return Post(channel="sms", account="wyre", title="Flood warning", text=text, facts=facts)


def refused(code, status=400, **headers):
    body = {
        "code": code,
        "message": "...",
        "more_info": "https://www.twilio.com/docs/errors",
        "status": status,
    }
    return Answer(status=status, body=body, headers=headers)


def case(number, outcome, code, status=400):
    return Case(name=str(number), answer=refused(number, status), outcome=outcome, code=code)


def key_of(call):
    address = parse_qs(call.body.decode())["StatusCallback"][0]
    return address.partition("key=")[2]


class TestTwilio(SmsSuite):
    account = account()
    table = Table(
        build=build,
        post=post(),
        too_long=post("a" * (6 * 153 + 1)),
        accepted=Answer(status=201, body={"sid": MESSAGE, "status": "queued", "error_code": None}),
        receipt=Receipt(platform_id=MESSAGE),
        canaries=[SECRET, AUTH_TOKEN, LOGIN],
        key_of=key_of,
        statuses={404: NotConfigured, 405: NotConfigured, 503: OutcomeUnknown},
        cases=[
            case(20003, NotConfigured, "credentials_refused", 401),
            case(20005, NotConfigured, "account_suspended"),
            case(20404, NotConfigured, "wrong_address", 404),
            case(20429, NotSent, "rate_limited", 429),
            case(20500, OutcomeUnknown, "platform_error", 500),
            case(20503, OutcomeUnknown, "platform_error", 503),
            case(21211, Refused, "number_invalid"),
            case(21408, Refused, "country_not_allowed"),
            case(21606, NotConfigured, "wrong_sender"),
            case(21608, NotConfigured, "trial_mode"),
            case(21609, NotConfigured, "wrong_receipt_url"),
            case(21610, Refused, "opted_out"),
            case(21611, NotSent, "queue_full"),
            case(21612, Refused, "number_unreachable"),
            case(21614, Refused, "number_not_mobile"),
            case(21617, Refused, "too_long"),
            case(21703, NotConfigured, "wrong_sender", 404),
            case(30001, NotSent, "queue_full"),
            case(30002, NotConfigured, "account_suspended"),
            case(30003, Refused, "number_unreachable"),
            case(30004, Refused, "blocked"),
            case(30006, Refused, "number_not_mobile"),
            case(30007, Refused, "filtered"),
            case(99999, Refused, "refused"),
            Case(name="a code that is text", answer=refused("21610"), outcome=Refused, code="refused"),
            Case(name="a code that is a list", answer=refused([21610]), outcome=Refused, code="refused"),
            Case(
                name="busy, with a time",
                answer=refused(20429, 429, **{"Retry-After": "7"}),
                outcome=NotSent,
                code="rate_limited",
                retry_after_s=7.0,
            ),
            Case(
                name="the day is full",
                answer=refused(63038, 429),
                outcome=NotSent,
                code="daily_limit",
                retry_after_s=300.0,
            ),
            Case(
                name="a code that says refused, with a server's error",
                answer=refused(21211, 500),
                outcome=OutcomeUnknown,
                code="platform_error",
            ),
            Case(
                name="201 that failed at once",
                answer=Answer(status=201, body={"sid": MESSAGE, "status": "failed", "error_code": 30007}),
                outcome=Refused,
                code="filtered",
            ),
            Case(
                name="201 that failed for an unknown reason",
                answer=Answer(status=201, body={"sid": MESSAGE, "status": "failed", "error_code": None}),
                outcome=Refused,
                code="failed",
            ),
            Case(
                name="200 with an id",
                answer=Answer(status=200, body={"sid": MESSAGE, "status": "queued"}),
                outcome=OutcomeUnknown,
                code="unexpected_answer",
            ),
        ],
    )

    def test_the_request_is_what_twilio_documents(self, platform, channel):
        platform.answer = self.table.accepted
        attempt(
            channel, post("Flood € & wind", expires=(NOW + timedelta(minutes=90, seconds=0.9)).isoformat())
        )
        call = platform.calls[0]
        assert (call.method, call.path) == ("POST", PATH)
        assert call.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert call.headers["Authorization"] == f"Basic {LOGIN}"
        sent = dict(parse_qsl(call.body.decode(), strict_parsing=True))
        assert sent == {
            "To": ADDRESS,
            "From": "WyreCouncil",
            "Body": "Flood € & wind",
            "SmartEncoded": "false",
            "ValidityPeriod": "5400",
            "StatusCallback": f"{HOOK}?key={KEY}",
        }
        form = contract("twilio/twilio_api_v2010.messages.json")["paths"][
            "/2010-04-01/Accounts/{AccountSid}/Messages.json"
        ]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
        assert sent.keys() <= form["properties"].keys()

    def test_the_answer_that_the_table_calls_accepted_is_one_of_twilios_schema(self):
        message = contract("twilio/twilio_api_v2010.messages.json")["components"]["schemas"]
        fields = message["api.v2010.account.message"]["properties"]
        said = self.table.accepted.body
        assert said.keys() <= fields.keys()
        assert re.fullmatch(fields["sid"]["pattern"], said["sid"])
        assert said["status"] in message["message_enum_status"]["enum"]
        assert fields["error_code"]["type"] == "integer"

    def test_the_documented_answer_is_taken(self, platform, channel):
        answers = contract("twilio/twilio_api_v2010.messages.json")["paths"][
            "/2010-04-01/Accounts/{AccountSid}/Messages.json"
        ]["post"]["responses"]["201"]["content"]["application/json"]["examples"]
        for name, example in answers.items():
            platform.answer = Answer(status=201, body=example["value"])
            assert attempt(channel, self.table.post) == Receipt(platform_id=example["value"]["sid"]), name

    @pytest.mark.parametrize(
        ("left", "validity"),
        [(timedelta(hours=30), "36000"), (timedelta(seconds=0.5), "1"), (timedelta(seconds=-5), "1")],
    )
    def test_the_validity_stays_within_twilios_bounds(self, platform, channel, left, validity):
        platform.answer = self.table.accepted
        attempt(channel, post(expires=(NOW + left).isoformat()))
        assert parse_qs(platform.calls[0].body.decode())["ValidityPeriod"] == [validity]

    def test_a_messaging_service_speaks_instead_of_a_sender(self, platform):
        channel = build(platform.url, PATIENT, None, sender="", messaging_service_sid=SERVICE)
        platform.answer = self.table.accepted
        assert attempt(channel, self.table.post) == Receipt(platform_id=MESSAGE)
        channel.close()
        sent = parse_qs(platform.calls[0].body.decode())
        assert sent["MessagingServiceSid"] == [SERVICE]
        assert "From" not in sent
        assert channel.target == f"Messaging Service {SERVICE}"

    @pytest.mark.parametrize("name", ["create", "createWoService", "createWithMessagingService"])
    def test_the_published_answers_are_taken(self, platform, channel, name):
        operation = contract("twilio/twilio_api_v2010.messages.json")["paths"][
            "/2010-04-01/Accounts/{AccountSid}/Messages.json"
        ]["post"]
        example = operation["responses"]["201"]["content"]["application/json"]["examples"][name]["value"]
        platform.answer = Answer(status=201, body=example)
        assert attempt(channel, self.table.post) == Receipt(platform_id=example["sid"])

    def test_without_an_address_for_receipts_none_is_asked_for(self, platform):
        channel = build(platform.url, PATIENT, None, receipt_url="")
        platform.answer = self.table.accepted
        attempt(channel, self.table.post)
        channel.close()
        assert b"StatusCallback" not in platform.calls[0].body


def fields_of(vector):
    if "params_ref" in vector:
        vector = SAVED["vectors"][vector["params_ref"]]
    return [tuple(pair) for pair in vector.get("params_list", ())] or list(vector.get("params", {}).items())


@pytest.mark.parametrize("vector", SAVED["vectors"], ids=lambda vector: vector["name"])
def test_the_published_signatures_are_genuine_and_changed_ones_are_not(vector):
    token, fields, given = SAVED["auth_token"], fields_of(vector), vector["signature"]
    assert is_genuine(given, token, vector["url"], fields)
    assert not is_genuine(given, token + "6", vector["url"], fields)
    assert not is_genuine(given, token, vector["url"] + "&x=1", fields)
    assert not is_genuine(given, token, vector["url"], [*fields, ("Unknown", "field")])
    assert not is_genuine(given[:-2], token, vector["url"], fields)
    assert not is_genuine("", token, vector["url"], fields)


def test_a_signature_over_the_address_without_its_port_is_genuine_too():
    url = "https://alerts.example:8443/hooks?key=k"
    given = signature(AUTH_TOKEN, url.replace(":8443", ""), [("A", "b")])
    assert is_genuine(given, AUTH_TOKEN, url, [("A", "b")])


def callback(status="delivered", **more):
    fields = {
        "AccountSid": SID,
        "MessageSid": MESSAGE,
        "MessageStatus": status,
        "To": ADDRESS,
        "From": "Wyre",
    }
    return {name: value for name, value in (fields | more).items() if value is not None}


def read(fields, *, made=None, key=KEY, query=None, token=AUTH_TOKEN, url=HOOK, header="x-twilio-signature"):
    given = signature(token, f"{url}?key={key}", fields.items())
    channel = Sms.from_account(made or account())
    return channel.read_receipt(query or {"key": key}, urlencode(fields).encode(), {header: given})


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("accepted", ReceiptState.ACCEPTED),
        ("queued", ReceiptState.ACCEPTED),
        ("sending", ReceiptState.ACCEPTED),
        ("sent", ReceiptState.ACCEPTED),
        ("delivered", ReceiptState.DELIVERED),
        ("undelivered", ReceiptState.UNDELIVERED),
        ("failed", ReceiptState.UNDELIVERED),
        ("canceled", ReceiptState.UNDELIVERED),
    ],
)
def test_a_signed_callback_is_read(status, state):
    found = read(callback(status))
    assert (found.key, found.state, found.code) == (KEY, state, status)


def test_twilios_code_stands_beside_its_word():
    assert read(callback("undelivered", ErrorCode="30003")).code == "undelivered 30003"


def test_fields_that_nobody_has_documented_are_part_of_what_is_signed():
    assert (
        read(callback(RawDlrDoneDate="2611211800", Empty="", Umlaut="ŵ +&=")).state is ReceiptState.DELIVERED
    )


def test_the_name_of_a_header_may_be_in_any_case():
    assert read(callback(), header="X-Twilio-Signature").key == KEY


@pytest.mark.parametrize(
    "wrong",
    [
        {"token": "another"},
        {"url": "https://evil.example/hooks/live/wyre/receipt"},
        {"query": {"key": KEY[:-1] + "2"}},  # a genuine receipt, pointed at another delivery
        {"header": "x-signature"},
        {"made": account(receipt_url="", secrets={"auth_token": Secret("")})},
        {"made": account(receipt_url="")},
        {"query": {"key": "../x"}},
        {"query": {"status": "1"}},
    ],
    ids=range(8),
)
def test_a_callback_that_is_not_signed_for_this_delivery_is_refused(wrong):
    with pytest.raises(ValueError, match="Twilio receipt"):
        read(callback(), **wrong)


@pytest.mark.parametrize("status", ["received", "receiving", "elephant", "", None])
def test_a_signed_callback_that_is_no_receipt_is_a_value_error(status):
    with pytest.raises(ValueError, match="unknown status"):
        read(callback(status))


@pytest.mark.parametrize("body", [b"\xff", b"a=1&" * 200, b'{"a": 1}', b""])
def test_a_body_that_is_no_form_is_a_value_error(body):
    with pytest.raises(ValueError):
        Sms.from_account(account()).read_receipt({"key": KEY}, body, {"x-twilio-signature": "x"})


def test_nobody_can_be_asked_after_an_unknown_outcome():
    channel = Sms.from_account(account())
    assert channel.after_unknown is AfterUnknown.BLIND
    assert not isinstance(channel, AskableSms | Finds)
    assert isinstance(channel, ReadsReceipts)
    assert isinstance(channel, Channel)
    assert channel.target == "sender WyreCouncil"


@pytest.mark.parametrize(
    "wrong",
    [
        {"account_sid": "AC1"},
        {"account_sid": SID.replace("AC", "SK")},
        {"api_key": SID},
        {"sender": ""},
        {"messaging_service_sid": SERVICE},
        {"sender": "", "messaging_service_sid": "MG1"},
        {"sender": "TwelveLetter"},
        {"secrets": {"api_key_secret": Secret("")}},
        {"secrets": {"auth_token": Secret("")}},
        {"receipt_url": "ftp://alerts.example"},
        {"base_url": "http://api.twilio.com"},
    ],
    ids=range(11),
)
def test_an_account_that_cannot_work_is_refused(wrong):
    with pytest.raises(Invalid):
        Sms.from_account(account(**wrong) if "base_url" not in wrong else account(wrong["base_url"]))


def test_every_status_that_twilio_documents_is_read_or_is_of_another_kind_of_message():
    other = {"receiving", "received", "partially_delivered"}  # to us; of group messages
    documented = contract("twilio/twilio_api_v2010.messages.json")["components"]["schemas"]
    for status in set(documented["message_enum_status"]["enum"]) - other:
        assert read(callback(status)).code == status
