"""Storm mode: on, off, and what becomes of what it held."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel
from starlette.requests import Request

from broadcaster.domain.storm import Decision
from broadcaster.web.api.guard import Asking, parts_of
from broadcaster.web.api.shapes import NO_NUL, Because, Given, Ref, Told, Why

router = APIRouter(prefix="/storm", tags=["storm mode"])


class Storm(Told):
    """One time that it was on; `off_at` is null while it is."""

    on_by: str
    on_at: datetime
    reason: str
    off_by: str
    off_at: datetime | None
    off_reason: str


class Held(Told):
    """A broadcast that waits for a decision. `template` is its kind, `planned` how many posts and texts it is altogether."""

    ref: str
    mode: str
    headline: str
    area: str
    template: str
    released_at: datetime
    expires_at: datetime
    planned: int


class Weather(Told):
    """`on` is null where storm mode is off; `held` waits for a decision, on or off; `past` is when it was on before."""

    on: Storm | None
    held: list[Held]
    past: list[Storm]


class SwitchedOn(BaseModel):
    """`held`: so many broadcasts were being sent, and are held now."""

    on: bool
    held: int


class SwitchedOff(BaseModel):
    """`waiting`: so many items wait for a decision."""

    on: bool
    waiting: int


class Decided(Given):
    decision: Decision
    reason: Why = ""


class Became(BaseModel):
    """`hindered` says why about others nothing could be decided."""

    decision: Decision
    decided: list[str]
    hindered: list[str]


@router.get("")
def show_storm(request: Request, actor: Asking) -> Weather:
    """Whether it is on, since when and by whom, and what it holds."""
    return Weather.model_validate(parts_of(request).storm.weather(actor))


@router.post("/on")
def switch_storm_on(request: Request, actor: Asking, body: Because) -> SwitchedOn:
    """Hold everything routine from this moment on."""
    return SwitchedOn(on=True, held=parts_of(request).storm.switch_on(actor, body.reason))


@router.post("/off")
def switch_storm_off(request: Request, actor: Asking, body: Because) -> SwitchedOff:
    """What was held stays held until somebody decides about each."""
    return SwitchedOff(on=False, waiting=parts_of(request).storm.switch_off(actor, body.reason))


@router.post("/held/{ref}")
def decide_held(request: Request, actor: Asking, ref: Ref, body: Decided) -> Became:
    """go-on sends it as it was approved, change stops it so that it is written anew, drop ends it. The last two want a reason."""
    parts_of(request).storm.decide(actor, ref, body.decision, body.reason)
    return Became(decision=body.decision, decided=[ref.upper()], hindered=[])


@router.post("/kinds/{kind}")
def decide_kind(
    request: Request,
    actor: Asking,
    kind: Annotated[str, Path(max_length=100, pattern=NO_NUL, description="A notice template.")],
    body: Decided,
) -> Became:
    """About all that are held of one kind; each is an event of its own in the log."""
    decided, hindered = parts_of(request).storm.decide_all(actor, kind, body.decision, body.reason)
    return Became(decision=body.decision, decided=decided, hindered=hindered)
