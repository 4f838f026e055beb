"""The tasks. They hold ids and decide nothing: the database says what there is to do."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from operator import attrgetter

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down

from broadcaster.bootstrap import Parts, build
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.message import Mode
from broadcaster.settings import Settings
from worker.app import WORK_S, at_work

USED = attrgetter("deliver", "plan")  # of the parts, by the tasks below

_built: dict[Mode, Parts] = {}
_building = threading.Lock()
_stopping = threading.Event()


def parts(mode: Mode) -> Parts:
    """Built once per process, with the credentials of this mode only."""
    with _building:
        if mode not in _built:
            _built[mode] = build(Settings.load(), mode=mode)
        return _built[mode]


@contextmanager
def using(given: Mapping[Mode, Parts]) -> Iterator[None]:
    """Tasks of this process work with these parts for a while, instead of with ones built from the environment."""
    with _building:
        before = dict(_built)
        _built.update(given)
    try:
        yield
    finally:
        with _building:
            _built.clear()
            _built.update(before)


@shared_task(name="deliver")  # type: ignore[untyped-decorator]  # Celery has no types
def deliver(mode: str, lane: str) -> None:
    with at_work():
        parts(Mode(mode)).deliver.work(mode, Lane(lane), for_s=WORK_S, running=lambda: not _stopping.is_set())


@shared_task(name="plan")  # type: ignore[untyped-decorator]  # Celery has no types
def plan(broadcast_id: int, mode: str) -> None:
    with at_work():
        parts(Mode(mode)).plan.plan(broadcast_id)


@worker_ready.connect  # type: ignore[untyped-decorator]  # Celery has no types
def _warm_up(sender: object, **_: object) -> None:
    """Build what the tasks use before the first bell, so that the first post does not wait for imports."""
    for queue in sender.app.amqp.queues.consume_from:  # type: ignore[attr-defined]  # a Celery consumer
        USED(parts(Mode(queue.split(".")[0])))


@worker_shutting_down.connect  # type: ignore[untyped-decorator]  # Celery has no types
def _stop_soon(**_: object) -> None:
    """End after the group at hand instead of after the whole bell."""
    _stopping.set()
