"""Requests that page people, and the pages themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_uid
from broadcaster.db.submissions import OPEN as SUBMISSION_OPEN
from broadcaster.db.tables import message, message_version, page, page_request, person, submission
from broadcaster.domain.message import MessageState
from broadcaster.domain.paging import Page, PageState, Request, RequestKind

R, P = page_request.c, page.c
OPEN, CLOSED = "open", "closed"


@dataclass(frozen=True, kw_only=True)
class Unpaged:
    """A submission that waits, and of which nobody was told yet."""

    submission_id: int
    message_id: int
    ref: str
    mode: str
    facts: str
    submitted_by: str
    submitted_at: datetime


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A page that this process is about to send."""

    page_id: int
    request_id: int
    person: str
    way: str
    stage: int


def unpaged(tx: Tx) -> list[Unpaged]:
    s, v, m = submission.c, message_version.c, message.c
    query = (
        select(s.id, m.id, m.ref, m.mode, v.facts, person.c.name, s.submitted_at)
        .join(message_version, v.id == s.message_version_id)
        .join(message, m.id == v.message_id)
        .join(person, person.c.id == s.submitted_by)
        .outerjoin(page_request, R.submission_id == s.id)
        .where(s.state == SUBMISSION_OPEN, s.expires_at > tx.now(), m.state == MessageState.SUBMITTED)
        .where(R.id.is_(None))
        .order_by(s.id)
    )
    names = ("submission_id", "message_id", "ref", "mode", "facts", "submitted_by", "submitted_at")
    return [Unpaged(**dict(zip(names, row, strict=True))) for row in tx.execute(query)]


def insert_request(
    tx: Tx,
    *,
    kind: RequestKind,
    subject: str,
    role: str,
    words: str,
    link: str,
    submission_id: int | None = None,
    opened_at: datetime | None = None,
    next_at: datetime | None = None,
) -> str:
    """Its uid. Due at once."""
    uid = new_uid()
    values: dict[str, Any] = {"uid": uid, "kind": kind, "subject": subject, "role": role, "words": words}
    values |= {"link": link, "submission_id": submission_id, "state": OPEN, "stage": 0}
    tx.insert(page_request, {**values, "opened_at": opened_at or tx.now(), "next_at": next_at or tx.now()})
    return uid


def find(tx: Tx, uid: str) -> Request | None:
    row = tx.execute(_all().where(R.uid == uid)).one_or_none()
    return _request(row) if row else None


def open_requests(tx: Tx) -> list[Request]:
    return [_request(row) for row in tx.execute(_all().where(R.state == OPEN).order_by(R.id))]


def of_subject(tx: Tx, subject: str, *, kind: RequestKind | None = None) -> list[Request]:
    """The newest first."""
    query = _all().where(R.subject == subject).order_by(R.id.desc()).limit(50)
    return [_request(row) for row in tx.execute(query.where(R.kind == kind) if kind else query)]


def newest(tx: Tx, *, limit: int) -> list[Request]:
    return [_request(row) for row in tx.execute(_all().order_by(R.id.desc()).limit(limit))]


def over(tx: Tx) -> list[tuple[int, str]]:
    """Requests about submissions that wait no more, with why."""
    s, m = submission.c, message.c
    query = (
        select(R.id, m.state.label("message_state"))
        .join(submission, s.id == R.submission_id)
        .join(message_version, message_version.c.id == s.message_version_id)
        .join(message, m.id == message_version.c.message_id)
        .where(R.state == OPEN, (s.state != SUBMISSION_OPEN) | (m.state != MessageState.SUBMITTED))
    )
    return [(row.id, row.message_state) for row in tx.execute(query)]


def close(tx: Tx, request_id: int, why: str) -> bool:
    mine = (R.id == request_id) & (R.state == OPEN)
    values: dict[str, Any] = {"state": CLOSED, "closed_at": tx.now(), "closed_why": why, "next_at": None}
    return bool(tx.execute(update(page_request).where(mine).values(**values)).rowcount)


def set_stage(tx: Tx, request_id: int, stage: int, next_at: datetime | None) -> None:
    tx.execute(update(page_request).where(R.id == request_id).values(stage=stage, next_at=next_at))


