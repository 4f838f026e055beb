"""Is it alive, can it work: for the supervisor, a container, a load balancer and a person."""

from functools import cache
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from broadcaster.bootstrap import Parts
from broadcaster.db.schema import check_schema
from broadcaster.domain.errors import Problem
from broadcaster.queue import CeleryBells

router = APIRouter()
_bells = cache(CeleryBells)  # an app for each question would pile up


@router.get("/health")
def health(request: Request) -> JSONResponse:
    """200 where the database answers and has the schema this code knows; 503, saying why, otherwise.

    Alarms are counted and not told: everybody may ask this. They make no 503, which would have a load balancer take
    away the web process that shows them.
    """
    return _judged(request.app.state.parts)


@router.get("/health/live")
async def live() -> JSONResponse:
    """200 as long as this process serves. Nothing else is looked at: to start it again mends no database."""
    return JSONResponse({"status": "up"})


@router.get("/health/ready")
def ready(request: Request) -> JSONResponse:
    """As /health, and whether the broker answers, is full, or away. That one is told and never judged: it is only the doorbell, and
    what it does not ring for is sent all the same."""
    parts: Parts = request.app.state.parts
    return _judged(parts, broker=_bells(parts.settings.broker).state())


def _judged(parts: Parts, **told: Any) -> JSONResponse:
    try:
        check_schema(parts.database)
        number = parts.alarms.number_open()
    except Problem as problem:
        return JSONResponse({"status": "down", "detail": problem.text, **told}, status_code=503)
    return JSONResponse({"status": "up", "alarms": number, **told})
