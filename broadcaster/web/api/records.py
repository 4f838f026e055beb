"""How records are kept: legal holds, redactions, for how long what stays, and taking records away for a request for information."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.requests import Request

from broadcaster.db.records import Asked
from broadcaster.domain.records import CODES, LONGEST_PASSAGE, HoldKind, record_classes
from broadcaster.service.redacting import Authority
from broadcaster.web.api.guard import Asking, Auditing, parts_of, reading
from broadcaster.web.api.lists import Listed, Pages
from broadcaster.web.api.papers import CSV, JSONL, answers, stream_of
from broadcaster.web.api.shapes import NO_NUL, Because, Given, Hash, Name, Ref, Told
from broadcaster.web.api.times import Moment

router = APIRouter(tags=["records"])

HoldRef = Annotated[str, Path(max_length=20, pattern=NO_NUL, description="The hold's reference.")]
Passage = Annotated[
    str, Field(max_length=LONGEST_PASSAGE, pattern=NO_NUL, description="As it was written, in any case.")
]


class FileForm(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"


MEDIA = {FileForm.CSV: CSV, FileForm.JSONL: JSONL}


class Hold(Told):
    """`lifted_at` is null while it is in force."""

    ref: str
    kind: HoldKind
    about: str
    reason: str
    placed_by: str
    placed_at: datetime
    lifted_by: str
    lifted_at: datetime | None
    lift_reason: str


class NewHold(Because):
    kind: HoldKind
    about: Name = Field(description="The reference of a message or an incident, or the name of an audience.")


class RecordClass(Told):
    """Records that are kept alike. `days` is null for good; `setting` changes it, where something does."""

    name: str
    holds: str
    why: str
    days: int | None
    setting: str


class Wanted(Given):
    """Which messages; empty is all. `until` is not included."""

    form: FileForm
    message: Name = ""
    incident: Name = ""
    since: Moment | None = None
    until: Moment | None = None
    staff_names: bool = Field(
        default=False,
        description="Name staff instead of telling what they did: mostly names are not for giving out.",
    )


class Redaction(Told):
    """`digests` are those of the posts or pictures as they were; `kind` is text or picture."""

    ref: str
    kind: str
    digests: list[str]
    code: str
    reason: str
    authorised_by: str
    by: str
    at: datetime


class Why(Because):
    code: Name = Field(description=f"One of {', '.join(CODES)}.")
    authorised_by: Name = Field(description="An office or a role.")

    def read(self) -> Authority:
        return Authority(code=self.code, reason=self.reason, authorised_by=self.authorised_by)


class OfWords(Given):
    words: Passage


class RedactWords(Why, OfWords):
    pass


class RedactPicture(Why):
    sha256: Hash


class Stand(BaseModel):
    count: int


@router.get("/records/holds")
def list_holds(request: Request, actor: Asking, pages: Pages) -> Listed[Hold]:
    """Those in force first, the newest first."""
    found = parts_of(request).holding.listed(actor)
    return pages.cut(found, lambda each: [each.lifted_at is not None, -each.id], Hold.model_validate)


@router.post("/records/holds", status_code=201)
def place_hold(request: Request, actor: Asking, body: NewHold) -> Hold:
    """Nothing that it covers is wiped, erased or redacted until it is lifted."""
    made = parts_of(request).holding.place(actor, body.kind, body.about, reason=body.reason)
    return Hold.model_validate(made)


@router.post("/records/holds/{hold}/lift")
def lift_hold(request: Request, actor: Asking, hold: HoldRef, body: Because) -> Hold:
    """What was asked for meanwhile is not made up for by itself."""
    return Hold.model_validate(parts_of(request).holding.lift(actor, hold, reason=body.reason))


@router.get("/records/classes")
def list_record_classes(request: Request, actor: Auditing) -> list[RecordClass]:  # noqa: ARG001 - asked
    """What is kept for how long, and why."""
    classes = record_classes(parts_of(request).settings.model_dump())
    return [RecordClass.model_validate(each) for each in classes]


@router.post("/records/export", response_class=Response, responses=answers(CSV, JSONL))
def export_records(request: Request, actor: Asking, body: Wanted) -> Response:
    """What was said where and when, for a request for information, with what was redacted and why; its last line says how many
    records there are. That it was taken is in the log."""
    asked = Asked(ref=body.message, incident=body.incident, since=body.since, until=body.until)
    lines = parts_of(request).records_file.of(actor, asked, form=body.form, staff_names=body.staff_names)
    return stream_of(lines, f"records.{body.form}", MEDIA[body.form])


@router.get("/messages/{ref}/redactions", dependencies=[reading])
def list_redactions(request: Request, ref: Ref) -> list[Redaction]:
    """What was taken out of it, the first one first."""
    return [Redaction.model_validate(each) for each in parts_of(request).redacting.of(ref)]


@router.post("/messages/{ref}/redactions/find")
def find_words(request: Request, actor: Asking, ref: Ref, body: OfWords) -> Stand:
    """How often these words stand in what is kept of it. Nothing is changed."""
    return Stand(count=parts_of(request).redacting.found(actor, ref, body.words))


@router.post("/messages/{ref}/redactions", status_code=201)
def redact_words(request: Request, actor: Asking, ref: Ref, body: RedactWords) -> Redaction:
    """Take these words out of it wherever they stand, for good: there is no undo. Of what is over only, and never under a hold. It
    wants the second factor."""
    return Redaction.model_validate(
        parts_of(request).redacting.redact_text(actor, ref, body.words, body.read())
    )


@router.post("/messages/{ref}/redactions/picture", status_code=201)
def redact_picture(request: Request, actor: Asking, ref: Ref, body: RedactPicture) -> Redaction:
    """Take a picture and all that was made of it out, in every message that has it. There is no undo. It wants the second factor."""
    made = parts_of(request).redacting.redact_picture(actor, ref, body.sha256.lower(), body.read())
    return Redaction.model_validate(made)
