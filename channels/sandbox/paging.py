"""A stand-in for a room in which staff are paged (Teams, Slack, ntfy...): it keeps what it was told, and shows it.

It speaks what Apprise's json:// address sends. `wait_s` in the address makes it slow, `answer` gives another status.
"""

import asyncio
import time
from collections import deque
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PATH = "/_sandbox/paging"
MOST_KEPT = 1_000
MOST_WAIT_S = 30.0


class PagingRooms:
    def __init__(self) -> None:
        self._told: deque[dict[str, Any]] = deque(maxlen=MOST_KEPT)

    def routes(self) -> list[Route]:
        return [
            Route(PATH, self._show, methods=["GET"]),
            Route(PATH, self._forget, methods=["DELETE"]),
            Route(PATH + "/{room}", self._take, methods=["POST"]),
        ]

    async def _take(self, request: Request) -> Response:
        given = await request.json()
        query = request.query_params
        await asyncio.sleep(min(float(query.get("wait_s", "0")), MOST_WAIT_S))
        answer = int(query.get("answer", "200"))
        if answer < 300:
            told = {"title": str(given.get("title", "")), "message": str(given.get("message", ""))}
            self._told.append({"room": request.path_params["room"], "at": time.time(), **told})
        return Response(status_code=answer)

    async def _show(self, _: Request) -> Response:
        return JSONResponse(list(self._told))

    async def _forget(self, _: Request) -> Response:
        self._told.clear()
        return Response(status_code=204)
