"""Redactions, and the places where a message's words and pictures stand."""

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Table, or_, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_reference
from broadcaster.db.tables import (
    account,
    broadcast,
    by_hand,
    delivery,
    incident,
    legal_hold,
    message,
    message_version,
    person,
    post,
    redaction,
    sequel,
    stood,
    submission,
    target,
    worksheet,
)
from broadcaster.domain.canonical import canonical, sha256
from broadcaster.domain.records import WRITTEN, taken_out

R, H = redaction.c, legal_hold.c
Change = Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class Redaction:
    """`digests` are those of the posts or pictures as they were; `kind` is text or picture."""

    ref: str
    kind: str
    digests: tuple[str, ...]
    code: str
    reason: str
    authorised_by: str
    by: str
    at: datetime


def of_message(tx: Tx, message_id: int) -> list[Redaction]:
    """The first one first."""
    query = (
        select(redaction, person.c.name.label("by"))
        .join(person, person.c.id == R.person_id)
        .where(R.message_id == message_id)
        .order_by(R.id)
    )
    return [_redaction(row) for row in tx.execute(query)]


def insert(
    tx: Tx,
    message_id: int,
    *,
    kind: str,
    digests: list[str],
    code: str,
    reason: str,
    authorised_by: str,
    by: int,
) -> Redaction:
    row: dict[str, Any] = {"ref": new_reference(), "message_id": message_id, "kind": kind, "code": code}
    row |= {"digests": json.dumps(digests), "reason": reason, "authorised_by": authorised_by}
    made = tx.insert(redaction, {**row, "person_id": by, "at": tx.now()})
    return next(each for each in of_message(tx, message_id) if each.ref == row["ref"] and made)


def ids(tx: Tx) -> frozenset[int]:
    return frozenset(tx.execute(select(R.id)).scalars())


def published(tx: Tx, *, mode: str, account_name: str, but: Collection[int]) -> list[tuple[str, int]]:
    """Key and target of what went through this account, of messages with a redaction that is none of `but`."""
    query = (
        select(delivery.c.uid, delivery.c.target_id)
        .join(target, target.c.id == delivery.c.target_id)
        .join(account, account.c.id == target.c.account_id)
        .join(broadcast, broadcast.c.id == target.c.broadcast_id)
        .where(account.c.mode == mode, account.c.name == account_name)
        .where(broadcast.c.message_id.in_(select(R.message_id).where(R.id.not_in(but))))
    )
    return [(row.uid, row.target_id) for row in tx.execute(query)]


def pictures(tx: Tx) -> frozenset[str]:
    """Digests of all pictures that were taken out."""
    found = tx.execute(select(R.digests).where(R.kind == "picture")).scalars()
    return frozenset(each for digests in found for each in json.loads(digests))


def using_picture(tx: Tx, sha256: str) -> list[int]:
    """Ids of the messages of which some version has this picture."""
    c = message_version.c
    mine = c.images.contains(f'"{sha256}"', autoescape=True)
    return list(tx.execute(select(c.message_id).where(mine).distinct()).scalars())


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where words of a message stand. `sha256` is the digest under which a manifest names it, empty where none does."""

    table: Table
    column: str
    id: int
    before: str
    after: str
    sha256: str = ""

    @property
    def is_changed(self) -> bool:
        return self.before != self.after


def places(tx: Tx, message_id: int, incident_id: int, change: Change) -> Iterator[Place]:
    """Everything that holds a message's words, as it is and as it would be."""
    v, p = message_version.c, post.c
    for row in tx.execute(select(message_version).where(v.message_id == message_id)):
        yield _json_place(message_version, "facts", row, change, only=WRITTEN)
        yield _json_place(message_version, "images", row, change, only=WRITTEN)
        yield _json_place(message_version, "blanks", row, change)
    posts = (
        select(p.id, p.content, p.sha256)
        .join(submission, submission.c.id == p.submission_id)
        .join(message_version, v.id == submission.c.message_version_id)
        .where(v.message_id == message_id)
    )
    for row in tx.execute(posts):
        before = row.content.decode()
        after = _changed(before, change, WRITTEN | {"further"})
        yield Place(table=post, column="content", id=row.id, before=before, after=after, sha256=row.sha256)
    lies_ready = (
        select(sequel.c.id, sequel.c.content)
        .join(submission, submission.c.id == sequel.c.submission_id)
        .join(message_version, v.id == submission.c.message_version_id)
        .where(v.message_id == message_id)
    )
    for row in tx.execute(lies_ready):
        after = _changed_sequel(row.content, change)
        digest = sha256(json.loads(row.content))
        yield Place(table=sequel, column="content", id=row.id, before=row.content, after=after, sha256=digest)
    for row in tx.execute(_stood_of(message_id)):
        after = change(row.text)
        yield Place(table=stood, column="text", id=row.id, before=row.text, after=after, sha256=row.sha256)
    for row in tx.execute(select(worksheet).where(worksheet.c.message_id == message_id)):
        yield _json_place(worksheet, "content", row, change, only=frozenset({"values"}))
    told = select(by_hand).join(broadcast, broadcast.c.id == by_hand.c.broadcast_id)
    for row in tx.execute(told.where(broadcast.c.message_id == message_id)):
        yield Place(table=by_hand, column="words", id=row.id, before=row.words, after=change(row.words))
    for row in tx.execute(select(incident).where(incident.c.id == incident_id)):
        yield Place(table=incident, column="name", id=row.id, before=row.name, after=change(row.name))


