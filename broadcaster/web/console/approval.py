"""The approver's page: exactly what would be sent, in the order in which somebody on a phone needs it, and the decision."""

from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.db.people import Person
from broadcaster.domain.errors import FactorWanted, Invalid, Problem
from broadcaster.domain.message import MessageState
from broadcaster.domain.policy import Action
from broadcaster.web.console.guard import Desk, Sent, SignedIn, parts_of
from broadcaster.web.console.message import seen, told
from broadcaster.web.console.pages import page
from broadcaster.web.console.step_up import carried_out

router = APIRouter(prefix="/messages")


@router.get("/{ref}/approve")
def asked(request: Request, desk: SignedIn, ref: str) -> HTMLResponse:
    return _page(request, desk, ref)


@router.post("/{ref}/approve")
def approve(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    """Send what has the hash that the page showed. `real` is the choice that nobody makes by accident."""
    if form.get("real") != "yes":
        wrong = Invalid("Choose whether this is to be sent. Nothing was sent.")
        return _page(request, desk, ref, problem=wrong, at="real")
    approving = parts_of(request).approve
    return _decided(
        request,
        desk,
        form,
        ref,
        lambda person: approving.approve(person, ref, str(form.get("hash", ""))),
        then=f"/messages/{ref}/board",
    )


@router.post("/{ref}/return")
def send_back(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    approving, reason = parts_of(request).approve, str(form.get("reason", ""))
    return _decided(
        request, desk, form, ref, lambda person: approving.send_back(person, ref, reason), at="reason"
    )


@router.post("/{ref}/reject")
def reject(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    approving, reason = parts_of(request).approve, str(form.get("reason", ""))
    return _decided(
        request, desk, form, ref, lambda person: approving.reject(person, ref, reason), at="reason"
    )


def _decided(
    request: Request,
    desk: Desk,
    form: FormData,
    ref: str,
    act: Callable[[Person], object],
    *,
    then: str = "",
    at: str = "",
) -> Response:
    """What was decided is done, with the code that came along where there is one; or the page again, saying why not."""
    return carried_out(
        request,
        desk,
        form,
        act,
        done=lambda _desk, _made: RedirectResponse(then or f"/messages/{ref}", 303),
        again=lambda desk, problem: _page(
            request, desk, ref, problem=problem, at=at, chosen=str(form.get("real", ""))
        ),
        own_field=True,
    )


def _page(
    request: Request, desk: Desk, ref: str, *, problem: Problem | None = None, at: str = "", chosen: str = ""
) -> HTMLResponse:
    found = seen(request, ref)
    rules = parts_of(request).rules
    with parts_of(request).database.read() as tx:
        fresh = rules.is_fresh(tx, desk.person)
    return page(
        request,
        "approve.html",
        title="Approve: " + found["facts"].headline,
        desk=desk,
        back="/",
        answer=409 if problem else 200,
        may_approve=desk.may(Action.APPROVE) and found["proof"].state is MessageState.SUBMITTED,
        wants_code=not fresh and found["proof"].mode == "live",
        wrong_code=isinstance(problem, FactorWanted),
        chosen=chosen,
        will_wait=parts_of(request).storm.waits(ref),
        problems=told(problem, at=at),
        turning_down=at == "reason",
        covered=parts_of(request).beforehand.of(desk.person, ref),
        paged=parts_of(request).paging.about(ref)[:1],
        **found,
    )
