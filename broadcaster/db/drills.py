"""Drills: what was planned, who takes part, and the times of what they did, from the log and from the attempts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_reference
from broadcaster.db.tables import (
    account,
    attempt,
    audit_event,
    broadcast,
    delivery,
    drill,
    drill_inject,
    drill_part,
    incident,
    message,
    person,
    target,
)
from broadcaster.domain.drill import DRILL_TRANSITIONS, DrillState, Inject, Step
from broadcaster.domain.errors import NotFound
from broadcaster.domain.message import Mode
from broadcaster.domain.names import did_you_mean

D = drill.c
#: What is timed, by the acts of the log.
TIMED = ("message_drafted", "message_submitted", "message_approved_and_released")


@dataclass(frozen=True, kw_only=True)
class Drill:
    """`incident` is empty before it begins; `started_by` where it began at its time, by itself."""

    id: int
    ref: str
    name: str
    scenario: str
    template: str
    asks_correction: bool
    bars: Mapping[Step, int]
    state: DrillState
    starts_at: datetime
    every_months: int
    planned_by: str
    started_by: str
    started_at: datetime | None
    ended_at: datetime | None
    end_reason: str
    incident: str
    parts: tuple[str, ...] = ()
    injects: tuple[Inject, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Done:
    """One act of the log about one message of a drill."""

    ref: str
    act: str
    actor: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A place took a post, or the first text, of this message then."""

    ref: str
    channel: str
    account: str
    at: datetime


def insert(tx: Tx, values: Mapping[str, Any], parts: Sequence[int], injects: Sequence[Inject]) -> str:
    ref = new_reference()
    made = tx.insert(
        drill,
        {**values, "ref": ref, "state": DrillState.PLANNED, "planned_at": tx.now(), "end_reason": ""},
    )
    for person_id in parts:
        tx.insert(drill_part, {"drill_id": made, "person_id": person_id})
    for each in injects:
        tx.insert(drill_inject, {"drill_id": made, "after_minutes": each.after_minutes, "text": each.text})
    return ref


def find(tx: Tx, ref: str, *, lock: bool = False) -> Drill:
    """NotFound, with the nearest reference, where there is none."""
    query = _select().where(D.ref == ref.strip().upper())
    row = tx.execute(query.with_for_update(of=drill) if lock else query).one_or_none()
    if row is None:
        refs = list(tx.execute(select(D.ref)).scalars())
        raise NotFound(f'There is no drill "{ref}".{did_you_mean(ref.upper(), refs)}')
    return _whole(tx, row)


def listing(tx: Tx, *, limit: int) -> list[Drill]:
    """Running ones, then those to come, then the newest that are over."""
    rows = tx.execute(_select().order_by(D.starts_at.desc(), D.id.desc()).limit(limit)).all()
    order = list(DrillState)
    order.sort(key=lambda state: (state is not DrillState.RUNNING, state is not DrillState.PLANNED))
    found = [_whole(tx, row) for row in rows]
    coming = sorted((d for d in found if d.state is DrillState.PLANNED), key=lambda d: d.starts_at)
    return [*(d for d in found if d.state is DrillState.RUNNING), *coming, *(d for d in found if d.ended_at)]


def due(tx: Tx) -> list[str]:
    """Those whose time has come."""
    query = select(D.ref).where(D.state == DrillState.PLANNED, D.starts_at <= tx.now())
    return list(tx.execute(query.order_by(D.starts_at)).scalars())


def not_over(tx: Tx, template: str) -> list[str]:
    """Those of this notice template that are planned or run."""
    open_ = D.state.in_([DrillState.PLANNED, DrillState.RUNNING])
    return list(tx.execute(select(D.ref).where(D.template == template, open_).order_by(D.id)).scalars())


def running_since(tx: Tx, before: datetime) -> list[str]:
    query = select(D.ref).where(D.state == DrillState.RUNNING, D.started_at <= before)
    return list(tx.execute(query).scalars())


def move(tx: Tx, found: Drill, state: DrillState, **values: Any) -> bool:
    """False where it may not come into this state, or somebody was quicker."""
    before = [s for s, after in DRILL_TRANSITIONS.items() if state in after]
    statement = update(drill).where(D.id == found.id, D.state.in_(before))
    return tx.execute(statement.values(state=state, **values)).rowcount == 1


