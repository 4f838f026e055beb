"""Storm mode: the switch, and what it holds, one by one or all of one kind."""

from collections.abc import Callable

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.domain.errors import NotAllowed, Problem
from broadcaster.domain.policy import Action
from broadcaster.domain.storm import Decision
from broadcaster.web.console.guard import Desk, Sent, SignedIn, allowed, parts_of
from broadcaster.web.console.manage_frame import text
from broadcaster.web.console.message import told
from broadcaster.web.console.pages import page

router = APIRouter(prefix="/storm", dependencies=[Depends(allowed(Action.READ))])


@router.get("")
def storm(request: Request, desk: SignedIn) -> HTMLResponse:
    return _page(request, desk)


@router.post("/on")
def on(request: Request, desk: SignedIn, form: Sent) -> Response:
    mode = parts_of(request).storm
    return _done(request, desk, form, "reason", lambda: mode.switch_on(desk.person, text(form, "reason")))


@router.post("/off")
def off(request: Request, desk: SignedIn, form: Sent) -> Response:
    mode = parts_of(request).storm
    return _done(request, desk, form, "reason", lambda: mode.switch_off(desk.person, text(form, "reason")))


@router.post("/held/{ref}")
def decide(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    mode, decision, why = parts_of(request).storm, text(form, "decision"), text(form, "why")
    act = lambda: mode.decide(desk.person, ref, decision, why)  # noqa: E731 - what is done, as in the others
    then = f"/messages/{ref}" if decision == Decision.CHANGE else "/storm"
    return _done(request, desk, form, f"why-{ref}", act, then=then)


@router.post("/kinds/{kind}")
def decide_all(request: Request, desk: SignedIn, form: Sent, kind: str) -> Response:
    mode, decision, why = parts_of(request).storm, text(form, "decision"), text(form, "why")
    return _done(
        request, desk, form, f"why-{kind}", lambda: mode.decide_all(desk.person, kind, decision, why)
    )


def _done(
    request: Request,
    desk: Desk,
    form: FormData,
    at: str,
    act: Callable[[], object],
    *,
    then: str = "/storm",
) -> Response:
    try:
        act()
    except NotAllowed:
        raise
    except Problem as problem:
        return _page(request, desk, problem=problem, at=at, form=form)
    return RedirectResponse(then, 303)


def _page(
    request: Request,
    desk: Desk,
    *,
    problem: Problem | None = None,
    at: str = "",
    form: FormData | None = None,
) -> HTMLResponse:
    return page(
        request,
        "storm.html",
        title="Storm mode",
        desk=desk,
        back="/",
        answer=409 if problem else 200,
        found=parts_of(request).storm.weather(desk.person),
        may_switch=desk.may(Action.STORM),
        typed={at: text(form, "why") or text(form, "reason")} if form else {},
        problems=told(problem, at=at),
    )
