"""Who is asking: the session behind a cookie, the token that every form carries, and what is refused without them.

Knows no page.
"""

import hmac
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.types import Message

from broadcaster.bootstrap import Parts
from broadcaster.db.people import Person
from broadcaster.domain.errors import Invalid, NotAllowed
from broadcaster.domain.identity import Wants
from broadcaster.domain.policy import MAY, Action, require
from broadcaster.service.sessions import Opened, Session, form_key

COOKIE = "broadcaster"
CSRF = "csrf"
CSRF_HEADER = "X-CSRF-Token"
FOREIGN = (
    "This form did not come from here, so nothing was done. Go back to the page that you were on, load it again and "
    "send it once more: what you typed is still there."
)
MOST_BYTES = 64 * 2**20  # all pictures of a message
MOST_BYTES_UNSIGNED = 2**20
MOST_CHARS = 20_000
TOO_LARGE = "This is more than a form can bring. Nothing was changed. Choose a smaller picture."
TOO_LONG = f"A text of this form is longer than {MOST_CHARS:,} characters. Nothing was changed. Go back and make it shorter."


class SignedOut(Exception):
    """Nobody is signed in, or the session has ended: the sign-in page is shown, and what was sent is kept on it."""


class HalfSignedIn(Exception):
    """The session wants a second factor, or that one is set up, before anything else."""

    def __init__(self, wants: Wants) -> None:
        self.wants = wants


@dataclass(frozen=True, kw_only=True)
class Desk:
    """One person at one browser. `cookie` is its value, which no page shows."""

    session: Session
    cookie: str

    @property
    def person(self) -> Person:
        return self.session.person

    def may(self, action: Action) -> bool:
        return bool(MAY[action] & self.person.roles)

    @property
    def csrf(self) -> str:
        """What only our own pages know: another site can make this browser send the cookie, but cannot read it."""
        return form_key(self.cookie)

    @property
    def csrf_field(self) -> Markup:
        return Markup('<input type="hidden" name="{}" value="{}">').format(CSRF, self.csrf)


def parts_of(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


def cookie_of(request: Request) -> str:
    return request.cookies.get(COOKIE, "")


def half_signed_in(request: Request) -> Desk:
    """Whose session the cookie is, whatever it still wants. SignedOut where it is nobody's."""
    cookie = cookie_of(request)
    session = parts_of(request).sessions.find(cookie)
    if session is None:
        raise SignedOut
    return Desk(session=session, cookie=cookie)


def signed_in(desk: Annotated[Desk, Depends(half_signed_in)]) -> Desk:
    """Whose session the cookie is. HalfSignedIn where it still wants something."""
    if desk.session.wants is not Wants.NOTHING:
        raise HalfSignedIn(desk.session.wants)
    return desk


def desk_of(opened: Opened) -> Desk:
    return Desk(session=opened.session, cookie=opened.cookie)


async def half_sent(
    request: Request, desk: Annotated[Desk, Depends(half_signed_in)]
) -> AsyncIterator[FormData]:
    """What one of our own forms sent, with its files open until the answer is made. NotAllowed where another site made
    the browser send it."""
    async with _bounded(request, MOST_BYTES).form() as form:
        token = form.get(CSRF, "")
        require_token(request, desk, token if isinstance(token, str) else "")
        yield _fit_to_keep(form)


def _bounded(request: Request, most: int) -> Request:
    """The same request, refused once more than this has come of it: whoever asks, a form must not fill the memory."""
    left = most

    async def receive() -> Message:
        nonlocal left
        message = await request.receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise Invalid(TOO_LARGE)
        return message

    return Request(request.scope, receive)


def _fit_to_keep(form: FormData) -> FormData:
    """Without NUL: it is on no keyboard, and PostgreSQL cannot hold it. And no text that somebody would have to read for an
    hour: what stands in an audit event stands there for good."""
    found = [(n, v.replace("\0", "") if isinstance(v, str) else v) for n, v in form.multi_items()]
    if any(len(v) > MOST_CHARS for _, v in found if isinstance(v, str)):
        raise Invalid(TOO_LONG)
    return FormData(found)


def require_token(request: Request, desk: Desk, given: str) -> None:
    """NotAllowed unless this is what only our own pages know: in a field, or for a script of ours in a header."""
    if not (is_from_here(request) and hmac.compare_digest(given.encode(), desk.csrf.encode())):
        raise NotAllowed(FOREIGN)


def allowed(*actions: Action) -> Callable[[Desk], None]:
    """For a router: only for those who may do one of these. Asked before what was sent is read."""

    def check(desk: Annotated[Desk, Depends(signed_in)]) -> None:
        if not any(desk.may(action) for action in actions):
            require(desk.person.name, desk.person.roles, actions[0])

    return check


async def sent_form(
    form: Annotated[FormData, Depends(half_sent)],
    desk: Annotated[Desk, Depends(signed_in)],  # noqa: ARG001
) -> FormData:
    return form


async def unsigned_form(request: Request) -> AsyncIterator[FormData]:
    """Of somebody who is not signed in yet, and so has no token: the browser says where the form stood."""
    if not is_from_here(request):
        raise NotAllowed(FOREIGN)
    async with _bounded(request, MOST_BYTES_UNSIGNED).form() as form:
        yield _fit_to_keep(form)


def is_from_here(request: Request) -> bool:
    """By what the browser itself says of where a form stood; one that says nothing is left to the token."""
    site = request.headers.get("sec-fetch-site", "none")
    origin = request.headers.get("origin", "")
    same = origin in {"", "null"} or origin.split("://", 1)[-1] == request.headers.get("host", "")
    return site in {"none", "same-origin"} and same


Half = Annotated[Desk, Depends(half_signed_in)]
SignedIn = Annotated[Desk, Depends(signed_in)]
HalfSent = Annotated[FormData, Depends(half_sent)]
Sent = Annotated[FormData, Depends(sent_form)]
Unsigned = Annotated[FormData, Depends(unsigned_form)]
