"""What a part is, and those that the others share.

Each is built when it is first asked for, and what it needs is imported with it: the sealer never loads a channel, and
`broadcaster status` no picture library. A process of ours that died is back in half the time.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast
from urllib.parse import urlsplit

from broadcaster.db.engine import Database
from broadcaster.settings import Settings
from channels.base import ChannelsOfMode

if TYPE_CHECKING:  # what the parts are; each is imported where it is built
    from broadcaster.audit.anchors import AnchorFolder
    from broadcaster.db.vault import Vault
    from broadcaster.queue import Bells
    from broadcaster.service.callbacks import Callbacks
    from broadcaster.service.hashing import Hashing
    from broadcaster.service.uploads import Uploads

P = TypeVar("P")


class part(Generic[P]):  # noqa: N801 - read as what it marks, like `property`
    """One of the parts: built at the first use, once. Under a lock: two threads that asked at the same moment would
    each count their own deliveries in flight, and Python 3.12's `cached_property` has none any more."""

    def __init__(self, build: Callable[[Any], P]) -> None:
        self._build = build

    def __get__(self, parts: SharedParts, _: object) -> P:
        name = self._build.__name__
        with parts.building:
            if name not in parts.__dict__:  # once it is there, Python finds it without asking here
                parts.__dict__[name] = self._build(parts)
            return cast("P", parts.__dict__[name])


class SharedParts:
    """`database` is for an entry point's own set-up and closing only."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        channels: ChannelsOfMode,
        bells: Bells | None,
        hashing: Hashing | None = None,
    ) -> None:
        self.settings = settings
        self.database = database
        self.channels = channels
        self.building = RLock()
        self._given_bells = bells
        self._given_hashing = hashing

    @part
    def _anchors(self) -> AnchorFolder:
        from broadcaster.audit.anchors import AnchorFolder

        return AnchorFolder(self.settings.anchors)

    @part
    def _bells(self) -> Bells:
        from broadcaster.queue import CeleryBells

        return self._given_bells or CeleryBells(self.settings.broker)

    @part
    def _callbacks(self) -> Callbacks:
        from broadcaster.service.callbacks import Callbacks

        return Callbacks(
            self.database, self.channels, self._vault, kept_days=self.settings.callbacks_kept_days
        )

    @part
    def _hashing(self) -> Hashing:
        from broadcaster.service.hashing import Hashing

        return self._given_hashing or Hashing()

    @part
    def uploads(self) -> Uploads:
        from broadcaster.service.uploads import Uploads

        return Uploads(self.settings.root)

    @part
    def _vault(self) -> Vault:
        from broadcaster.db.vault import Vault

        return Vault.at(data_key(self.settings))


def site_name(settings: Settings) -> str:
    """What an app shows above its codes, and a device beside its passkey."""
    return urlsplit(settings.public_url).hostname or settings.log_name or "Crisis broadcaster"


def data_key(settings: Settings) -> Path:
    return settings.root / "keys" / "data.key"


def cap_key(settings: Settings, mode: str) -> Path:
    """What signs the CAP alerts of a mode."""
    return settings.root / "keys" / f"cap-{mode}.pem"


def owner_name(pid: int) -> str:
    """How leases name a process of this machine: a supervisor that sees it die can free what it held."""
    return f"{socket.gethostname()[:40]}/{pid}"
