"""Stopping a broadcast: nothing new is sent; what was sent stays what it is."""

from dataclasses import dataclass

from broadcaster.db import audit_log, broadcasts, messages
from broadcaster.db.engine import Database
from broadcaster.db.people import Person
from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.errors import Stale
from broadcaster.domain.policy import Action, require, require_reason
from broadcaster.service.ending import close_ready
from broadcaster.tracing import traced


@dataclass(frozen=True, kw_only=True)
class Stopped:
    ref: str
    broadcast: str


class Recall:
    def __init__(self, database: Database) -> None:
        self._database = database

    @traced("stop")
    def stop(self, actor: Person, ref: str, reason: str) -> Stopped:
        """End a broadcast now. A group that is on its way ends as what it is, within seconds; no other is begun."""
        require(actor.name, actor.roles, Action.STOP)
        require_reason(reason)
        with self._database.write() as tx:
            message = messages.find(tx, ref, lock=True)
            row = broadcasts.by_message(tx, message.id)
            if row is None:
                raise Stale(
                    f"{message.ref} is {message.state}: nothing of it was sent, so there is nothing to stop."
                )
            if not broadcasts.end(tx, row, BroadcastState.STOPPED, reason=reason):
                raise Stale(f"{message.ref} is {row.state} already. Nothing was changed.")
            audit_log.append(
                tx,
                actor=actor.name,
                act="broadcast_stopped",
                subject=message.ref,
                payload={"broadcast": row.uid, "reason": reason},
            )
            stopped = broadcasts.by_id(tx, row.id)
        # nothing of it can be claimed any more; the sweeper does what is left
        close_ready(self._database, stopped)
        return Stopped(ref=message.ref, broadcast=row.uid)
