"""What was written, sent and approved, as whoever answers a request for information takes it away."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from broadcaster.db import redactions, submissions
from broadcaster.db.engine import Tx
from broadcaster.db.tables import broadcast, incident, message, message_version, person


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which messages; empty is all. `until` is not included."""

    ref: str = ""
    incident: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """One text of a message: a post as it was handed over last, or the facts alone where nothing was. `sha256` is that of
    the text as it was, also where it was redacted since."""

    message: str
    incident: str
    mode: str
    state: str
    written_at: datetime
    written_by: str
    submitted_by: str
    approved_by: str
    released_at: datetime | None
    channel: str
    language: str
    title: str
    text: str
    sha256: str
    redactions: tuple[str, ...]


def messages_asked(tx: Tx, asked: Asked, *, after: int, limit: int) -> list[int]:
    """Ids, the oldest first."""
    query = select(message.c.id).where(message.c.id > after).order_by(message.c.id).limit(limit)
    return list(tx.execute(_narrowed(query, asked)).scalars())


def count(tx: Tx, asked: Asked) -> int:
    return len(list(tx.execute(_narrowed(select(message.c.id), asked)).scalars()))


def _narrowed(query: Select[Any], asked: Asked) -> Select[Any]:
    if asked.ref:
        query = query.where(message.c.ref == asked.ref.upper())
    if asked.incident:
        mine = select(incident.c.id).where(incident.c.ref == asked.incident.upper()).scalar_subquery()
        query = query.where(message.c.incident_id == mine)
    if asked.since:
        query = query.where(message.c.created_at >= asked.since)
    if asked.until:
        query = query.where(message.c.created_at < asked.until)
    return query


def of_message(tx: Tx, message_id: int) -> Iterator[Record]:
    m, v = message.c, message_version.c
    query = (
        select(m.ref, m.mode, m.state, m.created_at, v.facts, incident.c.ref.label("incident"))
        .add_columns(person.c.name.label("author"), broadcast.c.released_at)
        .join(message_version, (v.message_id == m.id) & (v.no == m.version))
        .join(incident, incident.c.id == m.incident_id)
        .join(person, person.c.id == v.author_id)
        .outerjoin(broadcast, broadcast.c.message_id == m.id)
        .where(m.id == message_id)
    )
    row = tx.execute(query).one()
    found = submissions.latest_for(tx, message_id)
    people = submissions.people_of(tx, found.id) if found else {"submitted_by": "", "approved_by": ""}
    around: dict[str, Any] = {
        "message": row.ref,
        "incident": row.incident,
        "mode": row.mode,
        "state": row.state,
        "written_at": row.created_at,
        "written_by": row.author,
        "released_at": row.released_at,
        "redactions": tuple(dict.fromkeys(each.code for each in redactions.of_message(tx, message_id))),
        **people,
    }
    for post in submissions.posts(tx, found.id) if found else ():
        said = json.loads(post.content)
        text = "\n\n".join([said["text"], *said.get("further", ())])
        of_post = {"channel": post.channel, "language": post.language, "title": said["title"]}
        yield Record(**around, **of_post, text=text, sha256=post.sha256)
    if not found:
        facts = json.loads(row.facts)
        text = "\n".join(f"{name}: {value}" for name, value in sorted(facts.items()) if value)
        yield Record(**around, channel="", language="", title=facts["headline"], text=text, sha256="")
