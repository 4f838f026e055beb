"""What people write to us and what comes over a line, from the first byte to whoever reads it."""

import asyncio

import pytest

from broadcaster.db.tables import audit_event, heard, suppression
from broadcaster.domain.errors import NotFound
from broadcaster.service.listening import Listening
from channels.incoming import Heard, ReceiptState
from tests.builders import number
from tests.integration.answers import answerable, hear, told, write
from tests.integration.test_web import ask, running


@pytest.fixture
def world(database_url, tmp_path):
    with answerable(database_url, tmp_path) as world:
        yield world


# --- what people write --------------------------------------------------------------------------------------


def test_the_duty_officer_reads_answers_and_one_number_at_a_time_and_that_is_recorded(world):
    write(world, 5, "we are on the roof")
    (shown,) = world.parts.hearing.newest(world.officer, everything=False, limit=9)
    assert (shown.number, shown.text) == ("...005", "we are on the roof")
    assert world.parts.hearing.one(world.officer, shown.id).number == number(5)
    with pytest.raises(NotFound):
        world.parts.hearing.one(world.officer, 99)
    assert world.events("answers_read") == [{"count": 1}]
    assert world.events("answer_number_read") == [{"heard": shown.id}]
    assert number(5)[-6:] not in str(world.rows(audit_event))
    assert [(c.account, c.meaning, c.count) for c in world.parts.hearing.counts()] == [
        ("gateway", "other", 1)
    ]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_somebody_writes_is_acknowledged_when_it_is_stored(world, method):
    async def once():
        async with running(world.parts) as app:
            given = {"from": number(1), "text": "STOP", "id": "1"}
            good = await ask(app, "/hooks/live/gateway/heard", method=method, **given)
            none = await ask(app, "/hooks/live/page/heard", method=method, **given)
            return good, none

    good, none = asyncio.run(once())
    assert (good.status, good.body, none.status) == (200 if method == "GET" else 204, b"", 404)
    assert (world.size(heard), world.size(suppression)) == (1, 1)


def test_a_text_of_any_length_and_content_is_stored(world):
    hear(world, number(1), "x\0" * 5_000 + "\ud800")
    (shown,) = world.parts.hearing.newest(world.officer, everything=True, limit=1)
    assert set(shown.text) == {"x"}


# --- lines --------------------------------------------------------------------------------------------------


class Line:
    """A channel that is told over a line of its own."""

    name, confirms_stop = "sms", True

    def __init__(self, *groups):
        self.groups = list(groups)

    def listen(self, told, running):
        while self.groups and running():
            told(self.groups[0])
            self.groups.pop(0)


def test_what_comes_over_a_line_is_stored_before_it_is_acknowledged(world):
    released = world.release_texts(2)
    world.work_bulk()
    message = Heard(address=number(2), text="stop", platform_id="7")
    line = Line([told("sms-1"), told("é"), message], [told("sms-2", ReceiptState.UNDELIVERED)])
    parts = world.parts
    channels = {"live": {"gateway": line}}
    parts.listening._brought._channels = channels
    listening = Listening(channels, parts.listening._brought, parts.receipts, parts.hearing)
    assert listening.lines("live") == ["gateway"]
    listening.hold("live", "gateway", lambda: True)
    parts.receipts.apply_all()
    assert world.totals(released.ref) == {"delivered": 1, "undelivered": 1}
    assert (world.row(suppression).reason, world.row(heard).reply) == ("stop", "due")


def test_where_it_cannot_be_stored_the_line_is_told_so(world):
    class Broken:
        def store(self, brought):
            raise OSError("the disk is full")

    parts = world.parts
    channels = {"live": {"gateway": Line([told("sms-1")])}}
    parts.listening._brought._channels = channels
    listening = Listening(channels, parts.listening._brought, Broken(), parts.hearing)
    with pytest.raises(OSError, match="full"):
        listening.hold("live", "gateway", lambda: True)
    assert channels["live"]["gateway"].groups
