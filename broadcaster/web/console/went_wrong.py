"""What a browser sees where something is refused, is not there, or broke: a page in the console's frame, signed in or not.

Programs get JSON (RFC 9457), and so does whatever asks an address that programs call.
"""

from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from broadcaster.domain.errors import Invalid, NotFound, Problem
from broadcaster.domain.identity import Wants
from broadcaster.web import problems
from broadcaster.web.console.guard import Desk, HalfSignedIn, SignedOut, half_signed_in
from broadcaster.web.console.pages import page
from broadcaster.web.console.sign_in import hold, sign_in_page, to_keep

TITLES = {404: "There is no such page", 429: "Wait a moment, then go on"}
#: Whoever asks these is a program, whatever it says that it likes to read.
OF_PROGRAMS = ("/health", "/hooks/", "/log/", "/metrics", "/site/", "/site-exercise/", "/console/", "/api/")
MISSING = "There is nothing at this address. Look whether it is whole, or begin at Home."
REFUSED = "This page cannot be asked for like that. Begin at Home."
BROKEN = (
    "Something unexpected went wrong here, and was written down for whoever runs this. What you asked for may or may not "
    "be done: look before you do it again. What is being sent already goes on."
)


def add_answers(app: FastAPI) -> None:
    app.add_exception_handler(SignedOut, _sign_in)  # type: ignore[arg-type]  # Starlette types handlers by Exception
    app.add_exception_handler(HalfSignedIn, _go_on)  # type: ignore[arg-type]
    app.add_exception_handler(Problem, _problem)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, page_of_http)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _unreadable)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, _broken)


def asks_for_a_page(request: Request) -> bool:
    """A browser, and not a program."""
    path = request.url.path
    return "text/html" in request.headers.get("accept", "") and not path.startswith(OF_PROGRAMS)


def _problem(request: Request, problem: Problem) -> Response:
    if asks_for_a_page(request):
        return hold(_page(request, problem, problems.kind_of(problem).status), problem)
    return problems.answer(problem)


def page_of_http(request: Request, error: HTTPException) -> Response:
    if asks_for_a_page(request):
        text = MISSING if error.status_code == 404 else REFUSED
        response = _page(request, Problem(text), error.status_code)
    else:
        response = JSONResponse({"detail": error.detail}, error.status_code)
    response.headers.update(error.headers or {})
    return response


def _unreadable(request: Request, _: RequestValidationError) -> Response:
    """An address with something in it that cannot stand there: for people there is no such page."""
    if asks_for_a_page(request):
        return _page(request, NotFound(MISSING), 404)
    return problems.answer(Invalid("What was asked for cannot be read."))


def _broken(request: Request, _: Exception) -> Response:
    """The error itself goes on to the log; nothing of it is shown."""
    if asks_for_a_page(request):
        return _page(request, Problem(BROKEN), 500)
    return problems.answer(problems.Unexpected(BROKEN))


def _page(request: Request, problem: Problem, status: int) -> Response:
    """What went wrong and what to do, inside the console's frame."""
    title = TITLES.get(status, "That did not work")
    return page(
        request, "problem.html", title=title, desk=_desk(request), answer=status, problem=problem, back="/"
    )


def _desk(request: Request) -> Desk | None:
    try:
        return half_signed_in(request)
    except Exception:  # noqa: BLE001 - the error page: what broke may be the very thing that knows who asks
        return None


async def _sign_in(request: Request, _: SignedOut) -> Response:
    """Where something was sent, it is kept on the page: nobody types a warning twice."""
    if request.method == "GET":
        return RedirectResponse(f"/sign-in?{urlencode({'next': request.url.path})}", 303)
    async with request.form() as form:
        return sign_in_page(request, kept=to_keep(form, request.url.path))


def _go_on(_: Request, half: HalfSignedIn) -> Response:
    return RedirectResponse("/me/second-factor" if half.wants is Wants.ENROLMENT else "/sign-in/code", 303)
