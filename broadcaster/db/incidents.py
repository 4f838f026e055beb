"""Incidents: what was decided, who agreed, what is left to do, and who has it in hand."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, and_, func, select, update

from broadcaster.db import messages
from broadcaster.db.engine import Tx
from broadcaster.db.tables import (
    broadcast,
    incident,
    incident_action,
    incident_agreement,
    incident_decision,
    incident_hand_over,
    message,
    message_version,
    person,
)
from broadcaster.domain.errors import NotFound
from broadcaster.domain.message import Facts
from broadcaster.domain.names import did_you_mean


@dataclass(frozen=True, kw_only=True)
class Incident:
    """`in_hands_of` is empty where nobody has taken it: it came with a message. `mode` is exercise for a drill's, and else
    empty: its messages say what they are."""

    id: int
    ref: str
    name: str
    lead_agency: str
    in_hands_of: str
    opened_at: datetime
    closed_at: datetime | None
    mode: str = ""


@dataclass(frozen=True, kw_only=True)
class Listed:
    incident: Incident
    messages: int
    live: bool
    left_to_do: int


@dataclass(frozen=True, kw_only=True)
class OneMessage:
    """One of its messages; `state` is of the message, `sent` of its broadcast, empty where there is none."""

    ref: str
    headline: str
    mode: str
    state: str
    sent: str
    created_at: datetime
    released_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Decision:
    kind: str
    what: str
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Agreement:
    who: str
    agency: str
    way: str
    about: str
    at: datetime
    noted_at: datetime
    by: str


@dataclass(frozen=True, kw_only=True)
class ToDo:
    id: int
    what: str
    who: str
    until: datetime | None
    noted_at: datetime
    by: str
    done_at: datetime | None
    done_by: str


@dataclass(frozen=True, kw_only=True)
class HandOver:
    id: int
    offered_by: str
    to: str
    words: str
    offered_at: datetime
    accepted_at: datetime | None
    withdrawn_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.accepted_at is None and self.withdrawn_at is None


def find(tx: Tx, ref: str, *, lock: bool = False) -> Incident:
    """NotFound, with the nearest reference, where there is none. With `lock`, nobody else changes it meanwhile."""
    query = _select().where(incident.c.ref == ref.upper())
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        refs = list(tx.execute(select(incident.c.ref)).scalars())
        raise NotFound(f'There is no incident "{ref}".{did_you_mean(ref.upper(), refs)}')
    return Incident(**row._mapping)


def of_message(tx: Tx, incident_id: int) -> Incident:
    return Incident(**tx.execute(_select().where(incident.c.id == incident_id)).one()._mapping)


def listing(tx: Tx, *, closed: bool, limit: int, before: int = 0) -> list[Listed]:
    """The newest first, from `before` this id on; open ones, or closed ones."""
    wanted = incident.c.closed_at.is_not(None) if closed else incident.c.closed_at.is_(None)
    query = _select().where(wanted).order_by(incident.c.id.desc()).limit(limit)
    rows = tx.execute(query.where(incident.c.id < before) if before else query).all()
    ids = [row.id for row in rows]
    of, a = message.c.incident_id, incident_action.c
    counts = _counted(tx, select(of, func.count()).where(of.in_(ids)).group_by(of))
    live = set(tx.execute(select(of).where(of.in_(ids), message.c.mode == "live").distinct()).scalars())
    open_actions = and_(a.incident_id.in_(ids), a.done_at.is_(None))
    left = _counted(tx, select(a.incident_id, func.count()).where(open_actions).group_by(a.incident_id))
    return [
        Listed(
            incident=Incident(**r._mapping),
            messages=counts.get(r.id, 0),
            live=r.id in live,
            left_to_do=left.get(r.id, 0),
        )
        for r in rows
    ]


def open_by_hand(tx: Tx, *, name: str, lead_agency: str, in_hands_of: str) -> Incident:
    made = messages.open_incident(tx, name)
    change(tx, made, {"lead_agency": lead_agency, "in_hands_of": in_hands_of})
    return of_message(tx, made)


def change(tx: Tx, incident_id: int, values: Mapping[str, object]) -> None:
    tx.execute(update(incident).where(incident.c.id == incident_id).values(**values))


def link(tx: Tx, message_id: int, incident_id: int) -> None:
    mode = tx.execute(select(message.c.mode).where(message.c.id == message_id)).scalar_one()
    messages.refuse_other_mode(tx, incident_id, mode)
    tx.execute(update(message).where(message.c.id == message_id).values(incident_id=incident_id))


def its_messages(tx: Tx, incident_id: int) -> list[OneMessage]:
    """The first one first."""
    m, v = message.c, message_version.c
    query = (
        select(m.ref, v.facts, m.mode, m.state, m.created_at)
        .add_columns(broadcast.c.state.label("sent"), broadcast.c.released_at)
        .join(message_version, (v.message_id == m.id) & (v.no == m.version))
        .outerjoin(broadcast, broadcast.c.message_id == m.id)
        .where(m.incident_id == incident_id)
        .order_by(m.id)
    )
    return [_message(row) for row in tx.execute(query)]


def decisions(tx: Tx, incident_id: int) -> list[Decision]:
    c = incident_decision.c
    query = _by(incident_decision, c.kind, c.what, c.reason, c.at).where(c.incident_id == incident_id)
    return [Decision(**row._mapping) for row in tx.execute(query.order_by(c.at, c.id))]


def agreements(tx: Tx, incident_id: int) -> list[Agreement]:
    c = incident_agreement.c
    query = _by(incident_agreement, c.who, c.agency, c.way, c.about, c.at, c.noted_at)
    rows = tx.execute(query.where(c.incident_id == incident_id).order_by(c.at, c.id))
    return [Agreement(**row._mapping) for row in rows]


def to_do(tx: Tx, incident_id: int) -> list[ToDo]:
    """In the order in which they were noted, those that are done among them."""
    c, done = incident_action.c, person.alias("done")
    query = _by(incident_action, c.id, c.what, c.who, c.until, c.noted_at, c.done_at)
    query = query.add_columns(done.c.name.label("done_by")).outerjoin(done, done.c.id == c.done_by_id)
    rows = tx.execute(query.where(c.incident_id == incident_id).order_by(c.id))
    return [ToDo(**{**row._mapping, "done_by": row.done_by or ""}) for row in rows]


def finish(tx: Tx, action_id: int, *, done_by_id: int) -> None:
    values = {"done_at": tx.now(), "done_by_id": done_by_id}
    tx.execute(update(incident_action).where(incident_action.c.id == action_id).values(**values))


def hand_overs(tx: Tx, incident_id: int) -> list[HandOver]:
    c, giver, taker = incident_hand_over.c, person.alias("giver"), person.alias("taker")
    query = (
        select(c.id, giver.c.name.label("offered_by"), taker.c.name.label("to"), c.words)
        .add_columns(c.offered_at, c.accepted_at, c.withdrawn_at)
        .join(giver, giver.c.id == c.from_id)
        .join(taker, taker.c.id == c.to_id)
        .where(c.incident_id == incident_id)
        .order_by(c.id)
    )
    return [HandOver(**row._mapping) for row in tx.execute(query)]


def end_hand_over(tx: Tx, hand_over_id: int, how: str) -> None:
    """`how` is accepted_at or withdrawn_at."""
    c = incident_hand_over.c
    tx.execute(update(incident_hand_over).where(c.id == hand_over_id).values({how: tx.now()}))


def _counted(tx: Tx, query: Any) -> dict[int, int]:
    return dict(map(tuple, tx.execute(query).all()))


def _select() -> Any:
    c = incident.c
    return select(c.id, c.ref, c.name, c.lead_agency, c.in_hands_of, c.opened_at, c.closed_at, c.mode)


def _by(table: Table, *columns: Any) -> Any:
    return select(*columns, person.c.name.label("by")).join(person, person.c.id == table.c.person_id)


def _message(row: Any) -> OneMessage:
    headline = Facts.from_json(json.loads(row.facts)).headline
    values = {name: value for name, value in row._mapping.items() if name != "facts"}
    return OneMessage(**{**values, "headline": headline, "sent": row.sent or ""})
