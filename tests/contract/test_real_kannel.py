"""Our SMS adapter and our stand-in against the real Kannel, where it is installed (apt-get install kannel).

bearerbox and smsbox run on loopback, with a small SMPP centre behind them that keeps the octets a network would get.
"""

import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from broadcaster.domain.errors import NotConfigured
from broadcaster.domain.post import Post
from broadcaster.domain.readiness import ReadinessState
from channels.base import Account, Parcel, Receipt, Secret
from channels.incoming import ReceiptState
from channels.sandbox.kannel_text import GSM_7BIT, GSM_EXTENSION
from channels.sms import Sms
from channels.text import sms_size
from tests.contract.sandbox_process import eventually
from tests.contract.smpp_network import DENIED_BY_NETWORK, NUMBER, Centre, Hooks, whole
from tests.contract.test_sandbox_kannel import REFUSED_POSTS, TAKEN_POSTS, TAKEN_QUERIES
from tests.mass import send_many

BEARERBOX, SMSBOX = Path("/usr/sbin/bearerbox"), Path("/usr/sbin/smsbox")
USER, PASSWORD, CARELESS_USER = "alerts", "loopback-only", "careless"
START_S, STOP_S = 5.0, 5.0

pytestmark = pytest.mark.skipif(
    not (BEARERBOX.exists() and SMSBOX.exists()),
    reason="Kannel is not installed; for these tests: apt-get install kannel",
)

CONFIGURATION = """
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = {password}
smsbox-port = {inner}
smsbox-interface = 127.0.0.1
dlr-storage = internal
log-file = "{folder}/bearerbox.log"

group = smsc
smsc = smpp
smsc-id = centre
host = 127.0.0.1
port = {centre}
smsc-username = esme
smsc-password = esme
system-type = test
transceiver-mode = true

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {outer}
sendsms-interface = 127.0.0.1
global-sender = WYRE
log-file = "{folder}/smsbox.log"

group = sendsms-user
username = {user}
password = {password}
concatenation = true
max-messages = 10

group = sendsms-user
username = {careless}
password = {password}

group = sms-service
keyword = default
text = ""
max-messages = 0
"""


@pytest.fixture(scope="module")
def centre():
    with Centre() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        for connection in server.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture(scope="module")
