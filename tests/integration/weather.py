"""A weather service to watch, without a socket: the sandbox's stand-in, and feeds that a test writes itself."""

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette

from broadcaster.db import feed_warnings
from broadcaster.db.feed_warnings import FeedWarning, WarningState
from broadcaster.domain.watching import Rule, SourceAlert, SourceInfo
from broadcaster.service.feeds import Feeds, Look
from broadcaster.service.fetching import Fetched
from broadcaster.service.outgoing import NotReached
from channels.sandbox.weather import Weather

FEED = "http://weather.example/weather/atom.xml"
WIND = Rule(template="severe-weather", events=("wind",), least="Moderate", areas=("North West",))


class Fetching:
    """Answers from `pages`, or else from the stand-in. `asked` are the addresses."""

    def __init__(self) -> None:
        self.service = Starlette(routes=Weather().routes())
        self.pages: dict[str, bytes | str] = {}
        self.asked: list[str] = []

    def check(self, url: str) -> str:
        return urlsplit(url).hostname or ""

    def fetch(self, url: str, *, etag: str = "", modified: str = "", most_bytes: int) -> Fetched:
        self.asked.append(url)
        if url in self.pages:
            page = self.pages[url]
            if isinstance(page, str):
                raise NotReached(page)
            return Fetched(changed=True, body=page)
        status, headers, body = _ask(self.service, "GET", urlsplit(url).path, etag=etag)
        if status == 304:
            return Fetched(changed=False, etag=etag)
        if status != 200:
            raise NotReached(f"answered_{status}")
        if len(body) > most_bytes:
            raise NotReached("too_much")
        return Fetched(changed=True, body=body, etag=headers.get("etag", ""))

    def issue(self, **alert: object) -> Mapping[str, str]:
        found: Mapping[str, str] = json.loads(_ask(self.service, "POST", "/_sandbox/weather", alert)[2])
        return found

    def fail(self, kind: str) -> None:
        assert _ask(self.service, "POST", "/_sandbox/weather/fault", {"kind": kind})[0] == 204


def lay(world, feed_id: int, identifier: str = "1") -> FeedWarning:
    """A warning that waits, without a look at any feed."""
    said = SourceInfo(
        event="wind",
        headline="Amber warning of wind affecting North West England",
        description="Gusts of up to 75 mph are expected near the coast, with large waves over the sea wall.",
        instruction="Keep off the seafront. Avoid driving.",
        severity="Severe",
        urgency="Expected",
        areas=("North West England",),
        expires=(world.now() + timedelta(days=30)).isoformat(timespec="seconds"),
    )
    alert = SourceAlert(
        sender="weather",
        identifier=identifier,
        sent="",
        status="Actual",
        kind="Alert",
        scope="Public",
        infos=(said,),
    )
    with world.database.write() as tx:
        return feed_warnings.insert(tx, feed_id, alert, state=WarningState.WAITING, rule=WIND, first_id=None)


def _ask(
    app: Starlette, method: str, path: str, content: Any = None, *, etag: str = ""
) -> tuple[int, dict[str, str], bytes]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": json.dumps(content).encode()}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"weather.example"), *([(b"if-none-match", etag.encode())] if etag else [])]
    scope = {"type": "http", "method": method, "path": path, "headers": headers, "query_string": b""}
    scope |= {"scheme": "http", "server": ("weather.example", 80), "root_path": ""}
    asyncio.run(app(scope, receive, send))
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], answered, b"".join(each.get("body", b"") for each in sent[1:])


def watching(world, fetching: Fetching) -> Feeds:
    """The service of this installation, over this source."""
    made = Feeds(world.database, fetching, world.parts.rules, world.parts.templates.current)  # type: ignore[arg-type]
    world.parts.feeds = made
    return made


def watch(world, fetching: Fetching, *rules: Rule, name: str = "Met Office", **given) -> str:
    service = watching(world, fetching)
    given = {"url": FEED, "every_s": 60, "rules": rules or (WIND,), **given}
    return service.add(world.administrator, name=name, **given)


def look(world, uid: str) -> Look:
    return world.parts.feeds.check(world.administrator, uid)
