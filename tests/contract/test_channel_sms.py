"""What is the SMS channel's own, with Kannel; the rest is in channel_suite."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from broadcaster.domain.errors import Invalid, NotConfigured, NotSent, OutcomeUnknown, Refused
from broadcaster.domain.post import Post
from channels.base import Account, Parcel, Receipt, Secret, SendsMany
from channels.gateways.kannel import Kannel
from channels.gateways.wire import TOTAL_TIMEOUT_S, Wire
from channels.incoming import ReadsReceipts, ReceiptState
from channels.sms import Sms
from tests.contract.channel_suite import ADDRESS, KEY, Case, Table, attempt, payload
from tests.contract.platform_server import Answer
from tests.contract.sms_suite import SmsSuite
from tests.mass import send_many

PASSWORD = "canary-password"
NOW = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
SAVED = payload("kannel_http.json")


def account(url="http://127.0.0.1:13013", allowed_hosts=None, **options):
    shown = {"base_url": url, "username": "alerts", "sender": "WyreCouncil"}
    shown |= {"receipt_url": "https://alerts.example/hooks/sms"}
    return Account(
        name="wyre-sms",
        channel="sms",
        mode="live",
        options=shown | options,
        secrets={"password": Secret(PASSWORD)},
        allowed_hosts=allowed_hosts,
    )


def build(url, timeouts, hosts, total_s=TOTAL_TIMEOUT_S):
    wire = Wire(timeouts=timeouts, total_s=total_s)
    return Sms(account(url, hosts), wire=wire, gateway=lambda a: Kannel(a, now=lambda: NOW))


def post(text="Flood warning for the River Wyre. Move to upper floors now. Ref 7F3K2M", **facts):
    return Post(channel="sms", account="wyre-sms", title="Flood warning", text=text, facts=facts)


def key_of(call):
    return call.headers["X-Kannel-DLR-Url"].partition("key=")[2].partition("&")[0]


class TestSms(SmsSuite):
    account = account()
    table = Table(
        build=build,
        post=post(),
        too_long=post("a" * (6 * 153 + 1)),
        accepted=Answer(status=202, body=b"0: Accepted for delivery"),
        receipt=Receipt(platform_id=""),
        canaries=[PASSWORD],
        key_of=key_of,
        statuses={404: NotConfigured, 405: NotConfigured},
        cases=[
            Case(
                name="authorization failed",
                answer=Answer(status=403, body=b"Authorization failed for sendsms"),
                outcome=NotConfigured,
                code="credentials_refused",
            ),
            Case(
                name="number denied",
                answer=Answer(
                    status=400, body=b"Number(s) has/have been denied by white- and/or black-lists."
                ),
                outcome=Refused,
                code="number_denied",
            ),
            Case(
                name="no sender",
                answer=Answer(status=400, body=b"Sender missing and no global set, rejected"),
                outcome=Refused,
                code="refused",
            ),
            Case(
                name="nothing at this address",
                answer=Answer(status=404, body=b"Unknown request."),
                outcome=NotConfigured,
                code="wrong_address",
            ),
            Case(
                name="documented try again later",
                answer=Answer(status=503, body=SAVED["replies"][3]["body"].encode()),
                outcome=NotSent,
                code="busy",
            ),
            Case(
                name="sending failed inside Kannel",
                answer=Answer(status=500, body=b"Sending failed."),
                outcome=OutcomeUnknown,
                code="platform_error",
            ),
            Case(
                name="202 with other words",
                answer=Answer(status=202, body=b"Sent."),
                outcome=OutcomeUnknown,
                code="unexpected_answer",
            ),
            Case(
                name="200 with the right words",
                answer=Answer(status=200, body=b"0: Accepted for delivery"),
                outcome=OutcomeUnknown,
                code="unexpected_answer",
            ),
        ],
    )

    @pytest.mark.parametrize("reply", SAVED["replies"][:2], ids=lambda reply: reply["body"])
    def test_both_documented_successes_are_taken(self, platform, channel, reply):
        platform.answer = Answer(status=reply["http"], body=reply["body"].encode())
        assert attempt(channel, self.table.post) == Receipt(platform_id="")

    def test_the_request_is_what_kannel_documents(self, platform, channel):
        platform.answer = self.table.accepted
        attempt(channel, post("Flood €", expires=(NOW + timedelta(minutes=90, seconds=59)).isoformat()))
        call = platform.calls[0]
        assert (call.method, call.path) == ("POST", "/cgi-bin/sendsms")
        assert call.body.decode() == "Flood €"
        assert call.headers["Content-Type"] == "text/plain; charset=UTF-8"
        said = {name: value for name, value in call.headers.items() if name.startswith("X-Kannel-")}
        assert said == {
            "X-Kannel-Username": "alerts",
            "X-Kannel-Password": PASSWORD,
            "X-Kannel-From": "WyreCouncil",
            "X-Kannel-To": ADDRESS,
            "X-Kannel-Coding": "0",
            "X-Kannel-Validity": "90",
            "X-Kannel-DLR-Mask": "27",
            "X-Kannel-DLR-Url": f"https://alerts.example/hooks/sms?key={KEY}&status=%d",
        }

    @pytest.mark.parametrize("text", ["Llanfair ŵ", "Façade", "Storm 🌪", "Keep away — now"])
    def test_a_foreign_character_makes_it_ucs2_with_the_body_still_utf8(self, platform, channel, text):
        """smsbox converts the body once, by the Content-Type's charset (tried); X-Kannel-Charset it does not read."""
        platform.answer = self.table.accepted
        attempt(channel, post(text))
        call = platform.calls[0]
        assert (call.headers["X-Kannel-Coding"], call.body.decode()) == ("2", text)
        assert "X-Kannel-Charset" not in call.headers

    def test_outcomes_stand_in_the_order_of_the_parcels(self, platform, channel):
        parcels = [Parcel(key=f"key-{i}", address=f"+4477009{i:05}") for i in range(50)]
        platform.answer = self.table.accepted
        assert send_many(channel, self.table.post, parcels) == [Receipt(platform_id="")] * 50
        assert sorted(key_of(call) for call in platform.calls) == sorted(p.key for p in parcels)

    def test_connections_are_kept_between_groups(self, platform, channel):
        platform.answer = self.table.accepted
        for _ in range(3):
            attempt(channel, self.table.post)
        assert len({call.peer for call in platform.calls}) == 1

    def test_no_parcels_are_no_calls(self, platform, channel):
        assert send_many(channel, self.table.post, []) == []
        assert platform.calls == []

    def test_several_threads_may_send_at_once(self, platform, channel):
        platform.answer = self.table.accepted
        outcomes = []

        def work(number):
            parcels = [Parcel(key=f"k{number}-{i}", address=ADDRESS) for i in range(10)]
            outcomes.extend(send_many(channel, self.table.post, parcels))

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outcomes == [Receipt(platform_id="")] * 40
        assert len({key_of(call) for call in platform.calls}) == 40

    def test_a_channel_that_was_closed_sends_again(self, platform, channel):
        platform.answer = self.table.accepted
        attempt(channel, self.table.post)
        channel.close()
        assert attempt(channel, self.table.post) == Receipt(platform_id="")

    def test_a_group_without_recipients_of_its_own_is_refused(self, channel):
        with pytest.raises(Refused, match="audience"):
            channel.send(self.table.post, KEY)

    def test_a_message_about_to_expire_lives_one_minute(self, platform, channel):
        platform.answer = self.table.accepted
        attempt(channel, post(expires=(NOW + timedelta(seconds=5)).isoformat()))
        assert platform.calls[0].headers["X-Kannel-Validity"] == "1"


