"""Pictures, each once, under the SHA-256 of its bytes; and what was made of them for each platform."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.tables import media, rendition
from broadcaster.domain.errors import Invalid


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A picture's place and shape; sides in pixels, `size` in bytes."""

    id: int
    sha256: str
    media_type: str
    width: int
    height: int
    size: int


def ensure(tx: Tx, *, content: bytes, media_type: str, width: int, height: int) -> Stored:
    """Keep these bytes; once, however often they come, and also where two officers bring them at the same moment."""
    sha256 = hashlib.sha256(content).hexdigest()
    found = by_sha256(tx, sha256)
    if found and not found.size:
        raise Invalid(
            "This picture was redacted here, so it is not taken again. Choose another one. Nothing was changed."
        )
    if found:
        return found
    row = {
        "sha256": sha256,
        "media_type": media_type,
        "width": width,
        "height": height,
        "content": content,
        "created_at": tx.now(),
    }
    tx.add_missing(media, row)
    made = by_sha256(tx, sha256)
    assert made
    return made


def by_sha256(tx: Tx, sha256: str) -> Stored | None:
    return _stored(tx, media.c.sha256 == sha256)


def contents(tx: Tx, digests: Collection[str]) -> dict[str, bytes]:
    """Bytes by digest, of those that are there and still are what their digest says."""
    query = select(media.c.sha256, media.c.content).where(media.c.sha256.in_(digests))
    found: Mapping[str, bytes] = {row.sha256: row.content for row in tx.execute(query)} if digests else {}
    return {name: body for name, body in found.items() if hashlib.sha256(body).hexdigest() == name}


def redact(tx: Tx, sha256: str) -> list[str]:
    """The bytes of a picture and of all that was made of it go; their digests stay, and are returned."""
    original = select(media.c.id).where(media.c.sha256 == sha256).scalar_subquery()
    made = select(rendition.c.media_id).where(rendition.c.original_id == original)
    these = (media.c.sha256 == sha256) | media.c.id.in_(made)
    digests = list(tx.execute(select(media.c.sha256).where(these).order_by(media.c.id)).scalars())
    tx.execute(update(media).where(media.c.sha256.in_(digests)).values(content=b""))
    return digests


def is_redacted(tx: Tx, sha256: str) -> bool:
    found = by_sha256(tx, sha256)
    return found is not None and not found.size


def set_rendition(tx: Tx, original: Stored, rules: str, made: Stored) -> None:
    """What was made of a picture for these rules (their digest). Once made, it stays what it is."""
    tx.add_missing(rendition, {"original_id": original.id, "rules": rules, "media_id": made.id})


def rendition_of(tx: Tx, original_sha256: str, rules: str) -> Stored | None:
    """What was made of a picture for these rules."""
    original = select(media.c.id).where(media.c.sha256 == original_sha256).scalar_subquery()
    c = rendition.c
    return _stored(
        tx,
        media.c.id == select(c.media_id).where(c.original_id == original, c.rules == rules).scalar_subquery(),
    )


def _stored(tx: Tx, condition: ColumnElement[bool]) -> Stored | None:
    c = media.c
    query = select(c.id, c.sha256, c.media_type, c.width, c.height, func.length(c.content).label("size"))
    row = tx.execute(query.where(condition)).one_or_none()
    return Stored(**row._mapping) if row else None