def hooks():
    with Hooks() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def kannel(centre, tmp_path_factory):
    """The address of a running smsbox. Where it does not start in time, the tests fail and do not wait."""
    folder = tmp_path_factory.mktemp("kannel")
    inner, outer, admin = free_ports(3)
    configuration = folder / "kannel.conf"
    names = {"user": USER, "careless": CARELESS_USER, "password": PASSWORD, "folder": folder}
    ports = {"inner": inner, "outer": outer, "admin": admin, "centre": centre.server_address[1]}
    configuration.write_text(CONFIGURATION.format(**names, **ports), encoding="utf-8")
    running = []
    try:
        for program, port in ((BEARERBOX, inner), (SMSBOX, outer)):
            running.append(
                subprocess.Popen(
                    [program, configuration], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            )
            await_port(port)
        yield f"http://127.0.0.1:{outer}"
    finally:
        for process in reversed(running):
            end(process)


def free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def await_port(port: int) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def make_channel(kannel, *, password=PASSWORD, username=USER, receipt_url=""):
    options = {
        "base_url": kannel,
        "username": username,
        "sender": "WyreCouncil",
        "receipt_url": receipt_url,
    }
    return Sms(
        Account(
            name="wyre-sms",
            channel="sms",
            mode="live",
            options={name: value for name, value in options.items() if value},
            secrets={"password": Secret(password)},
            allowed_hosts=None,
        )
    )


@pytest.fixture
def channel(kannel):
    channel = make_channel(kannel)
    yield channel
    channel.close()


def post_of(text, **facts):
    return Post(channel="sms", account="wyre-sms", title="Flood warning", text=text, facts=facts)


def sent(channel, centre, text, segments, **facts):
    """The segments that the network got, after our adapter said that the text was taken."""
    centre.segments.clear()
    outcomes = send_many(channel, post_of(text, **facts), [Parcel(key="k-1", address=NUMBER)])
    assert outcomes == [Receipt(platform_id="")]
    assert eventually(lambda: len(centre.segments[NUMBER]) >= segments)
    return centre.segments[NUMBER]


@pytest.mark.parametrize(
    "text",
    [
        "Flood warning for the River Wyre. Move to upper floors now.",
        "Rhybudd llifogydd: Afon Gŵy, Tŷ Du. Ewch i fyny'r grisiau ŵ ŷ Ŵ Ŷ â ê î ô û ï",
        "Flood 🌊 and storm 🌪️, flag 🏴󠁧󠁢󠁷󠁬󠁳󠁿",
        "Façade loose in Łódź Street: «keep away» — 50 m… ½",
        GSM_7BIT.replace("\0", ""),
        GSM_EXTENSION,
        "First line\nsecond line\r\nthird\n\n  two spaces before, and after  ",
        "a+b %20 & c=d ; \"quoted\" 'single' <b> #1 ?x=%d",
        "A" * 152 + "€" + "B" * 152,
        "x" * 918,
        "x" * 7 * 153,
        "[€] " * 180,
        "Tŷ " * 133,
    ],
    ids=lambda text: f"{len(text)} {text[:12]!r}",
)
def test_what_our_adapter_sends_reaches_the_network_as_it_was_written(channel, centre, text):
    size = sms_size(text)
    segments = sent(channel, centre, text, size.segments)
    assert whole(segments) == text
    assert len(segments) == size.segments
    assert {segment.coding for segment in segments} == {0 if size.encoding == "GSM-7" else 8}
    assert {segment.sender for segment in segments} == {"WyreCouncil"}


def test_smsbox_cuts_an_emoji_in_two_between_segments_and_our_check_says_so(channel, centre):
    """Where we count a segment more. A handset that decodes each segment by itself shows two question marks."""
    text = "ŵ" * 66 + "🌊" + "ŷ" * 66
    first, second = sorted(sent(channel, centre, text, 2), key=lambda s: s.series)
    assert (first.text[-1], second.text[0]) == ("\ud83c", "\udf0a")
    assert whole([first, second]) == text
    assert sms_size(text).segments == 3
    assert [problem.code for problem in channel.check(post_of(text))] == ["emoji_cut"]


def is_cut(channel, centre, text):
    """Whether the network got a half character; known as soon as it has every unit of the text."""
    octets = len(text.encode("utf-16-be"))
    centre.segments.clear()
    send_many(channel, post_of(text), [Parcel(key="k-1", address=NUMBER)])
    assert eventually(lambda: sum(len(s.octets) for s in centre.segments[NUMBER]) >= octets)
    return any(0xD800 <= ord(char) <= 0xDFFF for s in centre.segments[NUMBER] for char in s.text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        *[(before, 100) for before in (64, 65, 66, 67, 68)],
        *[(before, 100) for before in (132, 133, 134)],
        (200, 0),
        (199, 0),
        (66, 1),
        (66, 2),
        (66, 3),
        (0, 140),
    ],
)
def test_the_check_finds_what_smsbox_cuts_and_nothing_else(channel, centre, before, after):
    text = "ŵ" * before + "🌊" + "ŷ" * after
    cut = is_cut(channel, centre, text)
    assert bool(channel.check(post_of(text))) is cut


@pytest.mark.parametrize("before", range(52, 70))
def test_the_check_of_the_widest_post_finds_what_smsbox_cuts_with_any_sequence(channel, centre, before):
    stored = post_of("((sequence))" + "ŵ" * before + "🌊" + "ŷ" * 80)
    values = ["", "Update 2", "Update 12"]
    sent_texts = [stored.filled({"sequence": value}).text for value in values]
    cut = [is_cut(channel, centre, text) for text in sent_texts]
    assert bool(channel.check(stored.at_widest())) is any(cut)


def test_a_user_without_max_messages_loses_the_end_of_a_text_silently(kannel, centre):
    """Why the help of `username` says what kannel.conf must have: Kannel accepts, and nothing tells of the loss."""
    channel = make_channel(kannel, username=CARELESS_USER)
    try:
        segments = sent(channel, centre, "x" * 400, 1)
    finally:
        channel.close()
    assert [len(segment.text) for segment in segments] == [160]


