"""Celery may run a task twice, or twice at once: lost acknowledgements come back. Each task has the effect of one run."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from broadcaster.domain.broadcast import Lane
from broadcaster.domain.message import Mode
from broadcaster.settings import Settings
from tests.builders import LIFE_SAFETY, a_world
from worker import tasks
from worker.app import make_app

SIZE = 12


@pytest.fixture
def world(database_url, tmp_path):
    with a_world(database_url, tmp_path, max_in_flight=5) as world, tasks.using({Mode.LIVE: world.parts}):
        yield world


def released(world):
    world.add_audience("residents", SIZE)
    return world.release(channels=("website", "facebook", "sms"), audience="residents", **LIFE_SAFETY)


def to_plan(world):
    return world.broadcast_id(released(world).ref), Mode.LIVE


def public_posts(world):
    released(world)
    return Mode.LIVE, Lane.PUBLIC


def texts(world):
    world.parts.plan.plan(world.broadcast_id(released(world).ref))
    return Mode.LIVE, Lane.BULK


#: By task: what makes work for it and gives its arguments, and what one run does, as (planned, sent).
CASES = {
    "plan": [(to_plan, (SIZE + 2, 0))],
    "deliver": [(public_posts, (2, 2)), (texts, (SIZE + 2, SIZE))],
}
EACH = pytest.mark.parametrize(
    ("name", "prepare", "effect"), [(name, *case) for name, cases in CASES.items() for case in cases]
)


def registered():
    """The tasks of the app that workers run, without Celery's own."""
    app = make_app(Settings())
    app.loader.import_default_modules()
    app.finalize()
    return {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}


def sent(world):
    return [key for platform in (world.site, world.page, world.gateway) for key in platform.keys]


def effect_of(world):
    return len(world.deliveries("sms")) + 2, len(sent(world))


def test_every_task_has_a_case():
    assert set(registered()) == set(CASES)


@EACH
def test_a_task_that_runs_twice_does_what_it_does_once(world, name, prepare, effect):
    arguments = [str(a) if isinstance(a, str) else a for a in prepare(world)]
    task = registered()[name]
    before = world.snapshot()
    task.run(*arguments)
    assert effect_of(world) == effect
    after, taken = world.snapshot(), sent(world)
    assert after != before
    task.run(*arguments)
    assert world.snapshot() == after
    assert sent(world) == taken


@EACH
def test_a_task_that_runs_twice_at_once_does_what_it_does_once(world, name, prepare, effect):
    arguments = [str(a) if isinstance(a, str) else a for a in prepare(world)]
    task = registered()[name]
    with ThreadPoolExecutor(2) as pool:
        for run in [pool.submit(task.run, *arguments) for _ in range(2)]:
            run.result(timeout=60)
    assert effect_of(world) == effect
    assert len(set(sent(world))) == len(sent(world))
    world.parts.seal.seal()
    assert world.parts.audit.first_bad_event() is None