@pytest.mark.parametrize("expires", ["tomorrow", "2026-11-21T23:00:00"])
def test_an_expiry_that_is_no_moment_refuses_instead_of_sending_without_end(expires):
    error = send_many(Sms(account()), post(expires=expires), [Parcel(key=KEY, address=ADDRESS)])[0]
    assert (type(error), error.code) == (Refused, "bad_expiry")


def test_the_channel_can_do_what_it_declares():
    channel = Sms(account())
    assert isinstance(channel, SendsMany)
    assert isinstance(channel, ReadsReceipts)
    assert channel.target == "sender WyreCouncil"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("1", ReceiptState.DELIVERED),
        ("2", ReceiptState.UNDELIVERED),
        ("4", ReceiptState.ACCEPTED),
        ("8", ReceiptState.ACCEPTED),
        ("16", ReceiptState.UNDELIVERED),
    ],
)
def test_a_delivery_receipt_is_read(status, state):
    receipt = Sms(account()).read_receipt({"key": KEY, "status": status}, b"", {})
    assert (receipt.key, receipt.state, receipt.code) == (KEY, state, status)


def test_all_documented_receipts_are_read():
    channel = Sms(account())
    for status in SAVED["dlr_types"]:
        assert channel.read_receipt({"key": KEY, "status": status}, b"", {}).code == status


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"key": KEY},
        {"status": "1"},
        {"key": "", "status": "1"},
        {"key": KEY, "status": "%d"},
        {"key": KEY, "status": "3"},
        {"key": "../x", "status": "1"},
        {"key": "k" * 65, "status": "1"},
    ],
)
def test_what_is_no_receipt_is_a_value_error(query):
    with pytest.raises(ValueError, match="Kannel receipt"):
        Sms(account()).read_receipt(query, b"", {})


