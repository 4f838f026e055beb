"""Scheduled notices: the list, the calendar, one of them with its next runs, and what people decide about it while it goes on."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.db.people import Person
from broadcaster.domain.computed import NotComputed, is_formula, read_formula
from broadcaster.domain.errors import FactorWanted, Invalid, NotAllowed, NotFound, Problem
from broadcaster.domain.policy import Action
from broadcaster.service.schedules import Shown
from broadcaster.web.console.guard import Desk, Sent, SignedIn, parts_of
from broadcaster.web.console.message import told
from broadcaster.web.console.pages import page
from broadcaster.web.console.schedule_words import months_around, rule_words, weeks_of
from broadcaster.web.console.step_up import carried_out
from broadcaster.web.console.texts import by_text

router = APIRouter(prefix="/schedules")
feed = APIRouter()


@router.get("")
def listing(request: Request, desk: SignedIn) -> HTMLResponse:
    return page(
        request,
        "schedules.html",
        title="Schedules",
        desk=desk,
        found=parts_of(request).schedules.listed(),
        may_write=desk.may(Action.WRITE),
    )


@router.get("/calendar")
def calendar(request: Request, desk: SignedIn, month: str = "") -> HTMLResponse:
    return _calendar(request, desk, month)


@router.post("/calendar/address")
def make_address(request: Request, desk: SignedIn, form: Sent) -> Response:  # noqa: ARG001 - checked
    secret = parts_of(request).calendars.new_address(desk.person)
    address = f"{parts_of(request).settings.console_url}/calendar/{secret}.ics"
    return _calendar(request, desk, "", address=address)


@router.post("/calendar/address/end")
def end_address(request: Request, desk: SignedIn, form: Sent) -> Response:  # noqa: ARG001 - checked
    parts_of(request).calendars.end_address(desk.person)
    return RedirectResponse("/schedules/calendar", 303)


@feed.get("/calendar/{secret}.ics")
def ics(request: Request, secret: str) -> Response:
    """For programs that cannot sign in: whoever has the address may read, and nothing else."""
    try:
        found = parts_of(request).calendars.read(secret)
    except (NotFound, NotAllowed):
        return Response("There is no such calendar.", 404, media_type="text/plain")
    return Response(
        found,
        media_type="text/calendar; charset=utf-8",
        headers={
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        },
    )


def _calendar(request: Request, desk: Desk, month: str, *, address: str = "") -> HTMLResponse:
    parts = parts_of(request)
    zone = parts.settings.zone
    with parts.database.read() as tx:
        today = tx.now().astimezone(zone).date()
    first = _month(month) or today.replace(day=1)
    weeks = weeks_of(first)
    since = datetime.combine(weeks[0][0], datetime.min.time(), zone)
    until = datetime.combine(weeks[-1][-1] + timedelta(days=1), datetime.min.time(), zone)
    by_day: dict[date, list[Any]] = {}
    for each in parts.calendars.between(since.astimezone(UTC), until.astimezone(UTC)):
        by_day.setdefault(each.at.astimezone(zone).date(), []).append(each)
    before, after = months_around(first)
    return page(
        request,
        "schedule_calendar.html",
        title=f"Calendar, {first:%B %Y}",
        desk=desk,
        back="/schedules",
        first=first,
        today=today,
        weeks=weeks,
        by_day=by_day,
        before=before,
        after=after,
        address=address,
        has_address=parts.calendars.has_address(desk.person),
    )


def _month(typed: str) -> date | None:
    try:
        return date.fromisoformat(f"{typed}-01") if typed else None
    except ValueError:
        return None


@router.get("/{ref}")
def one(request: Request, desk: SignedIn, ref: str) -> HTMLResponse:
    return _one(request, desk, ref)


@router.post("/{ref}/submit")
def submit(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    service = parts_of(request).schedule_writing
    return _do(request, desk, ref, form, lambda: service.submit(desk.person, ref))


@router.post("/{ref}/pause")
def pause(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    service, why = parts_of(request).schedule_course, _text(form, "pause_reason")
    return _do(request, desk, ref, form, lambda: service.pause(desk.person, ref, why), at="pause_reason")


@router.post("/{ref}/resume")
def resume(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    service = parts_of(request).schedule_course
    return _do(request, desk, ref, form, lambda: service.resume(desk.person, ref))


@router.post("/{ref}/skip")
def skip(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    service, why = parts_of(request).schedule_course, _text(form, "skip_reason")
    return _do(
        request,
        desk,
        ref,
        form,
        lambda: service.skip(desk.person, ref, _moment(form), why),
        at="skip_reason",
    )


@router.post("/{ref}/put-back")
def put_back(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    service = parts_of(request).schedule_course
    return _do(request, desk, ref, form, lambda: service.unskip(desk.person, ref, _moment(form)))


@router.post("/{ref}/end")
def end(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    service, why = parts_of(request).schedule_course, _text(form, "end_reason")
    return _do(request, desk, ref, form, lambda: service.end(desk.person, ref, why), at="end_reason")


def _moment(form: FormData) -> datetime:
    """As the page gave it: with its offset."""
    try:
        found = datetime.fromisoformat(_text(form, "planned"))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Invalid("Choose one of the next runs. Nothing was changed.")
    return found


def _do(
    request: Request,
    desk: Desk,
    ref: str,
    form: FormData,
    act: Callable[[], object],
    *,
    at: str = "",
) -> Response:
    try:
        act()
    except (NotAllowed, NotFound):
        raise
    except Problem as problem:
        return _one(request, desk, ref, problem=problem, at=at, typed=form)
    return RedirectResponse(f"/schedules/{ref}", 303)


# --- deciding ---------------------------------------------------------------------------------------------


@router.get("/{ref}/approve")
def asked(request: Request, desk: SignedIn, ref: str) -> HTMLResponse:
    return _deciding(request, desk, ref)


@router.post("/{ref}/approve")
def approve(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    if form.get("real") != "yes":
        wrong = Invalid("Choose whether all these runs may go out. Nothing was approved.")
        return _deciding(request, desk, ref, problem=wrong, at="real")
    service = parts_of(request).schedule_approval
    return _decided(request, desk, form, ref, lambda p: service.approve(p, ref, _text(form, "hash")))


@router.post("/{ref}/return")
def send_back(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    service, why = parts_of(request).schedule_approval, _text(form, "reason")
    return _decided(request, desk, form, ref, lambda p: service.send_back(p, ref, why), at="reason")


@router.post("/{ref}/reject")
def reject(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    service, why = parts_of(request).schedule_approval, _text(form, "reason")
    return _decided(request, desk, form, ref, lambda p: service.reject(p, ref, why), at="reason")


def _decided(
    request: Request,
    desk: Desk,
    form: FormData,
    ref: str,
    act: Callable[[Person], object],
    *,
    at: str = "",
) -> Response:
    return carried_out(
        request,
        desk,
        form,
        act,
        done=lambda _desk, _made: RedirectResponse(f"/schedules/{ref}", 303),
        again=lambda desk, problem: _deciding(
            request, desk, ref, problem=problem, at=at, chosen=_text(form, "real")
        ),
        own_field=True,
    )


def _deciding(
    request: Request, desk: Desk, ref: str, *, problem: Problem | None = None, at: str = "", chosen: str = ""
) -> HTMLResponse:
    shown, rules = parts_of(request).schedules.one(ref), parts_of(request).rules
    with parts_of(request).database.read() as tx:
        fresh = rules.is_fresh(tx, desk.person)
    waits = shown.waiting is not None and shown.waiting.state == "submitted"
    return page(
        request,
        "schedule_approve.html",
        title=f"Approve: {shown.schedule.name}",
        desk=desk,
        back=f"/schedules/{ref}",
        answer=_answer(problem, 409),
        problems=told(problem, at=at),
        may_approve=desk.may(Action.APPROVE) and waits,
        wants_code=not fresh and shown.schedule.mode == "live",
        wrong_code=isinstance(problem, FactorWanted),
        chosen=chosen,
        turning_down=at == "reason",
        **_content(shown),
    )


def _one(
    request: Request,
    desk: Desk,
    ref: str,
    *,
    problem: Problem | None = None,
    at: str = "",
    typed: FormData | None = None,
) -> HTMLResponse:
    shown = parts_of(request).schedules.one(ref)
    may_write = desk.may(Action.WRITE) and not shown.schedule.ended_at
    return page(
        request,
        "schedule.html",
        title=shown.schedule.name,
        desk=desk,
        back="/schedules",
        answer=_answer(problem, 422),
        problems=told(problem, at=at),
        typed=typed or {},
        may_write=may_write,
        may_submit=may_write and shown.newest.state in {"draft", "returned"},
        may_approve=desk.may(Action.APPROVE)
        and shown.newest.state == "submitted"
        and not shown.schedule.ended_at,
        may_steer=desk.may(Action.SCHEDULE) and shown.in_force is not None and not shown.schedule.ended_at,
        may_end=desk.may(Action.SCHEDULE) and not shown.schedule.ended_at,
        **_content(shown),
    )


def _content(shown: Shown) -> dict[str, Any]:
    version = shown.shown
    labels = {blank["name"]: blank["label"] for blank in version.template["blanks"]}
    computed = [
        (labels.get(name, name), _formula_words(text))
        for name, text in version.blanks.items()
        if is_formula(text)
    ]
    return {
        "shown": shown,
        "version": version,
        "rule": rule_words(version.plan),
        "computed": computed,
        "runs": [
            (
                run,
                run.planned.at.astimezone(version.plan.clock),
                by_text(run.proof.posts) if run.proof else (),
            )
            for run in shown.upcoming
        ],
        "clock": version.plan.clock,
    }


def _formula_words(text: str) -> str:
    try:
        return read_formula(text).in_words()
    except NotComputed as problem:
        return f"{text}: {problem}"


def _answer(problem: Problem | None, usual: int) -> int:
    return 200 if problem is None else 403 if isinstance(problem, NotAllowed) else usual


def _text(form: FormData, name: str) -> str:
    return str(form.get(name, "")).strip()
