"""What lies ready beside a submission: a "sent in error", worded and rendered before anybody needs it."""

from dataclasses import dataclass

from sqlalchemy import select, update

from broadcaster.db.engine import Tx
from broadcaster.db.tables import approval, sequel, submission


@dataclass(frozen=True, kw_only=True)
class Sequel:
    """`content` is canonical JSON; `message_id` is the message that it became, or None."""

    id: int
    ref: str
    content: str
    message_id: int | None


@dataclass(frozen=True, kw_only=True)
class Approved:
    """How the submission beside which it lies was approved."""

    manifest: bytes
    manifest_sha256: str
    approver_id: int
    factor: str


def insert(tx: Tx, submission_id: int, *, ref: str, content: str) -> None:
    tx.insert(sequel, {"submission_id": submission_id, "ref": ref, "content": content, "message_id": None})


def of(tx: Tx, submission_id: int) -> Sequel | None:
    c = sequel.c
    query = select(c.id, c.ref, c.content, c.message_id).where(c.submission_id == submission_id)
    row = tx.execute(query).one_or_none()
    return Sequel(**row._mapping) if row else None


def approved(tx: Tx, submission_id: int) -> Approved | None:
    query = (
        select(submission.c.manifest, approval.c.manifest_sha256, approval.c.approver_id, approval.c.factor)
        .join(approval, approval.c.submission_id == submission.c.id)
        .where(submission.c.id == submission_id)
    )
    row = tx.execute(query).one_or_none()
    return Approved(**{**row._mapping, "manifest": row.manifest.encode()}) if row else None


def set_message(tx: Tx, sequel_id: int, message_id: int) -> None:
    tx.execute(update(sequel).where(sequel.c.id == sequel_id).values(message_id=message_id))
