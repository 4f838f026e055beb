"""What every callback has in common: which account brought it, and keeping it sealed, as it came, for some days."""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from broadcaster.db import accounts, audit_log, callbacks
from broadcaster.db.callbacks import Kept
from broadcaster.db.engine import Database, Tx
from broadcaster.db.vault import Vault
from broadcaster.domain.errors import NotFound
from broadcaster.service.record import SYSTEM
from channels.base import Channel, ChannelsOfMode
from channels.incoming import Hears, Listens, ReadsReceipts

log = structlog.get_logger()

KEPT_HEADER = "content-type"  # beside those with a signature: none that holds a token is kept
NOT_KEPT = frozenset({"token"})  # of an address


@dataclass(frozen=True, kw_only=True)
class Unread:
    """A genuine callback that nobody here understands."""

    account_id: int
    raw: str = field(repr=False)  # may hold a number


class Callbacks:
    """`kept_days` is how long a callback is kept as it came; 0 keeps only what could not be read, for a day."""

    def __init__(self, database: Database, channels: ChannelsOfMode, vault: Vault, *, kept_days: int) -> None:
        self._database = database
        self._channels = channels
        self._vault = vault
        self._kept_days = kept_days
        self._account_ids: dict[tuple[str, str], int] = {}

    def prepare(self) -> None:
        """Learn the ids of the accounts that bring something, so that reading it needs no database."""
        with self._database.write() as tx:
            for mode, configured in self._channels.items():
                for name, channel in configured.items():
                    if isinstance(channel, ReadsReceipts | Hears | Listens):
                        row = accounts.ensure(tx, mode=mode, channel=channel.name, name=name)
                        self._account_ids[mode, name] = row.id

    def account(self, mode: str, name: str) -> tuple[Channel, int]:
        """After `prepare`. NotFound where no such account brings anything."""
        channel = self._channels.get(mode, {}).get(name)
        if channel is None or (mode, name) not in self._account_ids:
            raise NotFound("No account here takes callbacks at this address.")
        return channel, self._account_ids[mode, name]

    def keep(self, tx: Tx, kind: str, brought: Iterable[tuple[int, str]]) -> None:
        """Account and raw text of each; what was brought before leaves no second row."""
        if not self._kept_days and kind != callbacks.UNREADABLE:
            return
        callbacks.store(tx, [self._sealed(account_id, kind, raw) for account_id, raw in brought if raw])

    def keep_unread(self, tx: Tx, unread: Iterable[Unread]) -> None:
        found = [(each.account_id, each.raw) for each in unread]
        if found:
            log.warning(
                "callback_unreadable", accounts=sorted({account for account, _ in found}), count=len(found)
            )
            self.keep(tx, callbacks.UNREADABLE, found)

    def _sealed(self, account_id: int, kind: str, raw: str) -> Kept:
        mark = self._vault.index(f"{kind}\n{raw}")
        return Kept(account_id=account_id, kind=kind, mark=mark, sealed=self._vault.seal(raw, mark))

    def wipe_old(self) -> bool:
        """Some of those that were kept long enough. Whether there were any."""
        with self._database.write() as tx:
            count = callbacks.wipe(tx, tx.now() - timedelta(days=self._kept_days or 1))
            if count:
                payload = {"count": count, "kept_days": self._kept_days}
                audit_log.append(tx, actor=SYSTEM, act="callbacks_wiped", payload=payload)
        return bool(count)


def raw_of(query: Mapping[str, str], body: bytes, headers: Mapping[str, str]) -> str:
    """All that a callback says, and what proves that it is genuine, in one text. The body in base64 where it is no text."""
    said: dict[str, object] = {"query": {k: v for k, v in query.items() if k not in NOT_KEPT}}
    said["headers"] = {
        k.lower(): v for k, v in headers.items() if "signature" in k.lower() or k.lower() == KEPT_HEADER
    }
    try:
        said["body"] = body.decode()
    except UnicodeDecodeError:
        said["base64"] = base64.b64encode(body).decode()
    return json.dumps(said, sort_keys=True)
