"""A browser without a window: asks the app as a server would, keeps its cookie, and fills forms with their token."""

import re
from typing import Any
from urllib.parse import urlencode

from broadcaster.web.console.guard import COOKIE
from tests.integration.asgi import TESTSERVER, Answer, ask

FORM = (b"content-type", b"application/x-www-form-urlencoded")


class Browser:
    def __init__(self, app: Any) -> None:
        self._app = app
        self.cookie = ""

    def get(self, address: str) -> Answer:
        return self._ask("GET", address, b"")

    def post(self, address: str, *, page: str, **fields: str) -> Answer:
        """From a form of this page."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.get(page).text)
        assert found, f"{page} has no form"
        return self.send(address, csrf=found[1], **fields)

    def send(self, address: str, **fields: str) -> Answer:
        return self._ask("POST", address, urlencode(fields).encode())

    def _ask(self, method: str, address: str, body: bytes) -> Answer:
        cookie = (b"cookie", f"{COOKIE}={self.cookie}".encode())
        return ask(self._app, method, address, body, [TESTSERVER, (b"accept", b"text/html"), cookie, FORM])
