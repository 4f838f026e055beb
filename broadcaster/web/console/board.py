"""The live board: each channel's state as it changes, stopping, and what became of each delivery as a file."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from sse_starlette import EventSourceResponse
from starlette.requests import Request

from broadcaster.domain.errors import Problem
from broadcaster.domain.policy import Action
from broadcaster.service.board import Board
from broadcaster.web.console.follow_ups import offered
from broadcaster.web.console.guard import Desk, Sent, SignedIn, parts_of
from broadcaster.web.console.live import Look, Watchers
from broadcaster.web.console.message import told
from broadcaster.web.console.pages import HEADERS, fragment, page
from broadcaster.web.console.words import many

router = APIRouter(prefix="/messages")

ASK_SESSION_EVERY_S = 10.0
LEAST_REFRESH_S = 5


@router.get("/{ref}/board")
def board(
    request: Request, desk: SignedIn, ref: str, every: Annotated[int, Query(ge=0, le=600)] = 0
) -> HTMLResponse:
    """`every` so many seconds it is loaded anew, for browsers without JavaScript; the link to it is on the page."""
    parts = parts_of(request)
    seen = state(request, parts.boards.of(ref), may_act=desk.may(Action.DECIDE))
    written = parts.report.written(ref)
    return page(
        request,
        "board.html",
        title=written.facts.headline,
        desk=desk,
        back="/",
        facts=written.facts,
        exercise=written.mode == "exercise",
        paged=parts.paging.about(ref)[:1],
        asked=[each for each in parts.paging.asked_of(desk.person) if each.request.subject == ref],
        held=parts.storm.holds(ref),
        source=parts.feed_warnings.of_message(desk.person, ref),
        every=max(LEAST_REFRESH_S, every) if every else 0,
        may_stop=desk.may(Action.STOP) and seen["board"].state == "sending",
        follow_ups=offered(parts, ref) if desk.may(Action.WRITE) else [],
        **seen,
    )


@router.get("/{ref}/live")
async def live(request: Request, desk: SignedIn, ref: str) -> EventSourceResponse:
    """The board's changing part, each time that it has changed. NotFound before anything is streamed."""
    await asyncio.to_thread(parts_of(request).boards.of, ref)
    return EventSourceResponse(_changes(request, desk, ref), headers={"Cache-Control": "no-store"})


async def _changes(request: Request, desk: Desk, ref: str) -> AsyncIterator[dict[str, str]]:
    """Ends with the session, and says so: a page that only stood still would be taken for a quiet night."""
    sessions, may_act = parts_of(request).sessions, desk.may(Action.DECIDE)
    asked_at = asyncio.get_running_loop().time()
    async for look in watchers(request).follow(ref, wake_s=ASK_SESSION_EVERY_S):
        now = asyncio.get_running_loop().time()
        if now - asked_at >= ASK_SESSION_EVERY_S:
            asked_at = now
            if not await asyncio.to_thread(sessions.is_open, desk.cookie):
                yield {"event": "ended", "data": "{}"}
                return
        if look is not None:
            yield (
                {"event": "board", "data": look.texts[may_act]}
                if look.texts
                else {
                    "event": "away",
                    "data": "{}",
                }
            )


def watchers(request: Request) -> Watchers:
    """One for the whole process."""
    app = request.app
    if not hasattr(app.state, "watchers"):
        app.state.watchers = Watchers(lambda ref: _look(request, ref))
    found: Watchers = app.state.watchers
    return found


def _look(request: Request, ref: str) -> Look:
    seen = parts_of(request).boards.of(ref)
    return Look({may_act: _event(request, seen, may_act=may_act) for may_act in (False, True)})


def _event(request: Request, seen: Board, *, may_act: bool) -> str:
    content = state(request, seen, may_act=may_act)
    html = fragment(request, "board_state.html", **content)
    return json.dumps({"html": html, "summary": content["summary"], "state": seen.message_state})


def state(request: Request, seen: Board, *, may_act: bool) -> dict[str, Any]:
    alarms = parts_of(request).alarms.of(seen.ref)
    return {"ref": seen.ref, "board": seen, "alarms": alarms, "may_act": may_act, "summary": summary(seen)}


def summary(seen: Board) -> str:
    """One sentence, for those who listen."""
    if not seen.state:
        return "Nothing was sent."
    public = [p for p in seen.places if not p.to_people]
    people = [p for p in seen.places if p.to_people]
    said = (
        [f"{sum(bool(p.accepted) for p in public)} of {many(len(public), 'post')} accepted"] if public else []
    )
    if people:
        accepted, planned = sum(p.accepted for p in people), sum(p.planned for p in people)
        said.append(f"{accepted:,} of {many(planned, 'text')} accepted")
    wrong = sum(len(p.unknown) for p in seen.places) + sum(p.to_decide for p in seen.places)
    if wrong:
        said.append(f"{wrong:,} to be decided")
    return ", ".join(said) + "."


@router.get("/{ref}/stop")
def stop_asked(request: Request, desk: SignedIn, ref: str) -> HTMLResponse:
    return _stop_page(request, desk, ref)


@router.post("/{ref}/stop")
def stop(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    reason = str(form.get("reason", ""))
    try:
        parts_of(request).recall.stop(desk.person, ref, reason)
    except Problem as problem:
        return _stop_page(request, desk, ref, problem=problem, reason=reason)
    return RedirectResponse(f"/messages/{ref}/board", 303)


def _stop_page(
    request: Request, desk: Desk, ref: str, *, problem: Problem | None = None, reason: str = ""
) -> HTMLResponse:
    seen = parts_of(request).boards.of(ref)
    return page(
        request,
        "stop.html",
        title="Stop it",
        desk=desk,
        back=f"/messages/{seen.ref}/board",
        answer=409 if problem else 200,
        facts=parts_of(request).report.written(ref).facts,
        exercise=seen.mode == "exercise",
        board=seen,
        ref=seen.ref,
        reason=reason,
        may_stop=desk.may(Action.STOP) and seen.state == "sending",
        problems=told(problem, at="reason"),
    )


@router.get("/{ref}/outcomes.csv")
def outcomes(request: Request, desk: SignedIn, ref: str) -> Response:
    """What became of each delivery, without whom it went to."""
    lines = parts_of(request).outcomes_file.of(desk.person, ref)
    name = f'attachment; filename="{ref.upper()}-outcomes.csv"'
    return StreamingResponse(
        lines, media_type="text/csv; charset=utf-8", headers={**HEADERS, "Content-Disposition": name}
    )
