"""What to say of a message besides its posts: lines to copy and read aloud, and a poster."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from starlette.requests import Request

from broadcaster.web.console.guard import SignedIn, parts_of
from broadcaster.web.console.pages import HEADERS, page

router = APIRouter(prefix="/messages")


@router.get("/{ref}/lines")
def lines(request: Request, desk: SignedIn, ref: str) -> HTMLResponse:
    found = parts_of(request).telling.lines(desk.person, ref)
    return page(
        request,
        "lines.html",
        title="What to say",
        desk=desk,
        back=f"/messages/{found.ref}/board",
        exercise=found.mode == "exercise",
        found=found,
    )


@router.get("/{ref}/poster.pdf")
def poster(request: Request, desk: SignedIn, ref: str) -> Response:
    content = parts_of(request).telling.poster(desk.person, ref)
    headers = {**HEADERS, "Content-Disposition": f'inline; filename="poster-{ref.upper()}.pdf"'}
    return Response(content, headers=headers, media_type="application/pdf")
