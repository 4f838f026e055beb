"""What watched feeds warned of: looking at it, writing from it, and dismissing it with a reason."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.requests import Request

from broadcaster.bootstrap import Parts
from broadcaster.db.feed_warnings import WarningState
from broadcaster.domain.errors import NotAllowed, Problem, Stale
from broadcaster.domain.policy import Action
from broadcaster.service.feed_warnings import Shown
from broadcaster.web.console.chosen import Chosen
from broadcaster.web.console.guard import Desk, Sent, SignedIn, parts_of
from broadcaster.web.console.manage_frame import text
from broadcaster.web.console.message import told
from broadcaster.web.console.pages import page

router = APIRouter(prefix="/warnings")


@router.get("")
def listing(request: Request, desk: SignedIn) -> HTMLResponse:
    parts = parts_of(request)
    return page(
        request,
        "warnings.html",
        title="Warnings of others",
        desk=desk,
        back="/",
        found=parts.feed_warnings.newest(desk.person),
        feeds=parts.feeds.listed(desk.person),
        may_manage=desk.may(Action.MANAGE),
    )


@router.get("/{warning}")
def one(request: Request, desk: SignedIn, warning: str) -> HTMLResponse:
    return _one(request, desk, warning)


@router.post("/{warning}/write")
def write(request: Request, desk: SignedIn, form: Sent, warning: str) -> Response:  # noqa: ARG001 - checked
    """The form of its template, filled in as far as the source goes. It is a draft once the officer says so."""
    parts = parts_of(request)
    shown = parts.feed_warnings.one(desk.person, warning)
    if shown.template is None:
        raise Stale("No rule says which template it is written from. Write a message of your own.")
    parts.templates.current(shown.template.name)  # or it is retired, and nobody is said to be writing
    kept = parts.worksheets.keep(
        desk.person, "", template=shown.template.name, content=_filled(parts, desk, shown).to_json()
    )
    try:
        parts.feed_warnings.begin(desk.person, warning, sheet=kept.uid)
    except Problem as problem:
        parts.worksheets.discard(desk.person, kept.uid)
        return _one(request, desk, warning, problem=problem)
    return RedirectResponse(f"/messages/new/{shown.template.name}?sheet={kept.uid}", 303)


@router.post("/{warning}/dismiss")
def dismiss(request: Request, desk: SignedIn, form: Sent, warning: str) -> Response:
    reason, incident = text(form, "reason"), text(form, "incident")
    try:
        ref = parts_of(request).feed_warnings.dismiss(desk.person, warning, reason=reason, incident=incident)
    except NotAllowed:
        raise
    except Problem as problem:
        return _one(request, desk, warning, problem=problem, reason=reason, incident=incident)
    return RedirectResponse(f"/incidents/{ref}#decisions", 303)


def _filled(parts: Parts, desk: Desk, shown: Shown) -> Chosen:
    assert shown.template
    known = parts.report.said_last(desk.person, ("source", "phone"))
    if parts.settings.names_its_organisation:
        known = {"source": f"Duty officer, {parts.settings.organisation}", **known}
    return Chosen.begun(shown.template, zone=parts.settings.zone, known=known).with_values(
        shown.filled.values
    )


def _one(
    request: Request,
    desk: Desk,
    uid: str,
    *,
    problem: Problem | None = None,
    reason: str = "",
    incident: str = "",
) -> HTMLResponse:
    parts = parts_of(request)
    shown = parts.feed_warnings.one(desk.person, uid)
    labels = {blank.name: blank.label for blank in shown.template.blanks} if shown.template else {}
    waits = shown.warning.state is WarningState.WAITING
    return page(
        request,
        "warning.html",
        title=shown.warning.said,
        desk=desk,
        back="/",
        answer=422 if problem else 200,
        problems=told(problem, at="reason"),
        shown=shown,
        it=shown.warning,
        info=shown.warning.alert.info("en", shown.warning.rule.areas if shown.warning.rule else ()),
        filled=[(labels.get(name, name), value) for name, value in shown.filled.values.items()],
        unfit=[labels.get(name, name) for name in shown.filled.unfit],
        may_write=waits and desk.may(Action.WRITE) and shown.template is not None,
        may_dismiss=waits and desk.may(Action.INCIDENT),
        incidents=[each.incident for each in parts.incidents.listed(desk.person)],
        reason=reason,
        incident=incident,
    )
