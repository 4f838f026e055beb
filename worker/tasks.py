"""The tasks. They hold ids and decide nothing: the database says what there is to do."""

from functools import cache

from celery import shared_task

from broadcaster.bootstrap import Parts, build
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.message import Mode
from broadcaster.settings import Settings
from worker.app import WORK_S


@cache
def parts(mode: Mode) -> Parts:
    """Built on the first bell, once per process, with the credentials of this mode only."""
    return build(Settings.load(), modes=(mode,))


@shared_task(name="deliver")  # type: ignore[untyped-decorator]  # Celery has no types
def deliver(mode: str, lane: str) -> None:
    parts(Mode(mode)).deliver.work(mode, Lane(lane), for_s=WORK_S)


@shared_task(name="plan")  # type: ignore[untyped-decorator]  # Celery has no types
def plan(broadcast_id: int, mode: str) -> None:
    parts(Mode(mode)).plan.plan(broadcast_id)
