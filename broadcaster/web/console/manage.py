"""People and policies: who may use this, what waits for a second administrator, and what was decided about both."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.db.people import Person
from broadcaster.domain.errors import Problem
from broadcaster.domain.policy import Action
from broadcaster.service.proposals import Done, Outcome
from broadcaster.web.console.guard import Desk, Sent, SignedIn, allowed, parts_of
from broadcaster.web.console.manage_frame import manage_page, policies_asked, roles_asked, text, texts
from broadcaster.web.console.message import told
from broadcaster.web.console.step_up import carried_out

front = APIRouter(prefix="/manage")
router = APIRouter(prefix="/manage", dependencies=[Depends(allowed(Action.MANAGE))])


@front.get("")
def manage(request: Request, desk: SignedIn) -> Response:
    """To each what he may do here."""
    if desk.may(Action.MANAGE):
        return _overview(request, desk)
    return RedirectResponse("/manage/audiences" if desk.may(Action.IMPORT) else "/manage/accounts", 303)


@router.get("/users/new")
def new_user(request: Request, desk: SignedIn) -> HTMLResponse:
    return _new(request, desk)


@router.post("/users/new")
def add_user(request: Request, desk: SignedIn, form: Sent) -> Response:
    name, roles = text(form, "name"), texts(form, "roles")
    proposals = parts_of(request).proposals
    return _changed(
        request,
        desk,
        form,
        lambda actor: proposals.add_user(actor, name, roles, reason=text(form, "reason")),
        again=lambda desk, problem: _new(request, desk, form=form, problem=problem),
    )


@router.get("/users/{name}")
def user(request: Request, desk: SignedIn, name: str) -> HTMLResponse:
    return _user(request, desk, name)


@router.post("/users/{name}/roles")
def change_roles(request: Request, desk: SignedIn, form: Sent, name: str) -> Response:
    roles, proposals = texts(form, "roles"), parts_of(request).proposals
    return _about(
        request,
        desk,
        form,
        name,
        lambda actor: proposals.change_roles(actor, name, roles, reason=text(form, "reason")),
    )


@router.post("/users/{name}/invite")
def invite(request: Request, desk: SignedIn, form: Sent, name: str) -> Response:
    proposals, factors = parts_of(request).proposals, bool(text(form, "factors"))
    return _about(
        request,
        desk,
        form,
        name,
        lambda actor: proposals.invite_user(actor, name, factors=factors, reason=text(form, "reason")),
    )


@router.post("/users/{name}/disable")
def disable(request: Request, desk: SignedIn, form: Sent, name: str) -> Response:
    proposals = parts_of(request).proposals
    return _about(
        request,
        desk,
        form,
        name,
        lambda actor: proposals.disable_user(actor, name, reason=text(form, "reason")),
    )


@router.post("/users/{name}/enable")
def enable(request: Request, desk: SignedIn, form: Sent, name: str) -> Response:
    proposals = parts_of(request).proposals
    return _about(
        request,
        desk,
        form,
        name,
        lambda actor: proposals.enable_user(actor, name, reason=text(form, "reason")),
    )


@router.post("/users/{name}/sso")
def single_sign_on(request: Request, desk: SignedIn, form: Sent, name: str) -> Response:
    proposals = parts_of(request).proposals
    change = proposals.take_sso_away if text(form, "away") else proposals.allow_sso
    return _about(request, desk, form, name, lambda actor: change(actor, name, reason=text(form, "reason")))


@router.post("/users/{name}/sign-out")
def sign_out(request: Request, desk: SignedIn, form: Sent, name: str) -> Response:  # noqa: ARG001 - checked
    parts_of(request).sessions.end_all(desk.person, name)
    return RedirectResponse(_address(name), 303)


@router.post("/policies/{name}")
def change_policy(request: Request, desk: SignedIn, form: Sent, name: str) -> Response:
    proposals, value = parts_of(request).proposals, text(form, "value")
    return _changed(
        request,
        desk,
        form,
        lambda actor: proposals.change_switch(actor, name, value, reason=text(form, "reason")),
        again=lambda desk, problem: _overview(request, desk, problem=problem),
    )


@router.post("/proposals/{ref}/confirm")
def confirm(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    """What the page showed, and nothing else: its hash came along."""
    proposals, shown = parts_of(request).proposals, text(form, "hash")
    return _changed(
        request,
        desk,
        form,
        lambda actor: proposals.confirm(actor, ref, shown),
        again=lambda desk, problem: _overview(request, desk, problem=problem),
    )


@router.post("/proposals/{ref}/decline")
def decline(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    try:
        parts_of(request).proposals.decline(desk.person, ref, text(form, "reason"))
    except Problem as problem:
        return _overview(request, desk, problem=problem, about=ref)
    return RedirectResponse("/manage", 303)


def _about(
    request: Request, desk: Desk, form: FormData, name: str, act: Callable[[Person], Outcome]
) -> Response:
    return _changed(
        request,
        desk,
        form,
        act,
        again=lambda desk, problem: _user(request, desk, name, form=form, problem=problem),
        then=_address(name),
    )


def _changed(
    request: Request,
    desk: Desk,
    form: FormData,
    act: Callable[[Person], Outcome],
    *,
    again: Callable[[Desk, Problem], Response],
    then: str = "/manage",
) -> Response:
    return carried_out(
        request, desk, form, act, done=lambda desk, made: decided(request, desk, made, then=then), again=again
    )


def decided(request: Request, desk: Desk, made: Outcome, *, then: str) -> Response:
    """Where something is shown only once, it is on this page; what waits is at the top of the next one."""
    if not isinstance(made, Done):
        return RedirectResponse(f"/manage#{made.ref}", 303)
    if not (made.invitation or made.token or made.secret):
        return RedirectResponse(then, 303)
    link = f"{parts_of(request).settings.console_url}/invitation/{made.invitation}" if made.invitation else ""
    return manage_page(
        request, "shown_once.html", title="Done", desk=desk, made=made, link=link, back=then, token=made.token
    )


def _overview(
    request: Request, desk: Desk, *, problem: Problem | None = None, about: str = ""
) -> HTMLResponse:
    parts = parts_of(request)
    return manage_page(
        request,
        "manage.html",
        title="People and policies",
        desk=desk,
        answer=409 if problem else 200,
        problems=[{**each, "href": f"#reason-{about}"} for each in told(problem)] if about else told(problem),
        waiting=parts.proposals.listed(desk.person),
        staff=parts.staff.everybody(desk.person),
        others=[each for each in parts.staff.administrators() if each != desk.person.name],
        policies=policies_asked(parts.proposals.switches()),
    )


def _new(
    request: Request, desk: Desk, *, form: FormData | None = None, problem: Problem | None = None
) -> HTMLResponse:
    return manage_page(
        request,
        "manage_new.html",
        title="Add somebody",
        desk=desk,
        back="/manage",
        answer=422 if problem else 200,
        problems=told(problem, at="name"),
        who=text(form, "name") if form else "",
        reason=text(form, "reason") if form else "",
        roles=roles_asked(texts(form, "roles") if form else ()),
    )


def _user(
    request: Request,
    desk: Desk,
    name: str,
    *,
    form: FormData | None = None,
    problem: Problem | None = None,
) -> HTMLResponse:
    parts = parts_of(request)
    found = parts.staff.one(desk.person, name)
    chosen: Sequence[Any] = (
        texts(form, "roles") if form and "roles" in form else sorted(found.known.person.roles)
    )
    return manage_page(
        request,
        "manage_user.html",
        title=name,
        desk=desk,
        back="/manage",
        answer=409 if problem else 200,
        problems=told(problem),
        member=found,
        address=_address(name),
        has_sso=parts.single_sign_on is not None,
        reason=text(form, "reason") if form else "",
        roles=roles_asked(chosen),
        tokens=[] if found.known.disabled_at else parts.people.tokens(desk.person, of=name),
    )


def _address(name: str) -> str:
    return f"/manage/users/{quote(name, safe='')}"
