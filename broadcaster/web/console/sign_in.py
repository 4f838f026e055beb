"""Signing in and out: name and password, then a second factor where the role needs one; or a passkey alone."""

import asyncio
from typing import NamedTuple

from fastapi import APIRouter
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.domain.errors import NotAllowed, Problem, TryLater, Unavailable
from broadcaster.domain.identity import Wants
from broadcaster.service.sessions import Opened
from broadcaster.web.console.guard import (
    COOKIE,
    CSRF,
    FOREIGN,
    Half,
    HalfSent,
    Unsigned,
    cookie_of,
    desk_of,
    is_from_here,
    parts_of,
)
from broadcaster.web.console.pages import page

router = APIRouter()

#: What was sent when the session had ended comes along in fields of this prefix, and is sent again afterwards.
KEPT = "kept-"
WHERE = "kept_for"
NEVER_KEPT = frozenset({CSRF, "code", "old", "new", "number"})
NOT_YET = "You are not signed in yet. Sign in in the other tab first, or here with your passkey or password."


class Kept(NamedTuple):
    """`fields` were sent to `action`, when the session had ended."""

    fields: tuple[tuple[str, str], ...] = ()
    action: str = "/"


NOTHING_KEPT = Kept()


@router.get("/sign-in")
def asked(request: Request, next: str = "/") -> Response:  # noqa: A002 - as it stands in the address
    return sign_in_page(request, onward=next)


@router.post("/sign-in")
def sign_in(request: Request, form: Unsigned) -> Response:
    name, password = str(form.get("name", "")).strip(), str(form.get("password", ""))
    try:
        opened = parts_of(request).sign_in.with_password(
            name,
            password,
            address=address_of(request),
            agent=request.headers.get("user-agent", ""),
            cookie=cookie_of(request),
        )
    except Problem as problem:
        return sign_in_page(
            request, onward=str(form.get("next", "/")), name=name, problem=problem, kept=kept_of(form)
        )
    return onward(request, opened, form)


@router.post("/sign-in/elsewhere")
def signed_in_elsewhere(request: Request, form: Unsigned) -> Response:
    """Single sign-on leads away from the page that keeps what was typed, so it is done in another tab. This page asks whether
    it was."""
    session = parts_of(request).sessions.find(cookie_of(request))
    if session is None:
        problem = NotAllowed(NOT_YET)
        return sign_in_page(request, onward=str(form.get("next", "/")), problem=problem, kept=kept_of(form))
    return onward(request, Opened(session=session, cookie=cookie_of(request)), form)


@router.get("/sign-in/code")
def code_asked(request: Request, desk: Half, next: str = "/") -> Response:  # noqa: A002, ARG001
    return _code_page(request, onward=next)


@router.post("/sign-in/code")
def code(request: Request, form: Unsigned) -> Response:
    try:
        opened = parts_of(request).sign_in.with_code(
            cookie_of(request), str(form.get("code", "")), address=address_of(request)
        )
    except Problem as problem:
        return _code_page(request, onward=str(form.get("next", "/")), problem=problem, kept=kept_of(form))
    return onward(request, opened, form)


@router.post("/sign-in/passkey/options")
def passkey_options(request: Request) -> Response:
    if not is_from_here(request):
        raise NotAllowed(FOREIGN)
    made = parts_of(request).sign_in.passkey_options(cookie_of(request) or None)
    return Response(made, media_type="application/json", headers={"Cache-Control": "no-store"})


@router.post("/sign-in/passkey")
async def passkey(request: Request) -> Response:
    """The browser's answer, as JSON; the cookie of the session that it opened comes back."""
    if not is_from_here(request):
        raise NotAllowed(FOREIGN)
    answer = (await request.body()).decode()
    return await asyncio.to_thread(_with_passkey, request, answer)


def _with_passkey(request: Request, answer: str) -> Response:
    opened = parts_of(request).sign_in.with_passkey(
        answer,
        address=address_of(request),
        agent=request.headers.get("user-agent", ""),
        cookie=cookie_of(request),
    )
    return _told(request, opened)


