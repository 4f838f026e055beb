"""A picture of a message: what is kept of it, what a channel is given, and what a platform takes."""

from dataclasses import asdict, dataclass, field
from typing import Any

MAX_ALT_CHARS = 1000  # X's limit, the smallest of all (docs.x.com, /2/media/metadata, read 2026-11)


@dataclass(frozen=True, kw_only=True)
class ImageRules:
    """What a platform takes. `max_side` is in pixels, `media_types` in the order in which they are wished for."""

    most: int
    max_bytes: int
    max_side: int
    media_types: tuple[str, ...] = ("image/jpeg", "image/png")
    max_alt_chars: int = MAX_ALT_CHARS


@dataclass(frozen=True, kw_only=True)
class Image:
    """A picture as one channel sends it. `sha256` (hexadecimal) and `size` are those of its bytes; sides in pixels.

    `content` is those bytes. It is there only while a post is sent: the post names them by their digest, so that what
    is approved is what is sent.
    """

    sha256: str
    media_type: str
    width: int
    height: int
    size: int
    alt: str
    content: bytes = field(default=b"", repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "content"}
