"""The time before an election, and whose names are watched for in it."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from broadcaster.domain.election import LONGEST_NAME, MOST_NAMES
from broadcaster.domain.election import Period as Stored
from broadcaster.web.api.guard import Asking, parts_of
from broadcaster.web.api.shapes import Given, Name, Ref
from broadcaster.web.api.times import Moment

router = APIRouter(prefix="/elections", tags=["before an election"])


class Period(BaseModel):
    ref: str
    starts_at: datetime
    ends_at: datetime
    set_by: str
    set_at: datetime
    ended_at: datetime | None
    in_force: bool

    @classmethod
    def of(cls, each: Stored, now: datetime) -> "Period":
        names = cls.model_fields.keys() - {"in_force"}
        return cls(in_force=each.in_force(now), **{name: getattr(each, name) for name in names})


class Elections(BaseModel):
    periods: list[Period]
    names: list[str]


class NewPeriod(Given):
    starts_at: Moment
    ends_at: Moment


class Names(Given):
    """The whole list, in place of the one before."""

    names: list[Name] = Field(
        max_length=MOST_NAMES,
        description=f"Councillors, candidates, members of parliament; of up to {LONGEST_NAME} characters.",
    )


class NamesChanged(BaseModel):
    added: int
    removed: int


class Ended(BaseModel):
    reference: str
    ended: bool


@router.get("")
def show_elections(request: Request, actor: Asking) -> Elections:
    """Which times are set, and which names are watched for."""
    found = parts_of(request).pre_election.of(actor)
    return Elections(periods=[Period.of(each, found.now) for each in found.periods], names=list(found.names))


@router.post("", status_code=201)
def set_period(request: Request, actor: Asking, body: NewPeriod) -> Period:
    """Routine messages that name somebody of the list are marked in that time."""
    parts = parts_of(request)
    made = parts.pre_election.set(actor, starts_at=body.starts_at, ends_at=body.ends_at)
    return Period.of(made, made.set_at)


@router.put("/names")
def change_names(request: Request, actor: Asking, body: Names) -> NamesChanged:
    """All of them anew."""
    added, removed = parts_of(request).pre_election.set_names(actor, body.names)
    return NamesChanged(added=added, removed=removed)


@router.post("/{ref}/end")
def end_period(request: Request, actor: Asking, ref: Ref) -> Ended:
    """At once."""
    parts_of(request).pre_election.end(actor, ref)
    return Ended(reference=ref.upper(), ended=True)
