"""One's own account: password, where one is signed in, and what else one has; and taking up an invitation."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.domain.errors import Problem
from broadcaster.web.console.guard import Desk, HalfSent, SignedIn, Unsigned, parts_of
from broadcaster.web.console.manage_frame import days, scopes_asked, texts
from broadcaster.web.console.message import told
from broadcaster.web.console.pages import page
from broadcaster.web.console.sign_in import address_of, onward, set_cookie

router = APIRouter()

LASTS_DAYS = 90


@router.get("/me")
def me(request: Request, desk: SignedIn) -> HTMLResponse:
    return me_page(request, desk)


@router.post("/me/password")
def password(request: Request, desk: SignedIn, form: HalfSent) -> Response:
    try:
        opened = parts_of(request).passwords.change(
            desk.person, str(form.get("old", "")), str(form.get("new", "")), cookie=desk.cookie
        )
    except Problem as problem:
        return me_page(request, desk, problem=problem)
    response = RedirectResponse("/me", 303)
    if opened:
        set_cookie(request, response, opened)
    return response


@router.post("/me/sessions/end")
def end_others(request: Request, desk: SignedIn, form: HalfSent) -> Response:  # noqa: ARG001 - checked
    parts_of(request).sessions.end_all(desk.person)
    return RedirectResponse("/me", 303)


@router.post("/me/sessions/{uid}/end")
def end_one(request: Request, desk: SignedIn, form: HalfSent, uid: str) -> Response:  # noqa: ARG001 - checked
    try:
        parts_of(request).sessions.end(desk.person, uid)
    except Problem as problem:
        return me_page(request, desk, problem=problem)
    return RedirectResponse("/me", 303)


@router.get("/invitation/{code}")
def invited(request: Request, code: str) -> HTMLResponse:
    return _invitation(request, code)


@router.post("/invitation/{code}")
def accept(request: Request, form: Unsigned, code: str) -> Response:
    try:
        opened = parts_of(request).passwords.accept(
            code,
            str(form.get("new", "")),
            address=address_of(request),
            agent=request.headers.get("user-agent", ""),
        )
    except Problem as problem:
        return _invitation(request, code, problem=problem)
    return onward(request, opened, form)


def me_page(
    request: Request, desk: Desk, *, problem: Problem | None = None, given: FormData | None = None
) -> HTMLResponse:
    parts = parts_of(request)
    return page(
        request,
        "me.html",
        title=desk.person.name,
        desk=desk,
        back="/",
        answer=422 if problem else 200,
        problems=told(problem),
        factors=parts.factors.of(desk.person),
        sessions=parts.sessions.listed(desk.person),
        has_password=parts.passwords.has_one(desk.person),
        tokens=parts.people.tokens(desk.person),
        given=given or FormData(),
        days=days(given or FormData(), otherwise=LASTS_DAYS),
        scopes=scopes_asked(texts(given or FormData(), "scopes")),
    )


def _invitation(request: Request, code: str, *, problem: Problem | None = None) -> HTMLResponse:
    name = parts_of(request).passwords.invited(code)
    return page(
        request,
        "invitation.html",
        title="Choose a password",
        answer=422 if problem else 200,
        who=name,
        problems=[{**each, "href": "#new"} for each in told(problem)],
        code=code,
    )
