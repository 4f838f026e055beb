"""What became of each planned moment of a scheduled notice: one row, and never two."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select

from broadcaster.db.engine import Tx
from broadcaster.db.schedules import Schedule
from broadcaster.db.tables import message, person, schedule_run
from broadcaster.domain.schedule import RunState

R = schedule_run.c


@dataclass(frozen=True, kw_only=True)
class Run:
    """`message` is a reference, or empty; `person` who left it out, or empty."""

    planned_at: datetime
    state: RunState
    code: str
    reason: str
    message: str
    person: str
    decided_at: datetime


def add_run(
    tx: Tx,
    row: Schedule,
    version_id: int | None,
    planned_at: datetime,
    state: RunState,
    *,
    code: str = "",
    reason: str = "",
    message_id: int | None = None,
    person_id: int | None = None,
) -> bool:
    """False where something became of this moment already: then nothing is written."""
    if run(tx, row.id, planned_at):
        return False
    tx.insert(
        schedule_run,
        {
            "schedule_id": row.id,
            "schedule_version_id": version_id,
            "planned_at": planned_at,
            "state": state,
            "code": code,
            "reason": reason,
            "message_id": message_id,
            "person_id": person_id,
            "decided_at": tx.now(),
        },
    )
    return True


def remove_skip(tx: Tx, schedule_id: int, planned_at: datetime) -> bool:
    """A moment that was left out and has not come yet is planned again."""
    statement = schedule_run.delete().where(
        R.schedule_id == schedule_id,
        R.planned_at == planned_at,
        R.planned_at > tx.now(),
        R.state == RunState.SKIPPED,
    )
    return bool(tx.execute(statement).rowcount)


def run(tx: Tx, schedule_id: int, planned_at: datetime) -> Run | None:
    found = _runs(tx, _run().where(R.schedule_id == schedule_id, R.planned_at == planned_at))
    return found[0] if found else None


def runs(tx: Tx, schedule_id: int, *, limit: int = 100, since: datetime | None = None) -> list[Run]:
    """The newest first."""
    query = _run().where(R.schedule_id == schedule_id)
    if since is not None:
        query = query.where(R.planned_at >= since)
    return _runs(tx, query.order_by(R.planned_at.desc()).limit(limit))


def _run() -> Select[Any]:
    return (
        select(schedule_run, message.c.ref.label("message"), person.c.name.label("person"))
        .outerjoin(message, message.c.id == R.message_id)
        .outerjoin(person, person.c.id == R.person_id)
    )


def _runs(tx: Tx, query: Select[Any]) -> list[Run]:
    rows: Iterable[Row[Any]] = tx.execute(query)
    return [
        Run(
            planned_at=r.planned_at,
            state=RunState(r.state),
            code=r.code,
            reason=r.reason,
            message=r.message or "",
            person=r.person or "",
            decided_at=r.decided_at,
        )
        for r in rows
    ]
