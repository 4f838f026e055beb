"""Shows a stored picture by its digest, to whoever is signed in."""

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.requests import Request

from broadcaster.db import media
from broadcaster.domain.errors import NotFound
from broadcaster.web.console.guard import SignedIn, parts_of

router = APIRouter()

REDACTED = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 160"><rect width="640" height="160" fill="#12232b"/>'
    '<text x="320" y="92" fill="#fff" font-family="sans-serif" font-size="34" text-anchor="middle">Picture redacted</text></svg>'
)


@router.get("/pictures/{sha256}")
def picture(request: Request, desk: SignedIn, sha256: str) -> Response:  # noqa: ARG001 - must be signed in
    with parts_of(request).database.read() as tx:
        if media.is_redacted(tx, sha256):
            return Response(REDACTED, media_type="image/svg+xml", headers={"Cache-Control": "no-store"})
        try:
            content = media.contents(tx, {sha256})[sha256]
        except KeyError as missing:
            raise NotFound("There is no such picture.") from missing
    return Response(content, media_type=_type_of(content), headers={"Cache-Control": "private, max-age=3600"})


def _type_of(content: bytes) -> str:
    return "image/png" if content.startswith(b"\x89PNG") else "image/jpeg"
