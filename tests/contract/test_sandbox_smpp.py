"""The SMPP centre of the sandbox, by the specification: a plain client, and a real Kannel where it is installed."""

import socket
import struct
import subprocess

import pytest
import requests

from channels.sandbox.smpp_pdus import pdu
from tests.contract.sandbox_process import eventually
from tests.contract.test_real_kannel import BEARERBOX, CONFIGURATION, SMSBOX, await_port, end, free_ports

TRANSMITTER, RECEIVER, TRANSCEIVER, SUBMIT, DELIVER, UNBIND, ENQUIRE = 2, 1, 9, 4, 5, 6, 0x15
RESPONSE = 0x80000000
HEADER = b"\x05\x00\x03\x07\x02"


class Client:
    """A connection that says and hears PDUs, octet by octet."""

    def __init__(self, sandbox) -> None:
        self.account = sandbox.accounts["smpp"]
        port = sandbox.get("/_sandbox/smpp").json()["port"]
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._file = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._socket.close()

    def say(self, command, sequence, body=b"", status=0):
        self._socket.sendall(pdu(command, status, sequence, body))

    def hear(self):
        head = self._file.read(16)
        if not head:
            return None
        length, command, status, sequence = struct.unpack(">4I", head)
        return command, status, sequence, self._file.read(length - 16)

    def ask(self, command, body=b"", sequence=1):
        self.say(command, sequence, body)
        return self.hear()

    def bind(self, command=TRANSMITTER, *, password=None, system_id=None):
        name, word = system_id or self.account["system_id"], password or self.account["password"]
        return self.ask(command, f"{name}\0{word}\0\0\x34\0\0\0".encode())[1]


def submit_sm(
    octets=b"Flood", *, to=b"447700900123", sender=b"\x05\x00Wyre", coding=0, esm=0, receipt=0, until=b""
):
    head = b"\0" + sender + b"\0\x01\x01" + to + b"\0" + bytes([esm, 0, 0]) + b"\0" + until + b"\0"
    return head + bytes([receipt, 0, coding, 0, len(octets)]) + octets


@pytest.fixture
def client(sandbox):
    with Client(sandbox) as client:
        yield client


def row_of(sandbox):
    [row] = sandbox.ledger(platform="smpp")
    return row


def test_what_it_takes_is_on_the_ledger_as_a_telephone_shows_it(sandbox, client):
    assert client.bind() == 0
    _, status, sequence, body = client.ask(SUBMIT, submit_sm(b"A \x1b\x65\x00", until=b"261121043000000+"), 7)
    row = row_of(sandbox)
    assert (status, sequence, body) == (0, 7, row["platform_id"].encode() + b"\0")
    assert (row["accepted"], row["recipient"], row["text"]) == (1, "+447700900123", "A €@")
    headers = {"command_status": "0x00000000", "part": "", "sender": "Wyre", "validity": "261121043000000+"}
    assert dict(row["headers"]) == headers
    assert sandbox.summary("smpp")["accepted"] == 1


def test_segments_say_which_part_they_are(sandbox, client):
    client.bind()
    client.ask(SUBMIT, submit_sm(HEADER + b"\x02" + "ŵ".encode("utf-16-be"), coding=8, esm=0x40))
    row = row_of(sandbox)
    assert (row["text"], dict(row["headers"])["part"]) == ("ŵ", "2/2")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (submit_sm(to=b"abc"), 0x0B),
        (submit_sm(to=b""), 0x0B),
        (submit_sm(sender=b"\x05\x00TwelveLetters"), 0x0A),
        (submit_sm(b"no header", esm=0x40), 0x43),
        (submit_sm(HEADER + b"\x03x", esm=0x40), 0x43),
        (submit_sm(until=b"tomorrow"), 0x62),
        (submit_sm()[:-1], 0x02),
        (b"\0", 0x02),
    ],
)
def test_what_a_centre_refuses_is_refused_and_on_the_ledger_too(sandbox, client, body, status):
    client.bind()
    assert client.ask(SUBMIT, body)[1] == status
    row = row_of(sandbox)
    assert (row["accepted"], row["status"]) == (0, status)


