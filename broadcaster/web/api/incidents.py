"""Incidents: what was decided, also not to warn, who agreed, what is left to do, and handing over, accepted by name."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.requests import Request

from broadcaster.bootstrap import Parts
from broadcaster.db.incidents import Incident as Stored
from broadcaster.db.incidents import Listed as StoredListed
from broadcaster.db.people import Person
from broadcaster.service.incidents import MOST_CHARS, Whole
from broadcaster.web.api.guard import Asking, parts_of
from broadcaster.web.api.lists import Listed, Pages
from broadcaster.web.api.once import Done, Key, once
from broadcaster.web.api.shapes import NO_NUL, Because, Given, Name, Ref, Told
from broadcaster.web.api.times import Moment

router = APIRouter(tags=["incidents"])

Said = Annotated[str, Field(max_length=MOST_CHARS, pattern=NO_NUL)]


class DecisionKind(StrEnum):
    WARN = "warn"
    NOT_TO_WARN = "not-to-warn"
    OTHER = "other"


class IncidentListed(BaseModel):
    """`in_hands_of` is empty where nobody has taken it. `live`: a message of it is for the public, and no exercise."""

    reference: str
    name: str
    lead_agency: str
    in_hands_of: str
    opened_at: datetime
    closed_at: datetime | None
    messages: int
    live: bool
    left_to_do: int

    @classmethod
    def of(cls, each: StoredListed) -> "IncidentListed":
        counts = {name: getattr(each, name) for name in ("messages", "live", "left_to_do")}
        return cls(**_named(each.incident), **counts)


class ItsMessage(Told):
    """`sent` is the state of its broadcast; empty where there is none."""

    ref: str
    headline: str
    mode: str
    state: str
    sent: str
    created_at: datetime
    released_at: datetime | None


class Decision(Told):
    kind: str
    what: str
    reason: str
    by: str
    at: datetime


class Agreement(Told):
    who: str
    agency: str
    way: str
    about: str
    at: datetime
    noted_at: datetime
    by: str


class Task(Told):
    """`done_at` is null while it is open."""

    id: int
    what: str
    who: str
    until: datetime | None
    noted_at: datetime
    by: str
    done_at: datetime | None
    done_by: str


class HandOver(Told):
    """Open while it is neither accepted nor withdrawn."""

    offered_by: str
    to: str
    words: str
    offered_at: datetime
    accepted_at: datetime | None
    withdrawn_at: datetime | None


class Incident(BaseModel):
    """With all that belongs to it. `may_take` are those to whom it can be handed over; `exercise`: it is a drill's, or all of it was
    practised."""

    reference: str
    name: str
    lead_agency: str
    in_hands_of: str
    opened_at: datetime
    closed_at: datetime | None
    exercise: bool
    messages: list[ItsMessage]
    decisions: list[Decision]
    agreements: list[Agreement]
    actions: list[Task]
    hand_overs: list[HandOver]
    may_take: list[str]

    @classmethod
    def of(cls, whole: Whole) -> "Incident":
        return cls(
            **_named(whole.incident),
            exercise=whole.is_exercise,
            messages=[ItsMessage.model_validate(each) for each in whole.messages],
            decisions=[Decision.model_validate(each) for each in whole.decisions],
            agreements=[Agreement.model_validate(each) for each in whole.agreements],
            actions=[Task.model_validate(each) for each in whole.to_do],
            hand_overs=[HandOver.model_validate(each) for each in whole.hand_overs],
            may_take=list(whole.may_take),
        )


class Called(Given):
    name: Name
    lead_agency: Name = ""


class Decided(Because):
    kind: DecisionKind
    what: Said


class Agreed(Given):
    """Partners need no account: it is the word of who notes it."""

    who: Name = Field(description="By name or role.")
    agency: Name
    way: Annotated[str, Field(max_length=64, pattern=NO_NUL, examples=["telephone"])]
    about: Said = Field(description="To what.")
    at: Moment


class NewTask(Given):
    what: Said
    who: Name
    until: Moment | None = None


class Offer(Given):
    to: Name = Field(description="The user who alone can accept it.")
    words: Said = Field("", description="What the next one must know.")


class OfIncident(Given):
    incident: Name = Field(description="Its reference.")


class Moved(BaseModel):
    reference: str
    incident: str


@router.get("/incidents")
def list_incidents(
    request: Request,
    actor: Asking,
    pages: Pages,
    *,
    closed: Annotated[
        bool, Query(description="Those that are closed, instead of those that are open.")
    ] = False,
) -> Listed[IncidentListed]:
    """The newest first."""
    before, _ = pages.numbers()
    found = parts_of(request).incidents.listed(actor, closed=closed, limit=pages.limit + 1, before=before)
    page = found[: pages.limit]
    after = [page[-1].incident.id, 0] if len(found) > pages.limit else None
    return pages.listed([IncidentListed.of(each) for each in page], after)


@router.post("/incidents", status_code=201, response_model=Incident)
def open_incident(request: Request, actor: Asking, body: Called, key: Key = None) -> Response:
    """A new one, in the hands of whoever asks. One that begins with a message is opened by drafting that."""
    parts = parts_of(request)

    def told(made: Stored) -> Done:
        shown = _incident(parts, actor, made.ref)
        return Done(made=shown, status=201, location=f"/api/v1/incidents/{made.ref}")

    return once(request, actor, key, body, lambda: parts.incidents.open(actor, **body.model_dump()), told)


@router.get("/incidents/{ref}")
def show_incident(request: Request, actor: Asking, ref: Ref) -> Incident:
    """With its messages, and what was decided, agreed, left to do and handed over."""
    return _incident(parts_of(request), actor, ref)


@router.put("/incidents/{ref}")
def change_incident(request: Request, actor: Asking, ref: Ref, body: Called) -> Incident:
    """Another name, or another lead agency."""
    parts_of(request).incidents.change(actor, ref, **body.model_dump())
    return _incident(parts_of(request), actor, ref)


@router.post("/incidents/{ref}/decisions", status_code=201, response_model=Incident)
def note_decision(request: Request, actor: Asking, ref: Ref, body: Decided, key: Key = None) -> Response:
    """What was decided and why, above all where nobody is warned."""
    service, given = parts_of(request).incidents, body.model_dump()
    return _noted(request, actor, ref, body, key, lambda: service.decide(actor, ref, **given))


@router.post("/incidents/{ref}/agreements", status_code=201, response_model=Incident)
def note_agreement(request: Request, actor: Asking, ref: Ref, body: Agreed, key: Key = None) -> Response:
    """Who of a partner agreed to what, when and how."""
    service, given = parts_of(request).incidents, body.model_dump()
    return _noted(request, actor, ref, body, key, lambda: service.agreed(actor, ref, **given))


@router.post("/incidents/{ref}/actions", status_code=201, response_model=Incident)
def note_action(request: Request, actor: Asking, ref: Ref, body: NewTask, key: Key = None) -> Response:
    """Something that is left to do."""
    service, given = parts_of(request).incidents, body.model_dump()
    return _noted(request, actor, ref, body, key, lambda: service.to_do(actor, ref, **given))


@router.post("/incidents/{ref}/actions/{action}/done")
def finish_action(
    request: Request,
    actor: Asking,
    ref: Ref,
    action: Annotated[int, Path(ge=1, le=2**63 - 1, description="`id`, as listed.")],
) -> Incident:
    """It is done."""
    parts_of(request).incidents.done(actor, ref, action)
    return _incident(parts_of(request), actor, ref)


@router.post("/incidents/{ref}/hand-over")
def offer_hand_over(request: Request, actor: Asking, ref: Ref, body: Offer) -> Incident:
    """To one person by name, who alone can accept it. Until then it stays where it is."""
    parts_of(request).incidents.offer(actor, ref, to=body.to, words=body.words)
    return _incident(parts_of(request), actor, ref)


@router.post("/incidents/{ref}/hand-over/accept")
def accept_hand_over(request: Request, actor: Asking, ref: Ref) -> Incident:
    """From now on it is in the hands of whoever asks: the one who was named, and nobody else."""
    parts_of(request).incidents.accept(actor, ref)
    return _incident(parts_of(request), actor, ref)


@router.delete("/incidents/{ref}/hand-over")
def withdraw_hand_over(request: Request, actor: Asking, ref: Ref) -> Incident:
    """Taken back by whoever offered it, or declined by the one who was named."""
    parts_of(request).incidents.take_back(actor, ref)
    return _incident(parts_of(request), actor, ref)


@router.post("/incidents/{ref}/close")
def close_incident(request: Request, actor: Asking, ref: Ref, body: Because) -> Incident:
    """409 while something is left to do, or it is being handed over."""
    parts_of(request).incidents.close(actor, ref, reason=body.reason)
    return _incident(parts_of(request), actor, ref)


@router.post("/incidents/{ref}/reopen")
def reopen_incident(request: Request, actor: Asking, ref: Ref, body: Because) -> Incident:
    """It is not over after all."""
    parts_of(request).incidents.reopen(actor, ref, reason=body.reason)
    return _incident(parts_of(request), actor, ref)


@router.get("/messages/{ref}/incident")
def show_incident_of_message(request: Request, actor: Asking, ref: Ref) -> Moved:
    """Which incident it belongs to."""
    found = parts_of(request).incidents.of_message(actor, ref)
    return Moved(reference=ref.upper(), incident=found.ref)


@router.put("/messages/{ref}/incident")
def move_message(request: Request, actor: Asking, ref: Ref, body: OfIncident) -> Moved:
    """A draft belongs to another incident. What was handed over stays where it is."""
    parts_of(request).incidents.link(actor, ref, body.incident)
    return show_incident_of_message(request, actor, ref)


def _noted(request: Request, actor: Person, ref: str, body: Given, key: str | None, act: Any) -> Response:
    """Once, however often the same request comes: a decision that stood there twice would be two."""

    def told(_: None) -> Done:
        return Done(made=_incident(parts_of(request), actor, ref), status=201)

    return once(request, actor, key, body, act, told)


def _incident(parts: Parts, actor: Person, ref: str) -> Incident:
    return Incident.of(parts.incidents.whole(actor, ref))


def _named(found: Stored) -> dict[str, Any]:
    names = ("name", "lead_agency", "in_hands_of", "opened_at", "closed_at")
    return {"reference": found.ref, **{name: getattr(found, name) for name in names}}
