"""What people write to us, as Twilio, GOV.UK Notify and Kannel bring it: read where it is genuine, and nothing else is."""

import json
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from broadcaster.domain.errors import Invalid
from channels.base import Account, Secret
from channels.gateways.twilio_signature import signature
from channels.incoming import ConfirmsStop, Heard, Hears, Unreadable
from channels.sandbox.kannel import Kannel
from channels.sandbox.notify import Notify
from channels.sandbox.settings import Settings
from channels.sandbox.twilio import Twilio
from channels.sms import Sms
from tests.contract import on_notify
from tests.contract.callbacks import Callbacks
from tests.contract.channel_suite import KEY, payload
from tests.contract.sandbox_process import eventually

SENDER, TOKEN = "+447700900123", "canary-token-of-our-own"
HOOK = "https://alerts.example/hooks/live/sms/heard"
SID = f"AC{'0' * 32}"


def twilio(**changes):
    options = {"gateway": "twilio", "account_sid": SID, "api_key": f"SK{'0' * 32}", "sender": "Wyre"}
    return made({**options, "heard_url": HOOK} | changes, api_key_secret="s", auth_token=TOKEN)


def notify(**changes):
    return Sms.from_account(on_notify.account(secrets={"callback_token": Secret(TOKEN)}, **changes))


def kannel(token=TOKEN, **changes):
    options = {"gateway": "kannel", "base_url": "http://127.0.0.1:1", "sender": "Wyre", "username": "u"}
    options["receipt_url"] = "http://127.0.0.1:1/hooks/live/sms/receipt"
    return made(options | changes, password="p", callback_token=token)


def made(options, **secrets):
    hidden = {name: Secret(text) for name, text in secrets.items()}
    return Sms.from_account(Account(name="sms", channel="sms", mode="live", options=options, secrets=hidden))


def brought(stand_in, text):
    """Query, body and headers of the call that a stand-in makes."""
    url = f"{HOOK}?token={TOKEN}" if isinstance(stand_in, Kannel) else HOOK
    callback = stand_in.heard(SENDER, text, url)
    return dict(parse_qsl(urlsplit(callback.url).query)), callback.body, callback.headers


STAND_INS = {
    "twilio": lambda: (
        Twilio(
            {
                "account_sid": SID,
                "api_key": "k",
                "api_key_secret": "s",
                "auth_token": TOKEN,
                "messaging_service_sid": "",
            },
            None,
        ),
        twilio(),
    ),
    "notify": lambda: (Notify({"template_id": "t", "callback_token": TOKEN}, Settings(), None), notify()),
    "kannel": lambda: (Kannel({"username": "u", "password": "p"}, None), kannel()),
}


@pytest.fixture(params=STAND_INS)
def both(request):
    stand_in, channel = STAND_INS[request.param]()
    yield SimpleNamespace(stand_in=stand_in, channel=channel, name=request.param)
    channel.close()


def test_what_somebody_writes_is_read_with_its_sender_and_an_id_of_its_own(both):
    one, two = (both.channel.hear(*brought(both.stand_in, "Diolch! £5 ŵ")) for _ in range(2))
    assert one.text == "Diolch! £5 ŵ"
    assert one.address.removeprefix("+") == SENDER[1:]
    assert one.platform_id
    assert one.platform_id != two.platform_id
    assert isinstance(both.channel, Hears)
    assert SENDER[1:] not in repr(one)


def test_the_same_call_again_has_the_same_id(both):
    call = brought(both.stand_in, "STOP")
    assert both.channel.hear(*call) == both.channel.hear(*call)


def test_what_is_not_genuine_is_refused_and_not_taken_for_unreadable(both):
    query, body, headers = brought(both.stand_in, "STOP")
    forged = {
        "twilio": (query, body.replace(b"STOP", b"HALT"), headers),
        "notify": (query, body, {"Authorization": f"Bearer {TOKEN}x"}),
        "kannel": (query | {"token": TOKEN[:-1]}, body, headers),
    }[both.name]
    unsigned = ({k: v for k, v in query.items() if k != "token"}, body, {})
    for call in (forged, unsigned):
        with pytest.raises(ValueError, match="without") as refusal:
            both.channel.hear(*call)
        assert not isinstance(refusal.value, Unreadable)


@pytest.mark.parametrize("channel", [twilio(heard_url=""), kannel(token="")], ids=["twilio", "kannel"])
def test_an_account_without_what_proves_it_hears_nothing(channel):
    for name, make in STAND_INS.items():
        if name != "notify":
            with pytest.raises(ValueError, match="without our token|no heard_url"):
                channel.hear(*brought(make()[0], "STOP"))
    channel.close()


