"""One request to an app as a server would hand it over, without a socket; and what it answered, as programs and people read it."""

import asyncio
import json
import re
from collections.abc import Iterable
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from html import unescape
from typing import Any, cast
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.datastructures import State
from starlette.routing import BaseRoute, Mount

from broadcaster.web.app import create_app
from broadcaster.web.metrics import Fresh
from broadcaster.web.site import PublicSite

HERE, SERVER = ("127.0.0.1", 50000), ("127.0.0.1", 80)
TESTSERVER = (b"host", b"testserver")
Client = tuple[str, int]
Pairs = Iterable[tuple[bytes, bytes]]
_FIRST: list[FastAPI] = []


@dataclass
class Answer:
    """`cookies` are the lines of `Set-Cookie`, of which there may be several."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    cookies: list[str] = field(default_factory=list)
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def words(self) -> str:
        """What a person reads, in one line."""
        main = self.text.partition('id="main-content">')[2] or self.text
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())

    @property
    def onward(self) -> str:
        return self.headers["location"]


def web_of(parts: Any) -> Any:
    """The app of these parts, made once. Its routes are those of the first app that was made: to read them all from the
    code again, for each test, took longer than most tests."""
    if "web" not in parts.__dict__:
        if not _FIRST:
            _FIRST.append(create_app(parts))
        parts.__dict__["web"] = _over(parts, _FIRST[0])
    return parts.__dict__["web"]


def _over(parts: Any, first: FastAPI) -> FastAPI:
    """`first` with these parts in the place of its own, and nothing that a request leaves behind in it."""
    app = _again(first)
    app.state.parts, app.state.figures = parts, Fresh(parts.figures.look)
    app.router.routes = [_mounted(parts, route) for route in first.router.routes]
    return app


def _again(app: FastAPI) -> FastAPI:
    new = copy(app)
    new.state, new.router, new.middleware_stack = State(), copy(app.router), None
    new.router.middleware_stack = new.router.app  # else that of the first
    return new


def _mounted(parts: Any, route: BaseRoute) -> BaseRoute:
    if isinstance(route, Mount) and route.name == "site":
        site = parts.settings.site_dir
        site.mkdir(parents=True, exist_ok=True)
        return Mount("/site", PublicSite(directory=site, html=True), name="site")
    if isinstance(route, Mount) and route.name == "api":
        api = _again(cast(FastAPI, route.app))
        api.state.parts = parts
        return Mount(route.path, api, name="api")
    return route


def ask(app: Any, method: str, address: str, body: bytes = b"", headers: Pairs = (), **who: Any) -> Answer:
    """As `asking`, for a test without a loop of its own."""
    return asyncio.run(asking(app, method, address, body, headers, **who))


async def asking(
    app: Any, method: str, address: str, body: bytes = b"", headers: Pairs = (), *, client: Client = HERE
) -> Answer:
    """What was answered, even where the app broke after it. The body comes in two pieces, as a network brings it; the client
    reads on until the answer is whole."""
    split, answer = urlsplit(address), Answer()
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": split.path,
        "raw_path": split.path.encode(),
        "query_string": split.query.encode(),
        "headers": list(headers),
        "client": client,
        "server": SERVER,
        "state": {},
    }
    half = len(body) // 2
    coming = [
        {"type": "http.request", "body": body[:half], "more_body": True},
        {"type": "http.request", "body": body[half:], "more_body": False},
    ]

    async def receive() -> dict[str, Any]:
        if not coming:
            await asyncio.Event().wait()
        return coming.pop(0)

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            told = [(name.decode(), value.decode()) for name, value in message["headers"]]
            answer.headers, answer.cookies = dict(told), [v for n, v in told if n == "set-cookie"]
        else:
            answer.body += message.get("body", b"")

    with suppress(RuntimeError):  # what a broken app raises after its answer, for the server's log
        await app(scope, receive, send)
    return answer
