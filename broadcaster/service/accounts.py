"""Resuming a paused account. Which accounts there are, and how they stand, is for service/readiness.py."""

from broadcaster.db import accounts, audit_log
from broadcaster.db.engine import Database
from broadcaster.db.people import Person
from broadcaster.domain.errors import NotFound, Stale
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.policy import Action, require


class Accounts:
    def __init__(self, database: Database) -> None:
        self._database = database

    def resume(self, actor: Person, name: str, mode: str) -> None:
        """Let a paused account send again, once its cause is mended."""
        require(actor.name, actor.roles, Action.MANAGE)
        with self._database.write() as tx:
            row = accounts.by_name(tx, mode=mode, name=name)
            if row is None:
                known = [a.name for a in accounts.every(tx, mode=mode)]
                raise NotFound(f'There is no {mode} account "{name}".{did_you_mean(name, known)}')
            if not accounts.resume(tx, row.id):
                raise Stale(f"The account {name} is not paused. Nothing was changed.")
            audit_log.append(
                tx, actor=actor.name, act="account_resumed", subject=name, payload={"mode": mode}
            )
