"""Delegations: who may approve what, without being an approver. Given by two administrators (service/proposals.py), looked at
and ended here, and asked about inside the transaction that approves.
"""

from collections.abc import Sequence

from broadcaster.db import audit_log, delegations
from broadcaster.db.engine import Database, Tx
from broadcaster.db.messages import Version
from broadcaster.db.people import Person
from broadcaster.domain.delegation import Cost, Delegation
from broadcaster.domain.errors import NotAllowed, NotFound, Stale
from broadcaster.domain.policy import Action, Role, require, require_reason

NONE_IN_FORCE = (
    "You may approve under a delegation only, and none is in force for you now. Nothing was changed."
)
NOT_COVERED = "None of your delegations covers this message. An approver must decide. Nothing was changed."


class Delegations:
    def __init__(self, database: Database) -> None:
        self._database = database

    def listed(self, actor: Person) -> list[Delegation]:
        """All, for administrators and auditors; one's own for everybody else. The newest first."""
        everybody = bool({Role.ADMINISTRATOR, Role.AUDITOR} & set(actor.roles))
        with self._database.read() as tx:
            return delegations.listed(tx, person_id=None if everybody else actor.id)

    def end(self, actor: Person, ref: str, reason: str) -> Delegation:
        """At once, by one administrator: it only takes away, and cannot wait."""
        require(actor.name, actor.roles, Action.MANAGE)
        require_reason(reason)
        with self._database.write() as tx:
            found = delegations.find(tx, ref)
            if found is None:
                raise NotFound(f'There is no delegation "{ref}". Nothing was changed.')
            if not delegations.end(tx, found.ref):
                raise Stale(f"{found.ref} is over already. Nothing was changed.")
            audit_log.append(
                tx,
                actor=actor.name,
                act="delegation_ended",
                subject=found.person,
                payload={"delegation": found.ref, "reason": reason},
            )
        return found


def required(tx: Tx, actor: Person, version: Version, cost: Cost | None = None) -> Delegation | None:
    """Under which delegation this person may decide about this version; None for an approver, who needs none. NotAllowed, saying
    what each lacks, where none covers it. Without a `cost` nothing is spent by the decision."""
    if Role.APPROVER in actor.roles:
        return None
    mine = delegations.in_force(tx, actor.id)
    if not mine:
        raise NotAllowed(NONE_IN_FORCE)
    about = {"template": str(version.template.get("name", "")), "severity": str(version.facts.severity)}
    lacks: list[Sequence[str]] = [tuple(d.covers.lacks(**about, cost=cost or Cost())) for d in mine]
    for each, wrong in zip(mine, lacks, strict=True):
        if not wrong:
            return each
    details = (f"{d.ref} ({d.scheme}): {', '.join(w)}." for d, w in zip(mine, lacks, strict=True))
    raise NotAllowed(NOT_COVERED, details=tuple(details))
