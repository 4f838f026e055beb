"""Who is paged about what waits, who has answered, and what was sent by break-glass."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request

from broadcaster.service.paging import Told as ToldOf
from broadcaster.web.api.clock import Used
from broadcaster.web.api.guard import Asking, parts_of
from broadcaster.web.api.lists import Listed, Pages
from broadcaster.web.api.shapes import Uid

router = APIRouter(tags=["clock"])


class Page(BaseModel):
    """`state` is waiting, begun, sent, not_sent or unknown: a call or a text that may or may not have arrived."""

    person: str
    way: str
    stage: int
    state: str
    code: str
    at: datetime | None


class Asked(BaseModel):
    """What people are asked for. `subject` is the reference of a message, or the name of an alarm."""

    uid: str
    kind: str
    subject: str
    role: str
    state: str
    opened_at: datetime
    acknowledged_by: str
    acknowledged_at: datetime | None
    closed_at: datetime | None
    closed_why: str
    waited_s: int
    pages: list[Page]

    @classmethod
    def of(cls, told: ToldOf) -> "Asked":
        r = told.request
        names = ("uid", "kind", "subject", "role", "state", "opened_at", "acknowledged_by", "acknowledged_at")
        pages = [
            Page(person=p.person, way=p.way, stage=p.stage, state=p.state, code=p.code, at=p.done_at)
            for p in told.pages
        ]
        known = {name: getattr(r, name) for name in (*names, "closed_at", "closed_why")}
        return cls(**known, waited_s=told.waited_s, pages=pages)


class AskedFor(Listed[Asked]):
    """What happens `if_nobody_answers` a request to approve, as the end of a sentence."""

    if_nobody_answers: str


class Came(BaseModel):
    way: str
    state: str
    code: str


class Tried(BaseModel):
    """By each way that reaches you. Empty: none does."""

    ways: list[Came]


class UsedGlass(Used):
    """`overdue`: nobody has reviewed it in time."""

    uid: str
    mode: str
    policy: str
    correction: bool
    recipients: int
    overdue: bool


@router.get("/pages")
def list_pages(
    request: Request,
    actor: Asking,
    pages: Pages,
    *,
    past: Annotated[bool, Query(description="Also what is over.")] = False,
) -> AskedFor:
    """What people are paged about, who was, and who has answered; the newest first."""
    service = parts_of(request).paging
    cut = pages.cut(service.listed(actor, past=past), lambda each: -each.request.id, Asked.of)
    return AskedFor(items=cut.items, next=cut.next, if_nobody_answers=service.if_nobody_answers())


@router.post("/pages/{uid}/on-it")
def answer_page(request: Request, actor: Asking, uid: Uid) -> Asked:
    """Say that somebody is on it: an approval, a review, or an alarm, which nobody else is paged about then."""
    return Asked.of(parts_of(request).paging.acknowledge(actor, uid, way="program"))


@router.post("/pages/test")
def try_paging(request: Request, actor: Asking) -> Tried:
    """A page to yourself by every way that is set up, and to the rooms. It says that it is a test."""
    came = parts_of(request).paging.try_out(actor)
    return Tried(ways=[Came(way=way, state=each.state, code=each.code) for way, each in came])


@router.get("/break-glass")
def list_break_glass(
    request: Request,
    actor: Asking,
    pages: Pages,
    *,
    open: Annotated[bool, Query(description="Only what nobody has reviewed.")] = False,  # noqa: A002 - its name for programs
) -> Listed[UsedGlass]:
    """What was sent without a second person, the newest first."""
    uses = parts_of(request).reviews.listed(actor, open_only=open)
    names = UsedGlass.model_fields.keys() - {"overdue"}
    return pages.cut(
        uses.found,
        lambda each: [-each.at.timestamp(), each.uid],
        lambda each: UsedGlass(
            overdue=each.is_overdue(uses.now), **{name: getattr(each, name) for name in names}
        ),
    )
