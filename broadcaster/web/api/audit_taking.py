"""The audit log for those who take it away or check it: events as a file, the check of the whole, one number, the verifier."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field
from starlette.requests import Request

from broadcaster.audit.stand_alone import NAME, stand_alone
from broadcaster.service.looking import Sought
from broadcaster.web.api.audiences import Number
from broadcaster.web.api.guard import Asking, Auditing, parts_of
from broadcaster.web.api.papers import CSV, JSONL, answers, file_of, stream_of
from broadcaster.web.api.records import MEDIA, FileForm
from broadcaster.web.api.shapes import NO_NUL, Given, Told
from broadcaster.web.api.times import Moment

router = APIRouter(prefix="/audit", tags=["audit log"])

PYTHON = "text/x-python; charset=utf-8"
Filter = Annotated[str, Field(max_length=100, pattern=NO_NUL)]


class Taken(Given):
    """All that is given must hold."""

    form: FileForm
    since: Moment | None = None
    until: Moment | None = None
    person: Filter = ""
    act: Filter = ""
    about: Filter = ""
    incident: Filter = ""
    channel: Filter = ""
    state: Filter = ""


class Checking(Told):
    """`done` of about `total` events. `said` is what came out, in words, and `whole` whether it is good news: null while it runs, and
    where this web process has not checked yet."""

    running: bool
    done: int
    total: int
    by: str
    said: list[str]
    whole: bool | None


class SentTo(Told):
    """A message whose audience held the number; no `state` where no text to it was made yet."""

    ref: str
    mode: str
    headline: str
    audience: str
    version: int
    released_at: datetime
    state: str
    settled_at: datetime | None


class Traced(Told):
    """`ending` are the last three digits, `versions` how many versions of lists hold it. `more`: there are older messages."""

    ending: str
    versions: int
    sent: list[SentTo]
    more: bool


@router.post("/export", response_class=Response, responses=answers(CSV, JSONL))
def export_events(request: Request, actor: Asking, body: Taken) -> Response:
    """Events as a file, the newest first; its last line says that it is whole. That it was taken is in the log."""
    sought = Sought(**body.model_dump(exclude={"form"}))
    lines = parts_of(request).looking.export(actor, sought, form=body.form)
    return stream_of(lines, f"audit-events.{body.form}", MEDIA[body.form])


@router.post("/number")
def trace_number(request: Request, actor: Asking, body: Number) -> Traced:
    """Which messages went to a number, and what became of them. That somebody looked is in the log; the number is not. It wants the
    scopes `audit` and `lists`."""
    found = parts_of(request).looking.trace(actor, body.number, region=body.region)
    return Traced.model_validate(found)


@router.post("/seal/check")
def begin_log_check(request: Request, actor: Asking) -> Checking:
    """Check the whole log now: twenty seconds for a million events. How far it is: GET /audit/seal/check."""
    return Checking.model_validate(parts_of(request).log_check.begin(actor))


@router.get("/seal/check")
def show_log_check(request: Request, actor: Auditing) -> Checking:  # noqa: ARG001 - asked
    """How far it is, and what came out, where this web process did it; what others found is in the log, as `audit_log_checked`."""
    return Checking.model_validate(parts_of(request).log_check.state())


@router.get(f"/{NAME}", response_class=Response, responses=answers(PYTHON))
def take_verifier(actor: Auditing) -> Response:  # noqa: ARG001 - asked
    """The program that checks proofs and exports, with Python alone. An auditor who has one already keeps to that."""
    return file_of(stand_alone().encode(), NAME, PYTHON)
