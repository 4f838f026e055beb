"""The database goes away between a platform's answer and our commit: nothing that was answered becomes unknown."""

from contextlib import contextmanager

import pytest

from broadcaster.bootstrap import build
from broadcaster.db.engine import Database
from broadcaster.db.tables import attempt, intent_group
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.errors import NotConfigured, OutcomeUnknown, Unavailable
from tests.builders import number


class FlakyDatabase(Database):
    """Can be switched off for writing, as when its disk is full or its server restarts."""

    away = False

    @contextmanager
    def write(self):
        if self.away:
            raise Unavailable("The database does not answer.")
        with super().write() as tx:
            yield tx


@pytest.fixture
def flaky(world, database_url):
    """The database of the sending process; the world's own stays up, so that a test can look."""
    database = FlakyDatabase(database_url, clock=world.clock)
    yield database
    database.close()


@pytest.fixture
def sender(world, flaky):
    return build(world.parts.settings, database=flaky, bells=world.bells, channels=world.channels)


def goes_away_while_sending(platform, flaky):
    def away(_keys):
        flaky.away = True

    platform.on_call = away


def work(sender, lane):
    return sender.deliver.work("live", lane, for_s=5)


def test_an_accepted_post_is_accepted_when_the_database_is_back(world, flaky, sender):
    released = world.release()
    goes_away_while_sending(world.site, flaky)
    with pytest.raises(Unavailable):
        work(sender, Lane.PUBLIC)
    assert len(world.site.ledger) == 1
    assert world.size(attempt) == 0
    with pytest.raises(Unavailable):  # nothing is claimed, and nothing sent, while it is away
        work(sender, Lane.PUBLIC)
    assert len(world.page.calls) == 0

    flaky.away = False
    world.site.on_call = lambda _keys: None
    work(sender, Lane.PUBLIC)
    assert world.state_of(released, "website") == DeliveryState.ACCEPTED
    assert len(world.site.ledger) == 1
    assert world.rows(intent_group, closed_at=None) == []


def test_every_kind_of_answer_of_a_group_survives(world, flaky, sender):
    world.gateway.by_address[number(2)] = OutcomeUnknown("read_timeout")
    world.gateway.by_address[number(3)] = NotConfigured(
        "credentials_refused", "Kannel does not accept this account."
    )
    released = world.release_texts(3)
    goes_away_while_sending(world.gateway, flaky)
    with pytest.raises(Unavailable):
        work(sender, Lane.BULK)
    flaky.away = False
    assert sender.recording.replay() == 1
    assert world.totals(released.ref) == {"accepted": 1, "unknown": 1, "pending": 1}
    assert [a.paused_at is not None for a in sender.checks.accounts_now() if a.name == "gateway"] == [True]
    assert sender.recording.replay() == 0


def test_the_sweeper_brings_in_what_a_dead_worker_spilled_before_it_calls_anything_unknown(
    world, flaky, sender
):
    released = world.release_texts(3)
    goes_away_while_sending(world.gateway, flaky)
    with pytest.raises(Unavailable):
        work(sender, Lane.BULK)
    world.clock.advance(3600)  # its lease is long over
    world.parts.sweep.sweep()
    assert world.totals(released.ref) == {"accepted": 3}
    world.clock.advance(3600)  # what the dead worker held is free, and nothing is left to send
    world.parts.sweep.sweep()
    assert world.totals(released.ref) == {"accepted": 3}


def test_an_outcome_that_comes_after_the_take_over_still_counts(world, flaky, sender):
    released = world.release_texts(3)
    goes_away_while_sending(world.gateway, flaky)
    with pytest.raises(Unavailable):
        work(sender, Lane.BULK)
    world.clock.advance(60)
    world.parts.reconcile.take_over()
    assert world.totals(released.ref) == {"unknown": 3}
    flaky.away = False
    sender.recording.replay()
    assert world.totals(released.ref) == {"accepted": 3}


def test_a_line_that_was_brought_in_before_a_crash_is_not_counted_twice(world, flaky, sender, tmp_path):
    released = world.release_texts(2)
    goes_away_while_sending(world.gateway, flaky)
    with pytest.raises(Unavailable):
        work(sender, Lane.BULK)
    (file,) = tmp_path.rglob("outcomes.jsonl")
    line = file.read_bytes()
    flaky.away = False
    sender.recording.replay()
    file.write_bytes(line)  # as if the process had died before it could forget the line
    sender.recording.replay()
    assert world.size(attempt) == 2
    assert world.totals(released.ref) == {"accepted": 2}
    assert b"+44" not in line
