"""What is said of a message besides its posts, and what is taken away as a file: lines, posters, results, inquiry packs."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel
from starlette.requests import Request

from broadcaster.db import media
from broadcaster.domain.errors import NotFound
from broadcaster.web.api.guard import Asking, parts_of, reading
from broadcaster.web.api.shapes import Ref, Told

router = APIRouter()

PNG, JPEG = "image/png", "image/jpeg"
CSV, JSONL, PDF = "text/csv; charset=utf-8", "application/jsonl", "application/pdf"


def answers(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """For the document: a file of one of these types."""
    content: dict[str, Any] = {each.partition(";")[0]: {} for each in media_types}
    return {200: {"description": "The file.", "content": content}}


def file_of(content: bytes, name: str, media_type: str) -> Response:
    return Response(content, headers=_called(name), media_type=media_type)


def stream_of(lines: Iterable[str], name: str, media_type: str) -> Response:
    """Never all of it in memory."""
    return StreamingResponse(lines, headers=_called(name), media_type=media_type)


def _called(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


class Line(Told):
    """`name` is contact-centre, press or radio; `seconds` how long it takes to read it aloud, about."""

    name: str
    text: str
    seconds: int


class Lines(BaseModel):
    """Of what was approved and is in force, and of nothing else: `why_not` says why nothing may be said of it now. `poster`: there is
    one."""

    reference: str
    headline: str
    mode: str
    lines: list[Line]
    poster: bool
    why_not: str


@router.get("/messages/{ref}/lines", tags=["messages"])
def show_lines(request: Request, actor: Asking, ref: Ref) -> Lines:
    """What the contact centre, the press office and the radio say, from the very facts that were approved."""
    found = parts_of(request).telling.lines(actor, ref)
    return Lines(
        reference=found.ref,
        headline=found.headline,
        mode=found.mode,
        lines=[Line.model_validate(each) for each in found.lines],
        poster=found.poster,
        why_not=found.why_not,
    )


@router.get("/messages/{ref}/poster.pdf", tags=["messages"], response_class=Response, responses=answers(PDF))
def take_poster(request: Request, actor: Asking, ref: Ref) -> Response:
    """One A4 page to print. That it was taken is in the log."""
    paper = parts_of(request).telling.poster(actor, ref)
    return file_of(paper, f"poster-{ref.upper()}.pdf", PDF)


@router.get(
    "/messages/{ref}/outcomes.csv", tags=["messages"], response_class=Response, responses=answers(CSV)
)
def take_outcomes(request: Request, actor: Asking, ref: Ref) -> Response:
    """What became of each delivery, by its place in the list and never by its number. That it was taken is in the log."""
    lines = parts_of(request).outcomes_file.of(actor, ref)
    return stream_of(lines, f"{ref.upper()}-outcomes.csv", CSV)


@router.get("/audit/packs/{ref}", tags=["audit log"], response_class=Response, responses=answers(PDF))
def take_inquiry_pack(request: Request, actor: Asking, ref: Ref) -> Response:
    """All that an inquiry asks about a message, or about all messages of an incident, as one PDF. That it was taken is in the log."""
    found = parts_of(request).packs.of(actor, ref)
    return file_of(found.content, found.name, PDF)


@router.get(
    "/pictures/{sha256}",
    tags=["messages"],
    dependencies=[reading],
    response_class=Response,
    responses=answers(PNG, JPEG),
)
def show_picture(request: Request, sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")]) -> Response:
    """One that is kept, by its digest. 404 also where it was redacted."""
    with parts_of(request).database.read() as tx:
        content = media.contents(tx, {sha256}).get(sha256)
    if content is None:
        raise NotFound("There is no such picture, or it was redacted.")
    return Response(content, media_type=PNG if content.startswith(b"\x89PNG") else JPEG)
