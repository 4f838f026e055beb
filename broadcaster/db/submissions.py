"""Submissions: the posts and the manifest of one version, to the byte, and the approval that uses them up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_uid
from broadcaster.db.tables import account, approval, message, message_version, person, post, submission

OPEN, APPROVED, VOID = "open", "approved", "void"


@dataclass(frozen=True, kw_only=True)
class Submission:
    id: int
    manifest: bytes
    manifest_sha256: str
    submitted_by: int
    submitted_at: datetime
    expires_at: datetime
    state: str


@dataclass(frozen=True, kw_only=True)
class StoredPost:
    """`content` is what is sent; `sha256` was taken when it was stored and is never trusted alone."""

    id: int
    channel: str
    account_id: int
    account: str
    language: str
    content: bytes
    sha256: str


def insert(
    tx: Tx, version_id: int, *, manifest: bytes, manifest_sha256: str, submitted_by: int, expires_at: datetime
) -> int:
    row = {
        "uid": new_uid(),
        "message_version_id": version_id,
        "manifest": manifest.decode(),
        "manifest_sha256": manifest_sha256,
        "submitted_by": submitted_by,
        "submitted_at": tx.now(),
        "expires_at": expires_at,
        "state": OPEN,
    }
    return tx.insert(submission, row)


def insert_post(
    tx: Tx, submission_id: int, *, channel: str, account_id: int, language: str, content: bytes, sha256: str
) -> None:
    row = {
        "submission_id": submission_id,
        "channel": channel,
        "account_id": account_id,
        "language": language,
        "content": content,
        "sha256": sha256,
    }
    tx.execute(post.insert().values(**row))


def open_for(tx: Tx, message_id: int) -> Submission | None:
    """The submission of this message that waits for approval."""
    return _latest(tx, message_id, (OPEN,))


def latest_for(tx: Tx, message_id: int) -> Submission | None:
    """The last submission that was not voided: open or approved."""
    return _latest(tx, message_id, (OPEN, APPROVED))


def _latest(tx: Tx, message_id: int, states: Sequence[str]) -> Submission | None:
    query = (
        select(submission)
        .join(message_version, message_version.c.id == submission.c.message_version_id)
        .where(message_version.c.message_id == message_id, submission.c.state.in_(states))
        .order_by(submission.c.id.desc())
        .limit(1)
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    return Submission(
        id=row.id,
        manifest=row.manifest.encode(),
        manifest_sha256=row.manifest_sha256,
        submitted_by=row.submitted_by,
        submitted_at=row.submitted_at,
        expires_at=row.expires_at,
        state=row.state,
    )


def set_state(tx: Tx, submission_id: int, state: str) -> None:
    tx.execute(update(submission).where(submission.c.id == submission_id).values(state=state))


def void_open(tx: Tx, message_id: int) -> None:
    """The open submission of a message, if any, can no longer be approved."""
    waiting = open_for(tx, message_id)
    if waiting:
        set_state(tx, waiting.id, VOID)


def posts(tx: Tx, submission_id: int) -> list[StoredPost]:
    """In the order in which they were submitted."""
    query = (
        select(post, account.c.name.label("account"))
        .join(account, account.c.id == post.c.account_id)
        .where(post.c.submission_id == submission_id)
        .order_by(post.c.id)
    )
    return [_post(row) for row in tx.execute(query)]


def _post(row: object) -> StoredPost:
    fields = ("id", "channel", "account_id", "account", "language", "content", "sha256")
    return StoredPost(**{name: getattr(row, name) for name in fields})


def submitters(tx: Tx, message_id: int) -> frozenset[int]:
    """Ids of everybody who ever submitted this message."""
    query = (
        select(submission.c.submitted_by)
        .join(message_version, message_version.c.id == submission.c.message_version_id)
        .where(message_version.c.message_id == message_id)
    )
    return frozenset(tx.execute(query).scalars())


def insert_approval(
    tx: Tx,
    submission_id: int,
    *,
    manifest_sha256: str,
    approver_id: int,
    factor: str,
    standing_approval_id: int | None = None,
) -> int:
    """IntegrityError where this submission has been approved before."""
    row = {
        "uid": new_uid(),
        "submission_id": submission_id,
        "manifest_sha256": manifest_sha256,
        "approver_id": approver_id,
        "factor": factor,
        "standing_approval_id": standing_approval_id,
        "approved_at": tx.now(),
    }
    return tx.insert(approval, row)


def people_of(tx: Tx, submission_id: int) -> dict[str, str]:
    """Names of who submitted and who approved, empty where nobody has yet."""
    row = tx.execute(
        select(person.c.name)
        .join(submission, submission.c.submitted_by == person.c.id)
        .where(submission.c.id == submission_id)
    ).scalar_one()
    approver = tx.execute(
        select(person.c.name)
        .join(approval, approval.c.approver_id == person.c.id)
        .where(approval.c.submission_id == submission_id)
    ).scalar_one_or_none()
    return {"submitted_by": row, "approved_by": approver or ""}


def overdue(tx: Tx) -> list[str]:
    """References of messages whose open submission nobody approved in time."""
    query = (
        select(message.c.ref)
        .join(message_version, message_version.c.message_id == message.c.id)
        .join(submission, submission.c.message_version_id == message_version.c.id)
        .where(submission.c.state == OPEN, submission.c.expires_at <= tx.now())
    )
    return list(tx.execute(query).scalars())


@dataclass(frozen=True, kw_only=True)
class HandedOver:
    """One submission of a message, whatever became of it; `approved_by` and `factor` are empty where nobody approved it."""

    version: int
    submitted_at: datetime
    submitted_by: str
    expires_at: datetime
    manifest_sha256: str
    approved_at: datetime | None
    approved_by: str
    factor: str


def history(tx: Tx, message_id: int) -> list[HandedOver]:
    """Every submission, the first one first."""
    approver, v = person.alias("approver"), message_version.c
    query = (
        select(v.no.label("version"), submission.c.submitted_at, person.c.name.label("submitted_by"))
        .add_columns(submission.c.expires_at, submission.c.manifest_sha256, approval.c.approved_at)
        .add_columns(approver.c.name.label("approved_by"), approval.c.factor)
        .join(message_version, v.id == submission.c.message_version_id)
        .join(person, person.c.id == submission.c.submitted_by)
        .outerjoin(approval, approval.c.submission_id == submission.c.id)
        .outerjoin(approver, approver.c.id == approval.c.approver_id)
        .where(v.message_id == message_id)
        .order_by(submission.c.id)
    )
    return [
        HandedOver(**{**r._mapping, "approved_by": r.approved_by or "", "factor": r.factor or ""})
        for r in tx.execute(query)
    ]
