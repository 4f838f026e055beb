"""Pages of the audit log, the newest event first, however many events there are.

Each question becomes a few legs, each along one index in the order in which events are shown and no longer than a page:
a database that chose among indexes by itself sorted a million events for fifty (measured on both).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, or_, select, union_all

from broadcaster.db import audit_log
from broadcaster.db.engine import Tx
from broadcaster.db.tables import account, audit_event, incident, message
from broadcaster.domain.audit import AuditEvent

E = audit_event.c
#: How many events without an index of their own are looked at for one page: the rest is for the next one. More of them
#: would make a page slow, and fewer would make an auditor press the button for nothing.
LOOKED_AT = 10_000


class Place(NamedTuple):
    """Between which two events a page ends. Of events written in the same microsecond the id decides."""

    at: datetime
    id: int


@dataclass(frozen=True, kw_only=True)
class Leg:
    """Events with this act (empty: any). `holds`: their payload must hold one of these texts."""

    act: str = ""
    holds: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Search:
    """All that is given must hold. `subjects` None: any; empty: there is none, so nothing is found."""

    since: datetime | None = None
    until: datetime | None = None
    actor: str = ""
    legs: tuple[Leg, ...] = (Leg(),)
    subjects: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Page:
    """`after` is where the next one begins, None where nothing follows. `looked_back_to`: not everything was looked at,
    so that an older event may still be found."""

    events: tuple[AuditEvent, ...]
    after: Place | None = None
    looked_back_to: datetime | None = None


def page(tx: Tx, search: Search, *, after: Place | None, size: int, looked_at: int = LOOKED_AT) -> Page:
    asked = [(leg, subject) for leg in search.legs for subject in _subjects(search)]
    floors = [_floor(tx, search, leg, subject, after, looked_at) for leg, subject in asked]
    floor = max((f for f in floors if f), default=None)
    legs = [_leg(search, leg, subject, after, floor, size + 1) for leg, subject in asked]
    if not legs:
        return Page(events=())
    found = union_all(*legs).subquery()
    ids = tx.execute(
        select(found.c.id, found.c.at).order_by(found.c.at.desc(), found.c.id.desc()).limit(size + 1)
    ).all()
    events = _with_ids(tx, [row.id for row in ids[:size]])
    if len(ids) > size:
        return Page(events=events, after=Place(ids[size - 1].at, ids[size - 1].id))
    return Page(events=events, after=floor, looked_back_to=floor.at if floor else None)


def _with_ids(tx: Tx, ids: Sequence[int]) -> tuple[AuditEvent, ...]:
    by_id = {event.id: event for event in audit_log.by_ids(tx, ids)}
    return tuple(by_id[i] for i in ids)


def _leg(
    search: Search, leg: Leg, subject: str | None, after: Place | None, floor: Place | None, limit: int
) -> Any:
    conditions = [*_within(search, after), *_by_index(search, leg, subject)]
    if floor is not None:
        conditions.append(_after_or_at(floor))
    if leg.holds:
        conditions.append(or_(*(E.payload.contains(text, autoescape=True) for text in leg.holds)))
    query = select(E.id, E.at).where(*conditions).order_by(E.at.desc(), E.id.desc()).limit(limit)
    return select(query.subquery())  # SQLite takes no LIMIT inside of a UNION otherwise


def _by_index(search: Search, leg: Leg, subject: str | None) -> list[ColumnElement[bool]]:
    """What an index is to be used for stands bare. Where what it is about is known, the rest is hidden from indexes: few
    events are about one thing, and a database without statistics might choose another."""
    hidden = "" if subject is not None else None
    found = [] if subject is None else [E.subject == subject]
    for column, value in ((E.actor, search.actor), (E.act, leg.act)):
        if value:
            found.append(column.concat(hidden) == value if hidden is not None else column == value)
    return found


def _within(search: Search, after: Place | None) -> list[ColumnElement[bool]]:
    found = []
    if search.since is not None:
        found.append(E.at >= search.since)
    if search.until is not None:
        found.append(E.at < search.until)
    if after is not None:
        found.append(E.at <= after.at)  # by itself, since only this narrows an index on every version
        found.append(or_(E.at < after.at, E.id < after.id))
    return found


def _after_or_at(floor: Place) -> ColumnElement[bool]:
    return (E.at >= floor.at) & or_(E.at > floor.at, E.id >= floor.id)


def _floor(
    tx: Tx, search: Search, leg: Leg, subject: str | None, after: Place | None, looked_at: int
) -> Place | None:
    """The last event of this leg that is looked at now; None where all are, or where an index leads to them."""
    beside_the_index = leg.holds or (subject is not None and (search.actor or leg.act))
    if not beside_the_index:
        return None
    of_the_index = [E.subject == subject] if subject is not None else _by_index(search, leg, None)
    query = (
        select(E.at, E.id)
        .where(*_within(search, after), *of_the_index)
        .order_by(E.at.desc(), E.id.desc())
        .offset(looked_at - 1)
        .limit(1)
    )
    row = tx.execute(query).first()
    return Place(row.at, row.id) if row else None


def _subjects(search: Search) -> tuple[str | None, ...]:
    return (None,) if search.subjects is None else search.subjects


def refs_of_incident(tx: Tx, ref: str) -> list[str]:
    query = select(message.c.ref).join(incident, incident.c.id == message.c.incident_id)
    return list(tx.execute(query.where(incident.c.ref == ref).order_by(message.c.id)).scalars())


def accounts_of(tx: Tx, channel: str) -> list[tuple[int, str]]:
    """Ids and names."""
    query = select(account.c.id, account.c.name).where(account.c.channel == channel).order_by(account.c.id)
    return [(row.id, row.name) for row in tx.execute(query)]


def channels(tx: Tx) -> list[str]:
    return list(tx.execute(select(account.c.channel).distinct().order_by(account.c.channel)).scalars())
