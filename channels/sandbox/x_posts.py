"""A post on X as the API shows it: links shortened by t.co, `&`, `<` and `>` escaped, originals in `entities`."""

import hashlib
import string
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from channels.sandbox.x_length import links

#: Snowflake ids count milliseconds from here, in the bits above the lowest 22.
SNOWFLAKE_EPOCH_MS = 1_288_834_974_657
METRICS = ("retweet_count", "repost_count", "reply_count", "like_count", "quote_count", "bookmark_count")
_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, kw_only=True)
class XPost:
    """`text` is as it was sent and as a reader sees it; `created` is in UTC."""

    id: str
    text: str
    created: datetime
    author_id: str

    @cached_property
    def shown_text(self) -> str:
        return self._shown[0]

    def to_json(self, fields: Iterable[str]) -> dict[str, Any]:
        everything = {
            "id": self.id,
            "text": self.shown_text,
            "created_at": self.created.strftime("%Y-%m-%dT%H:%M:%S.")
            + f"{self.created.microsecond // 1000:03d}Z",
            "author_id": self.author_id,
            "conversation_id": self.id,
            "public_metrics": {**dict.fromkeys(METRICS, 0), "impression_count": 0},
        }
        if self._shown[1]:
            everything["entities"] = {"urls": self._shown[1]}
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
        return shown + _escaped(self.text[done:]), urls


def new_id(created: datetime, *, above: str) -> str:
    """A snowflake id of this moment that is greater than `above`."""
    milliseconds = int(created.timestamp() * 1000) - SNOWFLAKE_EPOCH_MS
    return str(max(milliseconds << 22, int(above) + 1))


def of_another(text: str) -> XPost:
    """The same words, now, by somebody else."""
    now = datetime.now(UTC)
    return XPost(id=new_id(now, above="0"), text=text, created=now, author_id="1999999999999999999")


def of_yesterday(text: str, author_id: str) -> XPost:
    """The same words by the same account, a day ago."""
    created = datetime.now(UTC) - timedelta(days=1)
    return XPost(id=new_id(created, above="0"), text=text, created=created, author_id=author_id)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _short(seed: str) -> str:
    """Ten letters and digits, as t.co has them."""
    digest = hashlib.sha256(seed.encode()).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:10])
