"""One's own second factors: an app, passkeys, and codes on paper. What is secret is shown once."""

import segno
from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup
from starlette.requests import Request

from broadcaster.domain.errors import Problem
from broadcaster.domain.identity import Factor, Wants
from broadcaster.service.factors import Enrolled
from broadcaster.web.console.guard import (
    CSRF_HEADER,
    Desk,
    Half,
    HalfSent,
    SignedIn,
    desk_of,
    parts_of,
    require_token,
)
from broadcaster.web.console.me import me_page
from broadcaster.web.console.message import told
from broadcaster.web.console.pages import page
from broadcaster.web.console.sign_in import hold, own, set_cookie
from broadcaster.web.console.step_up import asked, carried_out

router = APIRouter(prefix="/me")


@router.get("/second-factor")
def second_factor(request: Request, desk: Half) -> Response:
    return _enrol(request, desk)


@router.post("/second-factor")
def enrol(request: Request, desk: Half, form: HalfSent) -> Response:
    """The first code of a new authenticator proves that it works; then the recovery codes are shown, once."""
    try:
        done = parts_of(request).factors.finish_totp(
            desk.person, str(form.get("code", "")), cookie=desk.cookie
        )
    except Problem as problem:
        return hold(_enrol(request, desk, problem=problem), problem)
    return _enrolled(request, desk, done)


@router.post("/again")
def again(request: Request, desk: SignedIn, form: HalfSent) -> Response:
    """The second factor once more, and on to the page that wanted it."""
    onward = own(str(form.get("next", "/me")))
    return carried_out(
        request,
        desk,
        form,
        lambda _: None,
        done=lambda _desk, _made: RedirectResponse(onward, 303),
        again=lambda desk, problem: me_page(request, desk, problem=problem),
    )


@router.post("/passkeys/options")
def passkey_options(request: Request, desk: Half) -> Response:
    """For a script: what the browser is to be asked for."""
    require_token(request, desk, request.headers.get(CSRF_HEADER, ""))
    made = parts_of(request).passkeys.begin(desk.session)
    return Response(made, media_type="application/json", headers={"Cache-Control": "no-store"})


@router.post("/passkeys")
def add_passkey(request: Request, desk: Half, form: HalfSent) -> Response:
    """The device's answer, as JSON, which a script put into the form."""
    try:
        done = parts_of(request).passkeys.finish(
            desk.cookie, str(form.get("answer", "")), name=str(form.get("name", "")) or desk.session.agent
        )
    except Problem as problem:
        return _enrol(request, desk, problem=problem)
    return _enrolled(request, desk, done)


@router.post("/factors/remove")
def remove(request: Request, desk: SignedIn, form: HalfSent) -> Response:
    factors, uid = parts_of(request).factors, str(form.get("uid", ""))
    return carried_out(
        request,
        desk,
        form,
        lambda person: factors.remove(person, uid),
        done=lambda _desk, _made: RedirectResponse("/me", 303),
        again=lambda desk, problem: me_page(request, desk, problem=problem),
    )


@router.post("/recovery-codes")
def new_codes(request: Request, desk: SignedIn, form: HalfSent) -> Response:
    return carried_out(
        request,
        desk,
        form,
        parts_of(request).factors.new_recovery_codes,
        done=lambda desk, codes: _codes(request, desk, codes, title="Your new recovery codes"),
        again=lambda desk, problem: me_page(request, desk, problem=problem),
    )


def _enrolled(request: Request, desk: Desk, done: Enrolled) -> Response:
    desk = desk_of(done.opened) if done.opened else desk
    response: Response = RedirectResponse("/me", 303)
    if done.recovery_codes:
        response = _codes(request, desk, done.recovery_codes, title="Your second factor is set up")
    if done.opened:
        set_cookie(request, response, done.opened)
    return response


def _codes(request: Request, desk: Desk, codes: tuple[str, ...], *, title: str) -> HTMLResponse:
    return page(request, "recovery_codes.html", title=title, desk=desk, codes=codes)


def _enrol(request: Request, desk: Desk, *, problem: Problem | None = None) -> Response:
    """Somebody who has an app already may add a passkey here; and one who has any factor gives it first."""
    parts = parts_of(request)
    if desk.session.wants is Wants.FACTOR:
        return RedirectResponse("/sign-in/code?next=/me/second-factor", 303)
    factors = parts.factors.of(desk.person).factors
    if factors and not _is_fresh(request, desk):
        return asked(request, desk, action="/me/again", kept=[("next", "/me/second-factor")])
    has_app = any(each.kind is Factor.TOTP for each in factors)
    made = None if has_app else parts.factors.begin_totp(desk.person)
    return page(
        request,
        "second_factor.html",
        title="Set up a second factor",
        desk=desk,
        answer=422 if problem else 200,
        problems=[{**each, "href": "#code"} for each in told(problem)],
        device=desk.session.agent,
        secret=made.secret if made else "",
        picture=_picture(made.uri) if made else "",
    )


def _picture(uri: str) -> Markup:
    return Markup(segno.make(uri).svg_inline(scale=4, border=2, light="#fff", omitsize=True))  # noqa: S704 - drawn by us


def _is_fresh(request: Request, desk: Desk) -> bool:
    with parts_of(request).database.read() as tx:
        return parts_of(request).rules.is_fresh(tx, desk.person)
