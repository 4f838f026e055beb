"""Approvals of a whole series: the bounds that were approved, and which broadcasts went out under them."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_uid
from broadcaster.db.tables import broadcast, standing_approval
from broadcaster.domain.message import Mode


@dataclass(frozen=True, kw_only=True)
class StandingApproval:
    """`approver_id` gave it, by `factor`. `bounds` are the bytes that were approved."""

    id: int
    uid: str
    bounds: str
    approver_id: int
    factor: str
    approved_at: datetime
    ends_at: datetime
    revoked_at: datetime | None


def insert_standing(
    tx: Tx, *, mode: Mode, bounds: str, approver_id: int, factor: str, ends_at: datetime
) -> int:
    row: dict[str, Any] = {"uid": new_uid(), "mode": mode, "kind": "series", "bounds": bounds}
    row |= {"factor": factor}
    row |= {"approved_by": approver_id, "approved_at": tx.now(), "ends_at": ends_at}
    return tx.insert(standing_approval, row)


def standing(tx: Tx, standing_id: int) -> StandingApproval:
    row = tx.execute(select(standing_approval).where(standing_approval.c.id == standing_id)).one()
    return StandingApproval(
        id=row.id,
        uid=row.uid,
        bounds=row.bounds,
        approver_id=row.approved_by,
        factor=row.factor,
        approved_at=row.approved_at,
        ends_at=row.ends_at,
        revoked_at=row.revoked_at,
    )


def read_bounds(content: str) -> dict[str, Any]:
    """ValueError where it was altered so that nobody can read it."""
    found: dict[str, Any] = json.loads(content)
    return found


def link(tx: Tx, broadcast_uid: str, standing_id: int) -> None:
    """This broadcast went out under this standing approval."""
    mine = update(broadcast).where(broadcast.c.uid == broadcast_uid)
    tx.execute(mine.values(standing_approval_id=standing_id))
