"""Posts with pictures: sent with the approved bytes, read once, on the first part of a thread only."""

from dataclasses import replace

import pytest
from sqlalchemy import event, select

from broadcaster.db import media
from broadcaster.db.tables import batch
from broadcaster.db.tables import media as pictures
from broadcaster.domain.media import Image
from tests.fakes import FakeThreading, Took
from tests.integration.threads import LEASE_S, SILENCE, THREAD, after, answers, codes

DATABASES = ("sqlite",)


@pytest.fixture
def world_settings():
    return {"feed": FakeThreading("x", "feed"), "lease_s": LEASE_S}


@pytest.fixture
def picture(world):
    with world.database.write() as tx:
        stored = media.ensure(tx, content=b"\x89PNG the map", media_type="image/png", width=640, height=480)
    names = ("sha256", "media_type", "width", "height", "size")
    return Image(**{name: getattr(stored, name) for name in names}, alt="A map of the flood")


def release_with(world, picture, *further, channel="x", **draft):
    submitted = world.submit_as(
        channel,
        lambda p: replace(p, images=(picture,), further=further),
        **{"channels": (channel,), **draft},
    )
    return world.approve(submitted)


def test_a_post_goes_out_with_the_bytes_of_its_pictures(world, picture):
    release_with(world, picture, channel="facebook")
    world.work_public()
    (taken,) = world.page.ledger
    assert [(i.content, i.alt) for i in taken.post.images] == [(b"\x89PNG the map", "A map of the flood")]


def test_the_first_part_of_a_thread_has_the_pictures_and_no_other(world, picture):
    release_with(world, picture, *THREAD)
    world.work_public()
    assert [len(t.post.images) for t in world.feed.ledger] == [1, 0, 0]
    assert world.feed.ledger[0].post.images[0].content == b"\x89PNG the map"


@pytest.mark.parametrize("what", ["altered", "missing"])
@pytest.mark.parametrize("further", [(), THREAD])
def test_a_picture_that_is_not_the_approved_one_is_not_sent_nor_its_text(world, picture, what, further):
    released = release_with(world, picture, *further)
    values = {"content": b"\x89PNG another"} if what == "altered" else {"sha256": "0" * 64}
    world.change(pictures, values, sha256=picture.sha256)
    world.work_public()
    assert not world.feed.calls
    assert set(codes(world)) == {"not_what_was_approved"}
    assert world.totals(released.ref) == {"quarantined": 1 + len(further)}
    assert "deliveries_quarantined" in world.acts()


@pytest.mark.parametrize("with_picture", [True, False])
def test_a_worker_that_uploads_pictures_is_not_taken_for_a_dead_one(world, picture, with_picture):
    left_s = []

    def look(_keys):
        with world.database.read() as tx:
            (until,) = tx.execute(select(batch.c.lease_until)).scalars()
            left_s.append((until - tx.now()).total_seconds())

    world.page.on_call = look
    release_with(world, picture, channel="facebook") if with_picture else world.release(
        channels=("facebook",)
    )
    world.work_public()
    assert len(left_s) == 1
    assert (left_s[0] > LEASE_S + 30) == with_picture


def test_reading_back_needs_no_bytes(world, picture):
    answers(world, Took(SILENCE))
    release_with(world, picture)
    world.work_public()
    world.change(pictures, {"content": b""}, sha256=picture.sha256)
    after(world, 2)
    assert world.states("x") == ["accepted"]


@pytest.fixture
def reads(world):
    """Statements that read the bytes of pictures, or the parts of a thread."""
    found = []

    def look(_connection, _cursor, statement, *_rest):
        words = " ".join(statement.split())
        if "FROM media" in words or "delivery.ordinal AS no" in words:
            found.append(words)

    event.listen(world.database.engine, "after_cursor_execute", look)
    return found


def test_texts_and_single_posts_pay_nothing_for_pictures_and_threads(world, reads):
    world.add_audience("residents", 30)
    released = world.release(channels=("x", "facebook", "sms"), audience="residents")
    world.parts.plan.plan(world.broadcast_id(released.ref))
    world.work_public()
    world.work_bulk()
    assert reads == []


def test_pictures_are_read_once_for_all_parts(world, picture, reads):
    release_with(world, picture, *THREAD)
    world.work_public()
    assert sum("FROM media" in each for each in reads) == 1
