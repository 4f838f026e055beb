"""SMPP without a network: what a status means, what an account's file may say, PDUs however they are cut, how fast."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smpplib import consts
from smpplib.smpp import make_pdu

from broadcaster.domain.errors import Invalid, NotConfigured, NotSent, OutcomeUnknown, Refused
from broadcaster.domain.post import Post
from channels.base import Account, Parcel, Receipt, Secret
from channels.gateways import gateway_class
from channels.gateways.smpp import Smpp
from channels.gateways.smpp_outcomes import HELD, of_bind, of_submit, of_text, unanswered
from channels.gateways.smpp_pdus import Incoming, request
from channels.gateways.smpp_settings import SmppSettings
from channels.gateways.smpp_texts import Texts
from channels.gateways.smpp_window import Window

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
STATUSES = [code for name, code in vars(consts).items() if name.startswith("SMPP_ESME_R") and code]
PASSES = {0x04, 0x08, 0x0D, 0x14, 0x58, 0x64}


def account(**options):
    password = options.pop("password", "secret")
    given = {"host": "127.0.0.1", "system_id": "wyre", "sender": "WyreCouncil", **options}
    return Account(
        name="smpp", channel="sms", mode="live", options=given, secrets={"password": Secret(password)}
    )


@pytest.mark.parametrize("status", [*STATUSES, 0x400, 0x7FFFFFFF], ids=hex)
def test_every_status_says_that_the_text_was_not_taken(status):
    error = of_submit(status)
    expected = NotSent if status in PASSES else NotConfigured if status in {0x0E, 0x0F} else Refused
    assert type(error) is expected
    assert f"0x{status:08X}" in error.detail


def test_throttling_says_how_long_to_wait():
    assert of_submit(0x58).retry_after_s == 2
    assert of_submit(0x14).retry_after_s == 5


@pytest.mark.parametrize("status", [*STATUSES, 0x400], ids=hex)
def test_only_what_surely_is_set_up_pauses_the_account_at_a_bind(status):
    expected = NotConfigured if status in {0x0E, 0x0F, 0x53} else NotSent
    assert type(of_bind(status)) is expected


@pytest.mark.parametrize(
    ("segments", "outcome", "code"),
    [
        (["a"], Receipt, ""),
        (["a", "b"], Receipt, ""),
        ([""], OutcomeUnknown, "no_id"),
        (["a", of_submit(0x0B)], OutcomeUnknown, "taken_in_part"),
        ([of_submit(0x58), "b"], OutcomeUnknown, "taken_in_part"),
        (["a", unanswered()], OutcomeUnknown, "read_timeout"),
        ([of_submit(0x58), unanswered()], OutcomeUnknown, "read_timeout"),
        ([HELD, of_submit(0x58), HELD], NotSent, "rate_limited"),
        (["a", HELD], OutcomeUnknown, "taken_in_part"),
        ([of_submit(0x58), of_submit(0x0B)], Refused, "number_refused"),
        ([of_submit(0x58), of_submit(0x58)], NotSent, "rate_limited"),
        ([of_submit(0x0E), of_submit(0x58)], NotConfigured, "credentials_refused"),
    ],
)
def test_the_segments_of_a_text_together_have_one_outcome(segments, outcome, code):
    found = of_text(segments)
    assert type(found) is outcome
    assert code == (found.code if code else "")


def test_the_id_of_a_text_is_that_of_its_last_segment_of_which_the_receipt_is_asked():
    assert of_text(["a", "b"]) == Receipt(platform_id="b")
    post = Post(channel="sms", account="smpp", title="t", text="x" * 400)
    texts = Texts(SmppSettings.of(account()), post, lambda: NOW)
    asked = [
        request_of(texts.submit_sm(Parcel(key="k", address="+447700900123"), no, no)) for no in (1, 2, 3)
    ]
    assert [each.registered_delivery for each in asked] == [0, 0, 1]


def request_of(pdu):
    read = make_pdu("submit_sm", sequence=0)
    read.parse(pdu)
    return read


@given(
    text=st.text(alphabet="a€ŵ🌊", min_size=1, max_size=300),
    number=st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True),
    sequence=st.integers(min_value=1, max_value=0x7FFFFFFF),
)
@settings(max_examples=50)
def test_a_text_for_a_recipient_is_what_the_library_would_have_made_for_him(text, number, sequence):
    post = Post(channel="sms", account="smpp", title="t", text=text)
    texts = Texts(SmppSettings.of(account()), post, lambda: NOW)
    for no in range(1, texts.total + 1):
        for key in ("one", "two"):
            ours = texts.submit_sm(Parcel(key=key, address=number), no, sequence)
            read = request_of(ours)
            fields = {name: getattr(read, name) for name in read.params if getattr(read, name) is not None}
            fields |= {name: value.decode() for name, value in fields.items() if name.endswith("_addr")}
            again = {**fields, "service_type": "", "schedule_delivery_time": "", "validity_period": ""}
            assert ours == request("submit_sm", sequence, **again)
            assert (fields["destination_addr"], fields["source_addr"]) == (number[1:], "WyreCouncil")


@pytest.mark.parametrize(
    ("how", "expires", "told"),
    [
        ("absolute", "2026-11-21T04:30:00+00:00", b"261121043000000+"),
        ("absolute", "2026-11-21T05:30:00+01:00", b"261121043000000+"),
        ("absolute", "2026-11-21T02:00:00+00:00", b"261121030100000+"),  # over: a minute, and never no limit
        ("absolute", "2027-11-21T02:00:00+00:00", b"261219030000000+"),
        ("relative", "2026-11-21T04:30:00+00:00", b"000000013000000R"),
        ("relative", "2026-11-23T03:00:07+00:00", b"000002000007000R"),
        ("none", "2026-11-21T04:30:00+00:00", b""),
        ("absolute", "", b""),
    ],
)
def test_the_centre_is_told_until_when_the_text_is_good(how, expires, told):
    facts = {"expires": expires} if expires else {}
    post = Post(channel="sms", account="smpp", title="t", text="Flood", facts=facts)
    texts = Texts(SmppSettings.of(account(validity=how)), post, lambda: NOW)
    pdu = texts.submit_sm(Parcel(key="k", address="+447700900123"), 1, 1)
    assert request_of(pdu).validity_period == told


def test_an_expiry_that_cannot_be_read_refuses_every_text_of_the_post():
    post = Post(channel="sms", account="smpp", title="t", text="Flood", facts={"expires": "soon"})
    with Smpp(account()).sending(post) as sending:
        sending.put([Parcel(key="a", address="+447700900123"), Parcel(key="b", address="+447700900124")])
        assert [(key, type(error), error.code) for key, error in sending.take(0)] == [
            ("a", Refused, "bad_expiry"),
            ("b", Refused, "bad_expiry"),
        ]
        assert sending.take(0) == []


@given(pieces=st.lists(st.integers(min_value=1, max_value=60), min_size=1, max_size=60))
@settings(max_examples=60)
def test_pdus_are_found_wherever_the_network_cuts_them(pieces):
    stream = b"".join(request("enquire_link", no) for no in range(1, 6)) + request(
        "submit_sm_resp", 6, message_id="id"
    )
    incoming, found = Incoming(), []
    for size in [*pieces, len(stream)]:
        found += incoming.feed(stream[:size])
        stream = stream[size:]
    assert [pdu.sequence for pdu in found] == [1, 2, 3, 4, 5, 6]
    assert found[-1].message_id == "id"
    assert "id" not in repr(found[-1]).replace("Pdu", "")


@pytest.mark.parametrize("garbage", [b"HTTP/1.1 400 Bad Request\r\n", b"\0" * 16, b"\x7f" * 16])
def test_what_is_no_smpp_is_noticed(garbage):
    with pytest.raises(ValueError, match="no SMPP"):
        Incoming().feed(garbage)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"password": "123456789"}, "password has at most 8"),
        ({"system_id": "a-name-that-is-too-long"}, "system_id has at most 15"),
        ({"system_type": "ŵ"}, "system_type has at most 12"),
        ({"host": "smpp://centre.example"}, "host is a name or an address"),
        ({"host": ""}, "lacks host"),
        ({"port": "65536"}, "port is a whole number from 1 to 65535"),
        ({"window": "0"}, "window is a whole number from 1 to 1000"),
        ({"tls": "true"}, "tls is one of no, yes"),
        ({"alphabet": "ascii"}, "alphabet is one of gsm, latin1"),
        ({"message_ids": "hex"}, "message_ids is one of same, hex-decimal, decimal-hex"),
        ({"validity": "utc"}, "validity is one of"),
        ({"tls_authority": "/ca.pem"}, "tls_authority is of use with tls"),
        ({"tls_authority": "ca.pem", "tls": "yes"}, "tls_authority is a whole path"),
        ({"sender": "Alert"}, "block"),
        ({"dest_ton": "7"}, "dest_ton is a whole number from 0 to 6"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(options, words):
    with pytest.raises(Invalid, match=words) as caught:
        Smpp.from_account(account(**options))
    assert "123456789" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "source"),
    [
        ({"sender": "WyreCouncil"}, ("WyreCouncil", 5, 0)),
        ({"sender": "+447860039047"}, ("447860039047", 1, 1)),
        ({"sender": "60006"}, ("60006", 0, 1)),
        ({"sender": "60006", "source_ton": "3", "source_npi": "0"}, ("60006", 3, 0)),
    ],
)
def test_the_sender_goes_with_its_kind_of_number(options, source):
    found = SmppSettings.of(account(**options)).source
    assert (found.address, found.ton, found.npi) == source


def test_the_gateway_is_registered_and_hides_its_password():
    assert gateway_class("smpp") is Smpp
    gateway = Smpp.from_account(account(password="canary"))
    assert gateway.target == "sender WyreCouncil"
    assert "canary" not in repr(vars(gateway)) + repr(vars(gateway)["_settings"])


def test_an_alphabet_that_lacks_a_character_is_told_before_approval():
    post = Post(channel="sms", account="smpp", title="t", text="Costs € 5 and Δ")
    assert Smpp(account()).check(post) == []
    [problem] = Smpp(account(alphabet="latin1")).check(post)
    assert (problem.code, "€ Δ" in problem.text) == ("no_such_character", True)
    welsh = Post(channel="sms", account="smpp", title="t", text="Tŷ € 5")  # UCS-2, which lacks nothing
    assert Smpp(account(alphabet="latin1")).check(welsh) == []


def test_the_window_halves_once_for_each_pause_and_grows_with_what_is_taken():
    window = Window(10, 1.0)
    for _ in range(10):
        window.throttled(100.0)
    assert window.size == 5
    assert not window.has_room(0, 100.9)
    assert window.has_room(4, 101.0)
    assert not window.has_room(5, 101.0)
    window.throttled(101.5)
    assert window.size == 2
    for _ in range(100):
        window.took_one()
    assert window.size == 10
