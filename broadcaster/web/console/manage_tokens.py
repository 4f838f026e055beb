"""Tokens: with which programs and the command line say who asks. Everybody's, and making one for somebody else."""

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.domain.errors import Problem
from broadcaster.domain.policy import Action
from broadcaster.web.console.guard import Desk, Sent, SignedIn, allowed, parts_of
from broadcaster.web.console.manage import decided
from broadcaster.web.console.manage_frame import days, manage_page, scopes_asked, text, texts
from broadcaster.web.console.message import told
from broadcaster.web.console.step_up import carried_out

router = APIRouter(prefix="/manage/tokens", dependencies=[Depends(allowed(Action.MANAGE))])

LASTS_DAYS = 90


@router.get("")
def tokens(request: Request, desk: SignedIn) -> HTMLResponse:
    return _tokens(request, desk)


@router.post("")
def issue(request: Request, desk: SignedIn, form: Sent) -> Response:
    proposals = parts_of(request).proposals
    return carried_out(
        request,
        desk,
        form,
        lambda actor: proposals.issue_token(
            actor,
            text(form, "name"),
            days=days(form, otherwise=LASTS_DAYS),
            label=text(form, "label"),
            scopes=texts(form, "scopes"),
            reason=text(form, "reason"),
        ),
        done=lambda desk, made: decided(request, desk, made, then="/manage/tokens"),
        again=lambda desk, problem: _tokens(request, desk, form=form, problem=problem),
    )


@router.post("/{token_id}/revoke")
def revoke(request: Request, desk: SignedIn, form: Sent, token_id: int) -> Response:  # noqa: ARG001 - checked
    try:
        parts_of(request).people.revoke_token(desk.person, token_id)
    except Problem as problem:
        return _tokens(request, desk, problem=problem)
    return RedirectResponse("/manage/tokens", 303)


def _tokens(
    request: Request, desk: Desk, *, form: FormData | None = None, problem: Problem | None = None
) -> HTMLResponse:
    parts = parts_of(request)
    given = form or FormData()
    return manage_page(
        request,
        "manage_tokens.html",
        title="Tokens",
        desk=desk,
        answer=409 if problem else 200,
        problems=told(problem),
        tokens=parts.people.tokens(desk.person, of="*"),
        staff=[m.name for m in parts.staff.everybody(desk.person) if m.known.disabled_at is None],
        given=given,
        days=days(given, otherwise=LASTS_DAYS),
        scopes=scopes_asked(texts(given, "scopes")),
    )
