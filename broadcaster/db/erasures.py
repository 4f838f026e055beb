"""Finding a number by its keyed index wherever it stands, and taking it out of there.

Nothing here opens a number. What stays of an erased one is its mark, its ordinal, and the deliveries to it.
"""

import json
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update

from broadcaster.db import audiences
from broadcaster.db.engine import Database, Tx
from broadcaster.db.submissions import OPEN
from broadcaster.db.tables import (
    audience,
    audience_version,
    broadcast,
    delivery,
    message,
    message_version,
    recipient,
    submission,
    suppression,
    target,
)
from broadcaster.domain.erasure import KEPT_OUT, OptOut, mark

CHECKPOINT_WAIT_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Holding:
    """A row that holds a number. `salt` is None in what was imported before rows had marks."""

    id: int
    version_id: int
    audience: str
    no: int
    salt: bytes | None


def holdings(tx: Tx, index: bytes) -> list[Holding]:
    """In every version that holds it, also one that is being imported. A probe of the index per version, not a scan."""
    r, v = recipient.c, audience_version.c
    query = (
        select(r.id, v.id.label("version_id"), audience.c.name.label("audience"), v.no, r.salt)
        .join(audience_version, v.id == r.audience_version_id)
        .join(audience, audience.c.id == v.audience_id)
        .where(r.number_index == index, r.audience_version_id.in_(select(audience_version.c.id)))
        .order_by(audience.c.name, v.no)
    )
    return [Holding(**row._mapping) for row in tx.execute(query)]


def opt_outs(tx: Tx, index: bytes) -> list[OptOut]:
    s = suppression.c
    query = select(s.purpose, s.reason, s.created_at.label("since")).where(s.number_index == index)
    return [OptOut(**row._mapping) for row in tx.execute(query.order_by(s.purpose))]


def deliveries_to(tx: Tx, recipient_ids: Sequence[int], *, released_after: datetime) -> dict[str, int]:
    """How many deliveries in which state. By target and ordinal: deliveries have no index on their recipient."""
    query = (
        select(delivery.c.state, func.count().label("size"))
        .select_from(recipient)
        .join(target, target.c.audience_version_id == recipient.c.audience_version_id)
        .join(broadcast, broadcast.c.id == target.c.broadcast_id)
        .join(delivery, (delivery.c.target_id == target.c.id) & (delivery.c.ordinal == recipient.c.ordinal))
        .where(recipient.c.id.in_(recipient_ids), broadcast.c.released_at > released_after)
        .group_by(delivery.c.state)
        .order_by(delivery.c.state)
    )
    return {row.state: row.size for row in tx.execute(query)}


@dataclass(frozen=True, kw_only=True)
class SentTo:
    """A message whose audience held a number, and what became of the text to it: no `state` where none was made yet."""

    ref: str
    mode: str
    headline: str
    audience: str
    version: int
    released_at: datetime
    state: str
    settled_at: datetime | None


def sent_to(tx: Tx, recipient_ids: Sequence[int], *, limit: int) -> list[SentTo]:
    """The newest first. By target and ordinal, as above."""
    mine = (delivery.c.target_id == target.c.id) & (delivery.c.ordinal == recipient.c.ordinal)
    v = message_version.c
    query = (
        select(message.c.ref, message.c.mode, v.facts, audience.c.name.label("audience"))
        .add_columns(audience_version.c.no.label("version"), broadcast.c.released_at)
        .add_columns(func.coalesce(delivery.c.state, "").label("state"), delivery.c.settled_at)
        .select_from(recipient)
        .join(audience_version, audience_version.c.id == recipient.c.audience_version_id)
        .join(audience, audience.c.id == audience_version.c.audience_id)
        .join(target, target.c.audience_version_id == audience_version.c.id)
        .join(broadcast, broadcast.c.id == target.c.broadcast_id)
        .join(message, message.c.id == broadcast.c.message_id)
        .join(message_version, (v.message_id == message.c.id) & (v.no == message.c.version))
        .outerjoin(delivery, mine)
        .where(recipient.c.id.in_(recipient_ids))
        .order_by(broadcast.c.released_at.desc(), broadcast.c.id.desc())
        .limit(limit)
    )
    return [_sent_to(row._asdict()) for row in tx.execute(query)]


def _sent_to(row: dict[str, Any]) -> SentTo:
    return SentTo(headline=json.loads(row.pop("facts"))["headline"], **row)


def waiting_for_approval(tx: Tx, version_ids: Sequence[int]) -> list[str]:
    """References of messages to these versions that were submitted and not decided upon."""
    query = (
        select(message.c.ref)
        .join(message_version, message_version.c.message_id == message.c.id)
        .join(submission, submission.c.message_version_id == message_version.c.id)
        .where(submission.c.state == OPEN, message_version.c.audience_version_id.in_(version_ids))
        .order_by(message.c.ref)
    )
    return list(tx.execute(query).scalars())


def erase(tx: Tx, held: Holding, index: bytes) -> bool:
    """Takes the number out of this row; what the version's digest holds of it takes its place. False: it was not there.

    Its language stays: by it the parts of an audience are counted that were approved, and of nobody it says nothing.
    A row without a salt has no mark, so random bytes take its place, and the version gets another digest.
    """
    left = mark(index, held.salt) if held.salt else os.urandom(len(index))
    values = {"number_index": left, "number_sealed": b"", "salt": None}
    mine = (recipient.c.id == held.id) & (recipient.c.number_index == index)
    if not tx.execute(update(recipient).where(mine).values(**values)).rowcount:
        return False
    version = update(audience_version).where(audience_version.c.id == held.version_id)
    tx.execute(version.values(erased=audience_version.c.erased + 1))
    if held.salt is None:
        tx.execute(version.values(sha256=audiences.digest(tx, held.version_id)[0]))
    return True


def sha256_of(tx: Tx, version_id: int) -> str:
    """The digest of a version as it is now."""
    query = select(audience_version.c.sha256).where(audience_version.c.id == version_id)
    return str(tx.execute(query).scalar_one())


def delete_opt_outs(tx: Tx, index: bytes) -> int:
    return tx.execute(delete(suppression).where(suppression.c.number_index == index)).rowcount


def keep_out(tx: Tx, index: bytes) -> None:
    """Nothing is sent to this number for any purpose, and imports leave it out."""
    row = {"number_index": index, "purpose": "", "reason": KEPT_OUT, "created_at": tx.now()}
    tx.add_missing(suppression, row)


def leave_no_traces(tx: Tx) -> None:
    """Call it before deleting. SQLite then overwrites what is deleted; otherwise it would stay in unused parts of the
    file until something else is written there."""
    if tx.connection.dialect.name == "sqlite":
        tx.connection.exec_driver_sql("PRAGMA secure_delete = ON").all()


def clear_journal(database: Database) -> None:
    """Call it after the transaction. SQLite's write-ahead file still holds the pages as they were before. Where readers
    are in the way it is left alone: the next checkpoint does it."""
    file = database.engine.url.database
    if database.is_sqlite and file:
        with suppress(sqlite3.Error), closing(sqlite3.connect(file, timeout=CHECKPOINT_WAIT_S)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
