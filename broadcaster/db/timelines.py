"""All that a message ever was, for telling its story: each version with what was chosen, and each submission's posts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from broadcaster.db.engine import Tx
from broadcaster.db.tables import audience, audience_version, message_version, person, post, submission
from broadcaster.domain.message import Facts
from broadcaster.domain.post import Post


@dataclass(frozen=True, kw_only=True)
class PastVersion:
    """A version as it was written. `audience` is its name and version, empty where there is none; `alts` are the alt
    texts of its pictures."""

    id: int
    no: int
    facts: Facts
    accounts: tuple[str, ...]
    audience: str
    alts: tuple[str, ...]
    author: str
    created_at: datetime


def versions(tx: Tx, message_id: int) -> list[PastVersion]:
    """The first one first."""
    v, a = message_version.c, audience_version.c
    query = (
        select(v.id, v.no, v.facts, v.accounts, v.images, v.created_at, person.c.name.label("author"))
        .add_columns(audience.c.name.label("audience"), a.no.label("audience_no"))
        .join(person, person.c.id == v.author_id)
        .outerjoin(audience_version, a.id == v.audience_version_id)
        .outerjoin(audience, audience.c.id == a.audience_id)
        .where(v.message_id == message_id)
        .order_by(v.no)
    )
    return [_version(row) for row in tx.execute(query)]


def _version(row: Any) -> PastVersion:
    return PastVersion(
        id=row.id,
        no=row.no,
        facts=Facts.from_json(json.loads(row.facts)),
        accounts=tuple(json.loads(row.accounts)),
        audience=f"{row.audience}, version {row.audience_no}" if row.audience else "",
        alts=tuple(image["alt"] for image in json.loads(row.images)),
        author=row.author,
        created_at=row.created_at,
    )


def posts(tx: Tx, version_ids: Sequence[int]) -> dict[int, list[Post]]:
    """By version, those that were submitted last. ValueError or KeyError where one was altered beyond reading."""
    query = (
        select(submission.c.message_version_id.label("version"), submission.c.id, post.c.content)
        .join(post, post.c.submission_id == submission.c.id)
        .where(submission.c.message_version_id.in_(version_ids))
        .order_by(submission.c.id, post.c.id)
    )
    found: dict[int, dict[int, list[Post]]] = {}
    for row in tx.execute(query):
        found.setdefault(row.version, {}).setdefault(row.id, []).append(Post.from_bytes(row.content))
    return {version: of[max(of)] for version, of in found.items()}
