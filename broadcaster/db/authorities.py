"""What may be sent without a second person on the day: wording authorised beforehand, and break-glass with its reviews."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_reference, new_uid
from broadcaster.db.tables import approval, authority, break_glass, message, person, pre_authorisation
from broadcaster.domain.canonical import Json, canonical
from broadcaster.domain.pre_authorisation import Bounds, PreAuthorisation

A, G = pre_authorisation.c, break_glass.c


def insert(
    tx: Tx,
    *,
    template: str,
    template_no: int,
    template_sha256: str,
    content: Mapping[str, Json],
    sha256: str,
    reason: str,
    ends_at: datetime,
    by: int,
) -> str:
    """Its reference. It may be used once somebody else has confirmed it."""
    ref = new_reference()
    values: dict[str, Any] = {"ref": ref, "template": template, "template_no": template_no, "sha256": sha256}
    values |= {"template_sha256": template_sha256, "content": canonical(content).decode(), "reason": reason}
    tx.insert(pre_authorisation, {**values, "ends_at": ends_at, "proposed_by": by, "proposed_at": tx.now()})
    return ref


def find(tx: Tx, ref: str, *, lock: bool = False) -> PreAuthorisation | None:
    query = _all().where(A.ref == ref.strip().upper())
    row = tx.execute(query.with_for_update(of=pre_authorisation) if lock else query).one_or_none()
    return _authorisation(row) if row else None


def listed(tx: Tx, *, template: str = "") -> list[PreAuthorisation]:
    """The newest first."""
    query = _all().order_by(A.id.desc()).limit(200)
    query = query.where(A.template == template) if template else query
    return [_authorisation(row) for row in tx.execute(query)]


def people_of(tx: Tx, ref: str) -> tuple[int, int | None]:
    """Ids of who proposed and who confirmed it."""
    row = tx.execute(select(A.proposed_by, A.confirmed_by).where(A.ref == ref)).one()
    return row.proposed_by, row.confirmed_by


def confirm(tx: Tx, ref: str, by: int) -> bool:
    mine = (A.ref == ref) & A.confirmed_at.is_(None) & A.ended_at.is_(None)
    values = {"confirmed_by": by, "confirmed_at": tx.now()}
    return bool(tx.execute(update(pre_authorisation).where(mine).values(**values)).rowcount)


def end(tx: Tx, ref: str, by: int) -> bool:
    mine = (A.ref == ref) & A.ended_at.is_(None)
    values = {"ended_by": by, "ended_at": tx.now()}
    return bool(tx.execute(update(pre_authorisation).where(mine).values(**values)).rowcount)


def say_how(
    tx: Tx, submission_id: int, *, kind: str, sent_by: int | None, event: str = "", ref: str = ""
) -> int:
    """How the approval of this submission came about; its id. Of wording authorised beforehand, who confirmed that is the
    approver."""
    approval_id = tx.execute(
        select(approval.c.id).where(approval.c.submission_id == submission_id)
    ).scalar_one()
    found = tx.execute(select(A.id, A.confirmed_by).where(A.ref == ref)).one_or_none() if ref else None
    values: dict[str, Any] = {"approval_id": approval_id, "kind": kind, "sent_by": sent_by, "event": event}
    tx.insert(authority, {**values, "pre_authorisation_id": found.id if found else None})
    if found:
        mine = approval.c.id == approval_id
        tx.execute(update(approval).where(mine).values(approver_id=found.confirmed_by))
    return int(approval_id)


@dataclass(frozen=True, kw_only=True)
class How:
    """By which authority a message went out, where no second person decided on the day. `sent_by` is empty where the clock did."""

    kind: str
    sent_by: str
    event: str
    authorised: str


def how(tx: Tx, submission_id: int) -> How | None:
    query = (
        select(authority.c.kind, authority.c.event, person.c.name.label("sender"), A.ref.label("authorised"))
        .join(approval, approval.c.id == authority.c.approval_id)
        .outerjoin(person, person.c.id == authority.c.sent_by)
        .outerjoin(pre_authorisation, A.id == authority.c.pre_authorisation_id)
        .where(approval.c.submission_id == submission_id)
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    return How(kind=row.kind, event=row.event, sent_by=row.sender or "", authorised=row.authorised or "")


# --- break-glass ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Broken:
    """One time that somebody sent without a second person."""

    uid: str
    ref: str
    mode: str
    person: str
    reason: str
    policy: str
    correction: bool
    recipients: int
    at: datetime
    review_due_at: datetime
    reviewed_by: str
    reviewed_at: datetime | None
    verdict: str
    finding: str

    def is_overdue(self, moment: datetime) -> bool:
        return self.reviewed_at is None and moment >= self.review_due_at


def insert_broken(tx: Tx, values: Mapping[str, Any], *, review_within: timedelta) -> str:
    uid = new_uid()
    tx.insert(break_glass, {**values, "uid": uid, "at": tx.now(), "review_due_at": tx.now() + review_within})
    return uid


def last_at(tx: Tx, mode: str) -> datetime | None:
    """When it was used last in this mode, corrections left aside."""
    query = select(func.max(G.at)).join(message, message.c.id == G.message_id).where(message.c.mode == mode)
    found: datetime | None = tx.execute(query.where(G.correction == 0)).scalar_one_or_none()
    return found


def broken(tx: Tx, *, open_only: bool = False, uid: str = "") -> list[Broken]:
    """The newest first."""
    reviewer = person.alias()
    query = (
        select(break_glass, message.c.ref, message.c.mode, person.c.name, reviewer.c.name.label("reviewer"))
        .join(message, message.c.id == G.message_id)
        .join(person, person.c.id == G.person_id)
        .outerjoin(reviewer, reviewer.c.id == G.reviewed_by)
        .order_by(G.id.desc())
        .limit(200)
    )
    query = query.where(G.reviewed_at.is_(None)) if open_only else query
    query = query.where(G.uid == uid) if uid else query
    return [_broken(row) for row in tx.execute(query)]


def review(tx: Tx, uid: str, *, by: int, verdict: str, finding: str) -> bool:
    """False where somebody has."""
    mine = (G.uid == uid) & G.reviewed_at.is_(None)
    values = {"reviewed_by": by, "reviewed_at": tx.now(), "verdict": verdict, "finding": finding}
    return bool(tx.execute(update(break_glass).where(mine).values(**values)).rowcount)


def _broken(row: Row[Any]) -> Broken:
    kept = ("uid", "ref", "mode", "reason", "policy", "recipients", "at", "review_due_at", "reviewed_at")
    return Broken(
        **{name: getattr(row, name) for name in (*kept, "verdict", "finding")},
        person=row.name,
        correction=bool(row.correction),
        reviewed_by=row.reviewer or "",
    )


def _all() -> Any:
    by, other = person.alias(), person.alias()
    return (
        select(pre_authorisation, by.c.name.label("proposer"), other.c.name.label("confirmer"))
        .join(by, by.c.id == A.proposed_by)
        .outerjoin(other, other.c.id == A.confirmed_by)
    )


def _authorisation(row: Row[Any]) -> PreAuthorisation:
    kept = ("ref", "template", "template_no", "template_sha256", "sha256", "reason", "ends_at", "proposed_at")
    return PreAuthorisation(
        **{name: getattr(row, name) for name in (*kept, "confirmed_at", "ended_at")},
        bounds=Bounds.from_json(json.loads(row.content)),
        proposed_by=row.proposer,
        confirmed_by=row.confirmer or "",
    )
