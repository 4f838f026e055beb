"""Lists of numbers: what there is, a new version of one, and one person in all of them. Numbers come in, and never go out."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path as File
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.requests import ClientDisconnect, Request

from broadcaster.domain.errors import Invalid, Unavailable
from broadcaster.service.uploads import Uploads
from broadcaster.web.api.guard import Asking, Importing, importing, parts_of
from broadcaster.web.api.lists import Listed, Pages
from broadcaster.web.api.shapes import NO_NUL, Given, Reason, Told

router = APIRouter(prefix="/audiences", tags=["audiences"])

CSV = {"required": True, "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}}}
Said = Annotated[str, Query(max_length=500, pattern=NO_NUL)]


class Audience(Told):
    """The newest version of a list. `count` is without those who were erased since."""

    name: str
    version: int
    count: int
    erased: int
    imported_at: datetime
    imported_by: str
    source: str
    lawful_basis: str
    purpose: str
    review_on: str


class Row(Told):
    """`reason` holds at most the last three digits of a number."""

    row: int
    reason: str


class Imported(Told):
    """`added` and `removed` compare with the version before. `problems` were left out, `duplicates` stood there already,
    `remarks` were kept without their language; `examples` are the first of these."""

    outcome: str
    audience: str
    version: int
    sha256: str
    count: int
    added: int
    removed: int
    problems: int
    duplicates: int
    remarks: int
    examples: list[Row]
    encoding: str
    column: str


class Number(Given):
    number: Annotated[str, Field(max_length=40, pattern=NO_NUL, examples=["+447700900123"])]
    region: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "GB"


class Sought(Number):
    days: int = Field(30, ge=1, le=3650, description="How far to look back at what was sent.")


class Membership(Told):
    audience: str
    versions: list[int]


class OptOut(Told):
    purpose: str
    reason: str
    since: datetime


class Found(Told):
    """`ending` are the last three digits. `deliveries` counts by state, `written` what came from the number."""

    ending: str
    audiences: list[Membership]
    opt_outs: list[OptOut]
    written: int
    deliveries: dict[str, int]
    days: int


class Erasure(Number):
    reason: Reason
    keep_out: bool = Field(default=False, description="Later imports leave the person out, too.")


class Erased(Told):
    ending: str
    versions: int
    opt_outs: int
    written: int
    kept_out: bool


@router.get("", dependencies=[importing])
def list_audiences(request: Request, pages: Pages) -> Listed[Audience]:
    """The newest version of each list, by name."""
    found = parts_of(request).audiences.list()
    return pages.cut(found, lambda each: each.name, Audience.model_validate)


@router.post("/{name}/versions", status_code=201, openapi_extra={"requestBody": CSV})
async def import_audience(
    request: Request,
    actor: Importing,
    name: Annotated[str, Path(max_length=100, pattern=NO_NUL)],
    source: Said = "",
    lawful_basis: Said = "",
    purpose: Said = "",
    review_on: Said = "",
    region: Annotated[str, Query(pattern="^[A-Z]{2}$")] = "GB",
    column: Said = "",
) -> Imported:
    """A CSV file becomes the new version of the list: its good rows, and what is wrong with each other one. All of it or
    nothing. The body is the file itself, of any size."""
    parts = parts_of(request)
    with _folder(parts.uploads) as folder:
        file = await _received(request, folder)
        made = await asyncio.to_thread(
            parts.audiences.import_csv,
            actor=actor,
            name=name,
            path=file,
            source=source,
            lawful_basis=lawful_basis,
            purpose=purpose,
            review_on=review_on,
            region=region,
            column=column or None,
            called="The file",
        )
    return Imported.model_validate(made)


@router.post("/find")
def find_person(request: Request, actor: Asking, body: Sought) -> Found:
    """In which lists a number stands, and what was sent to it. That somebody looked is recorded; the number is not."""
    found = parts_of(request).erasing.find(actor, body.number, region=body.region, days=body.days)
    return Found.model_validate(found)


@router.post("/erase")
def erase_person(request: Request, actor: Asking, body: Erasure) -> Erased:
    """Out of every list, for good."""
    made = parts_of(request).erasing.erase(
        actor, body.number, reason=body.reason, keep_out=body.keep_out, region=body.region
    )
    return Erased.model_validate(made)


@contextmanager
def _folder(uploads: Uploads) -> Iterator[File]:
    """Private to this process's user, and gone afterwards, also where the program went away in the middle."""
    try:
        made = uploads.begin()
    except OSError as error:
        raise _no_room(error) from error
    try:
        yield made.folder
    finally:
        made.remove()


async def _received(request: Request, folder: File) -> File:
    """On the disk, never all of it in memory."""
    path = folder / "numbers.csv"
    try:
        with path.open("wb") as file:
            async for chunk in request.stream():
                await asyncio.to_thread(file.write, chunk)
    except ClientDisconnect as error:
        raise Invalid("The file did not arrive whole. Nothing was imported. Send it again.") from error
    except OSError as error:
        raise _no_room(error) from error
    return path


def _no_room(error: OSError) -> Unavailable:
    return Unavailable(f"The file could not be stored: {error.strerror}. Nothing was imported.")
