"""Versions of notice templates. A version is immutable: another wording is another version."""

from sqlalchemy import func, select

from broadcaster.db.engine import Tx
from broadcaster.db.tables import notice_template


def ensure(tx: Tx, *, name: str, sha256: str, content: str) -> int:
    """The id of the version with exactly this content, made where it is missing."""
    c = notice_template.c
    query = select(c.id).where(c.name == name, c.sha256 == sha256)
    while (found := tx.execute(query).scalar_one_or_none()) is None:
        last = tx.execute(select(func.max(c.version)).where(c.name == name)).scalar_one() or 0
        row = {"name": name, "version": last + 1, "sha256": sha256, "content": content}
        # somebody else may have just added one
        tx.add_missing(notice_template, {**row, "created_at": tx.now()})
    return int(found)
