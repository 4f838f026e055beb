"""What tests of alarms begin with: something that is wrong, and what is open and told of it."""

from broadcaster.db import accounts
from broadcaster.db.tables import account
from broadcaster.domain.errors import OutcomeUnknown
from tests.builders import NO_HURRY
from tests.fakes import Took

TWO_MINUTES, HALF_A_MINUTE = 121, 31


def looked(world):
    """What is open after two looks: (code, subject) of each."""
    world.parts.seal.seal()  # as the sealer does all the time
    world.parts.alarms.look()
    world.parts.alarms.look()
    return sorted((a.code, a.subject) for a in world.parts.alarms.watch().alarms)


def told(world, code):
    (found,) = [a.text for a in world.parts.alarms.watch().alarms if a.code == code]
    return found


def alarm_events(world, act):
    """Code and subject of what the audit log says of alarms."""
    return [(said["code"], said["subject"]) for said in world.events(act)]


def a_silent_page(world, **values):
    world.page.answers.append(OutcomeUnknown("t"))
    released = world.release(channels=("facebook",), **values)
    world.work_public()
    return released


def undecided_texts(world, size=3):
    """Texts that no receipt came for, of a message that is not sent again by itself."""
    world.gateway.answers.extend(Took(OutcomeUnknown("t")) for _ in range(size))
    released = world.release_texts(size, **NO_HURRY)
    world.work_bulk()
    world.clock.advance(TWO_MINUTES)
    world.parts.reconcile.look_into()
    assert world.totals(released.ref) == {"unknown_final": size}
    return released


def pause(world, name="page"):
    with world.database.write() as tx:
        accounts.ensure(tx, mode="live", channel="facebook", name=name)
    world.change(account, {"paused_at": world.now(), "pause_reason": "The token has expired."}, name=name)
