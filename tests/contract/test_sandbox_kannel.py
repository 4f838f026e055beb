"""The stand-in for Kannel against its user guide: answers, charsets, and delivery receipts called back over HTTP.

The tables of this file hold the real Kannel too, in test_real_kannel.
"""

import http.server
import threading
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from channels.sandbox.kannel_text import GSM_7BIT, GSM_EXTENSION, readable_text
from tests.contract.sandbox_process import CONTRACTS, contract, eventually

UTF8 = "text/plain; charset=UTF-8"
WELSH = "Afon Ŵyre 🌊"

#: Content-Type, further X-Kannel headers, body, and what the telephone shows.
TAKEN_POSTS = [
    (UTF8, {"coding": "0"}, "café €".encode(), "café €"),
    (UTF8, {"coding": "2"}, WELSH.encode(), WELSH),
    ("text/plain; charset=UTF-16BE", {"coding": "2"}, WELSH.encode("utf-16-be"), WELSH),
    ('text/plain; charset="utf-8"', {"coding": "2"}, WELSH.encode(), WELSH),
    (UTF8, {"coding": "2", "charset": "ISO-8859-1"}, WELSH.encode(), WELSH),  # that header says nothing
    ("text/plain", {"coding": "2", "charset": "UTF-8"}, "ŵ".encode(), "Åµ"),
    (UTF8, {}, b"a+b %20 & c=d", "a+b %20 & c=d"),
    (UTF8, {}, WELSH.encode(), "Afon ?yre ????"),
    (UTF8, {"coding": "0"}, "ça — `va`\t[€]\n".encode(), "Ça ? ?va??[€]\n"),
    (UTF8, {"coding": "x"}, b"no number is no coding", "no number is no coding"),
    (UTF8, {"DLR-Mask": "64", "Validity": "soon"}, b"nor are these", "nor are these"),
    (UTF8, {}, b"", ""),
    ("text/plain", {}, "café".encode("latin-1"), "café"),
    ("application/octet-stream", {}, b"\x01\xff", "\x01\xff"),
    ("application/octet-stream", {"coding": "2"}, WELSH.encode("utf-16-be"), WELSH),
]
#: A query beside the login and the number, and what the telephone shows.
TAKEN_QUERIES = [
    ({"text": "£5 — café"}, "£5 ? café"),
    ({"text": "£5 — café", "charset": "UTF-8", "coding": "0"}, "£5 ? café"),
    ({"text": WELSH, "charset": "UTF-8", "coding": "2"}, WELSH),
    ({"text": WELSH.encode("utf-16-be"), "coding": "2"}, WELSH),
    ({"text": "abcd", "coding": "2"}, "慢捤"),  # without a charset these are UTF-16
    ({"text": "café €".encode("iso-8859-15"), "charset": "ISO-8859-15"}, "café €"),
    ({"text": ""}, ""),
    ({}, ""),
]
#: Content-Type, X-Kannel headers that are wrong or left out, and the words of the refusal.
REFUSED_POSTS = [
    ("application/x-www-form-urlencoded", {}, "Invalid content-type"),
    ("application/json", {"password": "wrong"}, "Invalid content-type"),
    ("text/plain; charset=klingon", {}, "Charset or body misformed, rejected"),
    (UTF8, {"password": "wrong"}, "Authorization failed for sendsms"),
    (UTF8, {"username": None, "password": None}, "Authorization failed for sendsms"),
    (UTF8, {"to": None}, "Missing receiver(s) number(s), rejected"),
    (UTF8, {"to": ""}, "Empty receiver number not allowed, rejected"),
    (UTF8, {"to": "seven"}, "Number(s) has/have been denied by white- and/or black-lists."),
    (UTF8, {"coding": "3"}, "Coding field misformed, rejected"),
    (UTF8, {"priority": "4"}, "Priority field misformed, rejected"),
    (UTF8, {"DLR-Url": "ftp://127.0.0.1/"}, "DLR-URL field misformed, rejected"),
]


class Listener(http.server.ThreadingHTTPServer):
    """Collects the callbacks; answers `refusals` of them with 500 first."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Caller)
        self.paths = []
        self.refusals = 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Caller(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.paths.append(self.path)
        refused = self.server.refusals > 0
        self.server.refusals -= refused
        self.send_response(500 if refused else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Quiet."""


@pytest.fixture
def listener():
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def replies():
    return {
        reply["http"]: reply["body"] for reply in reversed(contract("payloads/kannel_http.json")["replies"])
    }


