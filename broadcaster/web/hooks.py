"""Callbacks from platforms: read, stored, and only then acknowledged."""

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter, Request, Response

from broadcaster.bootstrap import Parts
from broadcaster.db.receipts import Arrived
from broadcaster.domain.errors import NotFound
from broadcaster.domain.message import Mode
from broadcaster.service.receipts import Receipts

router = APIRouter()

MAX_BODY_BYTES = 64 * 1024


class Intake:
    """Stores receipts in groups: what arrives while one group is being stored makes up the next. Each callback waits
    until its own group is in the database."""

    def __init__(self, receipts: Receipts) -> None:
        self._receipts = receipts
        self._waiting: list[tuple[Arrived, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def take(self, arrived: Arrived) -> None:
        """Returns when it is stored. Raises what storing raised."""
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((arrived, stored))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._store_all())
        await stored

    async def close(self) -> None:
        if self._task:
            await self._task

    async def _store_all(self) -> None:
        while self._waiting:
            await asyncio.sleep(0)  # callbacks that are here already belong to this group
            group, self._waiting = self._waiting, []
            await self._store(group)

    async def _store(self, group: Sequence[tuple[Arrived, "asyncio.Future[None]"]]) -> None:
        try:
            await asyncio.to_thread(self._receipts.store, [arrived for arrived, _ in group])
        except Exception as error:  # noqa: BLE001 - each waiting callback must get its answer
            for _, stored in group:
                if not stored.done():
                    stored.set_exception(error)
        else:
            for _, stored in group:
                if not stored.done():
                    stored.set_result(None)


@router.get("/hooks/{mode}/{account}/receipt")
@router.post("/hooks/{mode}/{account}/receipt")
async def receipt(mode: Mode, account: str, request: Request) -> Response:
    """204 once the receipt is stored; 404 for an account without receipts; 400 for what is no receipt, 413 for a flood."""
    parts: Parts = request.app.state.parts
    intake: Intake = request.app.state.intake
    body = await _body(request)
    if body is None:
        return Response(status_code=413)
    try:
        arrived = parts.receipts.read(
            mode, account, query=dict(request.query_params), body=body, headers=dict(request.headers)
        )
    except NotFound:
        return Response(status_code=404)
    except ValueError:
        return Response(status_code=400)
    await intake.take(arrived)
    return Response(status_code=204)


async def _body(request: Request) -> bytes | None:
    """None where it is larger than any receipt: it is not read to its end."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            return None
    return body
