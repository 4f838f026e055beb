"""The audit log's seal: what it is worth, checking it now, and the proof of one message to take away."""

import json
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.requests import Request

from broadcaster.audit.stand_alone import NAME, stand_alone
from broadcaster.domain.audit_words import sentence
from broadcaster.domain.errors import NotAllowed, Problem
from broadcaster.domain.policy import Action, require
from broadcaster.web.console.guard import Desk, Sent, SignedIn, parts_of
from broadcaster.web.console.message import told
from broadcaster.web.console.pages import HEADERS, page

router = APIRouter(prefix="/audit")

NOT_SEALED_AFTER_S = 15


@router.get("/seal")
def seal(request: Request, desk: SignedIn) -> HTMLResponse:
    return _seal(request, desk)


@router.post("/seal/check")
def check(request: Request, desk: SignedIn, form: Sent) -> Response:  # noqa: ARG001 - checked
    parts_of(request).log_check.begin(desk.person)
    return RedirectResponse("/audit/seal#check", 303)


@router.post("/prove")
def prove(request: Request, desk: SignedIn, form: Sent) -> Response:
    """A file. It is asked for by a form: that it was taken away is recorded."""
    ref = str(form.get("ref", "")).strip()
    try:
        found = parts_of(request).audit.prove(desk.person, ref, texts=form.get("texts") == "yes")
    except NotAllowed:
        raise
    except Problem as problem:
        at = [{**each, "href": "#ref"} for each in told(problem)]
        return _seal(request, desk, problems=at, ref=ref)
    return _file(json.dumps(found, ensure_ascii=False), f"proof-{found['message']}.json", "application/json")


@router.get(f"/{NAME}")
def verifier(desk: SignedIn) -> Response:
    """The program that checks proofs and exports. An auditor who has one already keeps to that."""
    require(desk.person.name, desk.person.roles, Action.AUDIT)
    return _file(stand_alone(), NAME, "text/x-python; charset=utf-8")


def _file(text: str, name: str, media_type: str) -> Response:
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text.encode("utf-8", "surrogateescape"), headers=headers, media_type=media_type)


def _seal(
    request: Request, desk: Desk, *, problems: list[dict[str, str]] | None = None, ref: str = ""
) -> HTMLResponse:
    state = parts_of(request).sealed.state(desk.person)
    content: dict[str, Any] = {
        "state": state,
        "checking": parts_of(request).log_check.state(),
        "last_check": sentence(state.last_check) if state.last_check else "",
        "stuck": state.waited_s > NOT_SEALED_AFTER_S,
        "problems": problems or [],
        "ref": ref or request.query_params.get("ref", ""),
    }
    return page(
        request,
        "audit_seal.html",
        title="The seal of the audit log",
        desk=desk,
        back="/audit",
        back_text="Audit log",
        answer=422 if problems else 200,
        **content,
    )
