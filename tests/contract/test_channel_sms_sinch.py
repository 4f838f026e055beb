"""What is the SMS channel's own with Sinch; the rest is in channel_suite."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from broadcaster.domain.errors import Invalid, NotConfigured, NotSent, OutcomeUnknown, Refused
from broadcaster.domain.post import Post
from channels.base import Account, AfterUnknown, Channel, Finds, Parcel, Receipt, Secret
from channels.gateways import CanBeAsked, GatewayAnswer, TakesMany
from channels.gateways.sinch import Sinch
from channels.gateways.sinch_keys import mark
from channels.gateways.sinch_signature import signature
from channels.gateways.wire import TOTAL_TIMEOUT_S, Wire
from channels.incoming import Heard, Hears, ReadsReceipts, ReceiptState, Unreadable
from channels.sms import AskableSms, Sms
from tests.contract.channel_suite import ADDRESS, KEY, PATIENT, Case, Table, attempt
from tests.contract.platform_server import Answer
from tests.contract.sms_suite import SmsSuite
from tests.mass import send_many

PLAN, TOKEN, CALLBACK_SECRET = "jd63jf88477ll", "canary-api-token", "canary-callback-secret"
BATCH = "01FC66621XXXXX119Z8PMV1QPQ"
HOOK = "https://alerts.example/hooks/live/wyre/receipt"
NOW = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
DIGITS = ADDRESS[1:]


def account(url="https://eu.sms.api.sinch.com", allowed_hosts=None, secrets=None, **options):
    shown = {"gateway": "sinch", "base_url": url, "service_plan_id": PLAN}
    shown |= {"sender": "WyreCouncil", "receipt_url": HOOK}
    return Account(
        name="wyre",
        channel="sms",
        mode="live",
        options=shown | options,
        secrets={"api_token": Secret(TOKEN), "callback_secret": Secret(CALLBACK_SECRET)} | (secrets or {}),
        allowed_hosts=allowed_hosts,
    )


def gateway(**changes):
    return Sinch(account(**changes), now=lambda: NOW)


def build(url, timeouts, hosts, total_s=TOTAL_TIMEOUT_S, **options):
    wire = Wire(timeouts=timeouts, total_s=total_s)
    return Sms(account(url, hosts, **options), wire=wire, gateway=lambda a: Sinch(a, now=lambda: NOW))


def post(text="Flood warning for the River Wyre. Move to upper floors now. Ref 7F3K2M", **facts):
    return Post(channel="sms", account="wyre", title="Flood warning", text=text, facts=facts)


def refused(code, status=400, text="...", **headers):
    return Answer(status=status, body={"code": code, "text": text}, headers=headers)


def case(code, outcome, ours, status=400, name="", **more):
    return Case(
        name=name or f"{status} {code}", answer=refused(code, status, **more), outcome=outcome, code=ours
    )


def made(**changes):
    """As "Send a batch message" has it: numbers come back without a +."""
    body = {"id": BATCH, "to": [DIGITS], "from": "WyreCouncil", "body": "...", "canceled": "False", **changes}
    return Answer(status=201, body=body)


def mark_of(digits, batch=BATCH):
    return mark(TOKEN.encode(), batch, digits)


class TestSinch(SmsSuite):
    account = account()
    table = Table(
        build=build,
        post=post(),
        too_long=post("a" * (6 * 153 + 1)),
        accepted=made(),
        receipt=Receipt(platform_id=mark_of(DIGITS)),
        canaries=[TOKEN, CALLBACK_SECRET],
        key_of=lambda call: json.loads(call.body)["client_reference"],
        statuses={404: NotConfigured, 405: NotConfigured, 503: NotSent},
        cases=[
            case("syntax_invalid_json", Refused, "refused"),
            case("syntax_constraint_violation", Refused, "refused"),
            case("syntax_invalid_parameter_format", Refused, "number_invalid"),
            case("illegal_number_type", Refused, "number_invalid", 403),
            case("llegal_number_type", Refused, "number_invalid", 403),
            case("blocked_account", NotConfigured, "account_suspended", 403),
            case("missing_callback_url", NotConfigured, "wrong_receipt_url", 403),
            case("unknown_group", NotConfigured, "credentials_refused", 403),
            case("", NotConfigured, "credentials_refused", 401),
            case(
                ["blocked_account"], NotConfigured, "credentials_refused", 403, name="a code that is a list"
            ),
            case("blocked_account", Refused, "refused", 400, name="a code of another status"),
            case("illegal_number_type", OutcomeUnknown, "platform_error", 500),
            Case(
                name="busy, with a time",
                answer=Answer(status=429, headers={"Retry-After": "7"}),
                outcome=NotSent,
                code="rate_limited",
                retry_after_s=7.0,
            ),
            Case(
                name="unable to perform it, with a time",
                answer=Answer(status=503, headers={"Retry-After": "3"}),
                outcome=NotSent,
                code="busy",
                retry_after_s=3.0,
            ),
            Case(
                name="201 without an id",
                answer=made(id=None),
                outcome=OutcomeUnknown,
                code="unexpected_answer",
            ),
            Case(
                name="200 with an id",
                answer=Answer(status=200, body={"id": BATCH}),
                outcome=OutcomeUnknown,
                code="unexpected_answer",
            ),
            Case(
                name="201 that names another number",
                answer=made(to=["447700900999"]),
                outcome=OutcomeUnknown,
                code="not_named",
            ),
            Case(name="201 that names nobody", answer=made(to=[]), outcome=OutcomeUnknown, code="not_named"),
        ],
    )

    def test_the_request_is_what_sinch_documents(self, platform, channel):
        platform.answer = self.table.accepted
        attempt(channel, post("Flood € & ŵ", expires=(NOW + timedelta(minutes=90)).isoformat()))
        call = platform.calls[0]
        assert (call.method, call.path) == ("POST", f"/xms/v1/{PLAN}/batches")
        assert call.headers["Content-Type"] == "application/json"
        assert call.headers["Authorization"] == f"Bearer {TOKEN}"
        sent = json.loads(call.body)
        address = sent.pop("callback_url")
        assert address.startswith(f"{HOOK}?keys=")
        assert sent == {
            "type": "mt_text",
            "to": [ADDRESS],
            "from": "WyreCouncil",
            "body": "Flood € & ŵ",
            "truncate_concat": False,
            "max_number_of_message_parts": 8,
            "expire_at": "2026-11-21T19:30:00.000Z",
            "client_reference": KEY,
            "delivery_report": "per_recipient_final",
        }

    def test_many_go_in_batches_and_each_gets_its_own_outcome(self, platform, channel):
        platform.answer = made(to=None)
        parcels = parcels_of(Sinch.most_at_once + 1)
        outcomes = send_many(channel, post(), parcels)
        sent = [json.loads(call.body) for call in platform.calls]
        batches = {parcels[0].key: parcels[:-1], parcels[-1].key: parcels[-1:]}
        assert {each["client_reference"]: each["to"] for each in sent} == {
            first: [parcel.address for parcel in those] for first, those in batches.items()
        }
        assert outcomes == [Receipt(platform_id=mark_of(parcel.address[1:])) for parcel in parcels]

    def test_without_an_address_for_receipts_none_is_asked_for(self, platform):
        channel = build(platform.url, PATIENT, None, receipt_url="")
        platform.answer = self.table.accepted
        attempt(channel, self.table.post)
        channel.close()
        sent = json.loads(platform.calls[0].body)
        assert (sent["delivery_report"], sent.get("callback_url")) == ("none", None)


def parcels_of(count):
    return [
        Parcel(key=f"{KEY[:-4]}{n:04x}", address=f"+4477009{n:05d}") for n in range(0x1000, 0x1000 + count)
    ]


def outcomes_of(parcels, answer):
    headers, body = answer.headers or {}, answer.body
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    said = GatewayAnswer(status=answer.status, headers=headers, body=raw)
    found = gateway().outcomes(said, post(), parcels)
    return [(type(each), getattr(each, "code", "")) for each in found]


NOBODY_SENT = (NotSent, "batch_refused")


@pytest.mark.parametrize(
    "text",
    ["Invalid recipient: {}", "to: 00{} is no MSISDN", "The number {}, the second one, is invalid."],
)
def test_a_named_bad_number_is_refused_and_the_others_were_surely_not_sent(text):
    three = parcels_of(3)
    said = text.format(three[1].address[1:])
    found = outcomes_of(three, refused("syntax_invalid_parameter_format", text=said))
    assert found == [NOBODY_SENT, (Refused, "number_invalid"), NOBODY_SENT]


def test_a_bad_number_that_is_not_named_gives_nobody_up_but_one_who_is_alone():
    several = outcomes_of(parcels_of(3), refused("syntax_invalid_parameter_format", text="to: invalid"))
    assert several == [(NotSent, "one_of_many_refused")] * 3
    alone = outcomes_of(parcels_of(1), refused("illegal_number_type", 403, text="to: invalid"))
    assert alone == [(Refused, "number_invalid")]


def test_a_number_too_short_to_look_like_one_is_kept_too():
    answer = GatewayAnswer(status=400, headers={}, body=b'{"code": "x", "text": "to 29061234 +29061234"}')
    [error] = gateway().outcomes(answer, post(), [Parcel(key=KEY, address="+29061234")])
    assert "29061234" not in error.detail
    assert '"code": "x"' in error.detail


def test_a_number_within_a_longer_one_is_not_named():
    two = parcels_of(2)
    said = f"Invalid recipient: 1{two[0].address[1:]}"
    found = outcomes_of(two, refused("syntax_invalid_parameter_format", text=said))
    assert {outcome for outcome, _ in found} == {NotSent}


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(status=401), (NotConfigured, "credentials_refused")),
        (refused("blocked_account", 403), (NotConfigured, "account_suspended")),
        (refused("syntax_constraint_violation"), (Refused, "refused")),
        (Answer(status=429), (NotSent, "rate_limited")),
        (Answer(status=500), (OutcomeUnknown, "platform_error")),
        (Answer(status=504, body=b"<html>"), (OutcomeUnknown, "platform_error")),
        (Answer(status=201, body={"to": [ADDRESS]}), (OutcomeUnknown, "unexpected_answer")),
        (Answer(status=201, body=b'{"id": "01F'), (OutcomeUnknown, "unexpected_answer")),
    ],
    ids=range(8),
)
def test_what_is_said_of_the_batch_is_said_of_everybody_in_it(answer, outcome):
    assert outcomes_of(parcels_of(3), answer) == [outcome] * 3


@pytest.mark.parametrize("form", ["{}", "+{}", "00{}"])
def test_those_whom_the_answer_does_not_name_are_unknown(form):
    three = parcels_of(3)
    named = [form.format(parcel.address[1:]) for parcel in (three[0], three[2])]
    found = outcomes_of(three, made(to=[*named, 7]))
    assert found == [(Receipt, ""), (OutcomeUnknown, "not_named"), (Receipt, "")]


def test_a_recipients_id_hides_the_number_and_differs_in_each_batch():
    one, other = mark_of(DIGITS), mark_of(DIGITS, batch="01FC66621XXXXX119Z8PMV1QPR")
    assert one.partition(":")[0] == BATCH
    assert DIGITS not in one
    assert one.partition(":")[2] != other.partition(":")[2]
    assert mark(b"another token", BATCH, DIGITS) != one
    assert mark_of("447700900124") != one


@pytest.mark.parametrize(
    ("left", "until"),
    [
        (timedelta(days=9), "2026-11-24T17:59:00.000Z"),
        (timedelta(seconds=0.5), "2026-11-21T18:00:01.000Z"),
        (timedelta(seconds=-5), "2026-11-21T18:00:01.000Z"),
        (timedelta(seconds=90, microseconds=123999), "2026-11-21T18:01:30.123Z"),
    ],
)
def test_the_expiry_stays_within_sinchs_bounds(left, until):
    [request] = gateway().requests(post(expires=(NOW + left).isoformat()), parcels_of(1))
    assert json.loads(request.body)["expire_at"] == until


def test_a_number_that_is_there_twice_is_asked_for_once():
    twice = [Parcel(key=parcel.key, address=ADDRESS) for parcel in parcels_of(2)]
    [request] = gateway().requests(post(), twice)
    assert json.loads(request.body)["to"] == [ADDRESS]


@pytest.mark.parametrize("text", ["Pay ${amount} now", "Costs ${", "${x}"])
def test_a_text_that_sinch_would_take_for_one_with_blanks_is_not_sent(text):
    assert [problem.code for problem in Sms(account()).check(post(text))] == ["would_be_changed"]
    assert Sms(account()).check(post("It costs $5 {in all}")) == []


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
    of_another_token = query_for(parcels, secrets={"api_token": Secret("another")})
    at, keys = 30, query["keys"]  # in the middle of the second key
    changed = {"keys": keys[:at] + ("B" if keys[at] == "A" else "A") + keys[at + 1 :]}
    shorter = {"keys": query["keys"][:-4]}
    for wrong in (of_others, of_another_token, changed, shorter, {"keys": "ŵ"}, {"keys": "A"}, {"keys": ""}):
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


# --- the account --------------------------------------------------------------------------------------------------


def test_it_is_a_gateway_of_batches_that_nobody_can_ask():
    channel = Sms.from_account(account())
    assert channel.after_unknown is AfterUnknown.BLIND
    assert not isinstance(channel, AskableSms | Finds)
    assert isinstance(channel, ReadsReceipts)
    assert isinstance(channel, Channel)
    assert channel.target == "sender WyreCouncil"
    assert isinstance(gateway(), TakesMany)
    assert isinstance(gateway(), Hears)
    assert not isinstance(gateway(), CanBeAsked)


@pytest.mark.parametrize(
    "wrong",
    [
        {"service_plan_id": ""},
        {"service_plan_id": "../x"},
        {"sender": ""},
        {"sender": "TwelveLetter"},
        {"secrets": {"api_token": Secret("")}},
        {"receipt_url": "ftp://alerts.example"},
        {"url": "http://eu.sms.api.sinch.com"},
        {"url": ""},
    ],
    ids=range(8),
)
def test_an_account_that_cannot_work_is_refused(wrong):
    with pytest.raises(Invalid):
        Sms.from_account(account(**wrong))
