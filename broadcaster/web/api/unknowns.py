"""Deliveries that may or may not have been sent, and what a person decides about them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.requests import Request

from broadcaster.web.api.guard import Asking, parts_of, reading
from broadcaster.web.api.lists import Listed, Pages
from broadcaster.web.api.shapes import Given, Reason, Ref, Told, Uid, Words

router = APIRouter(tags=["unknown outcomes"])
Target = Annotated[int, Path(ge=1, le=2**63 - 1, description="`target`, as listed.")]


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


class Many(BaseModel):
    """`count` texts through one account, of which one decision is about `at_once` at most. `may_send`: they may be sent once
    more."""

    target: int
    channel: str
    account: str
    mode: str
    count: int
    at_once: int
    may_send: bool


class DecidedMany(Given):
    decision: Verdict
    reason: Reason


class SettledMany(BaseModel):
    """`decided` now, and `left` to be decided about."""

    target: int
    decision: Verdict
    decided: int
    left: int


class Settled(BaseModel):
    """`parts_again`: so many parts of its thread had waited for it, and follow."""

    uid: str
    decision: Verdict
    parts_again: int


@router.get("/unknowns", dependencies=[reading])
def list_unknowns(request: Request, pages: Pages) -> Listed[Unknown]:
    """The oldest broadcast first."""
    found = parts_of(request).unknowns.undecided(limit=pages.limit + 1, after=pages.numbers())
    page = found[: pages.limit]
    after = [page[-1].broadcast_id, page[-1].id] if len(found) > pages.limit else None
    return pages.listed([Unknown.model_validate(each) for each in page], after)


@router.post("/unknowns/{uid}/decision")
def decide_unknown(request: Request, actor: Asking, uid: Uid, body: Decided) -> Settled:
    """After a look at the platform: it was sent, or it is to be sent once more."""
    service = parts_of(request).unknowns
    if body.decision is Verdict.SENT:
        later = service.mark_sent(actor, uid, link=body.link, reason=body.reason)
    else:
        later = service.send_again(actor, uid, reason=body.reason)
    return Settled(uid=uid, decision=body.decision, parts_again=later)


@router.get("/messages/{ref}/unknowns", dependencies=[reading])
def list_unknown_texts(request: Request, ref: Ref) -> list[Many]:
    """How many texts of this message nothing will prove, by account."""
    names = ("channel", "account", "mode", "count", "at_once", "may_send")
    return [
        Many(target=each.target_id, **{name: getattr(each, name) for name in names})
        for each in parts_of(request).unknowns.of_message(ref)
    ]


@router.post("/messages/{ref}/unknowns/{target}/decision")
def decide_unknown_texts(
    request: Request, actor: Asking, ref: Ref, target: Target, body: DecidedMany
) -> SettledMany:
    """About all of them with one reason, after a look at the gateway: they were sent, or are sent once more. What is still being
    looked into is left alone."""
    service = parts_of(request).unknowns
    again = body.decision is Verdict.SEND_AGAIN
    decided = service.decide_all(actor, ref, target, again=again, reason=body.reason)
    left = service.many(ref, target).count
    return SettledMany(target=target, decision=body.decision, decided=decided, left=left)
