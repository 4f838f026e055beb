"""Serves what the website channel wrote, as docs/website.md asks of any web server."""

import asyncio
import os
from pathlib import Path, PurePath
from typing import Any

from fastapi.staticfiles import StaticFiles
from starlette.responses import FileResponse, Response

from channels.cap import MEDIA_TYPE

HEADERS = {
    "Access-Control-Allow-Origin": "*",  # the banner reads alerts.json from the pages of other sites
    "Cache-Control": "max-age=30, stale-if-error=86400",  # a correction shows within half a minute
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class PublicSite(StaticFiles):
    """Without what begins with a dot: that is the channel's own memory, and no business of readers."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        if any(part.startswith(".") for part in PurePath(path).parts):
            return "", None
        return super().lookup_path(path)

    async def get_response(self, path: str, scope: Any) -> Response:
        response = await super().get_response(path, scope)
        if isinstance(response, FileResponse):
            response = await asyncio.to_thread(_whole, response)
        response.headers.update(HEADERS)
        if path.endswith(".cap.xml") and response.status_code in {200, 304}:
            response.headers["Content-Type"] = MEDIA_TYPE  # else receivers of CAP refuse it (UK: 415)
        return response


def _whole(found: FileResponse) -> Response:
    """All of a file, read from one opening of it. A publication puts another in its place at any moment: told the size of
    the one and sent the bytes of the other, a reader is cut off in the middle of a warning (seen in a soak)."""
    with Path(found.path).open("rb") as file:
        headers = FileResponse(found.path, stat_result=os.fstat(file.fileno())).headers
        content = file.read()
    del headers["accept-ranges"]
    return Response(content, found.status_code, headers)
