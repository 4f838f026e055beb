"""The accounts of this installation: which there are, which are paused and why, and resuming them."""

from dataclasses import dataclass
from datetime import datetime

from broadcaster.db import accounts, audit_log
from broadcaster.db.engine import Database
from broadcaster.db.people import Person
from broadcaster.domain.errors import NotFound, Stale
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.policy import Action, require
from channels.base import ChannelsOfMode


@dataclass(frozen=True, kw_only=True)
class AccountStatus:
    mode: str
    name: str
    channel: str
    speaks_as: str
    paused_at: datetime | None
    pause_reason: str


class Accounts:
    def __init__(self, database: Database, channels: ChannelsOfMode) -> None:
        self._database = database
        self._channels = channels

    def every(self) -> list[AccountStatus]:
        """Each configured account, by mode and name."""
        with self._database.read() as tx:
            rows = {(a.mode, a.name): a for mode in self._channels for a in accounts.every(tx, mode=mode)}
        return [
            AccountStatus(
                mode=mode,
                name=name,
                channel=channel.name,
                speaks_as=channel.target,
                paused_at=row.paused_at if (row := rows.get((mode, name))) else None,
                pause_reason=row.pause_reason if row else "",
            )
            for mode, configured in self._channels.items()
            for name, channel in sorted(configured.items())
        ]

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
