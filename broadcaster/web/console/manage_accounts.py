"""The accounts on the platforms: whether each could send now, what was found, and what to do about it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.requests import Request

from broadcaster.domain.errors import Problem
from broadcaster.domain.policy import Action
from broadcaster.domain.readiness import ReadinessState
from broadcaster.service.readiness import AccountNow
from broadcaster.web.console.guard import Desk, Sent, SignedIn, allowed, parts_of
from broadcaster.web.console.manage_frame import manage_page
from broadcaster.web.console.message import told

router = APIRouter(prefix="/manage/accounts", dependencies=[Depends(allowed(Action.READ))])

STATES = {
    ReadinessState.READY: ("ready", "good"),
    ReadinessState.DOUBTFUL: ("needs a look", "wait"),
    ReadinessState.NOT_READY: ("NOT READY", "bad"),
}


#: A page that waits for answers comes again so often, and so many times.
AGAIN_EVERY_S, AGAIN_MOST = 2, 15


@router.get("")
def accounts(
    request: Request, desk: SignedIn, asked: Annotated[int, Query(ge=0, le=AGAIN_MOST)] = 0
) -> HTMLResponse:
    """`asked` counts how often it has come since a check was asked for."""
    return _accounts(request, desk, asked=asked)


@router.post("/check")
def check(request: Request, desk: SignedIn, form: Sent) -> Response:  # noqa: ARG001 - checked
    """Have every platform asked now, without posting anything, by the processes that hold the accounts."""
    parts_of(request).checks.ask()
    return RedirectResponse("/manage/accounts?asked=1", 303)


@router.post("/{mode}/{name}/resume")
def resume(request: Request, desk: SignedIn, form: Sent, mode: str, name: str) -> Response:  # noqa: ARG001
    try:
        parts_of(request).accounts.resume(desk.person, name, mode)
    except Problem as problem:
        return _accounts(request, desk, problem=problem)
    return RedirectResponse("/manage/accounts", 303)


def _accounts(
    request: Request, desk: Desk, *, asked: int = 0, problem: Problem | None = None
) -> HTMLResponse:
    parts = parts_of(request)
    accounts = sorted(parts.checks.accounts_now(), key=_worst_first)
    awaited = [each for each in accounts if asked and each.is_awaited]
    return manage_page(
        request,
        "manage_accounts.html",
        title="Accounts",
        desk=desk,
        answer=409 if problem else 200,
        problems=told(problem),
        found=[(each, *state_of(each)) for each in accounts],
        awaited=awaited,
        again=f"{AGAIN_EVERY_S}; url=/manage/accounts?asked={asked + 1}"
        if awaited and asked < AGAIN_MOST
        else "",
        may_resume=desk.may(Action.MANAGE),
        folder=parts.settings.credentials,
    )


def state_of(account: AccountNow) -> tuple[str, str]:
    """In a word or two, and how it is marked."""
    if account.paused_at:
        return "PAUSED", "bad"
    if account.failing_since:
        return "failing", "bad"
    if not account.can_be_checked:
        return "cannot be checked", ""
    return STATES[account.probed.state] if account.probed else ("not checked yet", "wait")


def _worst_first(account: AccountNow) -> tuple[bool, int, str]:
    """Live ones before those of exercises."""
    order = {"bad": 0, "wait": 1}
    return account.mode != "live", order.get(state_of(account)[1], 2), account.name
