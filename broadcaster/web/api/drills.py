"""Drills: planned, run, and how fast each step was."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from broadcaster.db.drills import Drill as Stored
from broadcaster.domain.drill import STALE_MONTHS, Step
from broadcaster.service.drills import Plan, Practice, Seen
from broadcaster.web.api.guard import Asking, parts_of
from broadcaster.web.api.lists import Listed, Pages
from broadcaster.web.api.shapes import Given, Name, Ref, Told, Why, Words
from broadcaster.web.api.times import Moment

router = APIRouter(tags=["drills"])


class Inject(Told):
    """What happens in a drill, so many minutes after its beginning."""

    after_minutes: int
    text: str


class NewInject(Given):
    after_minutes: int = Field(ge=0, le=999)
    text: str = Field(min_length=1, max_length=1_000, pattern=r"^[^\x00\r\n]*$")


class NewDrill(Given):
    """All of it goes to exercise accounts only."""

    name: Name
    starts_at: Moment
    scenario: Words = Field(description="What has happened.")
    template: Name = Field(description="The notice template that fits.")
    parts: list[Name] = Field(max_length=100, description="Who takes part.")
    injects: list[NewInject] = Field([], max_length=50)
    bars: dict[Step, int] = Field({}, description="In seconds, where they are not the usual ones.")
    every_months: int = Field(0, ge=0, le=36, description="Again every so many months; 0 for once.")
    asks_correction: bool = Field(default=False, description="Those who take part also send a correction.")


class Drill(Told):
    ref: str
    name: str
    scenario: str
    template: str
    asks_correction: bool
    bars: Mapping[str, int]
    state: str
    starts_at: datetime
    every_months: int
    planned_by: str
    started_by: str
    started_at: datetime | None
    ended_at: datetime | None
    end_reason: str
    incident: str
    parts: list[str]
    injects: list[Inject]


class Score(Told):
    """How long a step took. `seconds` is null where it was not done, `who` empty where no person does it."""

    step: str
    what: str
    who: str
    at: datetime | None
    seconds: float | None
    bar_s: int
    met: bool


class Happened(BaseModel):
    at: datetime
    text: str


class Report(BaseModel):
    """`said` are the injects whose time has come, `scores` what was done by now, `messages` those of its incident."""

    drill: Drill
    said: list[Happened]
    scores: list[Score]
    messages: list[str]

    @classmethod
    def of(cls, found: Seen) -> "Report":
        return cls(
            drill=Drill.model_validate(found.drill),
            said=[Happened(at=at, text=each.text) for at, each in found.said],
            scores=[Score.model_validate(each) for each in found.scores],
            messages=list(found.messages),
        )


class Planned(BaseModel):
    reference: str


class Begun(BaseModel):
    """`incident` is an exercise, to which nothing live can belong: name it in the drafts."""

    reference: str
    incident: str


class Over(BaseModel):
    reference: str
    state: str


class OwnStep(BaseModel):
    drill: str
    name: str
    step: str
    seconds: float | None
    met: bool


class Practised(BaseModel):
    """`stale`: the last one is too long ago, or there was none."""

    person: str
    last: datetime | None
    stale: bool
    steps: list[OwnStep]

    @classmethod
    def of(cls, found: Practice) -> "Practised":
        steps = [
            OwnStep(drill=d.ref, name=d.name, step=s.step, seconds=s.seconds, met=s.met)
            for d, s in found.steps
        ]
        return cls(person=found.person, last=found.last, stale=found.stale, steps=steps)


class Reason(Given):
    reason: Why = ""


@router.get("/drills")
def list_drills(request: Request, actor: Asking, pages: Pages) -> Listed[Drill]:
    """The newest first."""
    found = parts_of(request).drills.listed(actor)
    return pages.cut(found, _place, Drill.model_validate)


def _place(each: Stored) -> list[float | int]:
    return [-each.starts_at.timestamp(), -each.id]


@router.post("/drills", status_code=201)
def plan_drill(request: Request, actor: Asking, body: NewDrill) -> Planned:
    """It begins at its time by itself, or when somebody starts it."""
    plan = Plan(
        name=body.name,
        scenario=body.scenario,
        template=body.template,
        starts_at=body.starts_at,
        parts=body.parts,
        injects=[f"{each.after_minutes} {each.text}" for each in body.injects],
        every_months=body.every_months,
        asks_correction=body.asks_correction,
        bars={str(step): seconds for step, seconds in body.bars.items()},
    )
    return Planned(reference=parts_of(request).drills.plan(actor, plan))


@router.get("/drills/{ref}")
def show_drill(request: Request, actor: Asking, ref: Ref) -> Report:
    """What has happened in it, and how long each step took."""
    return Report.of(parts_of(request).drills.seen(actor, ref))


@router.post("/drills/{ref}/start")
def start_drill(request: Request, actor: Asking, ref: Ref) -> Begun:
    """Begin it now."""
    made = parts_of(request).drills.start(actor, ref)
    return Begun(reference=made.ref, incident=made.incident)


@router.post("/drills/{ref}/end")
def end_drill(request: Request, actor: Asking, ref: Ref, body: Reason) -> Over:
    """What was not done by now counts as not done."""
    parts_of(request).drills.end(actor, ref, body.reason)
    return Over(reference=ref.upper(), state="ended")


@router.post("/drills/{ref}/cancel")
def cancel_drill(request: Request, actor: Asking, ref: Ref, body: Reason) -> Over:
    """One that has not begun."""
    parts_of(request).drills.cancel(actor, ref, body.reason)
    return Over(reference=ref.upper(), state="cancelled")


@router.get("/practice")
def list_practice(
    request: Request,
    actor: Asking,
    pages: Pages,
    months: Annotated[
        int, Query(ge=1, le=36, description="Out of practice after so many without a drill.")
    ] = STALE_MONTHS,
) -> Listed[Practised]:
    """Who practised what and when, and who has not for so long."""
    found = parts_of(request).drills.practice(actor, months=months)
    return pages.cut(found, lambda each: each.person, Practised.of)
