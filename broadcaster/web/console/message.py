"""One message: what every channel says of it, and handing it over."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.requests import Request

from broadcaster.domain.break_glass import OFF
from broadcaster.domain.errors import FactorWanted, Problem
from broadcaster.domain.identity import Switch
from broadcaster.domain.message import MessageState
from broadcaster.domain.policy import Action
from broadcaster.service.incidents import LINKABLE
from broadcaster.web.console.follow_ups import offered
from broadcaster.web.console.guard import Desk, Sent, SignedIn, parts_of
from broadcaster.web.console.pages import page
from broadcaster.web.console.texts import by_text

router = APIRouter(prefix="/messages")

EDITABLE = frozenset({MessageState.DRAFT, MessageState.SUBMITTED, MessageState.EXPIRED})
SUBMITTABLE = frozenset({MessageState.DRAFT, MessageState.EXPIRED})


@router.get("")
def listing(request: Request, desk: SignedIn) -> HTMLResponse:
    found = parts_of(request).report.messages(limit=100)
    return page(request, "messages.html", title="Messages", desk=desk, found=found)


@router.get("/{ref}")
def proof(request: Request, desk: SignedIn, ref: str) -> HTMLResponse:
    return _proof(request, desk, ref)


@router.post("/{ref}/submit")
def submit(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:  # noqa: ARG001 - checked
    try:
        parts_of(request).compose.submit(desk.person, ref)
    except Problem as problem:
        return _proof(request, desk, ref, problem=problem)
    return RedirectResponse(f"/messages/{ref}", 303)


def _proof(request: Request, desk: Desk, ref: str, *, problem: Problem | None = None) -> HTMLResponse:
    found = seen(request, ref)
    state, own = found["proof"].state, desk.may(Action.WRITE)
    return page(
        request,
        "message.html",
        title=found["facts"].headline,
        desk=desk,
        back="/",
        answer=409 if problem else 200,
        may_edit=own and state in EDITABLE,
        may_submit=own and state in SUBMITTABLE and not found["proof"].problems,
        source=parts_of(request).feed_warnings.of_message(desk.person, found["ref"]),
        **_incident(request, desk, found["ref"], state),
        may_approve=desk.may(Action.APPROVE) and state is MessageState.SUBMITTED,
        follow_ups=offered(parts_of(request), ref) if own else [],
        may_redact=desk.may(Action.REDACT),
        redactions=parts_of(request).redacting.of(ref),
        **_of_the_clock(request, desk, ref, state),
        problems=told(problem),
        **found,
    )


def _of_the_clock(request: Request, desk: Desk, ref: str, state: MessageState) -> dict[str, Any]:
    """Who was paged, what happens if nobody answers, and whether one officer may send it alone."""
    parts, may = parts_of(request), desk.may(Action.SEND_ALONE)
    with parts.database.read() as tx:
        is_on = parts.rules.switch(tx, Switch.BREAK_GLASS) != OFF
    return {
        "paged": parts.paging.about(ref),
        "if_nobody": parts.paging.if_nobody_answers(),
        "cover": parts.pre_authorise.cover(ref),
        "may_send_alone": may,
        "may_break_glass": may and is_on and state is MessageState.SUBMITTED,
    }


def _incident(request: Request, desk: Desk, ref: str, state: MessageState) -> dict[str, Any]:
    """The one it belongs to, and into which others a draft may be moved."""
    service = parts_of(request).incidents
    mine = service.of_message(desk.person, ref)
    movable = desk.may(Action.WRITE) and state in LINKABLE
    others = [e.incident for e in service.listed(desk.person)] if movable else []
    return {"incident": mine, "others": [each for each in others if each.id != mine.id]}


def seen(request: Request, ref: str) -> dict[str, Any]:
    parts = parts_of(request)
    proof = parts.compose.preview(ref)
    return {
        "ref": proof.ref,
        "exercise": proof.mode == "exercise",
        "proof": proof,
        "texts": by_text(proof.posts),
        "facts": parts.report.written(ref).facts,
        "decision": parts.report.decision(ref),
        "turned_down": parts.report.turned_down(ref),
        "before": parts.follow_ups.before(ref),
        "recipients": proof.audience.size if proof.audience else 0,
    }


#: The service says it for every door; a page has the field.
CODE_WANTED = "Give your second factor once more: it was given too long ago for this. Nothing was changed and nothing was sent."


def told(problem: Problem | None, *, at: str = "") -> list[dict[str, str]]:
    """A problem as an error summary lists it. Where it is about a field, `at` is that field's id, and it leads there."""
    if problem is None:
        return []
    if isinstance(problem, FactorWanted):
        return [{"text": CODE_WANTED, "href": "#code"}]
    leads = {"href": f"#{at}"} if at else {}
    return [{"text": each, **leads} for each in (problem.text, *problem.details)]
