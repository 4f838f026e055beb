"""A gateway and its spare: what the tests of choosing between accounts start from."""

from broadcaster.db.tables import account
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import NotSent, OutcomeUnknown
from broadcaster.domain.ways import Way
from tests.builders import a_world
from tests.fakes import FakeGateway, Took

DEAD = NotSent("connection_refused")
SILENCE = Took(OutcomeUnknown("read_timeout"))
WAIT_S = 120


def two_gateways(database_url, tmp_path, first=None, second=None, *, ways=None, **settings):
    """An installation with two gateways, of which the second is the spare of the first."""
    first, second = first or FakeGateway("gateway"), second or FakeGateway("spare")
    first.ways = ways or (Way(account="gateway"), Way(account="spare", rank=1))
    settings = {"max_in_flight": 50, "receipt_wait_s": WAIT_S, **settings}
    return a_world(database_url, tmp_path, gateway=first, spares=[second], **settings)


def spare(world):
    return world.channels["live"]["spare"]


def at_once(world):
    """What is due now, without waiting for what is due in a moment."""
    return world.parts.deliver.work("live", Lane.BULK, for_s=30, waited_s=0.000_001)


def goes_on(world, rounds=2, *, seconds=2.0):
    """A worker at work and the sweeper behind it, so many seconds apart."""
    for _ in range(rounds):
        at_once(world)
        world.clock.advance(seconds)
        world.parts.sweep.sweep()


def row_of(world, name):
    return world.row(account, name=name)


def kinds(world, act):
    return [(e["name"], e.get("failures")) for e in world.events(act)]
