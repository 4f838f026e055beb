"""Storm mode's switch, what it holds, and the batches that it takes out of the workers' way."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.tables import (
    batch,
    broadcast,
    message,
    message_version,
    notice_template,
    person,
    storm,
    target,
)
from broadcaster.domain.broadcast import BatchState, BroadcastState, OnUnknown
from broadcaster.domain.storm import Held, is_routine

SWITCH = "storm mode"
S, B = storm.c, broadcast.c
#: For a query that has `broadcast` in it: nothing holds it.
NOT_HELD: ColumnElement[bool] = B.storm != Held.HELD


@dataclass(frozen=True, kw_only=True)
class Storm:
    """One time that it was on; `off_at` is None while it is."""

    id: int
    on_by: str
    on_at: datetime
    reason: str
    off_by: str
    off_at: datetime | None
    off_reason: str


@dataclass(frozen=True, kw_only=True)
class HeldItem:
    """A broadcast that waits for a decision. `template` is its kind, `planned` how many posts and texts it is altogether."""

    broadcast_id: int
    ref: str
    mode: str
    headline: str
    area: str
    template: str
    released_at: datetime
    expires_at: datetime
    planned: int


# --- the switch -------------------------------------------------------------------------------------------


def now(tx: Tx) -> Storm | None:
    """None where it is off. What holds only while nobody may switch: see `beside_the_switch`."""
    row = tx.execute(_storms().where(S.off_at.is_(None))).one_or_none()
    return _storm(row) if row else None


def newest(tx: Tx, *, limit: int) -> list[Storm]:
    return [_storm(row) for row in tx.execute(_storms().order_by(S.id.desc()).limit(limit))]


def alone_at_the_switch(tx: Tx) -> None:
    """Waits for every transaction that is about to begin something routine, and those that follow wait for this one."""
    tx.alone(SWITCH)


def beside_the_switch(tx: Tx) -> None:
    """From here to the end of this transaction storm mode stays what it is: without that, what was read a moment before
    the switch would be sent a moment after it."""
    tx.beside(SWITCH)


def switch_on(tx: Tx, *, by: int, reason: str) -> int:
    """Holds at once everything routine that is being sent. How many broadcasts that are."""
    tx.insert(storm, {"on_by": by, "on_at": tx.now(), "reason": reason})
    free = and_(B.state == BroadcastState.SENDING, B.routine == 1, B.storm == Held.FREE)
    return tx.execute(update(broadcast).where(free).values(storm=Held.HELD)).rowcount


def switch_off(tx: Tx, storm_id: int, *, by: int, reason: str) -> None:
    values = {"off_by": by, "off_at": tx.now(), "off_reason": reason}
    tx.execute(update(storm).where(S.id == storm_id).values(values))


# --- what it holds ----------------------------------------------------------------------------------------


def standing(tx: Tx, released: Mapping[str, Any]) -> dict[str, object]:
    """How a broadcast that is being released stands towards it."""
    routine = is_routine(
        on_unknown=str(released["on_unknown"]),
        kind=str(released["kind"]),
        follows_urgent=_follows_urgent(tx, released["incident_id"], str(released["mode"])),
    )
    if not routine:
        return {"routine": 0, "storm": Held.FREE}
    beside_the_switch(tx)
    return {"routine": 1, "storm": Held.HELD if now(tx) else Held.FREE}


def hold_again(tx: Tx, broadcast_id: int) -> None:
    """Something that had ended goes on: the switch did not see it while it was over."""
    beside_the_switch(tx)
    if now(tx):
        mine = and_(B.id == broadcast_id, B.routine == 1, B.storm == Held.FREE)
        tx.execute(update(broadcast).where(mine).values(storm=Held.HELD))


def _follows_urgent(tx: Tx, incident_id: int, mode: str) -> bool:
    """Whether people were warned urgently in the same incident before."""
    warned = select(B.id).where(B.incident_id == incident_id, B.mode == mode)
    return tx.execute(warned.where(B.on_unknown == OnUnknown.RESEND_ONCE).limit(1)).first() is not None


def would_hold(tx: Tx, *, on_unknown: str, kind: str, incident_id: int, mode: str) -> bool:
    """Whether a message that is like this would wait, were it released now. To tell people; nothing is decided by it."""
    follows = _follows_urgent(tx, incident_id, mode)
    return bool(now(tx) and is_routine(on_unknown=on_unknown, kind=kind, follows_urgent=follows))


def is_held(tx: Tx, broadcast_id: int) -> bool:
    return str(tx.execute(select(B.storm).where(B.id == broadcast_id)).scalar_one()) == Held.HELD


def items(tx: Tx) -> list[HeldItem]:
    """What waits for a decision, by kind, those that end first before others. Not what has nothing left to send."""
    m, v, n = message.c, message_version.c, notice_template.c
    planned = select(func.coalesce(func.sum(target.c.planned_total), 0)).where(target.c.broadcast_id == B.id)
    left = or_(
        exists().where(batch.c.broadcast_id == B.id, batch.c.state != BatchState.DONE),
        exists().where(target.c.broadcast_id == B.id, target.c.planned < target.c.planned_total),
    )
    query = (
        select(B.id.label("broadcast_id"), m.ref, B.mode, v.facts, n.name.label("template"))
        .add_columns(B.released_at, B.expires_at, planned.scalar_subquery().label("planned"))
        .join(message, m.id == B.message_id)
        .join(message_version, (v.message_id == m.id) & (v.no == m.version))
        .join(notice_template, n.id == v.notice_template_id)
        .where(B.state == BroadcastState.SENDING, B.storm == Held.HELD, B.expires_at > tx.now(), left)
        .order_by(n.name, B.expires_at, B.id)
    )
    return [_item(row) for row in tx.execute(query)]


def let_go(tx: Tx, broadcast_id: int) -> bool:
    """False where nothing holds it any more."""
    held = and_(B.id == broadcast_id, B.storm == Held.HELD, B.state == BroadcastState.SENDING)
    return tx.execute(update(broadcast).where(held).values(storm=Held.LET_GO)).rowcount == 1


# --- out of the workers' way ------------------------------------------------------------------------------


class Way(NamedTuple):
    """From which state of a batch to which, for broadcasts that stand like this."""

    before: BatchState
    after: BatchState
    held: Held


#: Out of the index that every claim goes through: a million batches of what is held cost a claim nothing then.
ASIDE = Way(BatchState.READY, BatchState.HELD, Held.HELD)
#: A person let it go.
BACK = Way(BatchState.HELD, BatchState.READY, Held.LET_GO)


def has_left(tx: Tx, way: Way) -> bool:
    return tx.execute(_to_move(way).limit(1)).first() is not None


def move(tx: Tx, way: Way, *, limit: int) -> int:
    """How many batches were moved: some at a time, since others wait to write."""
    query = _to_move(way).order_by(batch.c.id).limit(limit).with_for_update(of=batch, skip_locked=True)
    ids = list(tx.execute(query).scalars())
    if ids:
        tx.execute(update(batch).where(batch.c.id.in_(ids)).values(state=way.after))
    return len(ids)


def _to_move(way: Way) -> Select[Any]:
    query = select(batch.c.id).join(broadcast, B.id == batch.c.broadcast_id)
    mine = (B.state == BroadcastState.SENDING, B.storm == way.held, batch.c.state == way.before)
    return query.where(*mine)


def _storms() -> Select[Any]:
    on, off = person.alias(), person.alias()
    return (
        select(S.id, on.c.name.label("on_by"), S.on_at, S.reason)
        .add_columns(off.c.name.label("off_by"), S.off_at, S.off_reason)
        .join(on, on.c.id == S.on_by)
        .outerjoin(off, off.c.id == S.off_by)
    )


def _storm(row: Row[Any]) -> Storm:
    return Storm(**{**row._mapping, "off_by": row.off_by or ""})


def _item(row: Row[Any]) -> HeldItem:
    facts = json.loads(row.facts)
    kept = {name: value for name, value in row._mapping.items() if name != "facts"}
    return HeldItem(**kept, headline=facts["headline"], area=facts["area"])
