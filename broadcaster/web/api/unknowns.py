"""Deliveries that may or may not have been sent, and what a person decides about them."""

from datetime import datetime
from enum import StrEnum

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from broadcaster.web.api.guard import Asking, parts_of, reading
from broadcaster.web.api.lists import Listed, Pages
from broadcaster.web.api.shapes import Given, Reason, Told, Uid, Words

router = APIRouter(prefix="/unknowns", tags=["unknown outcomes"])


class Unknown(Told):
    """`state`: unknown is being looked into, unknown_final waits for a person, quarantined stopped workers."""

    uid: str
    state: str
    ref: str
    mode: str
    channel: str
    account: str
    part: int
    parts: int
    resends: int
    since: datetime | None
    operator_text: str


class Verdict(StrEnum):
    SENT = "sent"
    SEND_AGAIN = "send_again"


class Decided(Given):
    decision: Verdict
    link: Words = Field("", description="Where it was found. Needed where it was sent.")
    reason: Reason


class Settled(BaseModel):
    """`parts_again`: so many parts of its thread had waited for it, and follow."""

    uid: str
    decision: Verdict
    parts_again: int


@router.get("", dependencies=[reading])
def list_unknowns(request: Request, pages: Pages) -> Listed[Unknown]:
    """The oldest broadcast first."""
    found = parts_of(request).unknowns.undecided(limit=pages.limit + 1, after=pages.numbers())
    page = found[: pages.limit]
    after = [page[-1].broadcast_id, page[-1].id] if len(found) > pages.limit else None
    return pages.listed([Unknown.model_validate(each) for each in page], after)


@router.post("/{uid}/decision")
def decide_unknown(request: Request, actor: Asking, uid: Uid, body: Decided) -> Settled:
    """After a look at the platform: it was sent, or it is to be sent once more."""
    service = parts_of(request).unknowns
    if body.decision is Verdict.SENT:
        later = service.mark_sent(actor, uid, link=body.link, reason=body.reason)
    else:
        later = service.send_again(actor, uid, reason=body.reason)
    return Settled(uid=uid, decision=body.decision, parts_again=later)
