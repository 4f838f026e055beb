"""The accounts that a post may go through: the one it is written for, and those that its file names beside it."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from broadcaster.db import accounts
from broadcaster.db.engine import Tx
from broadcaster.domain.errors import Invalid
from broadcaster.domain.message import Mode
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.ways import ApprovedWay, Way
from channels import CHANNELS
from channels.base import Channel, ChannelsOfMode, HasPages, HasSpares


def ways_of(name: str, channel: Channel) -> tuple[Way, ...]:
    """The account itself first."""
    return channel.ways if isinstance(channel, HasSpares) else (Way(account=name),)


def spares_of(name: str, channel: Channel) -> tuple[str, ...]:
    return tuple(way.account for way in ways_of(name, channel)[1:])


def all_spares(configured: Mapping[str, Channel]) -> frozenset[str]:
    """Accounts that send in the place of others: nothing is written for them."""
    return frozenset(chain.from_iterable(spares_of(name, channel) for name, channel in configured.items()))


def accounts_for(channels: ChannelsOfMode, mode: Mode, wanted: Sequence[str]) -> list[str]:
    """Account names for the wanted channels, the website first, without those that send in the place of others.
    Invalid where a channel has no account."""
    unknown = [f'There is no channel "{c}".{did_you_mean(c, CHANNELS)}' for c in wanted if c not in CHANNELS]
    if unknown:
        raise Invalid("The channels cannot be used. Nothing was changed.", details=tuple(unknown))
    everything = channels.get(mode, {})
    spares = all_spares(everything)
    configured = {name: channel for name, channel in everything.items() if name not in spares}
    missing = [
        f"No {mode} account is set up for {c}. See docs/settings.md, or leave this channel out."
        for c in wanted
        if not any(channel.name == c for channel in configured.values())
    ]
    if missing:
        raise Invalid("Some channels are not set up. Nothing was changed.", details=tuple(missing))
    chosen = [name for name, channel in configured.items() if channel.name in wanted]
    return sorted(chosen, key=lambda name: (not isinstance(configured[name], HasPages), name))


def to_approve(name: str, configured: Mapping[str, Channel]) -> tuple[ApprovedWay, ...]:
    """For the manifest; nothing where there is no choice."""
    ways = ways_of(name, configured[name])
    if len(ways) == 1:
        return ()
    return tuple(ApprovedWay(way=way, speaks_as=configured[way.account].target) for way in ways)


def with_ids(tx: Tx, mode: str, channel: str, ways: Iterable[Way]) -> list[tuple[int, Way]]:
    """Each with its account's row, made where it is missing."""
    return [(accounts.ensure(tx, mode=mode, channel=channel, name=way.account).id, way) for way in ways]
