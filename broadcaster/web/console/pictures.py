"""Shows a stored picture by its digest, to whoever is signed in."""

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.requests import Request

from broadcaster.db import media
from broadcaster.domain.errors import NotFound
from broadcaster.web.console.guard import SignedIn, parts_of

router = APIRouter()


@router.get("/pictures/{sha256}")
def picture(request: Request, desk: SignedIn, sha256: str) -> Response:  # noqa: ARG001 - must be signed in
    with parts_of(request).database.read() as tx:
        try:
            content = media.contents(tx, {sha256})[sha256]
        except KeyError as missing:
            raise NotFound("There is no such picture.") from missing
    return Response(content, media_type=_type_of(content), headers={"Cache-Control": "private, max-age=3600"})


def _type_of(content: bytes) -> str:
    return "image/png" if content.startswith(b"\x89PNG") else "image/jpeg"
