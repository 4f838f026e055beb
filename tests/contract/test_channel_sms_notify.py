"""What is the SMS channel's own with GOV.UK Notify; the rest is in channel_suite."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qsl

import pytest

from broadcaster.domain.errors import Invalid, NotConfigured, NotSent, OutcomeUnknown, Refused
from broadcaster.domain.post import Post
from channels.base import AfterUnknown, Channel, Finds, Receipt, Secret
from channels.gateways.notify import Notify
from channels.gateways.notify_token import ApiKey, signed
from channels.incoming import ReadsReceipts
from channels.sms import AskableSms, Sms
from tests.contract.channel_suite import (
    ADDRESS,
    GARBAGE,
    IMPATIENT,
    KEY,
    PATIENT,
    Case,
    Table,
    all_that_is_said,
    attempt,
)
from tests.contract.on_notify import (
    API_KEY,
    ID,
    NOW,
    SECRET,
    SENDER,
    SERVICE,
    TEMPLATE,
    TOKEN,
    account,
    build,
)
from tests.contract.platform_server import Answer, Fault
from tests.contract.sandbox_process import contract
from tests.contract.sms_suite import SmsSuite


def post(text="Flood warning for the River Wyre. Move to upper floors now. Ref 7F3K2M", **facts):
    return Post(channel="sms", account="wyre-notify", title="Flood warning", text=text, facts=facts)


def refused(status, error, message):
    return Answer(
        status=status, body={"errors": [{"error": error, "message": message}], "status_code": status}
    )


def case(code, outcome, status, error, message, retry_after_s=None):
    return Case(
        name=message,
        answer=refused(status, error, message),
        outcome=outcome,
        code=code,
        retry_after_s=retry_after_s,
    )


class Unreadable(Notify):
    """Trips over an answer that nobody foresaw."""

    def found(self, answer, key):
        return int("no number")


def decoded(token):
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


class TestNotify(SmsSuite):
    account = account()
    table = Table(
        build=build,
        post=post(),
        too_long=post("a" * (6 * 153 + 1)),
        accepted=Answer(status=201, body={"id": ID, "reference": KEY, "scheduled_for": None}),
        receipt=Receipt(platform_id=ID),
        canaries=[API_KEY, SECRET, TOKEN, ApiKey.read(API_KEY, account="a").token(NOW)],
        key_of=lambda call: json.loads(call.body)["reference"],
        statuses={404: NotConfigured, 405: NotConfigured, 503: OutcomeUnknown},
        cases=[
            case(
                "clock_wrong",
                NotConfigured,
                403,
                "AuthError",
                "Error: Your system clock must be accurate to within 30 seconds",
            ),
            case("credentials_refused", NotConfigured, 403, "AuthError", "Invalid token: API key not found"),
            case("credentials_refused", NotConfigured, 403, "AuthError", "Invalid token: service not found"),
            case(
                "rate_limited",
                NotSent,
                429,
                "RateLimitError",
                "Exceeded rate limit for key type TEAM/TEST/LIVE of 3000 requests per 60 seconds",
            ),
            case(
                "daily_limit",
                NotSent,
                429,
                "TooManyRequestsError",
                "Exceeded send limits (LIMIT NUMBER) for today",
                300.0,
            ),
            case("platform_error", OutcomeUnknown, 500, "Exception", "Internal server error"),
            case(
                "trial_mode",
                NotConfigured,
                400,
                "BadRequestError",
                "Can't send to this recipient when service is in trial mode - see https://www.notifications.service.gov.uk/trial-mode",
            ),
            case(
                "team_key",
                NotConfigured,
                400,
                "BadRequestError",
                "Can't send to this recipient using a team-only API key",
            ),
            case("wrong_template", NotConfigured, 400, "BadRequestError", "Template not found"),
            case("wrong_template", NotConfigured, 400, "ValidationError", "template_id is not a valid UUID"),
            case("wrong_template", NotConfigured, 400, "BadRequestError", "Missing personalisation: name"),
            case(
                "sms_not_allowed",
                NotConfigured,
                400,
                "BadRequestError",
                "Service is not allowed to send text messages",
            ),
            case(
                "wrong_sender",
                NotConfigured,
                400,
                "BadRequestError",
                f"sms_sender_id {SENDER} does not exist in database for service id {SERVICE}",
            ),
            case("number_invalid", Refused, 400, "ValidationError", "phone_number Not a UK mobile number"),
            case(
                "number_invalid",
                Refused,
                400,
                "ValidationError",
                "phone_number Must not contain letters or symbols",
            ),
            case(
                "number_abroad",
                Refused,
                400,
                "BadRequestError",
                "Cannot send to international mobile numbers",
            ),
            case(
                "too_long",
                Refused,
                400,
                "ValidationError",
                "Text messages cannot be longer than 918 characters. Your message is 919 characters",
            ),
            case("refused", Refused, 400, "BadRequestError", "Something nobody has documented"),
            Case(
                name="200 with an id",
                answer=Answer(status=200, body={"id": ID}),
                outcome=OutcomeUnknown,
                code="unexpected_answer",
            ),
            Case(
                name="500 as the specification has it, a bare list",
                answer=Answer(status=500, body=[{"error": "Exception", "message": "Internal server error"}]),
                outcome=OutcomeUnknown,
                code="platform_error",
            ),
        ],
    )

    def test_the_request_is_what_notify_documents(self, platform):
        channel = build(platform.url, PATIENT, None, sms_sender_id=SENDER)
        platform.answer = self.table.accepted
        attempt(channel, post("Flood €"))
        channel.close()
        call = platform.calls[0]
        assert (call.method, call.path) == ("POST", "/v2/notifications/sms")
        assert call.headers["Content-Type"] == "application/json"
        assert json.loads(call.body) == {
            "phone_number": ADDRESS,
            "template_id": TEMPLATE,
            "personalisation": {"message": "Flood €"},
            "reference": KEY,
            "sms_sender_id": SENDER,
        }

    def test_what_goes_over_the_wire_is_what_notifys_own_schema_says(self, platform):
        schemas = contract("govuk-notify/schema.json")["components"]["schemas"]
        channel = build(platform.url, PATIENT, None, sms_sender_id=SENDER)
        platform.answer = self.table.accepted
        attempt(channel, self.table.post)
        channel.close()
        asked, said = json.loads(platform.calls[0].body), self.table.accepted.body
        kinds = {"string": str, "object": dict}
        for body, name in ((asked, "SendTextMessageRequest"), (said, "SendTextMessageResponse")):
            schema = schemas[name]
            assert set(schema.get("required", ())) <= body.keys() <= schema["properties"].keys()
            for field, value in body.items():
                known = schema["properties"][field]
                assert value is None if known.get("nullable") else isinstance(value, kinds[known["type"]])
        assert 7 <= len(asked["phone_number"]) <= 15

    def test_the_question_uses_only_what_notify_documents_for_it(self, platform, channel):
        documented = contract("govuk-notify/GET_data_for_messages.json")["get"]["parameters"]
        known = {each["name"]: each["schema"].get("enum") for each in documented}
        platform.answer = Answer(status=200, body={"notifications": []})
        channel.find(self.table.post, KEY, NOW)
        path, _, query = platform.calls[0].path.partition("?")
        assert path == "/v2/notifications"
        for name, value in parse_qsl(query, strict_parsing=True):
            assert known[name] is None or value in known[name]

    def test_the_token_says_service_and_time_and_is_signed_with_the_secret(self, platform, channel):
        platform.answer = self.table.accepted
        attempt(channel, self.table.post)
        scheme, token = platform.calls[0].headers["Authorization"].split(" ")
        header, claims = decoded(token)
        assert (scheme, header["alg"]) == ("Bearer", "HS256")
        assert claims == {"iss": SERVICE, "iat": int(NOW.timestamp())}
        head, body = (base64.urlsafe_b64decode(part + "==") for part in token.split(".")[:2])
        assert signed(head, body, SECRET.encode()) == token

    def test_every_documented_refusal_of_a_text_is_understood(self, platform, channel):
        """None may fall through to the bare status."""
        answers = contract("govuk-notify/POST_notification_sms.json")["post"]["responses"]["400"]
        examples = answers["content"]["application/json"]["examples"]
        for name, example in examples.items():
            platform.answer = Answer(status=400, body=example["value"])
            assert attempt(channel, self.table.post).code != "refused", name

    def test_a_reference_that_notify_has_is_found(self, platform, channel):
        platform.answer = Answer(status=200, body={"notifications": [{"id": ID, "reference": KEY}]})
        assert channel.find(self.table.post, KEY, NOW) == Receipt(platform_id=ID)
        call = platform.calls[0]
        assert (call.method, call.path) == ("GET", f"/v2/notifications?template_type=sms&reference={KEY}")
        assert decoded(call.headers["Authorization"].split(" ")[1])[1]["iss"] == SERVICE

    def test_a_reference_that_notify_does_not_have_is_not_found(self, platform, channel):
        platform.answer = Answer(status=200, body={"notifications": [], "links": {"current": "x"}})
        assert channel.find(self.table.post, KEY, NOW) is None

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            b"null",
            {},
            {"notifications": None},
            {"notifications": ["x"]},
            {"notifications": [{"id": ID, "reference": "another"}]},
        ],
    )
    def test_an_answer_that_does_not_speak_of_our_reference_proves_nothing(self, platform, channel, body):
        platform.answer = Answer(status=200, body=body)
        with pytest.raises(OutcomeUnknown):
            channel.find(self.table.post, KEY, NOW)

    @pytest.mark.parametrize(
        ("answered", "outcome"), [(403, NotConfigured), (429, NotSent), (500, OutcomeUnknown), (404, Refused)]
    )
    def test_a_question_that_is_refused_proves_nothing(self, platform, channel, answered, outcome):
        platform.answer = Answer(status=answered, body=f"{API_KEY} {ADDRESS}".encode())
        with pytest.raises(outcome) as caught:
            channel.find(self.table.post, KEY, NOW)
        assert SECRET not in all_that_is_said(caught.value)

    @pytest.mark.parametrize("fault", [Fault.RESET, Fault.HANG])
    def test_a_question_that_is_not_answered_proves_nothing_and_is_asked_once(
        self, platform, impatient, fault
    ):
        platform.answer = Answer(fault=fault)
        with pytest.raises(OutcomeUnknown):
            impatient.find(self.table.post, KEY, NOW)
        assert len(platform.calls) == 1

    @pytest.mark.parametrize("garbage", [*GARBAGE, b"[" * 100_000, b"1" * 5_000])
    def test_an_answer_that_cannot_be_read_proves_nothing(self, platform, channel, garbage):
        platform.answer = Answer(status=200, body=garbage)
        with pytest.raises(OutcomeUnknown):
            channel.find(self.table.post, KEY, NOW)

    def test_an_answer_to_a_question_that_trickles_in_for_ever_is_ended_and_proves_nothing(self, platform):
        channel = build(platform.url, replace(PATIENT, total_s=0.5), None)
        platform.answer = Answer(fault=Fault.TRICKLE)
        with pytest.raises(OutcomeUnknown) as caught:
            channel.find(self.table.post, KEY, NOW)
        assert caught.value.code == "read_timeout"

    def test_a_fault_while_reading_the_answer_proves_nothing(self, platform):
        channel = AskableSms(account(platform.url), gateway=Unreadable, timeouts=PATIENT)
        platform.answer = Answer(status=200, body={"notifications": []})
        with pytest.raises(OutcomeUnknown) as caught:
            channel.find(self.table.post, KEY, NOW)
        assert isinstance(caught.value.__cause__, ValueError)

    def test_a_question_outside_the_fence_is_not_asked(self, platform):
        channel = build(platform.url, IMPATIENT, frozenset({"alerts.example"}))
        with pytest.raises(NotConfigured, match="outside of what"):
            channel.find(self.table.post, KEY, NOW)
        assert platform.calls == []


def test_the_signature_is_that_of_the_standards_own_example():
    """RFC 7515, appendix A.1: the only test here whose expected value nobody in this project made."""
    key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
    header = b'{"typ":"JWT",\r\n "alg":"HS256"}'
    claims = b'{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}'
    token = signed(header, claims, base64.urlsafe_b64decode(key + "=="))
    assert token.endswith(".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")


def test_such_an_account_is_asked_after_an_unknown_outcome():
    channel = Sms.from_account(account())
    assert channel.after_unknown is AfterUnknown.QUERYABLE
    assert isinstance(channel, Finds)
    assert isinstance(channel, ReadsReceipts)
    assert isinstance(channel, Channel)
    assert channel.target == f"GOV.UK Notify service {SERVICE}, its default sender"


@pytest.mark.parametrize(
    "key", ["canary", f"{SERVICE}{SECRET}", f"name-{SERVICE}", API_KEY[:-1], API_KEY + "x"]
)
def test_what_is_no_api_key_is_refused_and_not_quoted(key):
    with pytest.raises(Invalid) as caught:
        Sms.from_account(account(secrets={"api_key": Secret(key)}))
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    "wrong", [{"template_id": "mine"}, {"template_id": ""}, {"sms_sender_id": "WyreCouncil"}]
)
def test_an_id_that_is_none_is_refused(wrong):
    with pytest.raises(Invalid):
        Sms.from_account(account(**wrong))


def test_a_key_does_not_show_itself():
    gateway = Notify(account(), now=lambda: NOW + timedelta(0))
    assert SECRET not in repr(vars(gateway)["_key"])