def keep_to_exercise(tx: Tx, incident_id: int) -> None:
    tx.execute(update(incident).where(incident.c.id == incident_id).values(mode=Mode.EXERCISE))


def close_incident(tx: Tx, ref: str) -> None:
    mine = (incident.c.ref == ref) & incident.c.closed_at.is_(None)
    tx.execute(update(incident).where(mine).values(closed_at=tx.now()))


def of_incident(tx: Tx, ref: str) -> str:
    """The drill that an incident belongs to; empty for a real one."""
    query = select(D.ref).join(incident, incident.c.id == D.incident_id).where(incident.c.ref == ref)
    return str(tx.execute(query).scalar_one_or_none() or "")


def done(tx: Tx, incident_ref: str) -> list[Done]:
    """What people did about its messages, from the log, in the order in which it was written."""
    e, m = audit_event.c, message.c
    query = (
        select(e.subject.label("ref"), e.act, e.actor, e.at)
        .join(message, m.ref == e.subject)
        .join(incident, incident.c.id == m.incident_id)
        .where(incident.c.ref == incident_ref, m.mode == Mode.EXERCISE, e.act.in_(TIMED))
        .order_by(e.id)
    )
    return [Done(**row._mapping) for row in tx.execute(query)]


def accepted(tx: Tx, incident_ref: str) -> list[Accepted]:
    """When each place took the first of it, from the attempts, whose outcomes never change."""
    query = (
        select(message.c.ref, target.c.channel, account.c.name.label("account"))
        .add_columns(func.min(attempt.c.ended_at).label("at"))
        .join(broadcast, broadcast.c.message_id == message.c.id)
        .join(target, target.c.broadcast_id == broadcast.c.id)
        .join(account, account.c.id == target.c.account_id)
        .join(incident, incident.c.id == message.c.incident_id)
        .join(delivery, delivery.c.target_id == target.c.id)
        .join(attempt, attempt.c.delivery_id == delivery.c.id)
        .where(incident.c.ref == incident_ref, message.c.mode == Mode.EXERCISE)
        .where(attempt.c.outcome == "accepted")
        .group_by(message.c.ref, target.c.id, target.c.channel, account.c.name)
        .order_by(func.min(attempt.c.ended_at))
    )
    return [Accepted(**row._mapping) for row in tx.execute(query)]


def places(tx: Tx, message_ref: str) -> list[tuple[str, str]]:
    """Channel and account of each place that a message was released to."""
    query = (
        select(target.c.channel, account.c.name)
        .join(broadcast, broadcast.c.id == target.c.broadcast_id)
        .join(message, message.c.id == broadcast.c.message_id)
        .join(account, account.c.id == target.c.account_id)
        .where(message.c.ref == message_ref)
        .order_by(target.c.id)
    )
    return [(row.channel, row.name) for row in tx.execute(query)]


def _select() -> Select[Any]:
    by, starter = person.alias("planned_by_whom"), person.alias("started_by_whom")
    return (
        select(D.id, D.ref, D.name, D.scenario, D.template, D.asks_correction, D.bars, D.state)
        .add_columns(D.starts_at, D.every_months, by.c.name.label("planned_by"))
        .add_columns(starter.c.name.label("started_by"), D.started_at, D.ended_at, D.end_reason)
        .add_columns(incident.c.ref.label("incident"))
        .join(by, by.c.id == D.planned_by)
        .outerjoin(starter, starter.c.id == D.started_by)
        .outerjoin(incident, incident.c.id == D.incident_id)
    )


def _whole(tx: Tx, row: Any) -> Drill:
    p, i = drill_part.c, drill_inject.c
    parts = select(person.c.name).join(drill_part, p.person_id == person.c.id).where(p.drill_id == row.id)
    injects = select(i.after_minutes, i.text).where(i.drill_id == row.id).order_by(i.after_minutes, i.id)
    return Drill(
        **{
            **row._mapping,
            "asks_correction": bool(row.asks_correction),
            "bars": {Step(name): seconds for name, seconds in json.loads(row.bars).items()},
            "state": DrillState(row.state),
            "started_by": row.started_by or "",
            "incident": row.incident or "",
        },
        parts=tuple(tx.execute(parts.order_by(person.c.name)).scalars()),
        injects=tuple(Inject(**each._mapping) for each in tx.execute(injects)),
    )