def test_nothing_is_taken_before_a_bind_or_from_a_receiver(sandbox, client):
    assert client.ask(SUBMIT, submit_sm())[1] == 0x04
    assert client.bind(RECEIVER) == 0
    assert client.ask(SUBMIT, submit_sm())[1] == 0x04
    assert sandbox.summary("smpp")["accepted"] == 0


def test_binds_questions_and_goodbyes(client):
    assert client.bind(password="wrong") == 0x0E
    assert client.bind(system_id="other") == 0x0F
    assert client.bind() == 0
    assert client.bind() == 0x05
    assert client.ask(ENQUIRE, sequence=9)[:3] == (ENQUIRE | RESPONSE, 0, 9)
    assert client.ask(0x21, sequence=9)[:3] == (RESPONSE, 0x03, 9)
    assert client.ask(UNBIND)[:2] == (UNBIND | RESPONSE, 0)
    assert client.hear() is None


@pytest.mark.parametrize(
    ("kind", "status"), [("429", 0x58), ("503", 0x14), ("500", 0x08), ("expired_token", 0x0E)]
)
def test_faults_are_told_in_the_centres_words(sandbox, client, kind, status):
    client.bind()
    sandbox.fault(platform="smpp", kind=kind, count=1)
    assert client.ask(SUBMIT, submit_sm())[1] == status
    assert row_of(sandbox)["accepted"] == 0
    assert client.ask(SUBMIT, submit_sm())[1] == 0


def test_one_recipient_is_refused_and_no_other(sandbox, client):
    client.bind()
    sandbox.fault(platform="smpp", kind="refuse_recipient", recipient="+447700900999")
    assert client.ask(SUBMIT, submit_sm(to=b"447700900999"))[1] == 0x0B
    assert client.ask(SUBMIT, submit_sm())[1] == 0


@pytest.mark.parametrize(
    ("kind", "accepted"), [("silence", 0), ("accept_then_silence", 1), ("reset", 0), ("accept_then_reset", 1)]
)
def test_what_is_not_answered_is_on_the_ledger_all_the_same(sandbox, client, kind, accepted):
    client.bind()
    sandbox.fault(platform="smpp", kind=kind, count=1)
    client.say(SUBMIT, 1, submit_sm())
    if "reset" in kind:
        with pytest.raises(ConnectionResetError):
            client.hear()
    else:
        assert client.ask(SUBMIT, submit_sm(), 2)[2] == 2
    row = sandbox.ledger(platform="smpp")[0]
    assert (row["accepted"], dict(row["headers"])["command_status"]) == (accepted, "none")


@pytest.mark.parametrize("kind", ["502", "broken_json", "readback_lag"])
def test_what_is_of_http_is_no_fault_of_a_centre(sandbox, kind):
    answer = sandbox.post("/_sandbox/faults", json={"platform": "smpp", "kind": kind, "seconds": 1})
    assert (answer.status_code, "has no" in answer.text) == (400, True)
    assert sandbox.post("/_sandbox/faults", json={"platform": "sms", "kind": "reset"}).status_code == 400


@pytest.mark.parametrize(
    ("settings", "receipt"),
    [
        ({}, "id:{id} sub:001 dlvrd:001 submit date:* stat:DELIVRD err:000 text:Flood"),
        (
            {"undelivered": ["+447700900123"]},
            "id:{id} sub:001 dlvrd:000 submit date:* stat:UNDELIV err:001 text:Flood",
        ),
        (
            {"smpp_receipt_ids": "decimal"},
            "id:{decimal} sub:001 dlvrd:001 submit date:* stat:DELIVRD err:000 text:Flood",
        ),
    ],
)
def test_a_receipt_comes_to_whoever_listens_when_it_was_asked_for(sandbox, client, settings, receipt):
    sandbox.set(**settings)
    client.bind(TRANSCEIVER)
    id_ = client.ask(SUBMIT, submit_sm(receipt=1))[3][:-1].decode()
    client.ask(SUBMIT, submit_sm(receipt=0), 2)
    command, _, sequence, body = client.hear()
    octets = body[body.index(b"id:") :]
    begin, finish = receipt.format(id=id_, decimal=f"{int(id_, 16):010d}").split("*")
    assert (command, octets.decode().startswith(begin), octets.decode().endswith(finish)) == (
        DELIVER,
        True,
        True,
    )
    client.say(DELIVER | RESPONSE, sequence)
    assert eventually(lambda: sandbox.get("/_sandbox/smpp").json()["sent"] == 1)


