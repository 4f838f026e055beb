"""What people are typing, before it is a version of a message."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, delete, func, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_uid
from broadcaster.db.tables import message, person, worksheet


@dataclass(frozen=True, kw_only=True)
class Worksheet:
    """`content` is what the form holds. `ref` is the message that is being changed, from its version `base` on; both are
    empty where it is a new one."""

    id: int
    uid: str
    person: str
    ref: str
    base: int
    template: str
    content: Mapping[str, Any]
    created_at: datetime
    changed_at: datetime


def insert(
    tx: Tx, *, person_id: int, message_id: int | None, base: int, template: str, content: Mapping[str, Any]
) -> Worksheet:
    row = {
        "uid": new_uid(),
        "person_id": person_id,
        "message_id": message_id,
        "base": base,
        "template": template,
        "content": json.dumps(content),
        "created_at": tx.now(),
        "changed_at": tx.now(),
    }
    made = tx.insert(worksheet, row)
    return _worksheet(tx.execute(_query().where(worksheet.c.id == made)).one()._mapping)


def find(tx: Tx, uid: str, person_id: int) -> Worksheet | None:
    """Nobody finds another one's."""
    query = _query().where(worksheet.c.uid == uid, worksheet.c.person_id == person_id)
    row = tx.execute(query).one_or_none()
    return _worksheet(row._mapping) if row else None


def change(tx: Tx, sheet: Worksheet, content: Mapping[str, Any]) -> None:
    statement = update(worksheet).where(worksheet.c.id == sheet.id)
    tx.execute(statement.values(content=json.dumps(content), changed_at=tx.now()))


def discard(tx: Tx, uid: str, person_id: int) -> bool:
    c = worksheet.c
    return tx.execute(delete(worksheet).where(c.uid == uid, c.person_id == person_id)).rowcount == 1


def of_person(tx: Tx, person_id: int) -> list[Worksheet]:
    """The one that was changed last first."""
    query = _query().where(worksheet.c.person_id == person_id).order_by(worksheet.c.changed_at.desc())
    return [_worksheet(row._mapping) for row in tx.execute(query)]


def of_others(tx: Tx, message_id: int, person_id: int, *, since: datetime) -> list[Worksheet]:
    """Who else is changing this message."""
    c = worksheet.c
    mine = (c.message_id == message_id, c.person_id != person_id, c.changed_at >= since)
    return [_worksheet(row._mapping) for row in tx.execute(_query().where(*mine).order_by(c.id))]


def wipe(tx: Tx, changed_before: datetime) -> int:
    return tx.execute(delete(worksheet).where(worksheet.c.changed_at < changed_before)).rowcount


def _query() -> Select[Any]:
    c = worksheet.c
    names = (c.id, c.uid, c.base, c.template, c.content, c.created_at, c.changed_at)
    return (
        select(*names, person.c.name.label("person"), func.coalesce(message.c.ref, "").label("ref"))
        .join(person, person.c.id == c.person_id)
        .outerjoin(message, message.c.id == c.message_id)
    )


def _worksheet(row: RowMapping) -> Worksheet:
    return Worksheet(**{**row, "content": json.loads(row["content"])})