def test_a_text_is_accepted_in_kannels_words(sandbox):
    answer = sandbox.text("+447700900123", "Leave now.")
    assert (answer.status_code, answer.text) == (202, replies()[202])
    assert answer.headers["content-type"] == "text/html"
    row = sandbox.ledger(platform="sms")[0]
    assert (row["accepted"], row["recipient"], row["text"]) == (1, "+447700900123", "Leave now.")


def test_the_user_guides_own_request_is_taken(sandbox):
    request = contract("payloads/kannel_http.json")["sendsms_request"].removeprefix("GET ")
    sms = {name: quote(value) for name, value in sandbox.accounts["sms"].items()}
    path = request.replace("foo", sms["username"]).replace("bar", sms["password"])
    assert sandbox.get(path).status_code == 202
    assert sandbox.ledger()[0]["text"] == "Hello world"


def headers_of(sandbox, **given):
    headers = {**sandbox.accounts["sms"], "from": "WYRE", "to": "+447700900123", **given}
    return {f"X-Kannel-{name}": value for name, value in headers.items() if value is not None}


@pytest.mark.parametrize(("content_type", "given", "body", "read"), TAKEN_POSTS)
def test_a_post_is_kept_as_its_reader_sees_it(sandbox, content_type, given, body, read):
    headers = headers_of(sandbox, **given) | {"Content-Type": content_type}
    answer = sandbox.post("/cgi-bin/sendsms", data=body, headers=headers)
    assert (answer.status_code, answer.text) == (202, "0: Accepted for delivery")
    assert (sandbox.ledger()[0]["recipient"], sandbox.ledger()[0]["text"]) == ("+447700900123", read)


@pytest.mark.parametrize(("given", "read"), TAKEN_QUERIES)
def test_a_query_is_kept_as_its_reader_sees_it(sandbox, given, read):
    query = {**sandbox.accounts["sms"], "to": "+447700900123", **given}
    assert sandbox.get("/cgi-bin/sendsms", params=query).status_code == 202
    assert sandbox.ledger()[0]["text"] == read


@pytest.mark.parametrize(("content_type", "given", "words"), REFUSED_POSTS)
def test_a_post_is_refused_in_kannels_words(sandbox, content_type, given, words):
    headers = headers_of(sandbox, **given) | {"Content-Type": content_type}
    answer = sandbox.post("/cgi-bin/sendsms", data=b"t", headers=headers)
    assert (answer.status_code, answer.text) == (403 if "Authorization" in words else 400, words)
    assert sandbox.summary("sms")["accepted"] == 0


def test_the_query_of_a_post_is_not_read(sandbox):
    query = {**sandbox.accounts["sms"], "to": "+447700900123", "text": "t"}
    answer = sandbox.post("/cgi-bin/sendsms", params=query)
    assert (answer.status_code, answer.text) == (403, "Authorization failed for sendsms")


def test_the_wall_shows_the_sender_of_the_newest_text(sandbox):
    sandbox.text("+447700900123", "by a query", **{"from": "Garstang"})
    assert "Garstang" in sandbox.get("/").text
    headers = headers_of(sandbox, **{"from": "Fleetwood"}) | {"Content-Type": UTF8}
    sandbox.post("/cgi-bin/sendsms", data=b"by headers", headers=headers)
    wall = sandbox.get("/").text
    assert "Fleetwood" in wall
    assert "Garstang" not in wall


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"username": "wrong"}, {"password": ""}])
def test_a_wrong_login_is_refused(sandbox, wrong):
    answer = sandbox.text("+447700900123", "t", **wrong)
    assert (answer.status_code, answer.text) == (403, "Authorization failed for sendsms")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"to": None}, "Missing receiver number, rejected"),
        ({"to": ""}, "Empty receiver number not allowed, rejected"),
        ({"to": "seven"}, "Number(s) has/have been denied by white- and/or black-lists."),
        ({"coding": "3"}, "Coding field misformed, rejected"),
        ({"priority": "4"}, "Priority field misformed, rejected"),
        ({"charset": "klingon"}, "Charset or body misformed, rejected"),
        ({"dlr-url": "http://198.51.100.7/hooks"}, "DLR-URL field misformed, rejected"),
        ({"dlr-url": "http://127.0.0.1.example.org/"}, "DLR-URL field misformed, rejected"),
        ({"dlr-url": "ftp://127.0.0.1/"}, "DLR-URL field misformed, rejected"),
    ],
)
def test_what_smsbox_would_not_take_is_refused_and_recorded(sandbox, given, words):
    answer = sandbox.text(**{"to": "+447700900123", "text": "t", "dlr-mask": "1", **given})
    assert (answer.status_code, answer.text) == (400, words)
    assert [(row["status"], row["accepted"]) for row in sandbox.ledger()] == [(400, 0)]
    assert sandbox.get("/_sandbox/receipts").json()["expected"] == 0