@router.post("/sign-in/passkey/again")
async def passkey_again(request: Request) -> Response:
    """The second factor of a session that is there."""
    if not is_from_here(request):
        raise NotAllowed(FOREIGN)
    answer = (await request.body()).decode()
    opened = await asyncio.to_thread(
        lambda: parts_of(request).sign_in.with_passkey_again(
            cookie_of(request), answer, address=address_of(request)
        )
    )
    return _told(request, opened)


def _told(request: Request, opened: Opened) -> Response:
    response = JSONResponse({"onward": _where_to(opened, "/"), "csrf": desk_of(opened).csrf})
    set_cookie(request, response, opened)
    return response


@router.post("/sign-out")
def sign_out(request: Request, form: HalfSent) -> Response:  # noqa: ARG001 - checked
    parts_of(request).sessions.sign_out(cookie_of(request))
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE)
    return response


def onward(request: Request, opened: Opened, form: FormData) -> Response:
    """Where the person wanted to go; with what was sent when the session had ended, for one more click."""
    to, kept = _where_to(opened, str(form.get("next", "/"))), kept_of(form)
    if kept.fields and opened.session.wants is Wants.NOTHING:
        response: Response = page(
            request, "signed_in_again.html", title="You are signed in again", desk=desk_of(opened), kept=kept
        )
    elif kept.fields:
        response = _code_page(request, onward=to, kept=kept)
    else:
        response = RedirectResponse(to, 303)
    set_cookie(request, response, opened)
    return response


def _where_to(opened: Opened, wanted: str) -> str:
    match opened.session.wants:
        case Wants.FACTOR:
            return f"/sign-in/code?next={own(wanted)}"
        case Wants.ENROLMENT:
            return "/me/second-factor"
        case _:
            return own(wanted)


def hold(response: Response, problem: Problem | None) -> Response:
    """Where somebody must wait, or something is away, the answer says so to programs too."""
    if isinstance(problem, TryLater):
        response.status_code = 429
        response.headers["Retry-After"] = str(problem.retry_after_s)
    elif isinstance(problem, Unavailable):
        response.status_code = 503
    return response


def own(address: str) -> str:
    """Only to a page of ours: another address would lead a person who has just signed in to somebody else's."""
    return address if address.startswith("/") and not address.startswith(("//", "/\\")) else "/"


def sign_in_page(
    request: Request,
    *,
    onward: str = "/",
    name: str = "",
    problem: Problem | None = None,
    kept: Kept = NOTHING_KEPT,
) -> Response:
    parts = parts_of(request)
    shown = page(
        request,
        "sign_in.html",
        title="Sign in",
        answer=403 if problem else 200,
        onward=own(onward),
        who=name,
        sso=parts.settings.oidc_name if parts.single_sign_on else "",
        problems=[{"text": problem.text, "href": "#password"}] if problem else [],
        kept=kept,
    )
    return hold(shown, problem)


def _code_page(
    request: Request,
    *,
    onward: str,
    problem: Problem | None = None,
    kept: Kept = NOTHING_KEPT,
) -> Response:
    shown = page(
        request,
        "code.html",
        title="Second step",
        answer=403 if problem else 200,
        onward=own(onward),
        problems=[{"text": problem.text, "href": "#code"}] if problem else [],
        kept=kept,
    )
    return hold(shown, problem)


def kept_of(form: FormData) -> Kept:
    """What came along with the sign-in."""
    fields = tuple(
        (name.removeprefix(KEPT), value)
        for name, value in form.multi_items()
        if name.startswith(KEPT) and isinstance(value, str)
    )
    return Kept(fields=fields, action=own(str(form.get(WHERE, "/"))))


def to_keep(form: FormData, action: str) -> Kept:
    """All that was typed, each ticked box too. Not pictures, which a form cannot carry along; and not the old session's
    token, nor what no page may show again."""
    fields = [(n, v) for n, v in form.multi_items() if isinstance(v, str) and n not in NEVER_KEPT]
    return Kept(fields=tuple(fields), action=action)


def set_cookie(request: Request, response: Response, opened: Opened) -> None:
    response.set_cookie(
        COOKIE,
        opened.cookie,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


def address_of(request: Request) -> str:
    return request.client.host if request.client else ""
