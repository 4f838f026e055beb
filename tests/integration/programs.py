"""A program with a token: asks the API as a server would be asked, and reads what it answers."""

import json
from datetime import timedelta
from typing import Any

from broadcaster.db import people, tokens
from broadcaster.db.tables import token
from broadcaster.service.people import new_token
from tests.builders import ALWAYS
from tests.integration.asgi import Answer, ask, web_of

DRAFT = {"template": "severe-weather", "mode": "live", "channels": ["website"]}
API = "/api/v1"


class Program:
    """`token` is that of its user; empty for nobody's."""

    def __init__(self, web: Any, token: str = "", name: str = "", prefix: str = API) -> None:
        self._web, self.token, self.name, self._prefix = web, token, name, prefix

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.ask("POST", path, body, **headers)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """`body` is sent as JSON, or as it is where it is bytes. Underscores of a header's name are dashes."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        sent = {"content-type": "application/json", **named}
        if self.token:
            sent["authorization"] = f"Bearer {self.token}"
        pairs = [(name.encode(), value.encode()) for name, value in sent.items()]
        return ask(self._web, method, self._prefix + path, content, pairs)


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
    return Program(web_of(world.parts), text, name)
