"""The wall: what the public would see on every platform right now, on one page without JavaScript."""

import json
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import aiohttp
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from channels.sandbox.facebook import Facebook
from channels.sandbox.faults import GATEWAYS
from channels.sandbox.graph import Photo
from channels.sandbox.kannel_request import sender_of
from channels.sandbox.ledger import Entry, Ledger
from channels.sandbox.notify import FROM_NUMBER
from channels.sandbox.sinch import sender_of as sender_of_batch
from channels.sandbox.x import X
from channels.sandbox.x_media import Picture
from channels.sandbox.x_posts import XPost

POSTS_SHOWN = 5
PAGES_SHOWN = 5
SITE_TIMEOUT_S = 1.0
SITE_FRESH_S = 1.5
MOST_SITE_BYTES = 1_000_000
LINK = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,:;!?()\[\]]")
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src {}; frame-ancestors 'none'"


class Wall:
    def __init__(
        self, facebook: Facebook, x: X, ledger: Ledger, site_url: str, *, exercise: bool = False
    ) -> None:
        self._facebook = facebook
        self._x = x
        self._ledger = ledger
        self._site = Site(site_url)
        self._exercise = exercise
        self._policy = POLICY.format(" ".join(["'self'", *_origin(site_url)]))
        environment = Environment(
            loader=PackageLoader("channels.sandbox", ""), autoescape=True, undefined=StrictUndefined
        )
        environment.filters["linked"] = linked
        environment.filters["on_the_wall"] = on_the_wall
        self._page = environment.get_template("wall.html")

    async def start(self) -> None:
        await self._site.start()

    async def stop(self) -> None:
        await self._site.stop()

    def routes(self) -> list[Route]:
        return [Route("/", self._show, methods=["GET"])]

    async def _show(self, _: Request) -> HTMLResponse:
        counts = [self._ledger.tally[gateway] for gateway in sorted(GATEWAYS)]
        latest = [count.latest for count in counts if isinstance(count.latest, Entry)]
        text = max(latest, key=lambda entry: entry.at, default=None)
        html = self._page.render(
            facebook_posts=self._facebook.published()[:POSTS_SHOWN],
            x_posts=_threads_in_order(self._x.published())[:POSTS_SHOWN],
            sms=text,
            sender=_sender(text) if text else "",
            sms_accepted=sum(count.accepted for count in counts),
            site=self._site.url,
            pages=await self._site.newest(),
            exercise=self._exercise,
        )
        return HTMLResponse(html, headers={**HEADERS, "Content-Security-Policy": self._policy})


class Site:
    """The website's newest pages, from its alerts.json; nothing where it cannot be read."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._read_at = 0.0
        self._pages: list[dict[str, Any]] = []

    async def start(self) -> None:
        timeout = aiohttp.ClientTimeout(total=SITE_TIMEOUT_S)
        self._session = aiohttp.ClientSession(timeout=timeout, trust_env=False)

    async def stop(self) -> None:
        await self._session.close()

    async def newest(self) -> list[dict[str, Any]]:
        if self.url and time.monotonic() - self._read_at > SITE_FRESH_S:
            self._pages = []
            with suppress(aiohttp.ClientError, TimeoutError, ValueError):
                self._pages = _pages(await self._alerts(), self.url + "/")
            self._read_at = time.monotonic()
        return self._pages

    async def _alerts(self) -> Any:
        async with self._session.get(f"{self.url}/alerts.json", allow_redirects=False) as response:
            response.raise_for_status()
            return json.loads(await response.content.read(MOST_SITE_BYTES))


def on_the_wall(picture: Photo | Picture) -> dict[str, str]:
    """Where its bytes are shown, and what a reader who does not see it is told."""
    return {"src": f"/_sandbox/media/{picture.sha256}", "alt": picture.alt}


def _threads_in_order(posts: Iterable[XPost]) -> list[XPost]:
    """The newest thread first; in each, the first part first. A post by itself is a thread of one."""
    threads: dict[str, list[XPost]] = {}
    for post in posts:
        threads.setdefault(post.thread or post.id, []).append(post)
    return [post for thread in threads.values() for post in reversed(thread)]


def _origin(address: str) -> list[str]:
    """Whose pictures may be shown beside our own: those of the website, where there is one."""
    found = urlsplit(address)
    return [f"{found.scheme}://{found.netloc}"] if found.netloc else []


def _sender(text: Entry) -> str:
    """Whom the telephone shows, by the gateway that took the text."""
    if text.platform == "notify":
        return FROM_NUMBER
    if text.platform == "twilio":
        return dict(parse_qsl(text.body.decode("utf-8", "replace"))).get("From", "Messaging Service")
    if text.platform == "smpp":
        return dict(text.headers).get(b"sender", b"").decode("latin-1")
    if text.platform == "sinch":
        return sender_of_batch(text)
    return sender_of(text)


def linked(text: str) -> Markup:
    """The text escaped, with its web addresses made clickable."""
    html, done = Markup(), 0
    for match in LINK.finditer(text):
        html += escape(text[done : match.start()])
        html += Markup('<a href="{0}" rel="noreferrer noopener">{0}</a>').format(match[0])
        done = match.end()
    return html + escape(text[done:])


def _pages(data: Any, base: str) -> list[dict[str, Any]]:
    """Title, text and address of each alert: {"alerts": [{"url": ..., "posts": [{"title": ..., "text": ...}]}]}.

    ValueError where the site's file is something else.
    """
    try:
        return [
            {
                "title": ("Ended: " if _has_ended(alert) else "") + str(alert["posts"][0]["title"]),
                "text": str(alert["posts"][0].get("text", "")),
                "url": _web_address(base, str(alert["url"])),
                "images": [
                    {"src": _web_address(base, _file_at_site(str(each["url"]))), "alt": str(each["alt"])}
                    for each in alert["posts"][0].get("images", [])
                ],
            }
            for alert in data["alerts"][:PAGES_SHOWN]
        ]
    except (TypeError, KeyError, IndexError, AttributeError) as error:
        raise ValueError("this is not an alerts.json") from error


def _has_ended(alert: dict[str, Any]) -> bool:
    """As docs/website.md tells readers to look at it: by the mark, and by one's own clock."""
    expires = str(alert.get("expires", ""))
    return bool(alert.get("ended")) or (
        expires != "" and datetime.fromisoformat(expires) <= datetime.now(UTC)
    )


def _file_at_site(address: str) -> str:
    """media/NAME: the site's public address need not be the one at which it is served here."""
    return "/".join(urlsplit(address).path.split("/")[-2:])


def _web_address(base: str, address: str) -> str:
    """An absolute http address, or nothing: no other kind of link gets onto the wall."""
    whole = urljoin(base, address)
    return whole if whole.startswith(("http://", "https://")) else ""
