"""The policy that staff read before their first live message: reading it, and for administrators writing it."""

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.requests import Request

from broadcaster.domain.errors import Problem
from broadcaster.domain.policy import Action
from broadcaster.web.console.guard import Desk, Sent, SignedIn, allowed, parts_of
from broadcaster.web.console.manage_frame import manage_page, text
from broadcaster.web.console.message import told
from broadcaster.web.console.pages import page

router = APIRouter()
writing = APIRouter(prefix="/manage/policy", dependencies=[Depends(allowed(Action.MANAGE))])


@router.get("/me/policy")
def policy(request: Request, desk: SignedIn) -> HTMLResponse:
    return _policy(request, desk)


@router.post("/me/policy")
def acknowledge(request: Request, desk: SignedIn, form: Sent) -> Response:
    """What the page showed, and no later version."""
    given = text(form, "version")
    try:
        parts_of(request).first_live.acknowledge(desk.person, int(given) if given.isdigit() else 0)
    except Problem as problem:
        return _policy(request, desk, problem=problem)
    return RedirectResponse("/me/policy", 303)


@writing.get("")
def written(request: Request, desk: SignedIn) -> HTMLResponse:
    return _written(request, desk)


@writing.post("")
def write(request: Request, desk: SignedIn, form: Sent) -> Response:
    try:
        parts_of(request).first_live.write(desk.person, text(form, "words"))
    except Problem as problem:
        return _written(request, desk, problem=problem, words=text(form, "words"))
    return RedirectResponse("/manage/policy", 303)


def _policy(request: Request, desk: Desk, *, problem: Problem | None = None) -> HTMLResponse:
    return page(
        request,
        "policy.html",
        title="The policy",
        desk=desk,
        back="/me",
        answer=409 if problem else 200,
        problems=told(problem),
        standing=parts_of(request).first_live.of(desk.person),
    )


def _written(
    request: Request, desk: Desk, *, problem: Problem | None = None, words: str | None = None
) -> HTMLResponse:
    found = parts_of(request).first_live.texts()
    return manage_page(
        request,
        "manage_policy.html",
        title="Policy to read",
        desk=desk,
        answer=422 if problem else 200,
        problems=[{**each, "href": "#words"} for each in told(problem)],
        texts=found,
        words=words if words is not None else (found[0].words if found else ""),
        asked=parts_of(request).first_live.of(desk.person).asked,
    )
