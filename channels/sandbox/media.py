"""The pictures that the stand-ins were given, by SHA-256, for the wall and for tests. Knows no platform."""

import hashlib
import io
from typing import Any

from PIL import Image, UnidentifiedImageError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

#: The types that a stand-in tells apart, by their first bytes: what a request says of a file is no proof.
SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
#: The most bytes that are kept, so that a load test cannot fill the memory; the oldest pictures go first.
MOST_BYTES = 256_000_000


class MediaStore:
    """Pictures by their SHA-256 in hexadecimal, in memory: a stand-in that starts again has them in its ledger."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._contents: dict[str, bytes] = {}
        self._total = 0

    def put(self, content: bytes) -> str:
        """Keep these bytes. Returns their SHA-256."""
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self._contents:
            self._contents[digest] = content
            self._total += len(content)
        while self._total > self._most_bytes and len(self._contents) > 1:
            self._total -= len(self._contents.pop(next(iter(self._contents))))
        return digest

    def get(self, digest: str) -> bytes | None:
        return self._contents.get(digest)

    def forget(self) -> None:
        self._contents.clear()
        self._total = 0

    def routes(self) -> list[Route]:
        """The pictures for the wall, and a list of them that says what each carries."""
        return [
            Route("/_sandbox/media", self._list, methods=["GET"]),
            Route("/_sandbox/media/{digest}", self._show, methods=["GET"]),
        ]

    async def _list(self, _: Request) -> Response:
        return JSONResponse([described(digest, content) for digest, content in self._contents.items()])

    async def _show(self, request: Request) -> Response:
        """With a type of ours and no other: a page that a stand-in was sent must not run on the wall's address."""
        content = self.get(request.path_params["digest"])
        kind = media_type(content or b"")
        if content is None or not kind:
            return Response(status_code=404)
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
        return Response(content, media_type=kind, headers=headers)


def address(content: bytes) -> str:
    """Where a picture is shown. What metadata it carries stands behind it, so that the ledger tells it too:
    /_sandbox/media/3a7b...?carries=exif,gps
    """
    kinds = metadata(content)
    path = f"/_sandbox/media/{hashlib.sha256(content).hexdigest()}"
    return f"{path}?carries={','.join(kinds)}" if kinds else path


def described(digest: str, content: bytes) -> dict[str, Any]:
    width, height = dimensions(content) or (0, 0)
    return {
        "sha256": digest,
        "media_type": media_type(content),
        "size": len(content),
        "width": width,
        "height": height,
        "metadata": list(metadata(content)),
    }


def media_type(content: bytes) -> str:
    """What these bytes are by their signature, or nothing for what no stand-in knows."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for signature, kind in SIGNATURES if content.startswith(signature)), "")


def dimensions(content: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, or None where the bytes do not hold a whole picture."""
    try:
        with Image.open(io.BytesIO(content)) as picture:
            picture.load()
            return picture.size
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def metadata(content: bytes) -> tuple[str, ...]:
    """Which kinds of metadata a picture carries: exif (perhaps with gps), xmp, comment, text."""
    try:
        with Image.open(io.BytesIO(content)) as picture:
            exif = picture.getexif()
            found = {
                "exif": bool(exif),
                "gps": bool(exif.get_ifd(0x8825)),
                "xmp": "xmp" in picture.info or "XML:com.adobe.xmp" in picture.info,
                "comment": "comment" in picture.info,
                "text": bool(getattr(picture, "text", None)),
            }
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return ()
    return tuple(kind for kind, there in found.items() if there)
