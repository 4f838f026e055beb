"""A browser without a screen: it asks the app as a server would, keeps the cookie, and fills in the forms that it was shown."""

import re
from urllib.parse import urlencode

from broadcaster.web.console.guard import COOKIE
from tests.integration.asgi import TESTSERVER, ask, web_of
from tests.integration.identities import all_the_way, enter, person, with_app

PAGE = (b"accept", b"text/html")


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
        """A file, shown or taken away, leaves the page where it is."""
        if answer.body and "content-disposition" not in answer.headers:
            self.page = answer.text
        return answer

    @property
    def token(self):
        found = re.search(r'name="csrf" value="(\w+)"', self.page)
        return found.group(1) if found else ""

    def ask(self, method, path, body=b"", kind=b"", headers=()):
        sent = [TESTSERVER, PAGE, (b"cookie", self._cookies()), *headers]
        answer = ask(self.web, method, path, body, [*sent, (b"content-type", kind)] if kind else sent)
        for told in answer.cookies:
            self._keep(told)
        return answer

    def _keep(self, told):
        name, value = re.match(r"([^=]+)=([^;]*)", told).groups()
        if name == COOKIE:
            self.cookie = value or self.cookie
        elif "Max-Age=0" in told:
            self.jar.pop(name, None)
        else:
            self.jar[name] = value


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
