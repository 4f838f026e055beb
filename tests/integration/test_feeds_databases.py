"""Watching feeds, where databases differ: who claims what, what is there once, and what is forgotten."""

import pytest

from broadcaster.db import feed_warnings, feeds
from broadcaster.db.tables import feed_warning
from tests.integration.test_feeds import states, waiting
from tests.integration.weather import FEED, WIND, Fetching, look, watch, watching


@pytest.fixture
def source():
    return Fetching()


def test_it_is_heard_once_whatever_happens(world, source):
    uid = watch(world, source)
    source.issue()
    look(world, uid)
    asked = len(source.asked)
    assert look(world, uid).changed is False
    assert source.asked[asked:] == [FEED]  # 304, and nothing else
    other = watch(world, source, name="The same by another way", url=f"{FEED}?again")
    assert look(world, other).warnings == 0
    world.parts.feeds.change(world.administrator, uid, url=FEED, every_s=60, rules=(WIND,))
    assert look(world, uid).warnings == 0
    assert len(waiting(world)) == 1


def test_what_the_source_says_later_takes_the_place_of_what_nobody_has_decided_about(world, source):
    uid = watch(world, source)
    first = source.issue()
    look(world, uid)
    update = source.issue(
        kind="Update", refers_to=first["identifier"], headline="Red warning of wind", severity="Extreme"
    )
    look(world, uid)
    (mine,) = waiting(world)
    shown = world.parts.feed_warnings.one(world.officer, mine.uid)
    assert (mine.said, shown.filled.values["colour"]) == ("Red warning of wind", "Red")
    assert [each.alert.identifier for each in shown.others] == [first["identifier"]]
    source.issue(kind="Cancel", refers_to=update["identifier"])
    look(world, uid)
    assert waiting(world) == []
    assert states(world) == [("Alert", "replaced"), ("Update", "replaced"), ("Cancel", "noted")]


def test_each_feed_is_looked_at_when_it_is_due_and_by_one_alone(world, source):
    watch(world, source)
    other = watching(type("Beside", (), {"database": world.database, "parts": world.beside()})(), source)
    assert (world.parts.feeds.look() + other.look(), source.asked) == (1, [FEED])
    world.clock.advance(61)
    with world.database.write() as tx:
        assert feeds.claim(tx, for_s=60)
    assert world.parts.feeds.look() == 0


def test_what_concerned_nobody_is_forgotten_after_a_while(world, source):
    uid = watch(world, source)
    first = source.issue(event="snow", headline="Yellow warning of snow")
    source.issue(kind="Update", refers_to=first["identifier"], event="snow", headline="Snow")
    source.issue(event="fog", headline="Fog")
    look(world, uid)
    world.clock.advance(91 * 86_400)
    assert world.parts.feeds.wipe_old() is True
    with world.database.read() as tx:
        left = [feed_warnings.by_uid(tx, row.uid).said for row in world.rows(feed_warning)]
    assert sorted(left) == ["Snow", "Yellow warning of snow"]  # what refers, and what is referred to
