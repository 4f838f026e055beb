"""Inquiry packs to take away. Asked for by a form: that it was taken is recorded."""

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.requests import Request

from broadcaster.web.console.guard import Sent, SignedIn, parts_of
from broadcaster.web.console.pages import HEADERS

router = APIRouter(prefix="/audit")


@router.post("/pack")
def pack(request: Request, desk: SignedIn, form: Sent) -> Response:
    found = parts_of(request).packs.of(desk.person, str(form.get("ref", "")).strip())
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{found.name}"'}
    return Response(found.content, headers=headers, media_type="application/pdf")
