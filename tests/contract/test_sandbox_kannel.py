"""The stand-in for Kannel against its user guide: answers, charsets, and delivery receipts called back over HTTP."""

import http.server
import threading
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from channels.sandbox.kannel_text import GSM_7BIT, GSM_EXTENSION, readable_text
from tests.contract.sandbox_process import CONTRACTS, contract, eventually


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
    assert answer.headers["content-type"] == "text/plain"
    row = sandbox.ledger(platform="sms")[0]
    assert (row["accepted"], row["recipient"], row["text"]) == (1, "+447700900123", "Leave now.")


def test_the_user_guides_own_request_is_taken(sandbox):
    request = contract("payloads/kannel_http.json")["sendsms_request"].removeprefix("GET ")
    sms = {name: quote(value) for name, value in sandbox.accounts["sms"].items()}
    path = request.replace("foo", sms["username"]).replace("bar", sms["password"])
    assert sandbox.get(path).status_code == 202
    assert sandbox.ledger()[0]["text"] == "Hello world"


def test_a_form_says_the_same_as_a_query(sandbox):
    form = {
        **sandbox.accounts["sms"],
        "to": "+447700900123",
        "text": "Ŵyre — é",
        "charset": "UTF-8",
        "coding": "2",
    }
    assert sandbox.post("/cgi-bin/sendsms", data=form).status_code == 202
    assert sandbox.ledger()[0]["text"] == "Ŵyre — é"


def headers_of(sandbox, **more):
    given = {**sandbox.accounts["sms"], "from": "WYRE", "to": "+447700900123", **more}
    return {f"X-Kannel-{name.replace('_', '-')}": value for name, value in given.items()}


@pytest.mark.parametrize(
    ("content_type", "coding", "body", "read"),
    [
        ("text/plain; charset=UTF-8", {"coding": "0"}, "café €".encode(), "café €"),
        ("text/plain; charset=UTF-8", {"coding": "2"}, "Afon Ŵyre".encode(), "Afon Ŵyre"),
        ("text/plain; charset=UTF-8", {}, b"a+b %20 & c=d", "a+b %20 & c=d"),
        ("text/plain", {}, "café".encode("latin-1"), "café"),
        ("application/octet-stream", {}, b"\x01\xff", "\x01\xff"),
    ],
)
def test_headers_with_the_text_as_body_say_the_same(sandbox, content_type, coding, body, read):
    address = {"DLR_Mask": "0", "DLR_Url": "http://127.0.0.1:9/hooks?key=0190a-7&type=%d"}
    headers = {**headers_of(sandbox, **coding, **address), "Content-Type": content_type}
    answer = sandbox.post("/cgi-bin/sendsms", data=body, headers=headers)
    assert (answer.status_code, answer.text) == (202, "0: Accepted for delivery")
    row = sandbox.ledger()[0]
    assert (row["recipient"], row["text"], row["key"]) == ("+447700900123", read, "0190a-7")


def test_a_body_of_another_kind_is_refused(sandbox):
    answer = sandbox.post("/cgi-bin/sendsms", json={"to": "+447700900123"}, headers=headers_of(sandbox))
    assert (answer.status_code, answer.text) == (400, "Invalid content-type")
    assert sandbox.summary("sms")["accepted"] == 0


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
        ({"text": None}, "Empty text not allowed, rejected."),
        ({"text": ""}, "Empty text not allowed, rejected."),
        ({"coding": "3"}, "Coding field misformed, rejected"),
        ({"priority": "4"}, "Priority field misformed, rejected"),
        ({"dlr-mask": "64"}, "DLR-Mask field misformed, rejected"),
        ({"validity": "soon"}, "Validity field misformed, rejected"),
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
        ("£5 — café".encode(), "UTF-8", "", "£5 ? café"),
        ("£5 — café".encode(), "", "0", "£5 ? café"),
        ("Afon Ŵyre".encode(), "UTF-8", "0", "Afon ?yre"),
        ("Afon Ŵyre".encode(), "UTF-8", "2", "Afon Ŵyre"),
        ("Afon Ŵyre 🌊".encode("utf-16-be"), "", "2", "Afon Ŵyre 🌊"),
        ("café €".encode("iso-8859-15"), "ISO-8859-15", "0", "café €"),
        (b"\x01\xff", "", "1", "\x01\xff"),
        (b"[a]\n{b}\t`c`", "UTF-8", "0", "[a]\n{b}??c?"),
    ],
)
def test_a_text_is_kept_as_its_reader_sees_it(raw, charset, coding, read):
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
