"""A post: what one channel will say, in one language, and the late slots in it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from broadcaster.domain.canonical import canonical


@dataclass(frozen=True, kw_only=True)
class LateSlot:
    """A declared, bounded place in a post that is filled at release by plain replacement of `((name))`.

    `widest` is a value of the greatest width: posts are checked with it, so that no release can overflow.
    """

    name: str
    widest: str

    @property
    def mark(self) -> str:
        return f"(({self.name}))"


SENT_AT = LateSlot(name="sent_at", widest="00:00")
SEQUENCE = LateSlot(name="sequence", widest="Update 99")
LATE_SLOTS: Mapping[str, LateSlot] = {slot.name: slot for slot in (SENT_AT, SEQUENCE)}


@dataclass(frozen=True, kw_only=True)
class Post:
    """Rendered once, at submission, and stored; what is stored is what is sent.

    `text` is the whole text (plain, paragraphs separated by a blank line). `facts` are the machine-readable
    facts that the channel publishes beside it (the website's page and feeds): ASCII keys, text values.
    """

    channel: str
    account: str
    language: str = "en"
    title: str
    text: str
    link: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "account": self.account,
            "channel": self.channel,
            "facts": dict(self.facts),
            "language": self.language,
            "late_slots": self.late_slots(),
            "link": self.link,
            "text": self.text,
            "title": self.title,
        }

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """The post that `to_bytes` wrote. Raises ValueError or KeyError for anything else."""
        data = json.loads(content)
        del data["late_slots"]
        return cls(**data)

    def to_bytes(self) -> bytes:
        """Canonical bytes: what is stored, and what `digest` is taken of."""
        return canonical(self.to_json())

    @property
    def digest(self) -> str:
        return digest_of(self.to_bytes())

    def late_slots(self) -> list[str]:
        """Names of the late slots that stand in this post, sorted."""
        return sorted(
            n for n, slot in LATE_SLOTS.items() if slot.mark in self.text or slot.mark in self.title
        )

    def filled(self, values: Mapping[str, str]) -> Self:
        """This post with its late slots filled. KeyError where a value is missing."""
        post = self
        for name in self.late_slots():
            mark, value = LATE_SLOTS[name].mark, values[name]
            post = replace(post, text=post.text.replace(mark, value), title=post.title.replace(mark, value))
        return post

    def at_widest(self) -> Self:
        """This post as long as any release can make it: what `check` is asked about."""
        return self.filled({slot.name: slot.widest for slot in LATE_SLOTS.values()})


def digest_of(content: bytes) -> str:
    """Hexadecimal SHA-256 of stored post content."""
    return hashlib.sha256(content).hexdigest()
