"""A real mail server (aiosmtpd) on loopback, with and without TLS and passwords, and what it was given."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "duty+log", "p@ss:word/%"


@dataclass
class Mailbox:
    """`refuses` are receivers that do not exist; `answer` is what the server says after a mail."""

    mails: list = field(default_factory=list)
    receivers: list = field(default_factory=list)
    logins: list = field(default_factory=list)
    refuses: frozenset = frozenset()
    answer: str = "250 kept"
    port: int = 0

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        if address in self.refuses:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self.answer.startswith("250"):
            self.mails.append(envelope.original_content)
            self.receivers.append(envelope.rcpt_tos)
        return self.answer

    def accept(self, server, session, envelope, mechanism, data):
        self.logins.append((session.ssl is not None, data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password.decode() == PASSWORD, handled=False)


class _Controller(Controller):
    """On a port that is free, and without the class's own look whether it answers (it would be one login too few)."""

    def __init__(self, box, *, starttls=None, tls=None, login=False):
        super().__init__(box, hostname="127.0.0.1", port=free_port(), ssl_context=tls)
        self._more = {"tls_context": starttls, "authenticator": box.accept if login else None}
        self._more |= {"auth_require_tls": tls is None, "auth_required": login and tls is None}

    def factory(self):
        return SMTP(self.handler, hostname="mail.example", **self._more)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def a_mail_server(**how):
    box = Mailbox()
    controller = _Controller(box, **how)
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()


@dataclass
class Talker:
    """Greets whoever comes, line after line, and each in time. `taken` counts them."""

    server: socket.socket
    taken: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self):
        return self.server.getsockname()[1]

    def take(self):
        with suppress(OSError):
            while True:
                peer, _ = self.server.accept()
                self.taken += 1
                threading.Thread(target=self.greet, args=(peer,), daemon=True).start()

    def greet(self, peer):
        with suppress(OSError), peer:
            while not self.ended.wait(0.05):
                peer.sendall(b"220-welcome\r\n")


@contextmanager
def a_server_that_never_ends():
    talker = Talker(socket.create_server(("127.0.0.1", 0)))
    thread = threading.Thread(target=talker.take, daemon=True)
    thread.start()
    try:
        yield talker
    finally:
        talker.ended.set()
        talker.server.shutdown(socket.SHUT_RDWR)  # which wakes the one that waits for the next
        talker.server.close()
        thread.join(5)


def certificate(folder):
    """For 127.0.0.1, signed by itself: the server's side, and that of a client who believes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem = made.public_bytes(serialization.Encoding.PEM)
    (folder / "mail.pem").write_bytes(pem + key.private_bytes(serialization.Encoding.PEM, *form))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "mail.pem")
    return server, ssl.create_default_context(cadata=pem.decode())
