"""Legal holds: nothing that one covers is wiped, erased or redacted until it is lifted. Both acts say why, and by whom."""

from collections.abc import Sequence

from broadcaster.db import audit_log, holds, messages
from broadcaster.db.engine import Database, Tx
from broadcaster.db.holds import Hold
from broadcaster.db.people import Person
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import Invalid, NotFound, Stale
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.policy import Action, require, require_reason
from broadcaster.domain.records import HoldKind


class Holding:
    def __init__(self, database: Database) -> None:
        self._database = database

    def listed(self, actor: Person) -> Sequence[Hold]:
        """Those in force first."""
        require(actor.name, actor.roles, Action.AUDIT)
        with self._database.read() as tx:
            return holds.listed(tx)

    def place(self, actor: Person, kind: str, about: str, *, reason: str) -> Hold:
        """On a message or an incident, by its reference, or on an audience, by its name. NotFound where there is none."""
        require(actor.name, actor.roles, Action.HOLD)
        require_reason(reason)
        if kind not in set(HoldKind):
            raise Invalid(f"A hold is on one of: {', '.join(HoldKind)}. Nothing was changed.")
        with self._database.write() as tx:
            covered_id, name = _covered(tx, HoldKind(kind), about.strip())
            made = holds.place(
                tx,
                kind=HoldKind(kind),
                covered_id=covered_id,
                about=name,
                reason=reason.strip(),
                by=actor.id,
            )
            payload: dict[str, Json] = {"hold": made.ref, "kind": kind, "reason": made.reason}
            audit_log.append(tx, actor=actor.name, act="hold_placed", subject=name, payload=payload)
        return made

    def lift(self, actor: Person, ref: str, *, reason: str) -> Hold:
        """What it covered can be wiped, erased and redacted again from now on; what was asked for meanwhile is not made up
        for by itself."""
        require(actor.name, actor.roles, Action.HOLD)
        require_reason(reason)
        with self._database.write() as tx:
            found = holds.find(tx, ref)
            if found is None:
                raise NotFound(f'There is no hold "{ref}". Nothing was changed.')
            if found.lifted_at or not holds.lift(tx, found.id, reason=reason.strip(), by=actor.id):
                raise Stale(f"{found.ref} is lifted already. Nothing was changed.")
            payload: dict[str, Json] = {"hold": found.ref, "kind": found.kind, "reason": reason.strip()}
            audit_log.append(tx, actor=actor.name, act="hold_lifted", subject=found.about, payload=payload)
            lifted = holds.find(tx, ref)
        assert lifted
        return lifted


def _covered(tx: Tx, kind: HoldKind, about: str) -> tuple[int, str]:
    """Id and name of what is to be held."""
    if kind is HoldKind.MESSAGE:
        found = messages.find(tx, about)
        return found.id, found.ref
    if kind is HoldKind.INCIDENT:
        incident_id = messages.incident_by_ref(tx, about)
        if incident_id is None:
            raise NotFound(f'There is no incident "{about}". Nothing was changed.')
        return incident_id, about.upper()
    rows = holds.audience_ids(tx)
    if about not in rows:
        raise NotFound(f'There is no audience "{about}".{did_you_mean(about, rows)} Nothing was changed.')
    return rows[about], about
