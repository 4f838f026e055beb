"""How records are kept: legal holds, for how long what stays, and taking records away for a request for information."""

from datetime import UTC, date, datetime

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.datastructures import FormData
from starlette.requests import Request

from broadcaster.db.records import Asked
from broadcaster.domain.errors import Invalid, Problem
from broadcaster.domain.policy import Action
from broadcaster.domain.records import CODES, HoldKind, record_classes
from broadcaster.service.redacting import Authority
from broadcaster.web.console.guard import Desk, Sent, SignedIn, allowed, parts_of
from broadcaster.web.console.manage_frame import manage_page, text
from broadcaster.web.console.message import told
from broadcaster.web.console.pages import HEADERS, page
from broadcaster.web.console.step_up import carried_out

router = APIRouter(prefix="/manage/records", dependencies=[Depends(allowed(Action.AUDIT))])
of_messages = APIRouter(prefix="/messages", dependencies=[Depends(allowed(Action.REDACT))])

FORMS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
FIELDS = ("kind", "about", "reason", "message", "incident", "since", "until")
REDACTED = ("words", "picture", "why", "reason", "authorised_by")


@router.get("")
def records(request: Request, desk: SignedIn) -> HTMLResponse:
    return _records(request, desk)


@router.post("/hold")
def hold(request: Request, desk: SignedIn, form: Sent) -> Response:
    try:
        parts_of(request).holding.place(
            desk.person, text(form, "kind"), text(form, "about"), reason=text(form, "reason")
        )
    except Problem as problem:
        at = "reason" if problem.text.startswith("Give a reason") else "about"
        return _records(request, desk, problem=problem, at=at, form=form)
    return RedirectResponse("/manage/records", 303)


@router.post("/{ref}/lift")
def lift(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    try:
        parts_of(request).holding.lift(desk.person, ref, reason=text(form, "reason"))
    except Problem as problem:
        return _records(request, desk, problem=problem, at=f"lift-{ref}")
    return RedirectResponse("/manage/records", 303)


@router.post("/export")
def export(request: Request, desk: SignedIn, form: Sent) -> Response:
    as_form = text(form, "form")
    try:
        asked = Asked(
            ref=text(form, "message"),
            incident=text(form, "incident"),
            since=_day(request, form, "since"),
            until=_day(request, form, "until"),
        )
        lines = parts_of(request).records_file.of(
            desk.person, asked, form=as_form, staff_names=bool(text(form, "staff_names"))
        )
    except Problem as problem:
        return _records(request, desk, problem=problem, at="message", form=form)
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="records.{as_form}"'}
    return StreamingResponse(lines, headers=headers, media_type=FORMS[as_form])


@of_messages.get("/{ref}/redact")
def redact_asked(request: Request, desk: SignedIn, ref: str) -> HTMLResponse:
    return _redact(request, desk, ref)


@of_messages.post("/{ref}/redact")
def redact(request: Request, desk: SignedIn, form: Sent, ref: str) -> Response:
    """First how often the words stand there; then, with the tick, they are taken out."""
    redacting, words, picture = parts_of(request).redacting, text(form, "words"), text(form, "picture")
    why = Authority(
        code=text(form, "why"), reason=text(form, "reason"), authorised_by=text(form, "authorised_by")
    )
    if not text(form, "sure"):
        try:
            count = redacting.found(desk.person, ref, words) if not picture else 0
        except Problem as problem:
            return _redact(request, desk, ref, form=form, problem=problem)
        return _redact(request, desk, ref, form=form, count=count)
    return carried_out(
        request,
        desk,
        form,
        lambda actor: (
            redacting.redact_picture(actor, ref, picture, why)
            if picture
            else redacting.redact_text(actor, ref, words, why)
        ),
        done=lambda _desk, _made: RedirectResponse(f"/messages/{ref}", 303),
        again=lambda desk, problem: _redact(request, desk, ref, form=form, problem=problem),
    )


def _records(
    request: Request,
    desk: Desk,
    *,
    problem: Problem | None = None,
    at: str = "",
    form: FormData | None = None,
) -> HTMLResponse:
    parts = parts_of(request)
    return manage_page(
        request,
        "manage_records.html",
        title="Records",
        desk=desk,
        answer=409 if problem else 200,
        problems=[{**each, "href": f"#{at}"} for each in told(problem)],
        holds=parts.holding.listed(desk.person),
        kinds=list(HoldKind),
        may_hold=desk.may(Action.HOLD),
        classes=record_classes(parts.settings.model_dump()),
        held={name: text(form, name) if form else "" for name in FIELDS},
    )


def _redact(
    request: Request,
    desk: Desk,
    ref: str,
    *,
    form: FormData | None = None,
    count: int | None = None,
    problem: Problem | None = None,
) -> HTMLResponse:
    parts = parts_of(request)
    return page(
        request,
        "redact.html",
        title=f"Redact {ref}",
        exercise=parts.report.written(ref).mode == "exercise",
        desk=desk,
        back=f"/messages/{ref}",
        answer=409 if problem else 200,
        problems=[{**each, "href": "#words"} for each in told(problem)],
        ref=ref,
        codes=CODES,
        images=parts.compose.images(ref),
        held={name: text(form, name) if form else "" for name in REDACTED},
        count=count,
        sure=count is not None and (count > 0 or bool(form and text(form, "picture"))),
    )


def _day(request: Request, form: FormData, name: str) -> datetime | None:
    given = text(form, name)
    try:
        day = date.fromisoformat(given) if given else None
    except ValueError as error:
        raise Invalid(f'"{given}" is no day, such as 2026-11-21. Nothing was taken.') from error
    zone = parts_of(request).settings.zone
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) if day else None
