"""What tests of approving begin with: a message for every channel that waits, and an approval that is refused."""

from broadcaster.domain.errors import Stale

ALL = ("website", "facebook", "x", "sms")


def submit_to_all(world, **values):
    world.add_audience("residents", 4)
    return world.submit(channels=ALL, audience="residents", **values)


def refuses(world, submitted, match, error=Stale):
    with world.refused(error, match):
        world.approve(submitted)
