"""The SMPP gateway against a real peer that nobody here wrote: the npm module smpp (npm install -g smpp), where it is installed."""

import ipaddress
import json
import os
import shutil
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from broadcaster.domain.errors import NotSent, OutcomeUnknown, Refused
from channels.base import Receipt
from channels.incoming import DeliveryReceipt, ReceiptState
from channels.text import sms_segments
from tests.contract.sandbox_process import eventually
from tests.contract.smpp_accounts import all_outcomes, gateway, one_outcome, parcels, post_of, said_of
from tests.contract.test_channel_sms_smpp import Ear

NODE = shutil.which("node")
FOLDERS = [
    *os.environ.get("NODE_PATH", "").split(":"),
    "/usr/local/lib/node_modules",
    "/usr/lib/node_modules",
]
MODULES = next((folder for folder in FOLDERS if folder and (Path(folder) / "smpp").is_dir()), None)

pytestmark = pytest.mark.skipif(
    not (NODE and MODULES),
    reason="node or its module smpp is not installed; for these tests: npm install -g smpp@0.5.1",
)


class Peer:
    """The peer as a process of its own. `heard` is what it got."""

    def __init__(self, *arguments: str) -> None:
        script = Path(__file__).with_name("smpp_peer.js")
        self._process = subprocess.Popen(
            [NODE, script, *arguments],
            env={**os.environ, "NODE_PATH": MODULES},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = json.loads(self._process.stdout.readline())["port"]
        self.heard: list[dict] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            self.heard.append(json.loads(line))

    def texts(self, number: str) -> list[dict]:
        return [each for each in self.heard if each.get("to") == number.removeprefix("+")]

    def stop(self) -> None:
        self._process.stdin.close()
        self._process.wait(10)
        self._reader.join()
        self._process.stdout.close()


@pytest.fixture(scope="module")
def peer():
    peer = Peer()
    yield peer
    peer.stop()


@pytest.fixture
def smpp(peer):
    with gateway(peer.port, message_ids="hex-decimal") as smpp:
        yield smpp


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("+447700900201", "Flood: § £ é ü € [x] {y} ~ \\ | ^ @"),
        ("+447700900202", "A" * 152 + "€" + "B" * 152),
        ("+447700900203", "ŵ" * 66 + "🌊" + "ŷ" * 66),
        ("+447700900204", "Backtick ` and ç"),
    ],
)
def test_it_gets_every_text_segment_by_segment_as_it_was_written(peer, smpp, number, text):
    assert isinstance(one_outcome(smpp, post_of(text), number), Receipt)
    pieces = sms_segments(text)
    assert eventually(lambda: len(peer.texts(number)) == len(pieces))
    got = peer.texts(number)
    assert [each["text"] for each in got] == pieces
    assert {(each["from"], *each["ton"]) for each in got} == {("WyreCouncil", 5, 1)}
    headers = [bytes.fromhex("".join(each["udh"])) for each in got]
    expected = [[len(pieces), no] for no in range(1, len(pieces) + 1)] if len(pieces) > 1 else [[]]
    assert [list(header[-2:]) for header in headers] == expected


def test_throttling_refusal_and_a_cut_line_are_told_apart(smpp):
    assert said_of(one_outcome(smpp, post_of(), "+447700900358")) == (NotSent, "rate_limited")
    assert said_of(one_outcome(smpp, post_of(), "+447700900358")) == (Receipt, "")
    assert said_of(one_outcome(smpp, post_of(), "+447700900311")) == (Refused, "number_refused")
    assert said_of(one_outcome(smpp, post_of(), "+447700900366")) == (OutcomeUnknown, "connection_lost")
    assert said_of(one_outcome(smpp, post_of(), "+447700900300")) == (Receipt, "")


def test_each_text_has_its_receipt_though_the_peer_writes_ids_in_two_ways(peer, smpp):
    to = [parcel for parcel in parcels(100) if parcel.address[-2:] not in {"58", "11", "66"}]
    with Ear(smpp) as ear:
        assert eventually(lambda: one_outcome(smpp, post_of(), "+447700900400") and ear.news)
        found = all_outcomes(smpp, post_of("x" * 400), to)
        wanted = {each.platform_id for each in found.values()}
        assert eventually(lambda: wanted <= ear.ids())
        assert all(isinstance(each, DeliveryReceipt) for each in ear.news)
        assert {each.state for each in ear.news} == {ReceiptState.DELIVERED}
        assert eventually(lambda: len([1 for each in peer.heard if each.get("status") == 0]) == len(ear.news))


def test_a_wrong_password_is_told(peer):
    with gateway(peer.port, password="wrong") as smpp:
        assert smpp.probe(None).code == "credentials_refused"


def certificate(folder: Path) -> Path:
    """Of 127.0.0.1, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "peer")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "peer.pem"
    file.write_bytes(key.private_bytes(*plain) + made.public_bytes(serialization.Encoding.PEM))
    return file


def test_over_tls_the_centre_must_be_who_it_says_it_is(tmp_path):
    file = certificate(tmp_path)
    peer = Peer(str(file))
    try:
        with gateway(peer.port, tls="yes", tls_authority=str(file)) as smpp:
            found = all_outcomes(smpp, post_of("x" * 400), parcels(10))
            assert {type(each) for each in found.values()} == {Receipt}
        with gateway(peer.port, tls="yes") as smpp:  # by the authorities that everybody knows
            assert said_of(one_outcome(smpp, post_of())) == (NotSent, "tls_failed")
        with gateway(peer.port, tls="yes", tls_authority=str(file), host="localhost", allowed=None) as smpp:
            assert said_of(one_outcome(smpp, post_of())) == (NotSent, "tls_failed")
    finally:
        peer.stop()
