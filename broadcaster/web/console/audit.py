"""The audit log for those who read it: looking things up, one message's timeline, a number, and taking events away."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from starlette.requests import Request

from broadcaster.db.audit_pages import Place
from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.audit_messages import MESSAGES
from broadcaster.domain.audit_words import KINDS, sentence, title
from broadcaster.domain.errors import Invalid, NotAllowed, Problem
from broadcaster.domain.policy import Action, require
from broadcaster.service.looking import STATES, Sought
from broadcaster.web.console.guard import Desk, Sent, SignedIn, parts_of
from broadcaster.web.console.message import told
from broadcaster.web.console.pages import HEADERS, page

router = APIRouter(prefix="/audit")
of_messages = APIRouter(prefix="/messages")

WORDS = ("person", "act", "about", "incident", "channel", "state")
TIMES = ("since", "until")
FORMS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}


@router.get("")
def events(request: Request, desk: SignedIn) -> HTMLResponse:
    return _events(request, desk, request.query_params)


@router.post("/number")
def number(request: Request, desk: SignedIn, form: Sent) -> HTMLResponse:
    """Answered at once and not after a redirect: the number stands in no address."""
    try:
        found = parts_of(request).looking.trace(desk.person, str(form.get("number", "")))
    except NotAllowed:
        raise
    except Problem as problem:
        at = [{**each, "href": "#number"} for each in told(problem)]
        return _events(request, desk, {}, problems=at)
    around = {"title": "One number", "desk": desk, "back": "/audit", "back_text": "Audit log"}
    return page(request, "audit_number.html", **around, found=found)  # type: ignore[arg-type]  # two kinds of values


@router.post("/export")
def export(request: Request, desk: SignedIn, form: Sent) -> Response:
    as_form = str(form.get("form", ""))
    try:
        sought = _sought(form, parts_of(request).settings.zone)
        lines = parts_of(request).looking.export(desk.person, sought, form=as_form)
    except NotAllowed:
        raise
    except Problem as problem:
        return _events(request, desk, form, problems=told(problem))
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="audit-events.{as_form}"'}
    return StreamingResponse(lines, headers=headers, media_type=FORMS[as_form])


@of_messages.get("/{ref}/timeline")
def timeline(request: Request, desk: SignedIn, ref: str) -> HTMLResponse:
    found = parts_of(request).timelines.of(desk.person, ref)
    return page(
        request,
        "timeline.html",
        title=f"Timeline of {found.ref}",
        desk=desk,
        back="/audit",
        back_text="Audit log",
        exercise=found.mode == "exercise",
        found=found,
    )


def _events(
    request: Request,
    desk: Desk,
    given: Mapping[str, Any],
    *,
    problems: list[dict[str, str]] | None = None,
) -> HTMLResponse:
    require(desk.person.name, desk.person.roles, Action.AUDIT)
    parts, found = parts_of(request), None
    said = {name: str(given.get(name, "")).strip() for name in (*TIMES, *WORDS)}
    if not problems:
        try:
            sought = _sought(given, parts.settings.zone)
            found = parts.looking.page(desk.person, sought, after=_place(str(given.get("after", ""))))
        except NotAllowed:
            raise
        except Problem as problem:
            problems = told(problem)
    asked = {name: value for name, value in said.items() if value}
    onward = (
        {**asked, "after": f"{found.after.at.isoformat()}_{found.after.id}"} if found and found.after else {}
    )
    return page(
        request,
        "audit.html",
        title="Audit log",
        desk=desk,
        answer=422 if problems else 200,
        problems=problems or [],
        sought=said,
        asked=asked,
        found=[_told(event) for event in found.events] if found else [],
        looked_back_to=found.looked_back_to if found else None,
        onward=f"/audit?{urlencode(onward)}" if onward else "",
        later="after" in given,
        names=parts.looking.names(desk.person),
        channels=parts.looking.channels(),
        states=sorted(STATES),
        kinds={kind: [(act, title(act)) for act in acts] for kind, acts in KINDS.items()},
        may_trace=desk.may(Action.ERASE),
    )


def _told(event: AuditEvent) -> dict[str, Any]:
    """An event as the page shows it. `ref` where it is about a message, which has a timeline."""
    return {
        "no": event.no,
        "id": event.id,
        "at": event.at,
        "actor": event.actor,
        "act": event.act,
        "subject": event.subject,
        "said": sentence(event),
        "payload": _laid_out(event.payload),
        "ref": event.subject if event.act in MESSAGES or event.act == "message_proved" else "",
    }


def _laid_out(payload: str) -> str:
    """As it stands where nobody can read it: that is what an auditor must see."""
    try:
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except ValueError:
        return payload


def _sought(given: Mapping[str, Any], zone: ZoneInfo) -> Sought:
    words = {name: str(given.get(name, "")).strip() for name in WORDS}
    since, until = (_moment(str(given.get(name, "")).strip(), zone) for name in TIMES)
    return replace(Sought(since=since, until=until), **words)  # type: ignore[arg-type]  # texts, all of these


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f'"{text}" is no time. Write it like 2026-11-21T03:00 or 2026-11-21.') from None
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _place(text: str) -> Place | None:
    at, _, event = text.partition("_")
    try:
        moment = datetime.fromisoformat(at)
        return Place(moment, int(event)) if moment.tzinfo and len(event) < 19 else None
    except ValueError:
        return None  # an address that somebody cut short: from the newest on
