"""Whatever happens, in whatever order: nothing is lost, nothing is sent twice unawares, and everything adds up.

Hypothesis plays releases, workers, deaths, answers, receipts, people and time against the real services on a real
database. The platforms' own ledgers are what our records are held against. STATE_MACHINE_EXAMPLES plays more.
"""

import os
import shutil
import time
from contextlib import contextmanager
from itertools import count
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from broadcaster.db.tables import post
from broadcaster.domain.errors import OutcomeUnknown
from broadcaster.service import deliver
from tests import fakes
from tests.builders import LIFE_SAFETY, a_world
from tests.conftest import postgres_database
from tests.fakes import FakeThreading, Took
from tests.integration.broadcasting import LEASE_S, Broadcasting

EXAMPLES, STEPS = int(os.environ.get("STATE_MACHINE_EXAMPLES", "7")), 30


@pytest.fixture
def time_stands_still(monkeypatch):
    """Time passes where a rule says so, and where a worker waits; so that an example is the same each time."""
    monkeypatch.setattr(fakes, "time", SimpleNamespace(monotonic=lambda: 0.0))
    return lambda world: monkeypatch.setattr(
        deliver, "time", SimpleNamespace(monotonic=time.monotonic, sleep=world.clock.advance)
    )


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
@pytest.mark.timeout(600)  # it does a great deal: twenty seconds on a machine of its own
def test_whatever_happens_nothing_is_lost_and_nothing_is_sent_twice_unawares(
    kind, request, tmp_path, time_stands_still
):
    if kind == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        new_url = contextmanager(lambda folder: iter([f"sqlite:///{shutil.copy(template, folder)}"]))
    else:
        server = request.getfixturevalue("postgres_server")
        new_url = contextmanager(lambda _folder: postgres_database(server, "template"))
    numbers = count(1)

    @contextmanager
    def new_world():
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        feed = FakeThreading("x", "feed")
        with (
            new_url(folder) as url,
            a_world(url, folder, feed=feed, max_in_flight=6, lease_s=LEASE_S) as world,
        ):
            time_stands_still(world)
            yield world
        shutil.rmtree(folder)

    run_state_machine_as_test(
        lambda: Broadcasting(new_world),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
        ),
    )


# --- what only a longer run comes upon ----------------------------------------------------------------------


def opts_out(world):
    world.opt_out(1)


def is_altered(world):
    row = world.row(post, channel="sms")
    world.change(post, {"content": row.content.replace(b"seafront", b"seafrond")}, id=row.id)


@pytest.mark.parametrize("what", [opts_out, is_altered])
def test_what_may_have_been_sent_and_must_not_be_sent_again_stays_unknown(database_url, tmp_path, what):
    with a_world(database_url, tmp_path) as world:
        world.gateway.answers.append(Took(OutcomeUnknown("read_timeout")))
        released = world.release_texts(1, **LIFE_SAFETY)
        world.work_bulk()
        world.clock.advance(121)
        assert world.parts.reconcile.look_into() == 1  # it is to be sent once more
        what(world)
        world.work_bulk()
        assert len(world.gateway.calls) == 1
        assert world.totals(released.ref) == {"unknown": 1}
        world.clock.advance(121)
        world.parts.sweep.sweep()
        assert world.totals(released.ref) == {"unknown_final": 1}
