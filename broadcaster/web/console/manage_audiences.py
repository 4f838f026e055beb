"""Audiences: what there is, from where and until when, and importing a list into a new version of one."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, Response
from starlette.requests import Request

from broadcaster.domain.errors import Invalid, Problem
from broadcaster.domain.policy import Action
from broadcaster.service.audiences import Audiences
from broadcaster.web.console.guard import Desk, SignedIn, allowed, parts_of
from broadcaster.web.console.importing import Importing
from broadcaster.web.console.manage_frame import manage_page, manage_stream
from broadcaster.web.console.message import told
from broadcaster.web.console.received import Received, received

router = APIRouter(prefix="/manage/audiences", dependencies=[Depends(allowed(Action.IMPORT))])

ANSWERS_WITHIN_S = 1.5  # most lists are in by then; for the others the page grows while they are read
NO_FILE = "Choose the file with the numbers. Nothing was imported."
FIELDS = ("name", "source", "lawful_basis", "purpose", "review_on", "region", "column")

Uploaded = Annotated[Received, Depends(received)]


@router.get("")
def audiences(request: Request, desk: SignedIn) -> HTMLResponse:
    parts = parts_of(request)
    today = datetime.now(parts.settings.zone).date()
    found = parts.audiences.list()
    return manage_page(
        request,
        "manage_audiences.html",
        title="Audiences",
        desk=desk,
        found=found,
        overdue={a.name for a in found if a.review_on and date.fromisoformat(a.review_on) < today},
        opt_outs=parts.opt_outs.counts(),
    )


@router.get("/import")
def import_asked(request: Request, desk: SignedIn) -> HTMLResponse:
    return _form(request, desk, {"region": "GB"})


@router.post("/import")
def import_(request: Request, desk: SignedIn, sent: Uploaded) -> Response:
    """The result, or the form again; while a long list is being read, the page says how far it is."""
    given = {name: sent.text(name) for name in FIELDS}
    if sent.path is None:
        sent.remove()
        return _form(request, desk, given, problem=Invalid(NO_FILE), at="file")
    job = _begun(parts_of(request).audiences, desk, sent, given)
    try:
        imported, problem = job.outcome(ANSWERS_WITHIN_S)
    except TimeoutError:
        return manage_stream(
            request, "manage_imported.html", title="Importing", desk=desk, job=job, audience=given["name"]
        )
    if problem:
        return _form(request, desk, given, problem=problem)
    return manage_page(request, "manage_imported.html", title="Imported", desk=desk, imported=imported)


def _begun(audiences: Audiences, desk: Desk, sent: Received, given: Mapping[str, str]) -> Importing:
    path = sent.path
    assert path
    return Importing(
        lambda noted, on_progress: audiences.import_csv(
            actor=desk.person,
            path=path,
            called=sent.name,
            problems_to=noted,
            on_progress=on_progress,
            **{**given, "region": given["region"].upper() or "GB"},
        ),
        sent,
    )


def _form(
    request: Request,
    desk: Desk,
    given: Mapping[str, str],
    *,
    problem: Problem | None = None,
    at: str = "",
) -> HTMLResponse:
    problems: list[dict[str, Any]] = told(problem)
    if at:
        problems = [{**each, "href": f"#{at}"} for each in problems]
    return manage_page(
        request,
        "manage_import.html",
        title="Import a list",
        desk=desk,
        back="/manage/audiences",
        answer=422 if problem else 200,
        problems=problems,
        given=given,
        wrong=at,
        known=[each.name for each in parts_of(request).audiences.list()],
    )