def test_the_network_is_told_until_when_the_text_is_good(channel, centre):
    in_an_hour = time.time() + 3630
    expires = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(in_an_hour))
    segment = sent(channel, centre, "Until then", 1, expires=expires)[0]
    told = time.strptime(segment.validity[:12], "%y%m%d%H%M%S")
    assert time.mktime(told) - time.timezone <= in_an_hour
    assert segment.validity.endswith("+")


@pytest.mark.parametrize(
    ("number", "state"),
    [(NUMBER, ReceiptState.ACCEPTED), (DENIED_BY_NETWORK, ReceiptState.UNDELIVERED)],
)
def test_the_networks_answer_comes_back_as_a_receipt(kannel, centre, hooks, number, state):
    hooks.queries.clear()
    channel = make_channel(kannel, receipt_url=hooks.url)
    try:
        send_many(channel, post_of("x" * 400), [Parcel(key="k-7", address=number)])
        assert eventually(lambda: hooks.queries)
        receipt = channel.read_receipt(hooks.queries[0], b"", {})
    finally:
        channel.close()
    assert (receipt.key, receipt.state) == ("k-7", state)


def test_a_wrong_password_is_a_matter_of_set_up(kannel):
    channel = make_channel(kannel, password="wrong")
    try:
        [error] = send_many(channel, post_of("Hello"), [Parcel(key="k-1", address=NUMBER)])
    finally:
        channel.close()
    assert (type(error), error.code) == (NotConfigured, "credentials_refused")


# The same tables that hold the stand-in.


def headers_of(**given):
    headers = {"username": USER, "password": PASSWORD, "from": "WYRE", "to": NUMBER, **given}
    return {f"X-Kannel-{name}": value for name, value in headers.items() if value is not None}


def address_of(kannel):
    return f"{kannel}/cgi-bin/sendsms"


@pytest.mark.parametrize(("content_type", "given", "body", "read"), TAKEN_POSTS)
def test_the_stand_in_reads_a_post_as_kannel_does(kannel, centre, content_type, given, body, read):
    centre.segments.clear()
    headers = headers_of(**given) | {"Content-Type": content_type}
    answer = requests.post(address_of(kannel), data=body, headers=headers, timeout=5)
    assert (answer.status_code, answer.text) == (202, "0: Accepted for delivery")
    assert answer.headers["Content-Type"] == "text/html"
    assert eventually(lambda: centre.segments[NUMBER])
    assert centre.segments[NUMBER][0].text == read


@pytest.mark.parametrize(("given", "read"), TAKEN_QUERIES)
def test_the_stand_in_reads_a_query_as_kannel_does(kannel, centre, given, read):
    centre.segments.clear()
    query = {"username": USER, "password": PASSWORD, "to": NUMBER, **given}
    answer = requests.get(address_of(kannel), params=query, timeout=5)
    assert (answer.status_code, answer.text) == (202, "0: Accepted for delivery")
    assert eventually(lambda: centre.segments[NUMBER])
    assert centre.segments[NUMBER][0].text == read


@pytest.mark.parametrize(("content_type", "given", "words"), REFUSED_POSTS)
def test_the_stand_in_refuses_in_kannels_words(kannel, content_type, given, words):
    headers = headers_of(**given) | {"Content-Type": content_type}
    answer = requests.post(address_of(kannel), data=b"t", headers=headers, timeout=5)
    assert (answer.status_code, answer.text) == (403 if "Authorization" in words else 400, words)


def test_a_check_tells_a_right_password_from_a_wrong_one_and_sends_nothing(kannel, centre):
    centre.segments.clear()
    right, wrong = make_channel(kannel).probe(), make_channel(kannel, password="other").probe()
    assert (right.state, right.code) == (ReadinessState.READY, "ready")
    assert (wrong.state, wrong.code) == (ReadinessState.NOT_READY, "credentials_refused")
    assert sent(make_channel(kannel), centre, "The next text", 1)[0].text == "The next text"
    assert [each.text for each in centre.segments[NUMBER]] == ["The next text"]
