"""Posting by hand what a channel could not, and noting in which other ways people were told."""

from datetime import datetime
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.requests import Request

from broadcaster.domain.errors import Problem
from broadcaster.domain.policy import Action
from broadcaster.domain.times import last_time
from broadcaster.service.by_hand import WorkByHand
from broadcaster.web.console.beside_board import page_beside, place_of
from broadcaster.web.console.guard import Desk, Sent, SignedIn, parts_of

router = APIRouter(prefix="/messages")


@router.get("/{ref}/by-hand/{target_id}")
def by_hand(request: Request, desk: SignedIn, ref: str, target_id: int) -> HTMLResponse:
    return _page(request, desk, ref, target_id)


@router.post("/{ref}/by-hand/{target_id}")
def posted(request: Request, desk: SignedIn, form: Sent, ref: str, target_id: int) -> Response:
    typed = {name: str(form.get(name, "")).strip() for name in ("at", "link")}
    service, now, zone = _clock(request)
    wrong = "at"
    try:
        at = last_time(typed["at"], now, zone)
        wrong = "link"
        service.posted(desk.person, ref, target_id, at=at, link=typed["link"])
    except Problem as problem:
        return _page(request, desk, ref, target_id, problem=problem, wrong=wrong, typed=typed)
    return RedirectResponse(f"/messages/{ref}/board", 303)


def _page(
    request: Request,
    desk: Desk,
    ref: str,
    target_id: int,
    *,
    problem: Problem | None = None,
    wrong: str = "",
    typed: dict[str, str] | None = None,
) -> HTMLResponse:
    board, place = place_of(request, ref, target_id)
    _, now, zone = _clock(request)
    return page_beside(
        request,
        "by_hand.html",
        board,
        title="Post it by hand",
        desk=desk,
        ref=board.ref,
        place=place,
        post=parts_of(request).by_hand.text(ref, target_id),
        may_decide=desk.may(Action.DECIDE),
        typed=typed or {"at": f"{now.astimezone(zone):%H:%M}"},
        problem=problem,
        wrong=wrong,
    )


@router.get("/{ref}/told")
def told(request: Request, desk: SignedIn, ref: str) -> HTMLResponse:
    return _told_page(request, desk, ref)


@router.post("/{ref}/told")
def told_by_hand(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    typed = {name: str(form.get(name, "")).strip() for name in ("way", "at", "words")}
    service, now, zone = _clock(request)
    wrong = "at"
    try:
        at = last_time(typed["at"], now, zone)
        wrong = "words" if typed["way"] else "way"
        service.told(desk.person, ref, way=typed["way"], at=at, words=typed["words"])
    except Problem as problem:
        return _told_page(request, desk, ref, problem=problem, wrong=wrong, typed=typed)
    return RedirectResponse(f"/messages/{ref}/board", 303)


def _told_page(
    request: Request,
    desk: Desk,
    ref: str,
    *,
    problem: Problem | None = None,
    wrong: str = "",
    typed: dict[str, str] | None = None,
) -> HTMLResponse:
    board = parts_of(request).boards.of(ref)
    _, now, zone = _clock(request)
    return page_beside(
        request,
        "told.html",
        board,
        title="Told in another way",
        desk=desk,
        ref=board.ref,
        told=board.told,
        may_decide=desk.may(Action.DECIDE) and bool(board.state),
        typed=typed or {"at": f"{now.astimezone(zone):%H:%M}"},
        problem=problem,
        wrong=wrong,
    )


def _clock(request: Request) -> tuple[WorkByHand, datetime, ZoneInfo]:
    """The service, and what the database's clock shows here."""
    parts = parts_of(request)
    with parts.database.read() as tx:
        return parts.by_hand, tx.now(), parts.settings.zone