def test_the_published_inbound_message_of_notify_is_read():
    said = payload("govuk_notify_callbacks.json")["inbound"]
    heard = notify().hear({}, json.dumps(said).encode(), {"authorization": f"Bearer {TOKEN}"})
    assert heard == Heard(address="447700912345", text="Hello Notify!", platform_id=said["id"])


def test_what_twilio_takes_for_stop_in_its_own_list_is_a_stop():
    fields = {"MessageSid": f"SM{'1' * 32}", "From": SENDER, "Body": "ARRET", "OptOutType": "STOP"}
    headers = {"X-Twilio-Signature": signature(TOKEN, HOOK, fields.items())}
    assert twilio().hear({}, urlencode(fields).encode(), headers).text == "STOP"


def test_what_is_genuine_and_not_understood_says_so():
    signed = {"X-Twilio-Signature": signature(TOKEN, HOOK, {"A": "b"}.items())}
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    for channel, call in [
        (twilio(), ({}, b"A=b", signed)),
        (notify(), ({}, b"[]", bearer)),
        (notify(), ({}, b'{"id": "1"}', bearer)),
        (kannel(), ({"token": TOKEN, "from": SENDER}, b"", {})),
    ]:
        with pytest.raises(Unreadable):
            channel.hear(*call)
    receipts = {
        "notify": ({}, b"{}", bearer),
        "kannel": ({"token": TOKEN, "key": KEY, "status": "99"}, b"", {}),
    }
    for channel, call in zip((notify(), kannel()), receipts.values(), strict=True):
        with pytest.raises(Unreadable):
            channel.read_receipt(*call)


def test_kannel_writes_our_token_into_the_address_of_receipts_and_needs_it_back():
    channel = kannel()
    gateway = vars(channel)["_gateway"]
    assert (
        f"&token={TOKEN}&status=%d" in gateway._receipt_headers(SimpleNamespace(key=KEY))["X-Kannel-DLR-Url"]
    )
    query = {"key": KEY, "status": "1"}
    with pytest.raises(ValueError, match="without our token"):
        channel.read_receipt(query, b"", {})
    assert channel.read_receipt(query | {"token": TOKEN}, b"", {}).key == KEY
    assert kannel(token="").read_receipt(query, b"", {}).key == KEY


@pytest.mark.parametrize(
    ("channel", "said", "confirms"),
    [
        (twilio, "", False),
        (twilio, "yes", True),
        (notify, "", True),
        (kannel, "", True),
        (kannel, "no", False),
    ],
)
def test_a_stop_is_confirmed_where_the_gateway_does_not_do_it(channel, said, confirms):
    made_so = channel(confirm_stop=said)
    assert isinstance(made_so, ConfirmsStop)
    assert made_so.confirms_stop is confirms
    made_so.close()


def test_accounts_that_cannot_work_are_refused():
    for wrong in (
        lambda: kannel(confirm_stop="perhaps"),
        lambda: kannel(token="short"),
        lambda: twilio(heard_url="ftp://x"),
    ):
        with pytest.raises(Invalid):
            wrong()
    with pytest.raises(Invalid, match="auth_token"):
        made(
            {
                "gateway": "twilio",
                "account_sid": SID,
                "api_key": f"SK{'0' * 32}",
                "sender": "Wyre",
                "heard_url": HOOK,
            },
            api_key_secret="s",
        )


def test_the_sandbox_brings_what_somebody_writes_to_an_address_on_this_machine(sandbox):
    with Callbacks() as callbacks:
        for platform in ("notify", "twilio"):
            order = {
                "platform": platform,
                "from": SENDER,
                "text": "STOP",
                "url": f"{callbacks.url}/{platform}",
            }
            assert sandbox.post("/_sandbox/inbound", json=order).status_code == 202
        order = {"platform": "sms", "from": SENDER, "text": "STOP", "url": f"{callbacks.url}/kannel"}
        assert sandbox.post("/_sandbox/inbound", json=order).status_code == 202
        assert eventually(lambda: len(callbacks.arrived) == 2)
    token = sandbox.accounts["notify"]["callback_token"]
    bodies = {call.path: call for call in callbacks.arrived}
    assert bodies["/notify"].headers["Authorization"] == f"Bearer {token}"
    assert b"Body=STOP" in bodies["/twilio"].body
