"""Fetches what a feed has, by the rules of `Outgoing`, and only what has changed since the last time."""

import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from urllib3.exceptions import HTTPError

from broadcaster.domain.errors import Invalid
from broadcaster.service.outgoing import NotReached, Outgoing, _target, _usual, _usual_headers

ACCEPTED = (
    "application/atom+xml, application/cap+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8"
)
MOST_MARK_CHARS = 200


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """`changed` is false where the other side says that nothing has (304). `etag` and `modified` are said back next time."""

    changed: bool
    body: bytes = b""
    etag: str = ""
    modified: str = ""


class Fetching(Outgoing):
    def fetch(self, url: str, *, etag: str = "", modified: str = "", most_bytes: int) -> Fetched:
        """NotReached where there is nothing, too much, or another address to go to: those are told to a person, who enters it."""
        end = time.monotonic() + self._total_s
        asked = {"Accept": ACCEPTED, "Accept-Encoding": "identity"}
        asked |= {"If-None-Match": etag} if etag else {}
        asked |= {"If-Modified-Since": modified} if modified else {}
        try:
            host = self.check(url)
            parts = urlsplit(url)
            address = self._address(host, parts.port or _usual(parts))
            with self._pool(parts, address, end) as pool:
                answer = pool.urlopen(
                    "GET",
                    _target(parts),
                    headers={**_usual_headers(parts), **asked},
                    retries=False,
                    redirect=False,
                    preload_content=False,
                )
                # not decoded: a few bytes could become as many as the memory holds
                body: bytes = answer.read(most_bytes + 1, decode_content=False)
                answer.close()
        except Invalid as refused:
            raise NotReached("address_refused") from refused
        except (HTTPError, OSError, ValueError, EOFError) as error:
            raise NotReached(type(error).__name__) from error
        if answer.status == 304:
            return Fetched(changed=False, etag=etag, modified=modified)
        if answer.status != 200:
            raise NotReached(f"answered_{answer.status}")
        if len(body) > most_bytes:
            raise NotReached("too_much")
        marks = [_mark(answer.headers.get(name, "")) for name in ("ETag", "Last-Modified")]
        return Fetched(changed=True, body=body, etag=marks[0], modified=marks[1])


def _mark(text: str) -> str:
    """What is said back to them: printable, and short."""
    return text if text.isascii() and text.isprintable() and len(text) <= MOST_MARK_CHARS else ""