@pytest.mark.parametrize(
    "sender",
    [
        "Wyre\r\nX-Kannel-To: 1",
        "TwelveLetter",
        "Wyre_",
        "Gŵyr",
        "+12",
        "",
        "WC",
        "   ",
        "12",
        "12 34",
        "447 700 900",
        "00447700900000",
        "00Wyre",
        "+0447700900",
        "1234567890123456",
    ],
)
def test_a_sender_that_no_network_takes_is_refused(sender):
    with pytest.raises(Invalid):
        Sms(account(sender=sender))


@pytest.mark.parametrize("sender", ["Alert", "INFO", "verify"])
def test_a_sender_that_spam_has_spoilt_is_refused_and_said_why(sender):
    with pytest.raises(Invalid, match="spam is sent under it"):
        Sms(account(sender=sender))


@pytest.mark.parametrize(
    "sender", ["WBC", "Wyre", "Wyre Flood", "2WyreAlerts", "+447700900000", "07700900000", "60777"]
)
def test_usual_senders_are_taken(sender):
    assert Sms(account(sender=sender)).target == f"sender {sender}"


def test_an_unknown_gateway_is_told_with_the_nearest_name():
    with pytest.raises(Invalid, match='Did you mean "kannel"'):
        Sms(account(gateway="kanel"))


def test_a_parcel_does_not_show_its_number():
    assert ADDRESS not in repr(Parcel(key=KEY, address=ADDRESS))


def told(text, **changes):
    return [(problem.code, problem.text) for problem in Sms(account()).check(post(text, **changes))]


def test_a_long_text_of_plain_letters_is_only_to_be_shortened():
    assert told("a" * 919) == [
        ("too_long", "The text message takes 7 segments of at most 6. Shorten it."),
    ]


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("Tŷ ŵ " * 100, "ŷ ŵ"),
        ("Façade – " * 60, "ç"),
        ("cafe\u0301 " * 100, "e\u0301"),
        ("Łódź … " * 90, "Ł ó ź"),
    ],
)
def test_nobody_is_asked_to_replace_a_letter(text, letters):
    """Nor a dash beside one: without the dash the letter would halve the room as before."""
    [(code, said)] = told(text)
    assert code == "too_long"
    assert said.endswith(
        f"Shorten it. {letters} halves the room in each segment, but stays as it is: without it the word would be another."
    )


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("— a" * 150, "Shorten it, or replace what halves the room in each segment: —."),
        ("— a" * 400, "Shorten it and replace what halves the room in each segment: —."),
        (
            "a\u200b\xa0b°" * 90,
            "Shorten it, or replace what halves the room in each segment: U+200B U+00A0 °.",
        ),
        ("Storm 🌪️ now " * 40, "Shorten it, or replace what halves the room in each segment: 🌪️."),
    ],
)
def test_signs_that_cost_room_are_named(text, cure):
    [(_, said)] = [problem for problem in told(text) if problem[0] == "too_long"]
    assert said.endswith(f"segments of at most 6. {cure}")


def test_an_emoji_between_two_segments_is_named_with_its_place_and_a_cure():
    [(code, said)] = told(f"{'a' * 58} upwards🌊 {'b' * 60}")
    assert code == "emoji_cut"
    assert '🌊 after "upwards"' in said
    assert "Move it by a word, or leave it out." in said


@pytest.mark.parametrize(
    "text", ["a" * 66 + "🌊" + "b" * 2, "a" * 65 + "🌊" + "b" * 90, "a" * 67 + "🌊" + "b" * 90]
)
def test_an_emoji_within_a_segment_is_none_of_our_business(text):
    assert told(text) == []


@pytest.mark.parametrize(("gap", "found"), [(66, True), (58, True), (57, True), (65, False), (59, False)])
def test_an_emoji_is_found_for_every_width_of_the_sequence(gap, found):
    """Nothing, Update 2 to 9, or Update 10 to 99: 0, 8 or 9 units before it."""
    stored = post(f"((sequence)){'a' * gap}🌊{'b' * 80}")
    for asked in (stored, stored.at_widest()):
        assert [p.code for p in Sms(account()).check(asked)] == (["emoji_cut"] if found else [])


def test_an_emoji_of_several_characters_is_named_whole():
    [(_, said)] = told(f"{'a' * 64}👍🏽{'b' * 60}")
    assert "👍🏽" in said


def test_an_emoji_in_halves_is_told_once():
    [(_, said)] = told(f"Update 99{'a' * 57}🌊{'b' * 80}")
    assert said.count("🌊") == 1
