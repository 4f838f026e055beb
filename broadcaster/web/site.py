"""Serves what the website channel wrote, as docs/website.md asks of any web server."""

import os
from pathlib import PurePath
from typing import Any

from fastapi.staticfiles import StaticFiles
from starlette.responses import Response

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
        response.headers.update(HEADERS)
        return response