def test_several_recipients_count_each(sandbox):
    sandbox.text("+447700900001 +447700900002", "to both")
    sandbox.text("+447700900002", "to both")
    assert sandbox.summary("sms") == {"requests": 2, "accepted": 3, "recipients_distinct": 2, "duplicates": 1}


@pytest.mark.parametrize(
    ("raw", "charset", "coding", "read"),
    [
        (b"ab\xffc", "UTF-8", "0", "ab?c"),
        (b"ab\xffc", "UTF-8", "2", "ab\ufffdc"),
        (b"\0", "", "2", "\ufffd"),
    ],
)
def test_bytes_that_are_no_text_pass_as_smsbox_lets_them(raw, charset, coding, read):
    assert readable_text(raw, charset=charset, coding=coding) == read


def test_the_alphabet_is_gsm_0338s():
    path = CONTRACTS / "gsm" / "GSM0338.TXT"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    lines = [
        line.split() for line in path.read_text(encoding="latin-1").splitlines() if line.startswith("0x")
    ]
    alphabet = {int(code, 16): chr(int(char, 16)) for code, char, *_ in lines if len(code) == 4}
    alphabet[0x09] = "Ç"  # GSM 03.38 itself; the table has it the other way round
    ours = {code: char for code, char in enumerate(GSM_7BIT) if code != 0x1B}
    assert ours == {code: char for code, char in alphabet.items() if code in ours}
    assert len(GSM_7BIT) == 128
    extension = {chr(int(char, 16)) for code, char, *_ in lines if len(code) == 6}
    assert set(GSM_EXTENSION) == extension


def test_receipts_follow_in_the_form_the_guide_shows(sandbox, listener):
    example = contract("payloads/kannel_http.json")["dlr_example"]
    path = example["dlr-url"].partition(".com")[2]
    sandbox.text(
        "+447700900123", "t", **{"dlr-url": listener.url + path, "dlr-mask": str(example["dlr-mask"])}
    )
    delivered = example["callbacks"][1].removeprefix("GET ")
    assert eventually(lambda: listener.paths == [delivered])


@pytest.mark.parametrize(
    ("mask", "final", "types"),
    [
        (31, "delivered", ["8", "1"]),
        (31, "undelivered", ["8", "2"]),
        (8, "delivered", ["8"]),
        (3, "undelivered", ["2"]),
    ],
)
def test_the_mask_says_which_receipts_come(sandbox, listener, mask, final, types):
    sandbox.set(dlr_final=final)
    sandbox.text(
        "+447700900123", "t", **{"dlr-url": f"{listener.url}/d?key=k-1&type=%d", "dlr-mask": str(mask)}
    )
    assert eventually(lambda: len(listener.paths) == len(types))
    assert [parse_qs(urlsplit(path).query)["type"][0] for path in listener.paths] == types
    assert sandbox.get("/_sandbox/receipts").json()["expected"] == len(types)


def test_each_recipient_has_receipts_of_his_own(sandbox, listener):
    sandbox.set(undelivered=["+447700900002"], dlr_copies=2)
    address = f"{listener.url}/d?to=%P&from=%p&type=%d&keep=%z&all=%%"
    sandbox.text("+447700900001 +447700900002", "t", **{"dlr-url": address, "dlr-mask": "3"})
    one, two = (f"/d?to=%2B44770090000{n}&from=WYRE&type={n}&keep=%z&all=%" for n in (1, 2))
    assert eventually(lambda: sorted(listener.paths) == [one, one, two, two])


def test_a_receipt_that_is_refused_is_called_again(sandbox, listener):
    listener.refusals = 2
    sandbox.text("+447700900123", "t", **{"dlr-url": f"{listener.url}/d?type=%d", "dlr-mask": "1"})
    assert eventually(lambda: sandbox.get("/_sandbox/receipts").json()["sent"] == 1)
    assert listener.paths == ["/d?type=1"] * 3


def test_our_key_is_read_from_the_address_for_receipts(sandbox):
    address = "http://127.0.0.1:9/hooks/sms?key=0190a-7&type=%d"
    sandbox.text("+447700900123", "t", **{"dlr-url": address, "dlr-mask": "0"})
    assert sandbox.ledger()[0]["key"] == "0190a-7"