def test_what_is_not_acknowledged_comes_again_at_the_next_bind(sandbox, client):
    client.bind()
    client.ask(SUBMIT, submit_sm(receipt=1))
    first = None
    for acknowledges in (False, True):
        with Client(sandbox) as receiver:
            receiver.bind(RECEIVER)
            _, _, sequence, body = receiver.hear()
            assert first in {None, body}
            first = body
            if acknowledges:
                receiver.say(DELIVER | RESPONSE, sequence)
                assert eventually(lambda: sandbox.get("/_sandbox/smpp").json()["sent"] == 1)


def test_people_write_to_whoever_listens(sandbox, client):
    client.bind(RECEIVER)
    assert sandbox.post("/_sandbox/smpp", json={"from": "+447700900123", "text": "STOP"}).status_code == 202
    command, _, _, body = client.hear()
    assert command == DELIVER
    assert body.endswith(b"\x04STOP")
    assert b"447700900123\0" in body
    assert sandbox.post("/_sandbox/smpp", json={"text": "STOP"}).status_code == 400


def test_the_wall_shows_the_text(sandbox, client):
    client.bind()
    client.ask(SUBMIT, submit_sm(b"River rising <fast>"))
    page = sandbox.get("/").text
    assert "River rising &lt;fast&gt;" in page
    assert "Wyre" in page


KANNEL = CONFIGURATION.replace(
    "smsc-username = esme\nsmsc-password = esme", "smsc-username = {id}\nsmsc-password = {word}"
)


@pytest.mark.skipif(
    not (BEARERBOX.exists() and SMSBOX.exists()),
    reason="Kannel is not installed; for this test: apt-get install kannel",
)
def test_a_real_kannel_takes_it_for_an_smsc(sandbox, tmp_path):
    """Kannel binds as transceiver, sends a text of two segments, and gets the receipt of it."""
    inner, outer, admin = free_ports(3)
    account, centre = sandbox.accounts["smpp"], sandbox.get("/_sandbox/smpp").json()["port"]
    names = {"user": "alerts", "careless": "careless", "password": "loopback-only", "folder": tmp_path}
    ports = {"inner": inner, "outer": outer, "admin": admin, "centre": centre}
    configuration = tmp_path / "kannel.conf"
    configuration.write_text(
        KANNEL.format(**names, **ports, id=account["system_id"], word=account["password"])
    )
    text, running = "Tŷ € " * 20, []
    try:
        for program, port in ((BEARERBOX, inner), (SMSBOX, outer)):
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            running.append(subprocess.Popen([program, configuration], **quiet))
            await_port(port)
        query = {"username": "alerts", "password": "loopback-only", "to": "+447700900123", "from": "Wyre"}
        query |= {
            "text": text,
            "charset": "UTF-8",
            "coding": "2",
            "dlr-mask": "1",
            "dlr-url": "http://127.0.0.1:9/",
        }
        answer = requests.get(f"http://127.0.0.1:{outer}/cgi-bin/sendsms", params=query, timeout=10)
        assert answer.status_code == 202
        assert eventually(lambda: sandbox.summary("smpp")["accepted"] == 2)
        assert eventually(lambda: sandbox.get("/_sandbox/smpp").json()["sent"] >= 1)
    finally:
        for process in reversed(running):
            end(process)
    rows = sandbox.ledger(platform="smpp", accepted=1)
    assert "".join(row["text"] for row in rows) == text
    assert [dict(row["headers"])["part"] for row in rows] == ["1/2", "2/2"]
    assert {row["recipient"] for row in rows} == {"+447700900123"}
