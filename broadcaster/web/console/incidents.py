"""Incidents: the list, and one of them with what was decided, agreed, left to do and handed over."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.domain.errors import Invalid, NotAllowed, Problem
from broadcaster.domain.policy import Action
from broadcaster.domain.times import last_time
from broadcaster.service.incidents import KINDS
from broadcaster.web.console.guard import Desk, Sent, SignedIn, parts_of
from broadcaster.web.console.message import told
from broadcaster.web.console.pages import page

router = APIRouter(prefix="/incidents")
of_messages = APIRouter(prefix="/messages")


@router.get("")
def listing(request: Request, desk: SignedIn, closed: str = "") -> HTMLResponse:
    return _listing(request, desk, closed=bool(closed))


@router.post("")
def open_one(request: Request, desk: SignedIn, form: Sent) -> Response:
    typed = _typed(form)
    try:
        made = parts_of(request).incidents.open(
            desk.person, name=typed("name"), lead_agency=typed("lead_agency")
        )
    except NotAllowed:
        raise
    except Problem as problem:
        return _listing(request, desk, closed=False, problem=problem, form=form)
    return RedirectResponse(f"/incidents/{made.ref}", 303)


@router.get("/{ref}")
def one(request: Request, desk: SignedIn, ref: str) -> HTMLResponse:
    return _one(request, desk, ref)


@router.post("/{ref}/decide")
def decide(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    typed, service = _typed(form), parts_of(request).incidents
    given = {"kind": typed("kind"), "what": typed("what"), "reason": typed("reason")}
    return _do(request, desk, ref, form, "decisions", lambda: service.decide(desk.person, ref, **given))


@router.post("/{ref}/agreed")
def agreed(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    typed, parts = _typed(form), parts_of(request)
    given = {name: typed(name) for name in ("who", "agency", "way", "about")}

    def act() -> None:
        with parts.database.read() as tx:
            now = tx.now()
        at = last_time(typed("at"), now, parts.settings.zone)
        parts.incidents.agreed(desk.person, ref, at=at, **given)

    return _do(request, desk, ref, form, "agreements", act)


@router.post("/{ref}/to-do")
def to_do(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    typed, parts = _typed(form), parts_of(request)

    def act() -> None:
        until = _until(typed("until"), parts.settings.zone)
        parts.incidents.to_do(desk.person, ref, what=typed("task"), who=typed("doer"), until=until)

    return _do(request, desk, ref, form, "actions", act)


@router.post("/{ref}/done/{action_id}")
def done(request: Request, desk: SignedIn, form: Sent, ref: str, action_id: int) -> Response:
    service = parts_of(request).incidents
    return _do(request, desk, ref, form, "actions", lambda: service.done(desk.person, ref, action_id))


@router.post("/{ref}/offer")
def offer(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    typed, service = _typed(form), parts_of(request).incidents
    given = {"to": typed("to"), "words": typed("words")}
    return _do(request, desk, ref, form, "hand-over", lambda: service.offer(desk.person, ref, **given))


@router.post("/{ref}/accept")
def accept(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    service = parts_of(request).incidents
    return _do(request, desk, ref, form, "hand-over", lambda: service.accept(desk.person, ref))


@router.post("/{ref}/take-back")
def take_back(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    service = parts_of(request).incidents
    return _do(request, desk, ref, form, "hand-over", lambda: service.take_back(desk.person, ref))


@router.post("/{ref}/change")
def change(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    typed, service = _typed(form), parts_of(request).incidents
    given = {"name": typed("name"), "lead_agency": typed("lead_agency")}
    return _do(request, desk, ref, form, "end", lambda: service.change(desk.person, ref, **given))


@router.post("/{ref}/close")
def close(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    why, service = _typed(form)("end_reason"), parts_of(request).incidents
    return _do(request, desk, ref, form, "end", lambda: service.close(desk.person, ref, reason=why))


@router.post("/{ref}/reopen")
def reopen(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    why, service = _typed(form)("end_reason"), parts_of(request).incidents
    return _do(request, desk, ref, form, "end", lambda: service.reopen(desk.person, ref, reason=why))


@of_messages.post("/{ref}/incident")
def link(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    """A draft moves to another incident."""
    parts_of(request).incidents.link(desk.person, ref, _typed(form)("incident"))
    return RedirectResponse(f"/messages/{ref}", 303)


def _do(
    request: Request, desk: Desk, ref: str, form: FormData, at: str, act: Callable[[], object]
) -> Response:
    """Done: back to that part of the page. Not done: the page again, with what was typed and what to mend."""
    try:
        act()
    except NotAllowed:
        raise
    except Problem as problem:
        return _one(request, desk, ref, problem=problem, form=form, at=at)
    return RedirectResponse(f"/incidents/{ref}#{at}", 303)


def _listing(
    request: Request,
    desk: Desk,
    *,
    closed: bool,
    problem: Problem | None = None,
    form: FormData | None = None,
) -> HTMLResponse:
    return page(
        request,
        "incidents.html",
        title="Closed incidents" if closed else "Incidents",
        desk=desk,
        answer=422 if problem else 200,
        problems=[{**each, "href": "#name"} for each in told(problem)],
        found=parts_of(request).incidents.listed(desk.person, closed=closed),
        closed=closed,
        typed=form or {},
        may_keep=desk.may(Action.INCIDENT),
    )


def _one(
    request: Request,
    desk: Desk,
    ref: str,
    *,
    problem: Problem | None = None,
    form: FormData | None = None,
    at: str = "",
) -> HTMLResponse:
    parts = parts_of(request)
    whole = parts.incidents.whole(desk.person, ref)
    shown: Mapping[str, Any] = form or {}
    return page(
        request,
        "incident.html",
        title=whole.incident.name,
        exercise=whole.is_exercise,
        desk=desk,
        back="/incidents",
        back_text="Incidents",
        answer=409 if problem else 200,
        problems=[{**each, "href": f"#{at}"} for each in told(problem)],
        whole=whole,
        typed={"at": f"{whole.now.astimezone(parts.settings.zone):%H:%M}", **shown},
        wrong_at=at,
        kinds=KINDS,
        may_keep=desk.may(Action.INCIDENT) and whole.incident.closed_at is None,
        may_reopen=desk.may(Action.INCIDENT) and whole.incident.closed_at is not None,
        may_take_away=desk.may(Action.AUDIT),
    )


def _typed(form: FormData) -> Callable[[str], str]:
    return lambda name: str(form.get(name, "")).strip()


def _until(text: str, zone: ZoneInfo) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f'"{text}" is no time. Write it like 2026-11-21T03:00. Nothing was noted.') from None
    return found if found.tzinfo else found.replace(tzinfo=zone)
