"""Somebody at the live board, and platforms that answer badly."""

import json
from urllib.parse import urlencode

from broadcaster.db.tables import audit_event, target
from broadcaster.domain.errors import OutcomeUnknown, Refused
from broadcaster.service.sessions import form_key
from broadcaster.web.console.guard import COOKIE, CSRF
from tests.integration.asgi import TESTSERVER, ask, web_of
from tests.integration.browsing import FORM
from tests.integration.identities import enter, person

SILENCE = OutcomeUnknown("read_timeout", "The platform did not answer.")
RUDE = Refused("too_rude", "The platform finds it too rude.")


class Browser:
    """Somebody at the console, through the real app, as a server would hand it the requests."""

    def __init__(self, world, name, *roles):
        self.person = person(world, name, *roles)
        self.cookie = enter(world, name).cookie
        self._app = web_of(world.parts)

    def get(self, path):
        return self._ask("GET", path)

    def post(self, path, **fields):
        body = urlencode({CSRF: form_key(self.cookie), **fields}).encode()
        return self._ask("POST", path, body, FORM)

    def _ask(self, method, path, body=b"", *more):
        cookie = (b"cookie", f"{COOKIE}={self.cookie}".encode())
        return ask(self._app, method, path, body, [TESTSERVER, (b"accept", b"text/html"), cookie, *more])


def id_of(world, channel):
    return world.row(target, channel=channel).id


def events(world, act):
    return [(row.actor, json.loads(row.payload)) for row in world.rows(audit_event, act=act)]
