"""A browser without a screen: it asks the app as a server would, keeps the cookie, and fills in the forms that it was shown."""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlencode, urlsplit

from broadcaster.web.app import create_app
from broadcaster.web.console.guard import COOKIE
from tests.integration.identities import all_the_way, enter, person, with_app

PAGE = (b"accept", b"text/html")


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cookie: str = ""

    @property
    def text(self):
        return self.body.decode()

    @property
    def words(self):
        """What a person reads, in one line."""
        main = self.text.partition('id="main-content">')[2] or self.text
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())

    @property
    def onward(self):
        return self.headers["location"]


class Visitor:
    """`person` is signed in with a fresh second factor where one is needed; see `visitor`."""

    def __init__(self, parts, cookie="", app=None):
        self.web, self.cookie, self.app = web_of(parts), cookie, app
        self.page, self.jar = "", {}  # the jar: cookies beside the session's

    def get(self, path):
        return self.seen(self.ask("GET", path))

    def post(self, path, fields=(), *, token=True, **more):
        """With the token of the page that was seen last. `fields` is a dict, or pairs where a name comes twice."""
        pairs = list(fields.items() if isinstance(fields, dict) else fields) + list(more.items())
        pairs = [("csrf", self.token)] * token + pairs
        return self.seen(
            self.ask("POST", path, urlencode(pairs).encode(), b"application/x-www-form-urlencoded")
        )

    def ask_with(self, fields, path):
        """What a script of the page asks, with its form; the answer's text."""
        body = urlencode([("csrf", self.token), *fields.items()]).encode()
        return self.ask("POST", path, body, b"application/x-www-form-urlencoded").text

    def upload(self, path, content, *, filename="list.csv", **fields):
        edge = b"----edge"
        parts = [
            b'Content-Disposition: form-data; name="%b"\r\n\r\n%b' % (k.encode(), v.encode())
            for k, v in {"csrf": self.token, **fields}.items()
        ]
        about = f'Content-Disposition: form-data; name="file"; filename="{filename}"\r\nContent-Type: text/csv\r\n\r\n'
        parts.append(about.encode() + content)
        body = b"".join(b"--" + edge + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + edge + b"--\r\n"
        return self.seen(self.ask("POST", path, body, b"multipart/form-data; boundary=" + edge))

    def _cookies(self):
        return "; ".join(f"{k}={v}" for k, v in {COOKIE: self.cookie, **self.jar}.items()).encode()

    def seen(self, answer):
        """A file to take away leaves the page where it is."""
        if answer.body and not answer.headers.get("content-disposition", "").startswith("attachment"):
            self.page = answer.text
        return answer

    @property
    def token(self):
        found = re.search(r'name="csrf" value="(\w+)"', self.page)
        return found.group(1) if found else ""

    def ask(self, method, path, body=b"", kind=b"", headers=()):
        answer = asyncio.run(self._ask(method, path, body, kind, headers))
        self.cookie = answer.cookie or self.cookie
        return answer

    async def _ask(self, method, path, body, kind, headers):
        answer, split = Answer(), urlsplit(path)
        sent = [(b"host", b"testserver"), PAGE, (b"cookie", self._cookies()), *headers]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": split.path,
            "raw_path": split.path.encode(),
            "query_string": split.query.encode(),
            "headers": [*sent, (b"content-type", kind)] if kind else sent,
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 80),
        }
        half = len(body) // 2  # in two pieces, as a network brings it
        coming = [
            {"type": "http.request", "body": body[:half], "more_body": True},
            {"type": "http.request", "body": body[half:], "more_body": False},
        ]

        async def receive():
            if not coming:
                await asyncio.Event().wait()
            return coming.pop(0)

        async def send(message):
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {k.decode(): v.decode() for k, v in message["headers"]}
                for name, value in message["headers"]:
                    if name == b"set-cookie":
                        self._keep(answer, value.decode())
            else:
                answer.body += message.get("body", b"")

        with suppress(RuntimeError):
            await self.web(scope, receive, send)
        return answer

    def _keep(self, answer, told):
        name, value = re.match(r"([^=]+)=([^;]*)", told).groups()
        if name == COOKIE:
            answer.cookie = value
        elif "Max-Age=0" in told:
            self.jar.pop(name, None)
        else:
            self.jar[name] = value


def web_of(parts):
    """Its app, made once."""
    if "web" not in parts.__dict__:
        parts.__dict__["web"] = create_app(parts)
    return parts.__dict__["web"]


def visitor(world, name, *roles):
    """Somebody with a password, who has just signed in; with an app and its code where his roles need one."""
    if {"approver", "administrator"} & set(roles):
        app = with_app(world, name, *roles)
        return Visitor(world.parts, all_the_way(world, app, name).cookie, app)
    person(world, name, *roles)
    return Visitor(world.parts, enter(world, name).cookie)


def later(world, minutes=10):
    """So long that a second factor is not fresh any more, and short enough to be signed in still."""
    world.clock.advance(60 * minutes)
