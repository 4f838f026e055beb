"""Puts the console into the web process: its pages, its files, and what a browser sees when something is refused."""

from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

from broadcaster.domain.errors import NotFound, Problem
from broadcaster.domain.identity import Wants
from broadcaster.web.console import (
    approval,
    audit,
    audit_seal,
    board,
    by_hand,
    guide,
    home,
    incidents,
    lines,
    manage,
    manage_accounts,
    manage_audiences,
    manage_person,
    manage_tokens,
    me,
    me_factors,
    me_tokens,
    mending,
    message,
    packs,
    pictures,
    sign_in,
    write,
)
from broadcaster.web.console.guard import HalfSignedIn, SignedOut, half_signed_in
from broadcaster.web.console.pages import STATIC, page
from broadcaster.web.console.sign_in import sign_in_page, to_keep

ROUTERS = (
    sign_in.router,
    me.router,
    me_factors.router,
    me_tokens.router,
    manage.front,
    manage.router,
    manage_tokens.router,
    manage_accounts.router,
    manage_audiences.router,
    manage_person.router,
    home.router,
    write.router,
    message.router,
    approval.router,
    board.router,
    lines.router,
    incidents.router,
    incidents.of_messages,
    audit.router,
    audit.of_messages,
    audit_seal.router,
    packs.router,
    mending.router,
    by_hand.router,
    pictures.router,
    guide.router,
)


def add_console(app: FastAPI) -> None:
    for router in ROUTERS:
        app.include_router(router, include_in_schema=False)
    app.mount(STATIC, Files(packages=[("broadcaster.web.console", "static")]), name="console")
    app.add_exception_handler(SignedOut, _sign_in)  # type: ignore[arg-type]  # Starlette types handlers by Exception
    app.add_exception_handler(HalfSignedIn, _go_on)  # type: ignore[arg-type]


class Files(StaticFiles):
    """Our own files. A page asks for them with their content's digest, so that a browser may keep what it has."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        fresh = "public, max-age=31536000, immutable" if scope.get("query_string") else "no-cache"
        response.headers["Cache-Control"] = fresh
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def asks_for_a_page(request: Request) -> bool:
    """A browser, and not a program."""
    return "text/html" in request.headers.get("accept", "")


def problem_page(request: Request, problem: Problem, status: int) -> Response:
    """What went wrong and what to do, inside the console's frame."""
    title = "There is no such page" if isinstance(problem, NotFound) else "That did not work"
    try:
        desk = half_signed_in(request)
    except SignedOut:
        desk = None
    return page(request, "problem.html", title=title, desk=desk, answer=status, problem=problem, back="/")


async def _sign_in(request: Request, _: SignedOut) -> Response:
    """Where something was sent, it is kept on the page: nobody types a warning twice."""
    if request.method == "GET":
        return RedirectResponse(f"/sign-in?{urlencode({'next': request.url.path})}", 303)
    async with request.form() as form:
        return sign_in_page(request, kept=to_keep(form), action=request.url.path)


def _go_on(_: Request, half: HalfSignedIn) -> Response:
    return RedirectResponse("/me/second-factor" if half.wants is Wants.ENROLMENT else "/sign-in/code", 303)
