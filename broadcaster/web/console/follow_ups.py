"""Writing what follows a message that was sent: one button away from it, with what is known filled in."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.requests import Request

from broadcaster.bootstrap import Parts
from broadcaster.domain.errors import Problem
from broadcaster.domain.follow_up import IN_WORDS, Purpose
from broadcaster.domain.languages import said_in
from broadcaster.domain.policy import Action
from broadcaster.service.follow_up import Begun
from broadcaster.web.console.chosen import Chosen
from broadcaster.web.console.guard import Desk, Sent, SignedIn, parts_of
from broadcaster.web.console.pages import page
from broadcaster.web.console.uploads import attached
from broadcaster.web.console.write import form_page, look_page

router = APIRouter(prefix="/messages")


@router.get("/{ref}/sent-in-error")
def ready(request: Request, desk: SignedIn, ref: str) -> HTMLResponse:
    return _ready(request, desk, ref)


@router.post("/{ref}/sent-in-error")
def send_ready(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    reason = str(form.get("reason", ""))
    try:
        sent = parts_of(request).sequels.send(desk.person, ref, reason)
    except Problem as problem:
        return _ready(request, desk, ref, problem=problem, reason=reason)
    return RedirectResponse(f"/messages/{sent.ref}/board", 303)


def _ready(
    request: Request, desk: Desk, ref: str, *, problem: Problem | None = None, reason: str = ""
) -> HTMLResponse:
    parts = parts_of(request)
    return page(
        request,
        "ready.html",
        title="Sent in error",
        desk=desk,
        back=f"/messages/{ref}/board",
        answer=409 if problem else 200,
        ref=ref,
        said=parts.report.written(ref).facts,
        ready=parts.sequels.ready(ref) if desk.may(Action.WRITE) else None,
        reason=reason,
        problems=[{"text": problem.text, "href": "#reason"}] if problem else [],
    )


@router.get("/{ref}/follow-up/{purpose}")
def begin(request: Request, desk: SignedIn, ref: str, purpose: Purpose, sheet: str = "") -> HTMLResponse:
    parts = parts_of(request)
    begun = parts.follow_ups.begin(desk.person, ref, purpose)
    chosen = _known(parts, begun)
    if sheet:
        chosen = Chosen.kept(parts.worksheets.find(desk.person, sheet))
    return form_page(request, desk, begun.template, chosen=chosen, begun=begun)


@router.post("/{ref}/follow-up/{purpose}")
def draft(request: Request, desk: SignedIn, form: Sent, ref: str, purpose: Purpose) -> Response:
    parts = parts_of(request)
    begun = parts.follow_ups.begin(desk.person, ref, purpose)
    chosen = Chosen.of(form, begun.template)
    blanks = {blank.name: "" for blank in begun.template.blanks}
    blanks |= {b.name: "" for code in begun.template.languages for b in said_in(begun.template, code)}
    try:
        made = parts.follow_ups.draft(
            desk.person,
            ref,
            purpose,
            values={**blanks, **chosen.values},
            channels=chosen.channels,
            audience=chosen.audience,
            images=attached(form),
            reason=chosen.reason,
            languages=chosen.languages,
            later=chosen.later,
        )
    except Problem as problem:
        return form_page(request, desk, begun.template, chosen=chosen, problem=problem, begun=begun)
    parts.worksheets.discard(desk.person, chosen.sheet)
    return RedirectResponse(f"/messages/{made.ref}", 303)


@router.post("/{ref}/follow-up/{purpose}/look")
def look(request: Request, desk: SignedIn, form: Sent, ref: str, purpose: Purpose) -> Response:
    template = parts_of(request).follow_ups.begin(desk.person, ref, purpose).template
    return look_page(request, desk, Chosen.of(form, template), template)


@router.post("/{ref}/let-end")
def let_end(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    parts_of(request).reminders.let_end(desk.person, ref, str(form.get("reason", "")))
    return RedirectResponse("/", 303)


def offered(parts: Parts, ref: str) -> list[tuple[str, str]]:
    """What may follow a message, as (page, words), the most urgent first: what lies ready before everything."""
    known = [(f"follow-up/{each}", IN_WORDS[each]) for each in parts.follow_ups.purposes(ref)]
    if known and parts.sequels.ready(ref):
        error = (f"follow-up/{Purpose.SENT_IN_ERROR}", IN_WORDS[Purpose.SENT_IN_ERROR])
        return [("sent-in-error", "Sent in error: ready to send"), *(each for each in known if each != error)]
    return known


def _known(parts: Parts, begun: Begun) -> Chosen:
    proposed = Chosen.begun(begun.template, zone=parts.settings.zone, known=begun.values)
    return Chosen(
        values={**proposed.values, **begun.values},
        channels=begun.channels,
        audience=begun.audience,
        mode=begun.mode,
        follows=begun.ref,
        purpose=begun.purpose,
        languages=begun.languages,
    )
