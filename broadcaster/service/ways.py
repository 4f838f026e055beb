"""The accounts that a post may go through: the one it is written for, and those that its file names beside it."""

from collections.abc import Iterable, Mapping
from itertools import chain

from broadcaster.db import accounts
from broadcaster.db.engine import Tx
from broadcaster.domain.ways import ApprovedWay, Way
from channels.base import Channel, HasSpares


def ways_of(name: str, channel: Channel) -> tuple[Way, ...]:
    """The account itself first."""
    return channel.ways if isinstance(channel, HasSpares) else (Way(account=name),)


def spares_of(name: str, channel: Channel) -> tuple[str, ...]:
    return tuple(way.account for way in ways_of(name, channel)[1:])


def all_spares(configured: Mapping[str, Channel]) -> frozenset[str]:
    """Accounts that send in the place of others: nothing is written for them."""
    return frozenset(chain.from_iterable(spares_of(name, channel) for name, channel in configured.items()))


def to_approve(name: str, configured: Mapping[str, Channel]) -> tuple[ApprovedWay, ...]:
    """For the manifest; nothing where there is no choice."""
    ways = ways_of(name, configured[name])
    if len(ways) == 1:
        return ()
    return tuple(ApprovedWay(way=way, speaks_as=configured[way.account].target) for way in ways)


def with_ids(tx: Tx, mode: str, channel: str, ways: Iterable[Way]) -> list[tuple[int, Way]]:
    """Each with its account's row, made where it is missing."""
    return [(accounts.ensure(tx, mode=mode, channel=channel, name=way.account).id, way) for way in ways]
