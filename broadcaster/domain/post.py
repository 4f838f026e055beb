"""A post: what one channel will say, in one language, and the late slots in it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from broadcaster.domain.canonical import canonical
from broadcaster.domain.media import Image
from broadcaster.domain.tongues import TONGUES


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
#: The number of the message in each language; English has the name that it has always had.
SEQUENCES: Mapping[str, LateSlot] = {
    code: SEQUENCE if code == "en" else LateSlot(name=f"sequence_{code}", widest=f"{tongue.update} 99")
    for code, tongue in TONGUES.items()
}
LATE_SLOTS: Mapping[str, LateSlot] = {slot.name: slot for slot in (SENT_AT, *SEQUENCES.values())}


def late_values(sent_at: str, number: int) -> dict[str, str]:
    """What fills every late slot at release: the time, and which message of its incident it is; the first says nothing."""
    updates = {
        slot.name: f"{TONGUES[code].update} {number}" if number > 1 else ""
        for code, slot in SEQUENCES.items()
    }
    return {SENT_AT.name: sent_at, **updates}


@dataclass(frozen=True, kw_only=True)
class Post:
    """Rendered once, at submission, and stored; what is stored is what is sent.

    `text` is the whole text (plain, paragraphs separated by a blank line). `facts` are the machine-readable
    facts that the channel publishes beside it (the website's page and feeds): ASCII keys, text values.

    `further` are the texts that follow in a thread, in their order; `text` is then its first part. `left_out` names
    the facts for which there was no room: shown to officer and approver, and not sent.
    """

    channel: str
    account: str
    language: str = "en"
    title: str
    text: str
    link: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    further: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    left_out: tuple[str, ...] = ()
    #: The platform's id of the post that this one answers, such as the part before it; known only while it is sent.
    in_reply_to: str = field(default="", compare=False)
    #: Whether it is worth having where it cannot answer: a message by itself is, and a part of a thread is not.
    may_stand_alone: bool = field(default=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """What came later stands there only where there is some: an older post keeps its digest."""
        later = {
            "further": list(self.further),
            "images": [image.to_json() for image in self.images],
            "left_out": list(self.left_out),
        }
        return {
            "account": self.account,
            "channel": self.channel,
            "facts": dict(self.facts),
            "language": self.language,
            "late_slots": self.late_slots(),
            "link": self.link,
            "text": self.text,
            "title": self.title,
            **{name: value for name, value in later.items() if value},
        }

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """The post that `to_bytes` wrote. Raises ValueError or KeyError for anything else."""
        data = json.loads(content)
        del data["late_slots"]
        data["images"] = tuple(Image(**each) for each in data.get("images", ()))
        data |= {name: tuple(data.get(name, ())) for name in ("further", "left_out")}
        return cls(**data)

    def to_bytes(self) -> bytes:
        """Canonical bytes: what is stored, and what `digest` is taken of."""
        return canonical(self.to_json())

    @property
    def digest(self) -> str:
        return digest_of(self.to_bytes())

    def late_slots(self) -> list[str]:
        """Names of the late slots that stand in this post, sorted."""
        texts = (self.title, *self.parts)
        return sorted(n for n, slot in LATE_SLOTS.items() if any(slot.mark in text for text in texts))

    def filled(self, values: Mapping[str, str]) -> Self:
        """This post with its late slots filled. KeyError where a value is missing."""
        post = self
        for name in self.late_slots():
            mark, value = LATE_SLOTS[name].mark, values[name]
            post = replace(
                post,
                title=post.title.replace(mark, value),
                text=post.text.replace(mark, value),
                further=tuple(part.replace(mark, value) for part in post.further),
            )
        return post

    @property
    def parts(self) -> tuple[str, ...]:
        """All texts of the thread; one where it is none."""
        return (self.text, *self.further)

    def part(self, no: int, *, in_reply_to: str = "") -> Self:
        """One part of the thread as a post of its own, counted from 1; the pictures go with the first."""
        images = self.images if no == 1 else ()
        in_reply_to = in_reply_to or (self.in_reply_to if no == 1 else "")
        alone = self.may_stand_alone and no == 1
        part = replace(self, text=self.parts[no - 1], further=(), images=images, in_reply_to=in_reply_to)
        return replace(part, may_stand_alone=alone)

    def with_content(self, contents: Mapping[str, bytes]) -> Self:
        """With the bytes of its pictures, by their digest. KeyError where some are missing."""
        images = tuple(replace(image, content=contents[image.sha256]) for image in self.images)
        return replace(self, images=images)

    def at_widest(self) -> Self:
        """This post as long as any release can make it: what `check` is asked about."""
        return self.filled({slot.name: slot.widest for slot in LATE_SLOTS.values()})


def digest_of(content: bytes) -> str:
    """Hexadecimal SHA-256 of stored post content."""
    return hashlib.sha256(content).hexdigest()
