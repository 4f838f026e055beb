"""Notice templates that were edited here: versions over those that ship. A version never changes; the highest is in force, or
says that the template is retired."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from broadcaster.db.engine import Tx
from broadcaster.db.tables import notice_template, person, template_version

T = template_version.c


@dataclass(frozen=True, kw_only=True)
class StoredTemplate:
    """`content` is the template's canonical JSON; `put_back_no` the version whose wording this is again, if it is. One that is
    `retired` has the wording of the one before, which is not to be used any more."""

    name: str
    no: int
    content: str
    sha256: str
    author: str
    reason: str
    put_back_no: int | None
    retired: bool
    created_at: datetime


def in_force(tx: Tx, name: str) -> StoredTemplate | None:
    """None where the one that ships is."""
    row = tx.execute(_all().where(T.name == name).order_by(T.no.desc()).limit(1)).one_or_none()
    return _stored(row) if row else None


def all_in_force(tx: Tx) -> list[StoredTemplate]:
    newest = select(T.name, func.max(T.no).label("no")).group_by(T.name).subquery()
    query = _all().join(newest, (newest.c.name == T.name) & (newest.c.no == T.no))
    return _list(tx.execute(query.order_by(T.name)))


def versions(tx: Tx, name: str) -> list[StoredTemplate]:
    """The newest first."""
    return _list(tx.execute(_all().where(T.name == name).order_by(T.no.desc())))


def insert(
    tx: Tx,
    *,
    name: str,
    no: int,
    notice_template_id: int,
    author_id: int,
    reason: str,
    put_back_no: int | None = None,
    retired: bool = False,
) -> None:
    row = {
        "name": name,
        "no": no,
        "notice_template_id": notice_template_id,
        "put_back_no": put_back_no,
        "retired": int(retired),
        "author_id": author_id,
        "reason": reason,
        "created_at": tx.now(),
    }
    tx.insert(template_version, row)


def number_of(tx: Tx, notice_template_id: int) -> int:
    """The newest version that has this wording; 0 for what ships and was never put back."""
    query = select(func.max(T.no)).where(T.notice_template_id == notice_template_id, T.retired == 0)
    return int(tx.execute(query).scalar_one() or 0)


def editors(tx: Tx, notice_template_id: int, no: int) -> frozenset[int]:
    """Ids of those who wrote this wording, or put it back in force, up to this version of the template. Who retired it worded
    nothing."""
    mine = (T.notice_template_id == notice_template_id) & (T.no <= no) & (T.retired == 0)
    return frozenset(tx.execute(select(T.author_id).where(mine)).scalars())


def _all() -> Any:
    return (
        select(template_version, notice_template.c.content, notice_template.c.sha256)
        .add_columns(person.c.name.label("author"))
        .join(notice_template, notice_template.c.id == T.notice_template_id)
        .join(person, person.c.id == T.author_id)
    )


def _list(rows: Iterable[Row[Any]]) -> list[StoredTemplate]:
    return [_stored(row) for row in rows]


def _stored(row: Row[Any]) -> StoredTemplate:
    return StoredTemplate(
        name=row.name,
        no=row.no,
        content=row.content,
        sha256=row.sha256,
        author=row.author,
        reason=row.reason,
        put_back_no=row.put_back_no,
        retired=bool(row.retired),
        created_at=row.created_at,
    )
