"""Hands one plain text to a mail server. It knows SMTP and nothing of the log."""

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.policy import SMTP as LINES
from email.utils import formatdate, make_msgid
from typing import Any
from urllib.parse import unquote, urlsplit

WAIT_S, TOTAL_S = 10.0, 30.0
PORTS = {"smtp": 587, "smtps": 465}


class NotMailed(Exception):
    """The mail was not taken, or it is not known whether it was."""


class _Bounded(smtplib.SMTP):
    """Over in `total_s`: smtplib bounds each wait by itself only, and a server that says a word now and then would hold
    its caller for ever."""

    def __init__(self, host: str, port: int, *, total_s: float, **more: Any) -> None:
        self._timer = threading.Timer(total_s, self._cut)
        self._timer.daemon = True
        self._timer.start()
        try:
            super().__init__(host, port, **more)
        except BaseException:
            self._timer.cancel()
            raise

    def _cut(self) -> None:
        with suppress(OSError):  # closed meanwhile
            if self.sock:
                self.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._timer.cancel()
        super().close()


class _BoundedTls(_Bounded, smtplib.SMTP_SSL):
    pass


class MailServer:
    """`url` is smtp://user:password@host:587 (STARTTLS where the server offers it) or smtps://; user and password may be
    left out."""

    def __init__(
        self,
        url: str,
        sender: str,
        *,
        tls: ssl.SSLContext | None = None,
        wait_s: float = WAIT_S,
        total_s: float = TOTAL_S,
    ) -> None:
        parts = urlsplit(url)
        self._kind = parts.scheme
        self._host, self._port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._sender = sender
        self._tls = tls
        self._wait_s, self._total_s = wait_s, total_s

    def send(self, to: Sequence[str], *, subject: str, text: str) -> int:
        """How many of the receivers the server refused; it took the mail for the others. NotMailed where it took it for
        nobody. The reason holds no password: what the server says of a login is left out."""
        try:
            with self._open() as server:
                self._secure(server)
                eight = ["BODY=8BITMIME"] if server.has_extn("8bitmime") else []
                refused = server.send_message(self._mail(to, subject, text), mail_options=eight)
        except smtplib.SMTPAuthenticationError as error:
            raise NotMailed(
                f"{self._host} does not accept the user or the password ({error.smtp_code})"
            ) from None
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise NotMailed(f"{self._host}:{self._port}: {type(error).__name__}: {error}"[:300]) from error
        return len(refused)

    @contextmanager
    def _open(self) -> Iterator[smtplib.SMTP]:
        more = {"timeout": self._wait_s, "total_s": self._total_s}
        if self._kind == "smtps":
            server: smtplib.SMTP = _BoundedTls(self._host, self._port, context=self._context(), **more)
        else:
            server = _Bounded(self._host, self._port, **more)
        try:
            yield server
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
        finally:
            server.close()

    def _secure(self, server: smtplib.SMTP) -> None:
        """STARTTLS where it is offered. A password goes over nothing else, and only to a server with a certificate for its
        name. Without one the certificate is not looked at: a relay next door often made its own, and the text is public."""
        server.ehlo()
        if self._kind == "smtp" and server.has_extn("starttls"):
            server.starttls(context=self._context() if self._user else _any_certificate())
            server.ehlo()
        elif self._kind == "smtp" and self._user:
            raise smtplib.SMTPNotSupportedError("it offers no STARTTLS, and a password is not sent in clear")
        if self._user:
            server.login(self._user, self._password)

    def _context(self) -> ssl.SSLContext:
        return self._tls or ssl.create_default_context()

    def _mail(self, to: Sequence[str], subject: str, text: str) -> EmailMessage:
        """As 8 bits and with nothing wrapped: what was signed is to be found in it to the letter."""
        mail = EmailMessage(policy=LINES.clone(max_line_length=None))
        mail["From"], mail["To"], mail["Subject"] = self._sender, ", ".join(to), subject
        mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain=self._sender.rpartition("@")[2])
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer from somebody who is away
        mail.set_content(text, cte="8bit")
        return mail


def _any_certificate() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
