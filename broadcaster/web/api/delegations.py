"""Who may approve what without being an approver, for a time and under a scheme of the organisation."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from broadcaster.domain.checks.cost import DEFAULT_CURRENCY
from broadcaster.domain.delegation import Covers as Meant
from broadcaster.domain.delegation import Delegation as Stored
from broadcaster.domain.message import Severity
from broadcaster.web.api.guard import Asking, parts_of
from broadcaster.web.api.lists import Listed, Pages
from broadcaster.web.api.people import Changed
from broadcaster.web.api.shapes import Because, Given, Name, Ref, Why
from broadcaster.web.api.times import Moment

router = APIRouter(prefix="/delegations", tags=["users, tokens, proposals"])


class Covers(Given):
    """No templates: every one. No severities: any. `most_cost` is the most that the texts of one message may cost; empty: any."""

    templates: list[Name] = Field([], max_length=100)
    severities: list[Severity] = Field([], max_length=5)
    most_cost: str = Field("", pattern=r"^[0-9]{0,9}(\.[0-9]{1,2})?$", examples=["500"])
    currency: str = Field(DEFAULT_CURRENCY, pattern="^[A-Z]{3}$")


class NewDelegation(Given):
    person: Name
    covers: Covers
    scheme: Name = Field(description="The scheme of delegation that allows it.")
    starts_at: Moment
    ends_at: Moment = Field(description="Within a year.")
    reason: Why = ""


class ToldCovers(BaseModel):
    templates: list[str]
    severities: list[str]
    most_cost: str
    currency: str


class Delegation(BaseModel):
    ref: str
    person: str
    covers: ToldCovers
    scheme: str
    starts_at: datetime
    ends_at: datetime
    given_by: str
    given_at: datetime
    ended_at: datetime | None
    in_force: bool

    @classmethod
    def of(cls, each: Stored, now: datetime) -> "Delegation":
        names = cls.model_fields.keys() - {"covers", "in_force"}
        return cls(
            covers=ToldCovers(**each.covers.to_json()),
            in_force=each.in_force(now),
            **{name: getattr(each, name) for name in names},
        )


class Ended(BaseModel):
    reference: str
    ended: bool


@router.get("")
def list_delegations(request: Request, actor: Asking, pages: Pages) -> Listed[Delegation]:
    """The newest first: all for administrators and auditors, one's own otherwise."""
    parts = parts_of(request)
    with parts.database.read() as tx:
        now = tx.now()
    return pages.cut(
        parts.delegations.listed(actor),
        lambda each: [-each.given_at.timestamp(), each.ref],
        lambda each: Delegation.of(each, now),
    )


@router.post("", status_code=201)
def give_delegation(request: Request, actor: Asking, body: NewDelegation) -> Changed:
    """A second administrator confirms it. It wants the second factor."""
    covers = Meant(
        templates=tuple(body.covers.templates),
        severities=tuple(body.covers.severities),
        most_cost=body.covers.most_cost,
        currency=body.covers.currency,
    )
    made = parts_of(request).proposals.give_delegation(
        actor,
        body.person,
        covers,
        scheme=body.scheme,
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        reason=body.reason,
    )
    return Changed.of(made)


@router.post("/{ref}/end")
def end_delegation(request: Request, actor: Asking, ref: Ref, body: Because) -> Ended:
    """At once. One administrator is enough: it only takes away."""
    found = parts_of(request).delegations.end(actor, ref, body.reason)
    return Ended(reference=found.ref, ended=True)