def write(tx: Tx, place: Place) -> None:
    value = place.after.encode() if place.table is post else place.after
    mine = place.table.c.id == place.id
    marked = {"redacted_at": tx.now()} if place.table is stood else {}
    tx.execute(update(place.table).where(mine).values({place.column: value, **marked}))


def begun_long_ago(tx: Tx, before: datetime, mark: str) -> tuple[int, int] | None:
    """A message that nobody released, whose last version is older than that and still has its words: its id and its
    incident's. None that a legal hold covers."""
    m, v = message.c, message_version.c
    mine = or_(H.message_id == m.id, H.incident_id == m.incident_id)
    held = select(H.id).where(mine, H.lifted_at.is_(None)).exists()
    never = ~select(broadcast.c.id).where(broadcast.c.message_id == m.id).exists()
    query = (
        select(m.id, m.incident_id)
        .join(message_version, (v.message_id == m.id) & (v.no == m.version))
        .where(m.state.in_(("draft", "rejected", "expired")), never, ~held, v.created_at < before)
        .where(~v.facts.contains(f'"headline":"{mark}"', autoescape=True))
        .order_by(m.id)
        .limit(1)
    )
    row = tx.execute(query).one_or_none()
    return (row.id, row.incident_id) if row else None


def _stood_of(message_id: int) -> Select[Any]:
    """What was seen of its posts before something later changed them or took them down, and what it changed itself."""
    theirs = delivery.alias("theirs")
    mine = select(broadcast.c.id).where(broadcast.c.message_id == message_id)
    return (
        select(stood.c.id, stood.c.text, stood.c.sha256)
        .join(delivery, delivery.c.id == stood.c.delivery_id)
        .outerjoin(theirs, theirs.c.id == delivery.c.amends_delivery_id)
        .where(or_(delivery.c.broadcast_id.in_(mine), theirs.c.broadcast_id.in_(mine)))
        .order_by(stood.c.id)
    )


def _changed_sequel(before: str, change: Change) -> str:
    """Its posts are JSON in JSON: words with quotes or line breaks are found in what they say, not in how it is written."""
    data = json.loads(before)
    data["blanks"] = taken_out(data["blanks"], change, only=frozenset())
    data["facts"] = taken_out(data["facts"], change, only=WRITTEN)
    data["posts"] = [_changed(each, change, WRITTEN | {"further"}) for each in data["posts"]]
    return before if data == json.loads(before) else canonical(data).decode()


def _json_place(
    table: Table, column: str, row: Any, change: Change, *, only: frozenset[str] = frozenset()
) -> Place:
    before = str(getattr(row, column))
    return Place(table=table, column=column, id=row.id, before=before, after=_changed(before, change, only))


def _changed(before: str, change: Change, only: frozenset[str]) -> str:
    """As it is to the byte where nothing in it changes."""
    data = json.loads(before)
    after = taken_out(data, change, only=only)
    return before if after == data else canonical(after).decode()


def _redaction(row: Any) -> Redaction:
    return Redaction(
        ref=row.ref,
        kind=row.kind,
        digests=tuple(json.loads(row.digests)),
        code=row.code,
        reason=row.reason,
        authorised_by=row.authorised_by,
        by=row.by,
        at=row.at,
    )
