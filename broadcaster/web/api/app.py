"""Puts the API together: its routes, its OpenAPI document, and how it says that something went wrong.

An app of its own inside of the web process: what a browser is shown, and its cookies, have no part in it.
"""

from typing import Annotated, Any

from fastapi import FastAPI, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from broadcaster.bootstrap import Parts
from broadcaster.domain.errors import Invalid, NotFound, Problem
from broadcaster.web import problems
from broadcaster.web.api import (
    audiences,
    audit,
    audit_taking,
    board,
    calendars,
    clock,
    delegations,
    drills,
    elections,
    feeds,
    follow_ups,
    home,
    incidents,
    messages,
    paging,
    papers,
    people,
    pictures,
    pre_authorised,
    records,
    rota,
    schedules,
    staff,
    storm,
    templates,
    unknowns,
    watching,
    webhooks,
)
from broadcaster.web.api.pictures import MAX_FORM_BYTES
from broadcaster.web.api.problem_schema import documented
from broadcaster.web.console.pages import page
from broadcaster.web.problems import KINDS, TooLarge, Unexpected

ROUTERS = (
    home.router,
    messages.router,
    pictures.router,
    board.router,
    papers.router,
    follow_ups.router,
    incidents.router,
    clock.router,
    paging.router,
    pre_authorised.router,
    unknowns.router,
    schedules.router,
    calendars.router,
    storm.router,
    feeds.router,
    drills.router,
    audiences.router,
    rota.router,
    templates.router,
    watching.router,
    audit.router,
    audit_taking.router,
    records.router,
    people.router,
    staff.router,
    delegations.router,
    elections.router,
    webhooks.router,
)
PREFIX = "/api/v1"
MAX_BODY_BYTES = 1024 * 1024
ABOUT = """Everything that the console and the command line do, for programs. Who asks is told by a token of a user, with scopes:
`Authorization: Bearer bcr_...`. What goes wrong is told as RFC 9457 has it. Lists come by pages. docs/api.md has examples."""


def api_over(parts: Parts) -> FastAPI:
    api = FastAPI(
        title="Crisis broadcaster",
        version="1",
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        servers=[{"url": PREFIX}],
        root_path_in_servers=False,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,  # what generated clients call it by
    )
    api.state.parts = parts
    for router in ROUTERS:
        api.include_router(router)
    api.add_api_route("/problems/{name}", _about_problem, include_in_schema=False)
    api.add_api_route("/openapi.json", lambda: JSONResponse(_document(api)), include_in_schema=False)
    api.add_api_route("/", _page, include_in_schema=False)
    api.add_exception_handler(Problem, _problem)  # type: ignore[arg-type]  # Starlette types handlers by Exception
    api.add_exception_handler(RequestValidationError, _invalid)  # type: ignore[arg-type]
    api.add_exception_handler(HTTPException, of_http)  # type: ignore[arg-type]
    api.add_exception_handler(Exception, _unexpected)
    api.add_middleware(Door)
    return api


class Door:
    """What every request and every answer of the API have in common: nothing is kept by anybody on the way, and nothing
    larger than is expected is read. A file of numbers may be of any size: it goes to the disk as it comes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        read, most = 0, _most(scope["path"])

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if most and read > most:
                raise TooLarge(f"No more than {most:,} bytes are read at a time. Nothing was changed.")
            return message

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Cache-Control"] = "no-store"
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        await self._app(scope, bounded, marked)


def _most(path: str) -> int:
    """How many bytes of a request are read; 0 for a list, which may have any size."""
    if path.endswith("/versions"):
        return 0
    return MAX_FORM_BYTES if path.endswith("/pictures") else MAX_BODY_BYTES


def _document(api: FastAPI) -> dict[str, Any]:
    if not api.openapi_schema:
        api.openapi_schema = documented(
            get_openapi(
                title=api.title,
                version=api.version,
                description=api.description,
                routes=api.routes,
                servers=api.servers,
            )
        )
    return api.openapi_schema


def _page(request: Request) -> HTMLResponse:
    """The same for people, in a few words, and without a script from anywhere."""
    kinds: dict[str, list[dict[str, str]]] = {}
    for path, operations in _document(request.app)["paths"].items():
        for method, told in operations.items():
            about = {"method": method.upper(), "path": path, "summary": told["summary"]}
            kinds.setdefault(told["tags"][0], []).append({**about, "text": told.get("description", "")})
    return page(request, "api.html", title="The API", kinds=kinds, prefix=PREFIX)


def _about_problem(name: Annotated[str, Path(max_length=100)]) -> dict[str, Any]:
    """What the `type` of a problem leads to."""
    for kind in KINDS:
        if kind.name == name:
            return {"title": kind.title, "status": kind.status, "meaning": kind.meaning}
    raise NotFound("There is no such kind of problem.")


def _problem(_: Request, problem: Problem) -> Response:
    return problems.answer(problem)


def _invalid(_: Request, error: RequestValidationError) -> Response:
    """Without what was sent: it may be a number or a token, and answers end up in logs."""
    found = [
        {"detail": str(each["msg"]), "pointer": "/".join(["#", *(str(step) for step in each["loc"])])}
        for each in error.errors()
    ]
    text = "What was sent is not as the OpenAPI document has it. Nothing was changed."
    return problems.answer(Invalid(text), errors=found)


def of_http(_: Request, error: HTTPException) -> Response:
    """A path that there is not, another method than it has, or a body that could not be read."""
    if isinstance(error.__cause__, Problem):
        return problems.answer(error.__cause__)
    if error.status_code == 400:
        return problems.answer(
            Invalid(
                "The body could not be read: it must be JSON in UTF-8, or a form where the document says so. Nothing was changed."
            )
        )
    if error.status_code == 404:
        return problems.answer(NotFound("There is nothing at this address. See /api/v1/openapi.json."))
    return problems.answer(Problem(f"{error.detail}."), status=error.status_code, headers=error.headers)


def _unexpected(_: Request, error: Exception) -> Response:  # noqa: ARG001 - it is logged by whoever serves us
    return problems.answer(Unexpected("Something unexpected happened. The log of the web process says more."))
