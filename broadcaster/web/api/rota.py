"""The rota: who is on call, and how one is reached."""

from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.requests import Request

from broadcaster.db.people import Person
from broadcaster.domain.rota import DutyRole
from broadcaster.service.rota import Roster
from broadcaster.web.api.guard import Asking, parts_of
from broadcaster.web.api.once import Done, Key, once
from broadcaster.web.api.shapes import NO_NUL, Given, Name, Told, Uid
from broadcaster.web.api.times import Moment

router = APIRouter(tags=["rota"])


class Duty(Told):
    """`covers` is for whom this person stands in; `acknowledged_at` when he said to have seen it."""

    uid: str
    person: str
    role: str
    starts_at: datetime
    ends_at: datetime
    covers: str
    entered_by: str
    acknowledged_at: datetime | None


class Contact(Told):
    """Of work; each may be empty."""

    phone: str
    mail: str


class OnCall(Told):
    duty: Duty
    contact: Contact


class Gap(Told):
    """Nobody is on call in this role; `until` is null where nothing is planned any more."""

    role: str
    since: datetime
    until: datetime | None


class Rota(BaseModel):
    """As of `at`: who is on call `now`, what is `planned`, where nobody is or two are at once; `mine` waits for the user to say that he
    has seen it, and `contact` is how that user is reached."""

    at: datetime
    now: list[OnCall]
    planned: list[Duty]
    gaps: list[Gap]
    overlaps: list[list[Duty]]
    mine: list[Duty]
    contact: Contact

    @classmethod
    def of(cls, found: Roster) -> "Rota":
        return cls(
            at=found.at,
            now=[OnCall.model_validate(each) for each in found.now],
            planned=[Duty.model_validate(each) for each in found.planned],
            gaps=[Gap.model_validate(each) for each in found.gaps],
            overlaps=[[Duty.model_validate(each) for each in pair] for pair in found.overlaps],
            mine=[Duty.model_validate(each) for each in found.mine],
            contact=Contact.model_validate(found.contact),
        )


class NewDuty(Given):
    person: Name
    role: DutyRole
    starts_at: Moment
    ends_at: Moment
    covers: Name = Field("", description="For whom this person stands in; empty for nobody.")


class OwnContact(Given):
    """Both empty: there is none any more."""

    phone: str = Field("", max_length=30, pattern=NO_NUL, examples=["01632 960123"])
    mail: str = Field("", max_length=254, pattern=NO_NUL, examples=["olive@wyre.example"])


@router.get("/rota")
def show_rota(request: Request, actor: Asking) -> Rota:
    """Who is on call now and how they are reached, what is planned, and where it has gaps."""
    return _rota(request, actor)


@router.post("/rota", status_code=201, response_model=Rota)
def enter_duty(request: Request, actor: Asking, body: NewDuty, key: Key = None) -> Response:
    """Somebody is on call from then until then. Gaps and overlaps are told, and refuse nothing."""
    service = parts_of(request).rota
    return once(
        request,
        actor,
        key,
        body,
        lambda: service.enter(
            actor,
            body.person,
            body.role,
            starts_at=body.starts_at,
            ends_at=body.ends_at,
            covers=body.covers,
        ),
        lambda _: Done(made=_rota(request, actor), status=201),
    )


@router.delete("/rota/{uid}")
def remove_duty(request: Request, actor: Asking, uid: Uid) -> Rota:
    """That entry is out of the rota."""
    parts_of(request).rota.remove(actor, uid)
    return _rota(request, actor)


@router.post("/rota/{uid}/seen")
def acknowledge_duty(request: Request, actor: Asking, uid: Uid) -> Rota:
    """Whoever is on call says to have seen it, and nobody else."""
    parts_of(request).rota.acknowledge(actor, uid)
    return _rota(request, actor)


@router.put("/me/contact")
def change_contact(request: Request, actor: Asking, body: OwnContact) -> Contact:
    """How the user is reached at work, for the rest of the staff and for pages."""
    service = parts_of(request).rota
    service.set_contact(actor, phone=body.phone, mail=body.mail)
    return Contact.model_validate(service.of(actor).contact)


def _rota(request: Request, actor: Person) -> Rota:
    return Rota.of(parts_of(request).rota.of(actor))
