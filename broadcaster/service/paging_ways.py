"""The ways by which staff are paged: our mail server, our own account for texts, and rooms of other firms by Apprise.

Each answers with one of three outcomes and raises nothing; none knows what a page is about.
"""

import logging
import smtplib
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from broadcaster.db.ids import new_uid
from broadcaster.db.rota import Contact
from broadcaster.domain.errors import OutcomeUnknown, SendError
from broadcaster.domain.message import Mode
from broadcaster.domain.paging import MAIL, ROOM, SMS, PageState
from broadcaster.domain.post import Post
from broadcaster.service.audience_file import e164
from broadcaster.service.mail_server import MailServer, NotMailed
from broadcaster.service.ways import all_spares
from channels.base import Channel, ChannelsOfMode, Parcel, SendsMany

log = structlog.get_logger()

TEXT_WITHIN_S = 20.0
ROOM_WITHIN_S = 15.0
#: What a mail server, or the way to it, says before it could have taken a mail.
SURELY_NOT = (
    smtplib.SMTPConnectError,
    smtplib.SMTPHeloError,
    smtplib.SMTPNotSupportedError,
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPResponseException,
    smtplib.SMTPSenderRefused,
    ConnectionRefusedError,
    socket.gaierror,
)


@dataclass(frozen=True, kw_only=True)
class Came:
    """What came of a page. `code` is short and holds no address."""

    state: PageState
    code: str = ""


class PagingWay(Protocol):
    """`name` is what a page's row says. `for_people` tells whether it reaches one person or a room."""

    name: str
    for_people: bool

    def reaches(self, contact: Contact) -> bool: ...

    def page(self, contact: Contact, *, subject: str, text: str) -> Came: ...


class ByMail:
    name, for_people = MAIL, True

    def __init__(self, server: MailServer) -> None:
        self._server = server

    def reaches(self, contact: Contact) -> bool:
        return bool(contact.mail)

    def page(self, contact: Contact, *, subject: str, text: str) -> Came:
        try:
            refused = self._server.send((contact.mail,), subject=subject, text=f"{text}\n")
        except NotMailed as error:
            cause = error.__cause__
            surely = cause is None or isinstance(cause, SURELY_NOT)  # no cause: it refused user or password
            code = type(cause).__name__ if cause else "login_refused"
            return Came(state=PageState.NOT_SENT if surely else PageState.UNKNOWN, code=code)
        return Came(state=PageState.NOT_SENT, code="refused") if refused else Came(state=PageState.SENT)


class ByText:
    """Through the first live account for texts, with the channel's own code: to one work number, never to an audience.
    Exercises page real telephones too: whether somebody answers is what they practise."""

    name, for_people = SMS, True

    def __init__(self, account: str, channel: Channel, *, region: str = "GB") -> None:
        self._account, self._channel, self._region = account, channel, region

    def reaches(self, contact: Contact) -> bool:
        return bool(self._number(contact))

    def page(self, contact: Contact, *, subject: str, text: str) -> Came:  # noqa: ARG002 - a text has none
        post = Post(channel=self._channel.name, account=self._account, title="", text=text)
        if self._channel.check(post):
            return Came(state=PageState.NOT_SENT, code="text_refused")
        try:
            return self._sent(post, Parcel(key=new_uid(), address=self._number(contact)))
        except Exception as error:  # a bug in a channel must not keep the next person from being paged
            log.exception("page_by_text_failed")
            return Came(state=PageState.UNKNOWN, code=type(error).__name__)

    def _sent(self, post: Post, parcel: Parcel) -> Came:
        assert isinstance(self._channel, SendsMany)
        end = time.monotonic() + TEXT_WITHIN_S
        with self._channel.sending(post) as sending:
            sending.put([parcel])
            while time.monotonic() < end:
                for _, outcome in sending.take(1.0):
                    if not isinstance(outcome, SendError):
                        return Came(state=PageState.SENT)
                    unknown = isinstance(outcome, OutcomeUnknown)
                    return Came(state=PageState.UNKNOWN if unknown else PageState.NOT_SENT, code=outcome.code)
        return Came(state=PageState.UNKNOWN, code="no_answer")

    def _number(self, contact: Contact) -> str:
        try:
            return e164(contact.phone, self._region) if contact.phone else ""
        except ValueError:
            return ""


class ByRoom:
    """One address of Apprise: Teams, Slack, ntfy and a hundred more. It stands in no row and no log.

    Apprise 2.2.0 (read 2026-11): a plug-in answers True, or False for everything else - a refusal, a read time-out after the
    request has left, a reset. So what is not a success is unknown here, but for an address that it does not understand. Each
    request is bounded by 4 s to connect and 4 s to read; `timeout` bounds the whole call, and leaves a thread behind.
    """

    for_people = False
    _lock = threading.Lock()

    def __init__(self, no: int, url: str) -> None:
        self.name = f"{ROOM}-{no}"
        self._url = url

    def reaches(self, contact: Contact) -> bool:  # noqa: ARG002 - nobody's
        return True

    def page(self, contact: Contact, *, subject: str, text: str) -> Came:  # noqa: ARG002
        apprise = self._apprise()
        try:
            room = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False, secure_logging=True))
            if not room.add(self._url):
                return Came(state=PageState.NOT_SENT, code="address_not_understood")
            result = room.notify(title=subject, body=text, timeout=ROOM_WITHIN_S)
        except Exception as error:  # noqa: BLE001 - plug-ins of a hundred firms; the traceback would hold the address
            return Came(state=PageState.UNKNOWN, code=type(error).__name__)
        return Came(state=PageState.SENT) if result else Came(state=PageState.UNKNOWN, code="not_confirmed")

    def prepare(self) -> None:
        """So that the first page of a night does not wait for it."""
        self._apprise().Apprise().add(self._url)

    def _apprise(self) -> Any:
        """Loaded when the first room is paged: its plug-ins are a second of work. Its log names addresses, so it is mute."""
        with self._lock:
            import apprise  # noqa: PLC0415

            quiet = logging.getLogger("apprise")
            quiet.propagate, quiet.disabled = False, True
            return apprise


def text_way(channels: ChannelsOfMode, *, wanted: str = "") -> tuple[ByText, ...]:
    """The account that was named for it, or the first live one for texts that stands in for no other. None: no texts."""
    live = channels.get(Mode.LIVE, {})
    spares = all_spares(live)
    found = [name for name, channel in live.items() if isinstance(channel, SendsMany) and name not in spares]
    chosen = [name for name in found if wanted in ("", name)]
    return (ByText(chosen[0], live[chosen[0]]),) if chosen else ()
