"""A post on X as the API shows it: links shortened by t.co, `&`, `<` and `>` escaped, originals in `entities`."""

import hashlib
import string
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from channels.sandbox.x_length import links
from channels.sandbox.x_media import Picture

#: Snowflake ids count milliseconds from here, in the bits above the lowest 22.
SNOWFLAKE_EPOCH_MS = 1_288_834_974_657
METRICS = ("retweet_count", "repost_count", "reply_count", "like_count", "quote_count", "bookmark_count")
_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, kw_only=True)
class XPost:
    """`text` is as it was sent and as a reader sees it; `created` is in UTC. `thread` is the id of the first post of
    the thread that `in_reply_to` belongs to; both are empty for a post by itself.
    """

    id: str
    text: str
    created: datetime
    author_id: str
    pictures: tuple[Picture, ...] = ()
    in_reply_to: str = ""
    thread: str = ""

    @cached_property
    def shown_text(self) -> str:
        return self._shown[0]

    def to_json(self, fields: Iterable[str]) -> dict[str, Any]:
        everything: dict[str, Any] = {
            "id": self.id,
            "text": self.shown_text,
            "created_at": self.created.strftime("%Y-%m-%dT%H:%M:%S.")
            + f"{self.created.microsecond // 1000:03d}Z",
            "author_id": self.author_id,
            "conversation_id": self.thread or self.id,
            "public_metrics": {**dict.fromkeys(METRICS, 0), "impression_count": 0},
        }
        if self._shown[1]:
            everything["entities"] = {"urls": self._shown[1]}
        if self.in_reply_to:
            everything["in_reply_to_user_id"] = self.author_id  # the stand-in knows no other author to answer
            everything["referenced_posts"] = [{"type": "replied_to", "id": self.in_reply_to}]
        if self.pictures:
            everything["attachments"] = {"media_keys": [f"3_{picture.id}" for picture in self.pictures]}
        return {name: everything[name] for name in fields if name in everything}

    @cached_property
    def _shown(self) -> tuple[str, list[dict[str, Any]]]:
        """The text with its links shortened, and what each stands for."""
        shown, urls, done = "", [], 0
        for match in links(self.text):
            shown += _escaped(self.text[done : match.start()])
            short = f"https://t.co/{_short(self.id + match[0])}"
            display = match[0].partition("://")[2] or match[0]
            expanded = match[0] if "://" in match[0] else f"http://{match[0]}"
            urls.append(
                {
                    "start": len(shown),
                    "end": len(shown) + len(short),
                    "url": short,
                    "expanded_url": expanded,
                    "display_url": display if len(display) <= 27 else display[:26] + "…",
                }
            )
            shown += short
            done = match.end()
        shown += _escaped(self.text[done:])
        if self.pictures:
            shown += " "
            urls += self._picture_links(len(shown))
            shown += str(urls[-1]["url"])
        return shown, urls

    def _picture_links(self, start: int) -> list[dict[str, Any]]:
        """X ends a text with one link for all of its pictures, and lists it once for each of them."""
        short = f"https://t.co/{_short(self.id + 'pictures')}"
        return [
            {
                "start": start,
                "end": start + len(short),
                "url": short,
                "expanded_url": f"https://x.com/{self.author_id}/status/{self.id}/photo/1",
                "display_url": f"pic.x.com/{short[-10:]}",
                "media_key": f"3_{picture.id}",
            }
            for picture in self.pictures
        ]


def new_id(created: datetime, *, above: str) -> str:
    """A snowflake id of this moment that is greater than `above`."""
    milliseconds = int(created.timestamp() * 1000) - SNOWFLAKE_EPOCH_MS
    return str(max(milliseconds << 22, int(above) + 1))


def of_another(text: str) -> XPost:
    """The same words, now, by somebody else."""
    now = datetime.now(UTC)
    return XPost(id=_lookalike_id(now, text), text=text, created=now, author_id="1999999999999999999")


def of_yesterday(text: str, author_id: str) -> XPost:
    """The same words by the same account, a day ago."""
    created = datetime.now(UTC) - timedelta(days=1)
    return XPost(id=_lookalike_id(created, text), text=text, created=created, author_id=author_id)


def _lookalike_id(created: datetime, text: str) -> str:
    """Those of two texts that came within one millisecond are two: the lowest bits follow from the text."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return str(int(new_id(created, above="0")) + int.from_bytes(digest[:4]) % 2**22)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _short(seed: str) -> str:
    """Ten letters and digits, as t.co has them."""
    digest = hashlib.sha256(seed.encode()).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:10])