def acknowledge(tx: Tx, request_id: int, *, by: int, way: str, next_at: datetime | None) -> None:
    values: dict[str, Any] = {
        "acknowledged_by": by,
        "acknowledged_at": tx.now(),
        "acknowledged_way": way,
        "next_at": next_at,
    }
    tx.execute(update(page_request).where(R.id == request_id).values(**values))


# --- pages ------------------------------------------------------------------------------------------------


def insert_page(
    tx: Tx, request_id: int, *, person_id: int | None, way: str, stage: int, code: str = ""
) -> None:
    """Waiting to be sent; with a `code`, one that cannot be sent at all, which says why."""
    values: dict[str, Any] = {
        "page_request_id": request_id,
        "person_id": person_id,
        "way": way,
        "stage": stage,
        "code": code,
    }
    values |= {"state": PageState.NOT_SENT if code else PageState.WAITING, "made_at": tx.now()}
    tx.insert(page, {**values, "done_at": tx.now() if code else None})


def any_waiting(tx: Tx) -> list[str]:
    """Ways by which something waits."""
    return list(tx.execute(select(P.way).where(P.state == PageState.WAITING).distinct()).scalars())


def begin(tx: Tx, way: str, *, most: int) -> list[Begun]:
    """What waits by this way, the oldest first: this process sends it. Of what is over nothing is sent any more."""
    query = (
        select(P.id, P.page_request_id, P.stage, person.c.name, R.state, R.kind)
        .join(page_request, R.id == P.page_request_id)
        .outerjoin(person, person.c.id == P.person_id)
        .where(P.way == way, P.state == PageState.WAITING)
        .order_by(P.id)
        .limit(most)
        .with_for_update(of=page, skip_locked=True)
    )
    found = []
    for row in tx.execute(query).all():
        if row.state != OPEN and row.kind == RequestKind.APPROVAL:
            finish(tx, row.id, PageState.NOT_SENT, "over")
            continue
        tx.execute(update(page).where(P.id == row.id).values(state=PageState.BEGUN, begun_at=tx.now()))
        found.append(
            Begun(
                page_id=row.id,
                request_id=row.page_request_id,
                person=row.name or "",
                way=way,
                stage=row.stage,
            )
        )
    return found


def finish(tx: Tx, page_id: int, state: PageState, code: str) -> bool:
    """False where it has its outcome already."""
    mine = (P.id == page_id) & P.state.in_([PageState.WAITING, PageState.BEGUN])
    values: dict[str, Any] = {"state": state, "code": code, "done_at": tx.now()}
    return bool(tx.execute(update(page).where(mine).values(**values)).rowcount)


def begun_before(tx: Tx, moment: datetime) -> list[int]:
    """Whoever sent them has died, or hangs."""
    return list(tx.execute(select(P.id).where(P.state == PageState.BEGUN, P.begun_at < moment)).scalars())


def pages(tx: Tx, request_ids: Sequence[int]) -> dict[int, list[Page]]:
    """By request, in the order in which they were made."""
    query = (
        select(page, person.c.name.label("person"))
        .outerjoin(person, person.c.id == P.person_id)
        .where(P.page_request_id.in_(request_ids))
        .order_by(P.id)
    )
    found: dict[int, list[Page]] = {request_id: [] for request_id in request_ids}
    kept = ("id", "way", "stage", "code", "made_at", "done_at")
    for row in tx.execute(query):
        values = {name: getattr(row, name) for name in kept}
        made = Page(**values, person=row.person or "", state=PageState(row.state))
        found[row.page_request_id].append(made)
    return found


def _all() -> Any:
    return select(page_request, person.c.name.label("acknowledger")).outerjoin(
        person, person.c.id == R.acknowledged_by
    )


def _request(row: Row[Any]) -> Request:
    kept = ("id", "uid", "subject", "submission_id", "role", "words", "link", "state", "stage", "opened_at")
    later = ("next_at", "acknowledged_at", "acknowledged_way", "closed_at", "closed_why")
    return Request(
        **{name: getattr(row, name) for name in (*kept, *later)},
        kind=RequestKind(row.kind),
        acknowledged_by=row.acknowledger or "",
    )
