"""Legal holds, and what they cover."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, or_, select, union, update

from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_reference
from broadcaster.db.tables import audience, audience_version, legal_hold, message, message_version, person
from broadcaster.domain.records import HoldKind

H = legal_hold.c
COLUMN = {HoldKind.MESSAGE: "message_id", HoldKind.INCIDENT: "incident_id", HoldKind.AUDIENCE: "audience_id"}


@dataclass(frozen=True, kw_only=True)
class Hold:
    """In force while it is not lifted."""

    id: int
    ref: str
    kind: HoldKind
    about: str
    reason: str
    placed_by: str
    placed_at: datetime
    lifted_by: str
    lifted_at: datetime | None
    lift_reason: str


def place(tx: Tx, *, kind: HoldKind, covered_id: int, about: str, reason: str, by: int) -> Hold:
    row = {"ref": new_reference(), "kind": kind, "about": about, COLUMN[kind]: covered_id}
    row |= {"reason": reason, "placed_by": by, "placed_at": tx.now()}
    made = tx.insert(legal_hold, {**row, "lift_reason": ""})
    return _hold(tx.execute(_all().where(H.id == made)).one())


def lift(tx: Tx, hold_id: int, *, reason: str, by: int) -> bool:
    """False where somebody was quicker."""
    mine = (H.id == hold_id) & H.lifted_at.is_(None)
    values = {"lifted_by": by, "lifted_at": tx.now(), "lift_reason": reason}
    return bool(tx.execute(update(legal_hold).where(mine).values(**values)).rowcount)


def find(tx: Tx, ref: str) -> Hold | None:
    row = tx.execute(_all().where(H.ref == ref.strip().upper())).one_or_none()
    return _hold(row) if row else None


def listed(tx: Tx) -> list[Hold]:
    """Those in force first, the newest first."""
    return [_hold(row) for row in tx.execute(_all().order_by(H.lifted_at.is_not(None), H.id.desc()))]


def audience_ids(tx: Tx) -> dict[str, int]:
    """By name, of every audience that there ever was."""
    return {row.name: row.id for row in tx.execute(select(audience.c.name, audience.c.id))}


def on_message(tx: Tx, message_id: int, incident_id: int) -> list[str]:
    """References of the holds in force that cover this message."""
    covered = or_(H.message_id == message_id, H.incident_id == incident_id)
    return list(tx.execute(select(H.ref).where(covered, H.lifted_at.is_(None)).order_by(H.id)).scalars())


def held_versions() -> Any:
    """The audience versions that a hold in force covers: of its audience, or that a message it covers goes or went to."""
    return select(_covered().c.version_id)


def of_versions(tx: Tx, version_ids: Collection[int]) -> dict[int, list[str]]:
    """By audience version, the references of the holds in force that cover it; only those that are covered."""
    covered = _covered()
    query = (
        select(covered.c.version_id, covered.c.ref)
        .where(covered.c.version_id.in_(version_ids))
        .order_by(covered.c.version_id, covered.c.ref)
    )
    found: dict[int, list[str]] = {}
    for row in tx.execute(query):
        found.setdefault(row.version_id, []).append(row.ref)
    return found


def _covered() -> Any:
    v, m, a = message_version.c, message.c, audience_version.c
    of_audiences = (
        select(a.id.label("version_id"), H.ref)
        .join(legal_hold, H.audience_id == a.audience_id)
        .where(H.lifted_at.is_(None))
    )
    of_messages = (
        select(v.audience_version_id.label("version_id"), H.ref)
        .join(message, m.id == v.message_id)
        .join(legal_hold, or_(H.message_id == m.id, H.incident_id == m.incident_id))
        .where(H.lifted_at.is_(None), v.audience_version_id.is_not(None))
    )
    return union(of_audiences, of_messages).subquery()


def _all() -> Select[Any]:
    placed, lifted = person.alias(), person.alias()
    return (
        select(H.id, H.ref, H.kind, H.about, H.reason, H.placed_at, H.lifted_at, H.lift_reason)
        .add_columns(placed.c.name.label("placed_by"), lifted.c.name.label("lifted_by"))
        .join(placed, placed.c.id == H.placed_by)
        .outerjoin(lifted, lifted.c.id == H.lifted_by)
    )


def _hold(row: Any) -> Hold:
    data = dict(row._mapping)
    return Hold(**{**data, "kind": HoldKind(row.kind), "lifted_by": row.lifted_by or ""})
