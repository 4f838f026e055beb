"""Proposals, invitations and policy switches: what administrators decide together."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_reference
from broadcaster.db.tables import invitation, person, policy_switch, proposal
from broadcaster.domain.changes import ProposalState

P, I = proposal.c, invitation.c  # noqa: E741 - short, as in the other stores


@dataclass(frozen=True, kw_only=True)
class StoredProposal:
    id: int
    ref: str
    kind: str
    content: str
    sha256: str
    reason: str
    proposed_by: str
    proposer_id: int
    proposed_at: datetime
    expires_at: datetime
    state: str
    decided_by: str
    decided_at: datetime | None


def insert(tx: Tx, *, kind: str, content: str, sha256: str, reason: str, by: int, lasts: timedelta) -> str:
    """Its reference."""
    ref = new_reference()
    values: dict[str, Any] = {
        "ref": ref,
        "kind": kind,
        "content": content,
        "sha256": sha256,
        "reason": reason,
    }
    values |= {"proposed_by": by, "proposed_at": tx.now(), "expires_at": tx.now() + lasts}
    tx.insert(proposal, {**values, "state": ProposalState.OPEN})
    return ref


def find(tx: Tx, ref: str, *, lock: bool = False) -> StoredProposal | None:
    query = _all().where(P.ref == ref.strip().upper())
    row = tx.execute(query.with_for_update(of=proposal) if lock else query).one_or_none()
    return _stored(row) if row else None


def listed(tx: Tx, *, state: str = "", limit: int = 100) -> list[StoredProposal]:
    """The newest first."""
    query = _all().order_by(P.id.desc()).limit(limit)
    if state:
        query = query.where(P.state == state)
    return [_stored(row) for row in tx.execute(query)]


def decide(tx: Tx, proposal_id: int, state: ProposalState, by: int) -> bool:
    """False where somebody was quicker."""
    mine = (P.id == proposal_id) & (P.state == ProposalState.OPEN)
    values = {"state": state, "decided_by": by, "decided_at": tx.now()}
    return bool(tx.execute(update(proposal).where(mine).values(values)).rowcount)


# --- invitations ------------------------------------------------------------------------------------------


def invite(tx: Tx, *, person_id: int, sha256: str, by: int | None, lasts: timedelta) -> datetime:
    """In place of those of before. Until when it is good."""
    old = (I.person_id == person_id) & I.used_at.is_(None)
    tx.execute(update(invitation).where(old).values(expires_at=tx.now()))
    values: dict[str, Any] = {
        "person_id": person_id,
        "sha256": sha256,
        "invited_by": by,
        "created_at": tx.now(),
    }
    expires_at = tx.now() + lasts
    tx.insert(invitation, {**values, "expires_at": expires_at})
    return expires_at


def invited(tx: Tx, sha256: str) -> int | None:
    """The id of the user whose invitation this is, while it is good."""
    query = select(I.person_id).where(I.sha256 == sha256, I.used_at.is_(None), I.expires_at > tx.now())
    found: int | None = tx.execute(query).scalar_one_or_none()
    return found


def use_invitation(tx: Tx, sha256: str) -> bool:
    """True for the one who comes first with it."""
    mine = (I.sha256 == sha256) & I.used_at.is_(None) & (I.expires_at > tx.now())
    return bool(tx.execute(update(invitation).where(mine).values(used_at=tx.now())).rowcount)


# --- switches ---------------------------------------------------------------------------------------------


def switches(tx: Tx) -> dict[str, str]:
    """Those that were ever changed."""
    c = policy_switch.c
    return {row.name: row.value for row in tx.execute(select(c.name, c.value))}


def set_switch(tx: Tx, name: str, value: str) -> None:
    tx.add_missing(policy_switch, {"name": name, "value": value, "changed_at": tx.now()})
    mine = policy_switch.c.name == name
    tx.execute(update(policy_switch).where(mine).values(value=value, changed_at=tx.now()))


def _all() -> Any:
    proposer, decider = person.alias(), person.alias()
    return (
        select(proposal, proposer.c.name.label("proposer"), decider.c.name.label("decider"))
        .join(proposer, proposer.c.id == P.proposed_by)
        .outerjoin(decider, decider.c.id == P.decided_by)
    )


def _stored(row: Row[Any]) -> StoredProposal:
    return StoredProposal(
        id=row.id,
        ref=row.ref,
        kind=row.kind,
        content=row.content,
        sha256=row.sha256,
        reason=row.reason,
        proposed_by=row.proposer,
        proposer_id=row.proposed_by,
        proposed_at=row.proposed_at,
        expires_at=row.expires_at,
        state=row.state,
        decided_by=row.decider or "",
        decided_at=row.decided_at,
    )
