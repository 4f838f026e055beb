"""A program with a token: asks the API as a server would be asked, and reads what it answers."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from broadcaster.db import people, tokens
from broadcaster.db.tables import token
from broadcaster.service.people import new_token
from broadcaster.web.app import create_app
from tests.builders import ALWAYS

API = "/api/v1"


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class Program:
    """`token` is that of its user; empty for nobody's."""

    def __init__(self, web: Any, token: str = "", name: str = "") -> None:
        self._web, self.token, self.name = web, token, name

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.ask("POST", path, body, **headers)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """`body` is sent as JSON, or as it is where it is bytes. Underscores of a header's name are dashes."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {"content-type": "application/json", **headers}
        if self.token:
            sent["authorization"] = f"Bearer {self.token}"
        return asyncio.run(_ask(self._web, method, API + path, content, sent))


async def _ask(web: Any, method: str, address: str, content: bytes, headers: dict[str, str]) -> Answer:
    parts, answer = urlsplit(address), Answer()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [(n.replace("_", "-").lower().encode(), v.encode()) for n, v in headers.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    coming = [{"type": "http.request", "body": content, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if not coming:
            await asyncio.Event().wait()
        return coming.pop()

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            answer.content += message.get("body", b"")

    with suppress(RuntimeError):
        await web(scope, receive, send)
    return answer


def web_of(world: Any) -> Any:
    """Its app, made once."""
    if "web" not in world.parts.__dict__:
        world.parts.__dict__["web"] = create_app(world.parts)
    return world.parts.__dict__["web"]


def program(world: Any, name: str, *roles: str, scopes: tuple[str, ...] = (), fresh: bool = True) -> Program:
    """Of this user, made where there is none. `fresh`: the second factor was given for its token, and stays so."""
    text, sha256 = new_token()
    with world.database.read() as tx:
        who = people.by_name(tx, name)
    who = who or world.person(name, *roles)
    with world.database.write() as tx:
        made = tokens.insert(
            tx, person_id=who.id, sha256=sha256, expires_at=tx.now() + timedelta(days=400), scopes=scopes
        )
        if fresh:
            tx.execute(token.update().where(token.c.id == made).values(factor="totp", factor_at=ALWAYS))
    return Program(web_of(world), text, name)
