"""What is the SMS channel's own with Sinch; the rest is in channel_suite."""

import json
from datetime import timedelta

import pytest

from broadcaster.domain.errors import Invalid, NotConfigured, NotSent, OutcomeUnknown, Refused
from channels.base import AfterUnknown, Channel, Finds, Parcel, Receipt, Secret
from channels.gateways import CanBeAsked, GatewayAnswer, TakesMany
from channels.gateways.sinch import Sinch
from channels.gateways.sinch_keys import mark
from channels.gateways.wire import TOTAL_TIMEOUT_S, Wire
from channels.incoming import Hears, ReadsReceipts
from channels.sms import AskableSms, Sms
from tests.contract.channel_suite import ADDRESS, KEY, PATIENT, Case, Table, attempt
from tests.contract.on_sinch import (
    BATCH,
    CALLBACK_SECRET,
    DIGITS,
    HOOK,
    NOW,
    PLAN,
    TOKEN,
    account,
    gateway,
    mark_of,
    parcels_of,
    post,
)
from tests.contract.platform_server import Answer
from tests.contract.sms_suite import SmsSuite
from tests.mass import send_many


def build(url, timeouts, hosts, total_s=TOTAL_TIMEOUT_S, **options):
    wire = Wire(timeouts=timeouts, total_s=total_s)
    return Sms(account(url, hosts, **options), wire=wire, gateway=lambda a: Sinch(a, now=lambda: NOW))


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
