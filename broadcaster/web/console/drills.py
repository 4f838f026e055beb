"""Drills: planning one, watching it run, and how it went, by drill and by person."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.domain.drill import BARS, STALE_MONTHS, DrillState, Step
from broadcaster.domain.errors import Invalid, NotAllowed, Problem
from broadcaster.domain.policy import Action
from broadcaster.domain.times import local_time
from broadcaster.service.drills import Plan, table_of, table_of_people
from broadcaster.web.console.guard import Desk, Sent, SignedIn, allowed, parts_of
from broadcaster.web.console.manage_frame import text, texts
from broadcaster.web.console.message import told
from broadcaster.web.console.pages import HEADERS, page

router = APIRouter(prefix="/drills", dependencies=[Depends(allowed(Action.READ))])

STEPS = {
    Step.DRAFT: "First draft",
    Step.SUBMIT: "Handed over",
    Step.APPROVE: "Approved",
    Step.CHANNEL: "Accepted by each channel",
    Step.CORRECTION: "Correction approved, after the approval",
}


@router.get("")
def drills(
    request: Request, desk: SignedIn, months: Annotated[int, Query(ge=1, le=36)] = STALE_MONTHS
) -> HTMLResponse:
    return _list(request, desk, months=months)


@router.post("")
def plan(request: Request, desk: SignedIn, form: Sent) -> Response:
    service = parts_of(request).drills
    try:
        ref = service.plan(desk.person, _plan(request, form))
    except NotAllowed:
        raise
    except Problem as problem:
        return _list(request, desk, problem=problem, form=form)
    return RedirectResponse(f"/drills/{ref}", 303)


@router.get("/people.csv")
def people(request: Request, desk: SignedIn) -> Response:
    """Who practised what."""
    parts = parts_of(request)
    return _file(
        "drills-people.csv", table_of_people(parts.drills.practice(desk.person), parts.settings.zone)
    )


@router.get("/{ref}")
def drill(request: Request, desk: SignedIn, ref: str) -> HTMLResponse:
    return _one(request, desk, ref)


@router.get("/{ref}/report.csv")
def report(request: Request, desk: SignedIn, ref: str) -> Response:
    """Each step with its time and its bar."""
    parts = parts_of(request)
    seen = parts.drills.seen(desk.person, ref)
    return _file(f"drill-{seen.drill.ref}.csv", table_of([seen], parts.settings.zone))


@router.post("/{ref}/start")
def start(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:  # noqa: ARG001 - checked
    return _done(request, desk, ref, lambda: parts_of(request).drills.start(desk.person, ref))


@router.post("/{ref}/end")
def end(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    why = text(form, "reason")
    return _done(request, desk, ref, lambda: parts_of(request).drills.end(desk.person, ref, why))


@router.post("/{ref}/cancel")
def cancel(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    why = text(form, "reason")
    return _done(request, desk, ref, lambda: parts_of(request).drills.cancel(desk.person, ref, why))


def _done(request: Request, desk: Desk, ref: str, act: Callable[[], object]) -> Response:
    try:
        act()
    except NotAllowed:
        raise
    except Problem as problem:
        return _one(request, desk, ref, problem=problem)
    return RedirectResponse(f"/drills/{ref}", 303)


def _plan(request: Request, form: FormData) -> Plan:
    months = text(form, "every_months") or "0"
    if not (months.isascii() and months.isdecimal() and len(months) < 4):
        raise Invalid("Say how often as a number of months, or 0 for once. Nothing was changed.")
    return Plan(
        name=text(form, "name"),
        scenario=text(form, "scenario"),
        template=text(form, "template"),
        starts_at=local_time(text(form, "starts"), parts_of(request).settings.zone),
        parts=texts(form, "parts"),
        injects=text(form, "injects").splitlines(),
        every_months=int(months),
        asks_correction=bool(text(form, "correction")),
        bars=_bars(form),
    )


def _bars(form: FormData) -> dict[str, int]:
    """Typed in minutes."""
    found = {}
    for step in Step:
        typed = text(form, f"bar-{step}")
        if typed:
            if not (typed.isascii() and typed.isdecimal() and len(typed) < 5):
                raise Invalid(f"{STEPS[step]}: say the bar as whole minutes. Nothing was changed.")
            found[str(step)] = int(typed) * 60
    return found


def _list(
    request: Request,
    desk: Desk,
    *,
    months: int = STALE_MONTHS,
    problem: Problem | None = None,
    form: FormData | None = None,
) -> HTMLResponse:
    parts = parts_of(request)
    practice = parts.drills.practice(desk.person, months=months)
    bars = {f"bar-{step}": f"{-(-seconds // 60)}" for step, seconds in BARS.items()}
    return page(
        request,
        "drills.html",
        title="Drills",
        desk=desk,
        back="/",
        exercise=True,
        answer=422 if problem else 200,
        found=parts.drills.listed(desk.person),
        practice=practice,
        months=months,
        may_plan=desk.may(Action.DRILL),
        staff=[each.person for each in practice],
        chosen=texts(form, "parts") if form else [],
        given=form or bars,
        steps=STEPS,
        templates=sorted((name, each.template.title) for name, each in parts.templates.all().items()),
        problems=told(problem),
    )


def _one(request: Request, desk: Desk, ref: str, *, problem: Problem | None = None) -> HTMLResponse:
    found = parts_of(request).drills.seen(desk.person, ref)
    content: dict[str, Any] = {"found": found, "drill": found.drill}
    return page(
        request,
        "drill.html",
        title=found.drill.name,
        desk=desk,
        back="/drills",
        back_text="All drills",
        exercise=True,
        answer=409 if problem else 200,
        may_plan=desk.may(Action.DRILL),
        may_write=desk.may(Action.WRITE),
        running=found.drill.state is DrillState.RUNNING,
        planned=found.drill.state is DrillState.PLANNED,
        problems=told(problem),
        **content,
    )


def _file(name: str, content: str) -> Response:
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)
