"""Scheduled notices: what they are called, and whether they go on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_reference, new_uid
from broadcaster.db.tables import audience, message, person, schedule, schedule_version, standing_approval
from broadcaster.domain.errors import NotFound
from broadcaster.domain.message import Mode
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.schedule import ScheduleState

V = schedule_version.c


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """`paused_by` is a name. Nothing of it goes out while it is paused or after it has ended."""

    id: int
    uid: str
    ref: str
    name: str
    mode: Mode
    author_id: int
    paused_at: datetime | None
    paused_by: str
    pause_reason: str
    ended_at: datetime | None
    end_reason: str


def insert(tx: Tx, *, name: str, mode: Mode, author_id: int) -> Schedule:
    row = {"uid": new_uid(), "ref": _unused_reference(tx), "name": name, "mode": mode}
    tx.insert(schedule, {**row, "author_id": author_id, "created_at": tx.now()})
    return find(tx, row["ref"])


def find(tx: Tx, ref: str, *, lock: bool = False) -> Schedule:
    """With `lock`, nobody else decides about it until the transaction ends. NotFound, with the nearest reference."""
    if lock:
        tx.execute(select(schedule.c.id).where(schedule.c.ref == ref.strip().upper()).with_for_update())
    found = _schedules(tx, _schedule().where(schedule.c.ref == ref.strip().upper()))
    if not found:
        known = list(tx.execute(select(schedule.c.ref)).scalars())
        raise NotFound(
            f'There is no schedule "{ref}".{did_you_mean(ref.upper(), known)} Nothing was changed.'
        )
    return found[0]


def by_id(tx: Tx, schedule_id: int, *, lock: bool = False) -> Schedule:
    """With `lock`, neither a person nor another sweeper decides about it until the transaction ends."""
    if lock:
        tx.execute(select(schedule.c.id).where(schedule.c.id == schedule_id).with_for_update())
    return _schedules(tx, _schedule().where(schedule.c.id == schedule_id))[0]


def listed(tx: Tx) -> list[Schedule]:
    """The newest first."""
    return _schedules(tx, _schedule().order_by(schedule.c.id.desc()))


def set_paused(tx: Tx, schedule_id: int, person_id: int | None, reason: str) -> None:
    """Without a person it goes on again."""
    values = {
        "paused_at": tx.now() if person_id else None,
        "paused_by_id": person_id,
        "pause_reason": reason,
    }
    tx.execute(update(schedule).where(schedule.c.id == schedule_id).values(**values))


def set_ended(tx: Tx, schedule_id: int, reason: str) -> None:
    """And nobody's approval of it stands any more."""
    tx.execute(
        update(schedule).where(schedule.c.id == schedule_id).values(ended_at=tx.now(), end_reason=reason)
    )
    mine = select(V.standing_approval_id).where(
        V.schedule_id == schedule_id, V.standing_approval_id.is_not(None)
    )
    s = standing_approval.c
    tx.execute(
        update(standing_approval).where(s.id.in_(mine), s.revoked_at.is_(None)).values(revoked_at=tx.now())
    )
    tx.execute(
        update(schedule_version)
        .where(V.schedule_id == schedule_id, V.state == ScheduleState.APPROVED, V.until_at.is_(None))
        .values(until_at=tx.now())
    )


def audience_id(tx: Tx, name: str) -> int:
    return int(tx.execute(select(audience.c.id).where(audience.c.name == name)).scalar_one())


def _schedule() -> Select[Any]:
    name = person.c.name.label("paused_by")
    return select(schedule, name).outerjoin(person, person.c.id == schedule.c.paused_by_id)


def _schedules(tx: Tx, query: Select[Any]) -> list[Schedule]:
    return [
        Schedule(
            id=r.id,
            uid=r.uid,
            ref=r.ref,
            name=r.name,
            mode=Mode(r.mode),
            author_id=r.author_id,
            paused_at=r.paused_at,
            paused_by=r.paused_by or "",
            pause_reason=r.pause_reason,
            ended_at=r.ended_at,
            end_reason=r.end_reason,
        )
        for r in tx.execute(query)
    ]


def _unused_reference(tx: Tx) -> str:
    """Neither of a schedule nor of a message: people say references without what they are of."""
    while True:
        ref = new_reference()
        taken = tx.execute(select(schedule.c.id).where(schedule.c.ref == ref)).one_or_none()
        if not taken and not tx.execute(select(message.c.id).where(message.c.ref == ref)).one_or_none():
            return ref
