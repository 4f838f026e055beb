"""What tests of sending alone begin with: wording that two people authorised, and a policy that is switched."""

from datetime import timedelta

from broadcaster.db import proposals
from broadcaster.domain.identity import Switch
from broadcaster.domain.pre_authorisation import BlankBound, Bounds
from broadcaster.render.notices import shipped_example, shipped_notice

REASON = "The river is over the wall and nobody answers."
EVENT = "Environment Agency flood warning"
NAME = "flood"


def switch(world, which, value):
    with world.database.write() as tx:
        proposals.set_switch(tx, Switch(which), value)


def bounds(**more):
    """What the shipped example of the template stays within."""
    notice, example = shipped_notice(NAME), shipped_example(NAME)
    blanks = {}
    for blank in notice.blanks:
        if blank.name in example and blank.type == "time":
            blanks[blank.name] = BlankBound(hours=72)
        elif blank.name in example and blank.type != "choice":
            blanks[blank.name] = BlankBound(choices=(example[blank.name],))
    given = {"events": (EVENT,), "channels": ("website", "sms"), "blanks": blanks}
    given |= {"audiences": ("residents",), "most_recipients": 5}
    return Bounds(**{**given, **more})


def authorise(world, *, by="anna", confirmed="cleo", days=30, **more):
    """In force."""
    one, other = world.person(by, "approver"), world.person(confirmed, "approver")
    ends = world.now() + timedelta(days=days)
    made = world.parts.pre_authorise.propose(one, NAME, bounds(**more), ends_at=ends, reason="winter plan")
    return world.parts.pre_authorise.confirm(other, made.ref, made.sha256)


def draft(world, *, by=None, channels=("website",), audience="", **values):
    return world.parts.compose.draft(
        by or world.officer,
        template=shipped_notice(NAME),
        values={**shipped_example(NAME), **values},
        channels=channels,
        audience=audience,
    ).ref
