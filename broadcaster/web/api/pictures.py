"""Pictures of a message, each with its alt text: attached, described, taken out. Each change is a new version, as any edit."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from broadcaster.bootstrap import Parts
from broadcaster.db.people import Person
from broadcaster.domain.errors import Invalid
from broadcaster.domain.policy import Action
from broadcaster.render.images import MAX_BYTES
from broadcaster.service.media import MAX_IMAGES, Attached
from broadcaster.web.api.guard import Asking, parts_of, who_may
from broadcaster.web.api.messages import message_of
from broadcaster.web.api.shapes import Given, Message, Ref, Words

router = APIRouter(prefix="/messages/{ref}/pictures", tags=["pictures"])

MAX_FORM_BYTES = 3 * MAX_BYTES  # all of it is in memory while it is made ready
FORM = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["picture"],
                "properties": {
                    "picture": {"type": "array", "items": {"type": "string", "format": "binary"}},
                    "alt": {"type": "array", "items": {"type": "string"}},
                },
            }
        }
    },
}
Base = Annotated[
    int, Query(ge=1, le=2**31 - 1, description="The version that is changed. If there is a newer one: 409.")
]
Writing = Annotated[Person, Depends(who_may(Action.WRITE))]  # before anything big is taken in


class Alts(Given):
    base: int = Field(ge=1, le=2**31 - 1)
    alts: list[Words] = Field(max_length=MAX_IMAGES, description="Of the first pictures, in their order.")


@router.put("", openapi_extra={"requestBody": FORM})
async def put_pictures(request: Request, actor: Writing, ref: Ref, base: Base) -> Message:
    """These pictures in the place of those that there are, what matters most first: JPEG, PNG or WebP, as a form with a
    `picture` and an `alt` for each. They are stripped of all that cameras add. Values such as `+6h` count from now again."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Invalid(
            "Send the pictures as multipart/form-data: picture and alt for each. Nothing was changed."
        )
    async with request.form(max_files=MAX_IMAGES + 1, max_fields=MAX_IMAGES + 1) as form:
        given = await asyncio.to_thread(_attached, form)
    return await asyncio.to_thread(_edited, parts_of(request), actor, ref, base, images=given)


@router.put("/alts")
def describe_pictures(request: Request, actor: Asking, ref: Ref, body: Alts) -> Message:
    """Other alt texts: what each picture shows, in a sentence, for people who cannot see it."""
    return _edited(parts_of(request), actor, ref, body.base, alts=body.alts)


@router.delete("")
def take_pictures_out(request: Request, actor: Asking, ref: Ref, base: Base) -> Message:
    """All of them, in a new version."""
    return _edited(parts_of(request), actor, ref, base, images=())


def _attached(form: FormData) -> list[Attached]:
    """Invalid where it is not said which alt text is whose: a wrong one is worse than none."""
    files = [each for each in form.getlist("picture") if isinstance(each, UploadFile)]
    alts = [each for each in form.getlist("alt") if isinstance(each, str)]
    if not files:
        raise Invalid("No picture was sent: each is a file of the field picture. Nothing was changed.")
    if alts and len(alts) != len(files):
        raise Invalid(
            f"{len(files)} pictures and {len(alts)} alt texts were sent: give each picture one, in the same order, and an empty "
            "one to whichever has none yet. Nothing was changed."
        )
    return [
        Attached(name=file.filename or "picture", content=file.file.read(MAX_BYTES + 1), alt=alt)
        for file, alt in zip(files, alts or [""] * len(files), strict=True)
    ]


def _edited(
    parts: Parts,
    actor: Person,
    ref: str,
    base: int,
    *,
    images: Sequence[Attached] | None = None,
    alts: Sequence[str] = (),
) -> Message:
    """All else as it is."""
    before = parts.report.written(ref)
    kept: dict[str, Any] = {"template": before.template, "values": before.values, "audience": before.audience}
    channels = _channels(parts, before.mode, before.accounts)
    made = parts.compose.edit(actor, ref, **kept, channels=channels, images=images, alts=alts, base=base)
    return message_of(parts, made.ref)


def _channels(parts: Parts, mode: str, accounts: Sequence[str]) -> list[str]:
    configured = parts.channels.get(mode, {})
    if gone := [name for name in accounts if name not in configured]:
        raise Invalid(
            f"These accounts of the message are not set up any more: {', '.join(gone)}. Choose its channels anew with PUT "
            "/messages/{ref}. Nothing was changed."
        )
    return sorted({configured[name].name for name in accounts})
