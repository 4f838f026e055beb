"""What tests of unknown outcomes begin with: texts that a gateway took in silence, and how they end."""

from broadcaster.db.tables import delivery
from broadcaster.domain.errors import OutcomeUnknown
from tests.builders import number
from tests.fakes import Took

WAIT_S = 120


SILENCE = Took(OutcomeUnknown("read_timeout"))


def texts_with_unknown(world, size, unknown, **values):
    """A broadcast of texts, the first `unknown` of which the gateway took without an answer."""
    for each in range(1, unknown + 1):
        world.gateway.by_address[number(each)] = SILENCE
    released = world.release_texts(size, **values)
    world.work_bulk()
    world.gateway.by_address.clear()
    return released


def look_into(world):
    return world.parts.reconcile.look_into()


def sent_again(world):
    return sum(d.resends for d in world.rows(delivery))


def end(world, released, how):
    if how == "stopped":
        world.stop(released.ref)
    else:
        world.clock.advance(13 * 3600)
