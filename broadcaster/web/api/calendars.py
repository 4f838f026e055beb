"""Scheduled notices by their days, and the address under which a person's own calendar program reads them."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from broadcaster.service.calendars import OnDay as Found
from broadcaster.web.api.guard import Asking, parts_of, reading
from broadcaster.web.api.lists import Listed, Pages
from broadcaster.web.api.shapes import Told

router = APIRouter(prefix="/calendar", tags=["schedules"])


class OnDay(Told):
    """One run: what became of it, or `planned`, or `waits` where nobody has approved it yet."""

    at: datetime
    ref: str
    name: str
    mode: str
    state: str
    reason: str
    told: str


class Address(BaseModel):
    """Shown only now. Whoever has it may read when notices are planned, and nothing else."""

    address: str


class Ended(BaseModel):
    ended: bool = Field(description="Nobody reads anything under it any more.")


@router.get("", dependencies=[reading])
def list_planned(
    request: Request,
    pages: Pages,
    days: Annotated[int, Query(ge=1, le=120, description="How many days ahead.")] = 31,
) -> Listed[OnDay]:
    """Every run of these days, by its time."""
    parts = parts_of(request)
    with parts.database.read() as tx:
        now = tx.now()
    found = parts.calendars.between(now, now + timedelta(days=days))
    return pages.cut(found, _place, OnDay.model_validate)


def _place(each: Found) -> list[str | float]:
    return [each.at.timestamp(), each.name, each.ref]


@router.post("/address", status_code=201)
def make_calendar_address(request: Request, actor: Asking) -> Address:
    """An address of your own for a calendar program (iCalendar, RFC 5545). An older one ends."""
    parts = parts_of(request)
    secret = parts.calendars.new_address(actor)
    return Address(address=f"{parts.settings.console_url}/calendar/{secret}.ics")


@router.delete("/address")
def end_calendar_address(request: Request, actor: Asking) -> Ended:
    """Nobody reads it under that address any more."""
    parts_of(request).calendars.end_address(actor)
    return Ended(ended=True)
