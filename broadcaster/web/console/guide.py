"""What somebody needs who has never used it before, and what is known of how well everybody can use it. For everybody,
signed in or not."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from starlette.requests import Request

from broadcaster.web.console.guard import Desk, SignedOut, half_signed_in
from broadcaster.web.console.pages import page

router = APIRouter()


@router.get("/help")
def first_night(request: Request) -> HTMLResponse:
    return page(request, "help.html", title="Help for a first night", desk=_whoever(request), back="/")


@router.get("/accessibility")
def accessibility(request: Request) -> HTMLResponse:
    return page(
        request, "accessibility.html", title="Accessibility statement", desk=_whoever(request), back="/"
    )


def _whoever(request: Request) -> Desk | None:
    try:
        return half_signed_in(request)
    except SignedOut:
        return None
