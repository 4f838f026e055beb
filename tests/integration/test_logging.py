"""What delivering writes into its log: whose broadcast it was, and never a number, a word of the message or a token."""

import json

import pytest
import structlog

from broadcaster.db.tables import broadcast
from broadcaster.logs import configure
from tests.builders import a_world, number

DATABASES = ("sqlite",)


@pytest.fixture
def world(database_url, tmp_path):
    with a_world(database_url, tmp_path, max_in_flight=8) as world:
        yield world


def fail(words):
    def raise_(*_):
        raise RuntimeError(words)

    return raise_


def test_a_channel_that_breaks_is_logged_with_its_broadcast_and_without_its_words(world, capsys):
    configure("live-bulk", mode="live", form="json")
    world.add_audience("residents", 3)
    released = world.release(channels=("facebook", "sms"), audience="residents")
    broadcast_id = world.broadcast_id(released.ref)
    (row,) = world.rows(broadcast, id=broadcast_id)
    secret = f"to={number(1)} text=Keep off the promenade token=canary-token"
    world.page.on_call = fail(secret)
    world.gateway.on_call = fail(secret)
    world.parts.plan.plan(broadcast_id)
    world.work_public()
    world.work_bulk()
    structlog.get_logger().warning("after")
    *told, after = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    broken = {line["channel"]: line for line in told if line["event"] == "channel_failed"}
    assert set(broken) == {"facebook", "sms"}
    assert {line["broadcast"] for line in broken.values()} == {row.uid}
    assert all(line["batch"] and line["group"] and line["account"] for line in broken.values())
    assert (broken["facebook"]["attempt"], len(broken["facebook"]["delivery"])) == (1, 36)
    assert [line["count"] for line in told if line["event"] == "planned"] == [3]
    assert {line["process"] for line in told} == {"live-bulk"}
    assert not {"broadcast", "batch", "channel", "group"} & set(after)
    for canary in (number(1), number(1).lstrip("+"), "promenade", "canary"):
        assert canary not in json.dumps(told)
