"""Puts the parts together: for the web, the command line, the workers and the tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from broadcaster.db.engine import Database
from broadcaster.db.key_files import load_or_create_key
from broadcaster.domain.message import Mode
from broadcaster.parts.clock import ClockParts
from broadcaster.parts.feeds import FeedParts
from broadcaster.parts.sending import SendingParts
from broadcaster.parts.shared import cap_key, data_key
from broadcaster.settings import Settings
from channels.accounts import load_accounts, open_channels
from channels.base import Account, Channel, ChannelsOfMode, Holds

if TYPE_CHECKING:  # the sealer has no broker, and nothing but signing in hashes passwords
    from broadcaster.queue import Bells
    from broadcaster.service.hashing import Hashing


class Parts(ClockParts, SendingParts, FeedParts):
    """Everything that an entry point may call."""


def build(
    settings: Settings,
    *,
    mode: Mode | None = None,
    holds: Holds = Holds.NOTHING,
    database: Database | None = None,
    bells: Bells | None = None,
    channels: ChannelsOfMode | None = None,
    hashing: Hashing | None = None,
) -> Parts:
    """The parts for these settings. A process of one `mode` knows that mode's accounts alone, with their credentials, and is
    refused those of the other. Any other process knows the accounts of both by their descriptions, which can render,
    check and plan, and send nothing; the web process `holds` what verifies callbacks besides. Tests pass in what they want
    to be different.

    What a person must mend, such as an account that cannot be read, is told here and not at the first use.
    """
    _make_own_credentials_folder(settings)
    load_or_create_key(data_key(settings))
    return Parts(
        settings,
        database or Database(settings.database, lock_wait_s=settings.lock_wait_s),
        channels if channels is not None else _channels(settings, mode, holds),
        bells,
        hashing,
    )


def _make_own_credentials_folder(settings: Settings) -> None:
    if settings.credentials_dir is None:  # one that was named must be there
        settings.credentials.mkdir(mode=0o700, parents=True, exist_ok=True)


def with_own_keys(accounts: Mapping[str, Account], settings: Settings, mode: Mode) -> dict[str, Account]:
    """The websites sign with this installation's own key, where their accounts name none; exercises with another than live."""
    key = str(cap_key(settings, mode))
    return {
        name: replace(each, options={"cap_key": key, **each.options}) if each.channel == "website" else each
        for name, each in accounts.items()
    }


def _channels(settings: Settings, mode: Mode | None, holds: Holds) -> ChannelsOfMode:
    if mode:
        return {mode: _opened(settings, mode, Holds.ALL)}
    return {each: _opened(settings, each, holds) for each in Mode}


def _opened(settings: Settings, mode: Mode, holds: Holds) -> dict[str, Channel]:
    accounts = load_accounts(settings.credentials, mode, settings.hosts, holds=holds)
    return open_channels(with_own_keys(accounts, settings, mode))
