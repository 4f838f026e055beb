"""Wording that two people authorised beforehand: which events it is for, its bounds, and what stays within them."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from broadcaster.db.engine import Database
from broadcaster.domain.message import Severity
from broadcaster.domain.pre_authorisation import Bounds as Meant
from broadcaster.domain.pre_authorisation import PreAuthorisation
from broadcaster.web.api.guard import Asking, parts_of, reading
from broadcaster.web.api.lists import Listed, Pages
from broadcaster.web.api.shapes import Because, Given, Hash, Name, Ref, Told
from broadcaster.web.api.times import Moment

router = APIRouter(tags=["authorised beforehand"])


class BlankBound(Given):
    """One of `choices`; or what `pattern` matches whole; or up to `max_chars`; a time up to `hours` from now."""

    choices: list[Name] = Field([], max_length=200)
    pattern: Name = ""
    max_chars: int = Field(0, ge=0, le=10_000)
    hours: int = Field(0, ge=0, le=1_000)


class Bounds(Given):
    """`events` as people name them: "Environment Agency flood warning for the Wyre". No audiences: no texts."""

    events: list[Name] = Field(max_length=50)
    channels: list[Name] = Field(max_length=50)
    blanks: dict[Name, BlankBound] = Field({}, max_length=100)
    audiences: list[Name] = Field([], max_length=50)
    most_recipients: int = Field(0, ge=0, le=10_000_000)
    severities: list[Severity] = Field([], max_length=5)


class Wanted(Because):
    template: Name
    bounds: Bounds
    ends_at: Moment


class Shown(Given):
    sha256: Hash = Field(description="As you were shown it.")


class Authorised(Told):
    """`in_force`: an officer may send under it what he writes now; so `in_use`, that its template was neither edited since nor
    retired. `sha256` is what whoever confirms it gives."""

    reference: str
    template: str
    template_no: int
    sha256: str
    reason: str
    ends_at: datetime
    proposed_by: str
    confirmed_by: str
    ended_at: datetime | None
    in_force: bool
    in_use: bool
    bounds: Bounds

    @classmethod
    def of(cls, each: PreAuthorisation, now: datetime) -> "Authorised":
        names = (
            "template",
            "template_no",
            "sha256",
            "reason",
            "ends_at",
            "proposed_by",
            "confirmed_by",
            "ended_at",
            "in_use",
        )
        return cls(
            reference=each.ref,
            in_force=each.counts(now),
            bounds=Bounds.model_validate(each.bounds.to_json()),
            **{name: getattr(each, name) for name in names},
        )


class Cover(BaseModel):
    """`under`: the authorisation within which it stays, or null; then `lacks` says why. Both empty: nobody authorised its
    wording."""

    under: str | None
    events: list[str]
    lacks: list[str]


@router.get("/pre-authorised")
def list_pre_authorised(request: Request, actor: Asking, pages: Pages) -> Listed[Authorised]:
    """The newest first."""
    parts = parts_of(request)
    found, now = parts.pre_authorise.listed(actor), _now(parts.database)
    return pages.cut(
        found, lambda each: [-each.proposed_at.timestamp(), each.ref], lambda each: Authorised.of(each, now)
    )


@router.get("/pre-authorised/{ref}")
def show_pre_authorised(request: Request, actor: Asking, ref: Ref) -> Authorised:
    """Its wording and its bounds, and who authorised it."""
    parts = parts_of(request)
    return Authorised.of(parts.pre_authorise.one(actor, ref), _now(parts.database))


@router.post("/pre-authorised", status_code=201)
def propose_pre_authorised(request: Request, actor: Asking, body: Wanted) -> Authorised:
    """Propose that one officer may send this wording alone, within these bounds. It wants the second factor."""
    parts = parts_of(request)
    bounds = Meant.from_json(body.bounds.model_dump(mode="json"))
    made = parts.pre_authorise.propose(actor, body.template, bounds, ends_at=body.ends_at, reason=body.reason)
    return Authorised.of(made, _now(parts.database))


@router.post("/pre-authorised/{ref}/confirm")
def confirm_pre_authorised(request: Request, actor: Asking, ref: Ref, body: Shown) -> Authorised:
    """Never by the one who proposed it. It wants the second factor."""
    parts = parts_of(request)
    made = parts.pre_authorise.confirm(actor, ref, body.sha256.lower())
    return Authorised.of(made, _now(parts.database))


@router.post("/pre-authorised/{ref}/end")
def end_pre_authorised(request: Request, actor: Asking, ref: Ref, body: Because) -> Authorised:
    """At once. One person is enough: it only takes away."""
    parts = parts_of(request)
    return Authorised.of(parts.pre_authorise.end(actor, ref, body.reason), _now(parts.database))


@router.get("/messages/{ref}/alone", dependencies=[reading])
def check_alone(request: Request, ref: Ref) -> Cover:
    """Whether an officer may send this message without a second person, and where not, why."""
    cover = parts_of(request).pre_authorise.cover(ref)
    under = cover.under
    return Cover(
        under=under.ref if under else None,
        events=list(under.bounds.events) if under else [],
        lacks=list(cover.lacks),
    )


def _now(database: Database) -> datetime:
    with database.read() as tx:
        return tx.now()
