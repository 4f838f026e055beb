"""A browser without a window: asks the app as a server would, keeps its cookie, and fills forms with their token."""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from broadcaster.web.console.guard import COOKIE


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""

    @property
    def text(self) -> str:
        return self.content.decode()


class Browser:
    def __init__(self, app: Any) -> None:
        self._app = app
        self.cookie = ""

    def get(self, address: str) -> Answer:
        return asyncio.run(self._ask("GET", address, b""))

    def post(self, address: str, *, page: str, **fields: str) -> Answer:
        """From a form of this page."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.get(page).text)
        assert found, f"{page} has no form"
        return self.send(address, csrf=found[1], **fields)

    def send(self, address: str, **fields: str) -> Answer:
        return asyncio.run(self._ask("POST", address, urlencode(fields).encode()))

    async def _ask(self, method: str, address: str, body: bytes) -> Answer:
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
            "headers": [
                (b"host", b"testserver"),
                (b"accept", b"text/html"),
                (b"cookie", f"{COOKIE}={self.cookie}".encode()),
                (b"content-type", b"application/x-www-form-urlencoded"),
            ],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 80),
        }
        coming = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if not coming:
                await asyncio.Event().wait()  # a client that reads on
            return coming.pop()

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            else:
                answer.content += message.get("body", b"")

        await self._app(scope, receive, send)
        return answer
