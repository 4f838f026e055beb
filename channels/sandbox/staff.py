"""The made-up staff of a sandbox: passwords, and the codes that their telephones show, to sign in with by a browser alone.

Who set the sandbox up wrote them down in `secrets.json`, beside the ledger; where there is none, nobody is shown.
"""

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

import pyotp
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}


class Secrets(TypedDict):
    password: str
    totp_secret: str


class Staff:
    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "secrets.json"
        environment = Environment(
            loader=PackageLoader("channels.sandbox", ""), autoescape=True, undefined=StrictUndefined
        )
        self._page = environment.get_template("staff.html")

    def routes(self) -> list[Route]:
        return [Route("/_sandbox/staff", self._show, methods=["GET"])]

    async def _show(self, _: Request) -> HTMLResponse:
        people = [
            {"name": name, "password": known["password"], "code": pyotp.TOTP(known["totp_secret"]).now()}
            for name, known in self._secrets().items()
        ]
        left = 30 - int(time.time()) % 30
        return HTMLResponse(self._page.render(people=people, left=left), headers=HEADERS)

    def _secrets(self) -> dict[str, Secrets]:
        with suppress(OSError, ValueError):
            known: dict[str, Secrets] = json.loads(self._path.read_text())
            return known
        return {}
