"""The audit log: events, one message's story and its proof, and how far the seal reaches. Looking is recorded itself."""

import json
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel
from starlette.requests import Request

from broadcaster.db.audit_pages import Place
from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.audit_words import sentence
from broadcaster.service.looking import Sought
from broadcaster.service.timeline import Timeline as Story
from broadcaster.web.api.guard import Asking, parts_of
from broadcaster.web.api.lists import Listed, Pages, no_cursor
from broadcaster.web.api.shapes import NO_NUL, Ref, Told

router = APIRouter(tags=["audit log"])

Filter = Annotated[str, Query(max_length=100, pattern=NO_NUL)]


class Event(BaseModel):
    """`no` is its place in the signed tree, null for the fraction of a second until it has one. `sentence` says the same for
    people."""

    no: int | None
    at: str
    actor: str
    act: str
    subject: str
    payload: Any
    leaf: str | None
    sentence: str

    @classmethod
    def of(cls, event: AuditEvent) -> "Event":
        try:
            payload = json.loads(event.payload)
        except ValueError:  # altered by somebody: shown as it stands, and the check says so
            payload = event.payload
        return cls(
            no=event.no,
            at=event.at,
            actor=event.actor,
            act=event.act,
            subject=event.subject,
            payload=payload,
            leaf=event.leaf,
            sentence=sentence(event),
        )


class Events(Listed[Event]):
    """`looked_back_to`: not everything was looked at yet for this page, so that `next` may find older ones."""

    looked_back_to: datetime | None


class Laid(Told):
    size: int
    at: str


class Seal(Told):
    """`newest` is the last signed checkpoint, `outside` the last that was laid down where others keep it."""

    now: datetime
    newest: Laid | None
    waiting_since: datetime | None
    keys: list[str]
    outside: Laid | None
    mailed: bool
    stamping: bool
    stamped: int


class Moment(Told):
    at: datetime
    until: datetime | None
    text: str
    link: str
    event: int | None
    version: int | None
    kind: str


class Version(BaseModel):
    """`lines` are names and values as they were written, `changes` say in words what differs from the version before."""

    no: int
    lines: dict[str, str]
    changes: list[str]


class Timeline(BaseModel):
    reference: str
    headline: str
    mode: str
    moments: list[Moment]
    versions: list[Version]

    @classmethod
    def of(cls, found: Story) -> "Timeline":
        return cls(
            reference=found.ref,
            headline=found.headline,
            mode=found.mode,
            moments=[Moment.model_validate(each) for each in found.moments],
            versions=[
                Version(no=w.no, lines=dict(w.lines), changes=[f"{c.name}: {c.said}" for c in w.changes])
                for w in found.wordings
            ],
        )


@router.get("/messages/{ref}/timeline")
def show_timeline(request: Request, actor: Asking, ref: Ref) -> Timeline:
    """From the first draft to the last receipt."""
    return Timeline.of(parts_of(request).timelines.of(actor, ref))


@router.get("/audit/events")
def list_events(
    request: Request,
    actor: Asking,
    pages: Pages,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    person: Filter = "",
    act: Filter = "",
    about: Annotated[
        str, Query(max_length=100, pattern=NO_NUL, description="A reference, a user, an account, a list.")
    ] = "",
    incident: Filter = "",
    channel: Filter = "",
    state: Filter = "",
) -> Events:
    """The newest first; all that is given must hold."""
    sought = Sought(
        since=since,
        until=until,
        person=person,
        act=act,
        about=about,
        incident=incident,
        channel=channel,
        state=state,
    )
    page = parts_of(request).looking.page(actor, sought, after=_place(pages.after), size=pages.limit)
    after = [page.after.at.isoformat(), page.after.id] if page.after else None
    listed = pages.listed([Event.of(each) for each in page.events], after)
    return Events(items=listed.items, next=listed.next, looked_back_to=page.looked_back_to)


@router.get("/audit/messages/{ref}/proof")
def prove_message(request: Request, actor: Asking, ref: Ref, *, texts: bool = True) -> dict[str, Any]:
    """That the events of one message stand in the signed log, without the rest of it: verify_audit.py checks it anywhere."""
    return parts_of(request).audit.prove(actor, ref, texts=texts)


@router.get("/audit/seal")
def show_seal(request: Request, actor: Asking) -> Seal:
    """How far the log is signed, and what of it others hold."""
    return Seal.model_validate(parts_of(request).sealed.state(actor))


def _place(after: Any) -> Place | None:
    match after:
        case None:
            return None
        case [str(at), int(event)] if abs(event) < 2**63:
            with suppress(ValueError):
                moment = datetime.fromisoformat(at)
                if moment.tzinfo:
                    return Place(moment, event)
    raise no_cursor()
