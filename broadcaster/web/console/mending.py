"""What a person does about what did not go as it should: decide what is unknown, try again what was refused."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.domain.errors import Invalid, Problem
from broadcaster.domain.policy import Action
from broadcaster.web.console.beside_board import page_beside, place_of
from broadcaster.web.console.guard import Desk, Sent, SignedIn, parts_of

router = APIRouter()


@router.get("/unknown/{uid}")
def unknown(request: Request, desk: SignedIn, uid: str) -> HTMLResponse:
    return _unknown_page(request, desk, uid)


@router.post("/unknown/{uid}")
def decide(request: Request, desk: SignedIn, form: Sent, uid: str) -> Response:
    """`decision` is which of the two buttons was pressed."""
    service, reason = parts_of(request).unknowns, str(form.get("reason", ""))
    typed = {"reason": reason, "link": str(form.get("link", "")).strip()}
    ref = service.one(uid).ref
    try:
        if _again(form):
            service.send_again(desk.person, uid, reason=reason)
        else:
            service.mark_sent(desk.person, uid, link=typed["link"], reason=reason)
    except Problem as problem:
        return _unknown_page(request, desk, uid, problem=problem, typed=typed)
    return RedirectResponse(f"/messages/{ref}/board", 303)


def _unknown_page(
    request: Request,
    desk: Desk,
    uid: str,
    *,
    problem: Problem | None = None,
    typed: dict[str, str] | None = None,
) -> HTMLResponse:
    one = parts_of(request).unknowns.one(uid)
    channel = parts_of(request).channels.get(one.mode, {}).get(one.account)
    return page_beside(
        request,
        "unknown.html",
        one,
        title="Was it sent?",
        desk=desk,
        one=one,
        speaks_as=channel.target if channel else one.account,
        facts=parts_of(request).report.written(one.ref).facts,
        may_decide=desk.may(Action.DECIDE),
        typed=typed or {},
        problem=problem,
        wrong="link" if typed and typed["reason"].strip() else "reason",
    )


@router.get("/messages/{ref}/unknown/{target_id}")
def many_unknown(request: Request, desk: SignedIn, ref: str, target_id: int) -> HTMLResponse:
    return _many_page(request, desk, ref, target_id)


@router.post("/messages/{ref}/unknown/{target_id}")
def decide_many(request: Request, desk: SignedIn, form: Sent, ref: str, target_id: int) -> Response:
    reason = str(form.get("reason", ""))

    def act() -> object:
        again = _again(form)
        return parts_of(request).unknowns.decide_all(desk.person, ref, target_id, again=again, reason=reason)

    return _done(act, ref, lambda problem: _many_page(request, desk, ref, target_id, problem, reason))


def _many_page(
    request: Request, desk: Desk, ref: str, target_id: int, problem: Problem | None = None, reason: str = ""
) -> HTMLResponse:
    found = parts_of(request).unknowns.many(ref, target_id)
    return page_beside(
        request,
        "unknown_many.html",
        found,
        title="Were they sent?",
        desk=desk,
        found=found,
        may_decide=desk.may(Action.DECIDE),
        reason=reason,
        problem=problem,
        wrong="reason",
    )


@router.get("/messages/{ref}/again/{target_id}/{code}")
def again_asked(request: Request, desk: SignedIn, ref: str, target_id: int, code: str) -> HTMLResponse:
    return _again_page(request, desk, ref, target_id, code)


@router.post("/messages/{ref}/again/{target_id}/{code}")
def again(request: Request, desk: SignedIn, form: Sent, ref: str, target_id: int, code: str) -> Response:
    reason = str(form.get("reason", ""))

    def act() -> object:
        return parts_of(request).try_again.try_again(desk.person, ref, target_id, code, reason=reason)

    return _done(act, ref, lambda problem: _again_page(request, desk, ref, target_id, code, problem, reason))


def _again_page(
    request: Request,
    desk: Desk,
    ref: str,
    target_id: int,
    code: str,
    problem: Problem | None = None,
    reason: str = "",
) -> HTMLResponse:
    board, place = place_of(request, ref, target_id)
    refused = [r for r in place.counted.reasons if r.state == "failed" and r.code == code]
    return page_beside(
        request,
        "again.html",
        board,
        title="Try it again",
        desk=desk,
        ref=board.ref,
        place=place,
        refused=refused[0] if refused else None,
        may_decide=desk.may(Action.DECIDE) and code in place.can_retry,
        reason=reason,
        problem=problem,
        wrong="reason",
    )


def _again(form: FormData) -> bool:
    """Whether it is to be sent again: by that very button, and never because a form came without any."""
    decision = form.get("decision")
    if decision not in {"sent", "again"}:
        raise Invalid("Choose whether it was sent or is to be sent again. Nothing was changed.")
    return decision == "again"


def _done(act: Callable[[], Any], ref: str, page_again: Callable[[Problem], Response]) -> Response:
    try:
        act()
    except Problem as problem:
        return page_again(problem)
    return RedirectResponse(f"/messages/{ref}/board", 303)
