"""An audience that is missing or empty means nobody, however many others there are (Los Angeles, January 2025)."""

import pytest
from sqlalchemy import delete

from broadcaster.db.tables import message_version, recipient
from broadcaster.domain.errors import Invalid, Stale

EVERYBODY = 9


@pytest.fixture(autouse=True)
def others(world):
    world.add_audience("everybody", EVERYBODY)


def empty(world, version_id):
    with world.database.write() as tx:
        tx.execute(delete(recipient).where(recipient.c.audience_version_id == version_id))


@pytest.mark.parametrize("named", ["", "nobody"])
def test_texts_to_nobody_cannot_be_submitted_to_anybody(world, named):
    world.add_audience("nobody", 0)
    ref = world.draft(channels=("facebook", "sms"), audience=named)
    audience = world.parts.compose.preview(ref).audience
    assert (audience.name if audience else "") == named
    with pytest.raises(Invalid) as refused:
        world.parts.compose.submit(world.officer, ref)
    assert "audience" in refused.value.details[0]


@pytest.mark.parametrize("how", ["taken off", "emptied"])
def test_an_audience_that_was_lost_after_submission_is_no_other_one(world, how):
    version_id = world.add_audience("residents", 3)
    submitted = world.submit(channels=("sms",), audience="residents")
    assert world.approver  # made before we look: it is a row, too
    if how == "emptied":
        empty(world, version_id)
    else:
        world.change(message_version, {"audience_version_id": None})
    with world.refused(Stale, "missing or empty"):
        world.approve(submitted)


def test_an_audience_that_was_lost_after_the_approval_is_no_other_one(world):
    version_id = world.add_audience("residents", 3)
    released = world.release(channels=("sms",), audience="residents")
    empty(world, version_id)
    assert world.parts.plan.plan(world.broadcast_id(released.ref)) == 0
    world.work_bulk()
    assert world.gateway.ledger == []
