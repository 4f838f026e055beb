"""Is it alive, can it work: for the supervisor, a load balancer and a person."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from broadcaster.bootstrap import Parts
from broadcaster.db.migrate import check_schema
from broadcaster.domain.errors import Problem

router = APIRouter()


@router.get("/health")
def health(request: Request) -> JSONResponse:
    """200 where the database answers and has the schema this code knows; 503, saying why, otherwise.

    Alarms are counted and not told: everybody may ask this. They make no 503, which would have a load balancer take
    away the web process that shows them.
    """
    parts: Parts = request.app.state.parts
    try:
        check_schema(parts.database)
        number = parts.alarms.number_open()
    except Problem as problem:
        return JSONResponse({"status": "down", "detail": problem.text}, status_code=503)
    return JSONResponse({"status": "up", "alarms": number})
