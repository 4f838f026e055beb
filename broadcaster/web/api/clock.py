"""The approval clock for programs: saying that one is on it, sending what was authorised beforehand, break-glass and its reviews."""

from datetime import datetime

from fastapi import APIRouter, Request
from pydantic import Field

from broadcaster.domain.break_glass import Verdict
from broadcaster.web.api.guard import Asking, parts_of
from broadcaster.web.api.shapes import Given, Hash, Name, Reason, Ref, Released, Told

router = APIRouter(tags=["clock"])


class OnIt(Told):
    """Who answered, after how many seconds."""

    reference: str
    acknowledged_by: str
    waited_s: int


class Alone(Given):
    event: Name = Field(description="Which of the events that the pre-authorisation names.")
    manifest_sha256: Hash = Field(description="The hash of what you were shown: `decision.manifest_sha256`.")


class Glass(Given):
    reason: Reason
    manifest_sha256: Hash = Field(description="The hash of what you were shown: `decision.manifest_sha256`.")


class Finding(Given):
    verdict: Verdict
    finding: Reason


class Used(Told):
    """One time that somebody sent without a second person."""

    ref: str
    person: str
    reason: str
    at: datetime
    review_due_at: datetime
    reviewed_by: str
    reviewed_at: datetime | None
    verdict: str
    finding: str


@router.post("/messages/{ref}/on-it")
def say_on_it(request: Request, actor: Asking, ref: Ref) -> OnIt:
    """Say that somebody is on it: the next one is not paged while that person decides."""
    told = parts_of(request).paging.acknowledge(actor, ref, way="program")
    by, waited_s = told.request.acknowledged_by, told.request.answered_in_s or 0
    return OnIt(reference=told.request.subject, acknowledged_by=by, waited_s=waited_s)


@router.post("/messages/{ref}/send-alone")
def send_alone(request: Request, actor: Asking, ref: Ref, body: Alone) -> Released:
    """Send what waits and stays within bounds that two others authorised. It wants the user's second factor, given for this
    token a few minutes ago at most: POST /me/second-factor."""
    sending = parts_of(request).send_alone
    return Released.of(sending.pre_authorised(actor, ref, body.event, manifest_sha256=body.manifest_sha256))


@router.post("/messages/{ref}/break-glass")
def break_glass(request: Request, actor: Asking, ref: Ref, body: Glass) -> Released:
    """Send what waits without a second person, where the policy allows it. Everybody who approves is told at once, and somebody else
    reviews it."""
    sending = parts_of(request).send_alone
    return Released.of(sending.break_glass(actor, ref, body.manifest_sha256, body.reason))


@router.post("/messages/{ref}/review")
def review(request: Request, actor: Asking, ref: Ref, body: Finding) -> Used:
    """Write down what was found of what was sent by break-glass."""
    made = parts_of(request).reviews.review(actor, ref, verdict=body.verdict, finding=body.finding)
    return Used.model_validate(made)
