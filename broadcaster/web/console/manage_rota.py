"""The rota: who is on call, entered by officers and administrators, seen by everybody who is signed in; and how one is reached."""

from collections.abc import Callable

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.domain.errors import NotAllowed, Problem
from broadcaster.domain.policy import Action
from broadcaster.domain.rota import DutyRole
from broadcaster.domain.times import local_time
from broadcaster.web.console.guard import Desk, Sent, SignedIn, allowed, parts_of
from broadcaster.web.console.manage_frame import manage_page, text
from broadcaster.web.console.message import told

router = APIRouter(prefix="/manage/rota", dependencies=[Depends(allowed(Action.READ))])


@router.get("")
def rota(request: Request, desk: SignedIn) -> Response:
    return _page(request, desk)


@router.post("")
def enter(request: Request, desk: SignedIn, form: Sent) -> Response:
    parts = parts_of(request)

    def act() -> object:
        zone = parts.settings.zone
        return parts.rota.enter(
            desk.person,
            text(form, "name"),
            text(form, "role"),
            starts_at=local_time(text(form, "starts"), zone),
            ends_at=local_time(text(form, "ends"), zone, last=True),
            covers=text(form, "covers"),
        )

    return _done(request, desk, act, form=form)


@router.post("/contact")
def contact(request: Request, desk: SignedIn, form: Sent) -> Response:
    service = parts_of(request).rota
    return _done(
        request,
        desk,
        lambda: service.set_contact(desk.person, phone=text(form, "phone"), mail=text(form, "mail")),
        form=form,
    )


@router.post("/{uid}/remove")
def remove(request: Request, desk: SignedIn, form: Sent, uid: str) -> Response:  # noqa: ARG001 - checked
    return _done(request, desk, lambda: parts_of(request).rota.remove(desk.person, uid))


@router.post("/{uid}/seen")
def seen(request: Request, desk: SignedIn, form: Sent, uid: str) -> Response:  # noqa: ARG001 - checked
    return _done(request, desk, lambda: parts_of(request).rota.acknowledge(desk.person, uid))


def _done(
    request: Request, desk: Desk, act: Callable[[], object], *, form: FormData | None = None
) -> Response:
    try:
        act()
    except Problem as problem:
        return _page(request, desk, form=form, problem=problem)
    return RedirectResponse("/manage/rota", 303)


def _page(
    request: Request, desk: Desk, *, form: FormData | None = None, problem: Problem | None = None
) -> Response:
    parts = parts_of(request)
    found = parts.rota.of(desk.person)
    return manage_page(
        request,
        "manage_rota.html",
        title="Rota",
        desk=desk,
        back="/",
        answer=403 if isinstance(problem, NotAllowed) else 422 if problem else 200,
        problems=told(problem),
        found=found,
        given=form or {"phone": found.contact.phone, "mail": found.contact.mail},
        roles=[str(role) for role in DutyRole],
        staff=parts.staff.names() if desk.may(Action.ROTA) else [],
        may_change=desk.may(Action.ROTA),
    )
