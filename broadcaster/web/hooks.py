"""Callbacks from platforms: read, stored, and only then acknowledged."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import parse_qsl

from fastapi import FastAPI, Response
from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from broadcaster.bootstrap import Parts
from broadcaster.domain.errors import NotFound
from broadcaster.domain.message import Mode

MAX_BODY_BYTES = 64 * 1024
RECEIPT, HEARD = "receipt", "heard"

Item = TypeVar("Item")
Item_contra = TypeVar("Item_contra", contravariant=True)


class Stores(Protocol[Item_contra]):
    def store(self, brought: Sequence[Item_contra]) -> None: ...


class Intake(Generic[Item]):
    """Stores what is brought in groups: what arrives while one group is being stored makes up the next. Each callback
    waits until its own group is in the database."""

    def __init__(self, keeper: Stores[Item]) -> None:
        self._keeper = keeper
        self._waiting: list[tuple[Item, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def take(self, brought: Item) -> None:
        """Returns when it is stored. Raises what storing raised."""
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((brought, stored))
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

    async def _store(self, group: Sequence[tuple[Item, "asyncio.Future[None]"]]) -> None:
        try:
            await asyncio.to_thread(self._keeper.store, [brought for brought, _ in group])
        except Exception as error:  # noqa: BLE001 - each waiting callback must get its answer
            for _, stored in group:
                if not stored.done():
                    stored.set_exception(error)
        else:
            for _, stored in group:
                if not stored.done():
                    stored.set_result(None)


class Reads(Protocol):
    """Tells a callback that is genuine from one that is not."""

    def __call__(
        self, mode: str, account: str, *, query: Mapping[str, str], body: bytes, headers: Mapping[str, str]
    ) -> Any: ...


class Hook:
    """Where callbacks of one kind are brought: 204 once one is stored; 404 for an account without such, 400 for what is not
    genuine, 413 for a flood, 422 for a mode that there is not.

    It speaks ASGI itself: FastAPI takes 0.4 ms to find out what a request is, our own work for a receipt 0.1 (measured), and
    a gateway brings thousands a second.
    """

    def __init__(self, what: str) -> None:
        self._what = what

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(scope, receive)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        found = scope["path_params"]
        if found["mode"] not in set(Mode):
            return Response(status_code=422)
        body = await _body(receive)
        if body is None:
            return Response(status_code=413)
        read, intake = self._takers(scope["app"])
        try:
            brought = read(
                found["mode"],
                found["account"],
                query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
                body=body,
                headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
            )
        except NotFound:
            return Response(status_code=404)
        except ValueError:
            return Response(status_code=400)
        await intake.take(brought)
        return self._acknowledged(scope["method"])

    def _takers(self, app: FastAPI) -> tuple[Reads, "Intake[Any]"]:
        parts: Parts = app.state.parts
        if self._what == RECEIPT:
            return parts.receipts.read, app.state.intake
        return parts.hearing.read, app.state.ear

    def _acknowledged(self, method: str) -> Response:
        """What a person wrote is brought by Kannel with a GET, and it makes a text of any answer but an empty 200."""
        if self._what == HEARD and method == "GET":
            return Response(status_code=200, media_type="text/plain")
        return Response(status_code=204)


def routes() -> list[Route]:
    return [
        Route(f"/hooks/{{mode}}/{{account}}/{what}", Hook(what), methods=["GET", "POST"])
        for what in (RECEIPT, HEARD)
    ]


async def _body(receive: Receive) -> bytes | None:
    """None where it is larger than any callback: it is not read to its end."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return None
        more = message.get("more_body", False)
    return body
