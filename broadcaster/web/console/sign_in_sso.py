"""Signing in by single sign-on: to the provider, and back. There is a button for it only where it is set up."""

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.domain.errors import NotFound, Problem
from broadcaster.service.single_sign_on import SingleSignOn
from broadcaster.web.console.guard import cookie_of, parts_of
from broadcaster.web.console.sign_in import address_of, onward, own, sign_in_page

router = APIRouter(prefix="/sign-in/sso")

COOKIE = "broadcaster-sso"
PATH = "/sign-in/sso"
LASTS_S = 600
NOT_SET_UP = "Single sign-on is not set up here. Sign in with your password or your passkey."


@router.get("")
def begin(request: Request, next: str = "/") -> Response:  # noqa: A002 - as it stands in the address
    """The way there. Where the provider is away, the sign-in page says so and still takes a password."""
    try:
        begun = _service(request).begin()
    except Problem as problem:
        return sign_in_page(request, onward=next, problem=problem)
    response = RedirectResponse(begun.address, 303, {"Cache-Control": "no-store"})
    _set(request, response, f"{begun.cookie} {own(next)}")
    return response


@router.get("/back")
def back(request: Request) -> Response:
    """The way back. What came in the address is kept nowhere: the next page has another one."""
    begun, _, wanted = request.cookies.get(COOKIE, "").partition(" ")
    try:
        opened = _service(request).finish(
            begun,
            dict(request.query_params),
            address=address_of(request),
            agent=request.headers.get("user-agent", ""),
            cookie=cookie_of(request),
        )
        response = onward(request, opened, FormData([("next", own(wanted))]))
    except Problem as problem:
        response = sign_in_page(request, onward=wanted, problem=problem)
    response.delete_cookie(COOKIE, path=PATH)
    return response


def _service(request: Request) -> SingleSignOn:
    found = parts_of(request).single_sign_on
    if found is None:
        raise NotFound(NOT_SET_UP)
    return found


def _set(request: Request, response: Response, value: str) -> None:
    """`lax`: it comes along when the provider sends the browser back, and with no form of another site."""
    response.set_cookie(
        COOKIE,
        value,
        max_age=LASTS_S,
        path=PATH,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
