"""Webhooks: where something is told to, and by which secret its receiver knows that it is from here."""

from datetime import datetime
from enum import StrEnum

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from broadcaster.domain.webhooks import TYPES
from broadcaster.web.api.guard import Asking, parts_of
from broadcaster.web.api.lists import Listed, Pages
from broadcaster.web.api.shapes import Given, Told, Uid, Words

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

Type = StrEnum("Type", {name.upper().replace(".", "_"): name for name in TYPES.values()})  # type: ignore[misc]


class Webhook(Told):
    """`types` empty: all. `waiting` messages have not arrived yet."""

    uid: str
    url: str
    types: list[str]
    added_by: str
    created_at: datetime
    waiting: int
    failing_since: datetime | None
    disabled_at: datetime | None


class NewWebhook(Given):
    url: Words = Field(
        description="Beginning with https://, and public.", examples=["https://hooks.example.org/alerts"]
    )
    types: list[Type] = Field([], max_length=50, description="What is told to it; empty: everything.")


class Added(Told):
    """`secret` is shown only now."""

    uid: str
    url: str
    types: list[str]
    secret: str


class Tested(Told):
    """`said` is the status of the answer, or why there was none."""

    arrived: bool
    said: str


class Removed(BaseModel):
    uid: str


@router.get("")
def list_webhooks(request: Request, actor: Asking, pages: Pages) -> Listed[Webhook]:
    found = parts_of(request).webhooks.listed(actor)
    return pages.cut(found, lambda each: each.id, Webhook.model_validate)


@router.post("", status_code=201)
def add_webhook(request: Request, actor: Asking, body: NewWebhook) -> Added:
    """From now on this address is told what happens here."""
    return Added.model_validate(parts_of(request).webhooks.add(actor, body.url, types=body.types))


@router.delete("/{uid}")
def remove_webhook(request: Request, actor: Asking, uid: Uid) -> Removed:
    """With all that it was still to be told."""
    parts_of(request).webhooks.remove(actor, uid)
    return Removed(uid=uid)


@router.post("/{uid}/test")
def test_webhook(request: Request, actor: Asking, uid: Uid) -> Tested:
    """Tell it something made up, now. One that was disabled is enabled again where that arrives."""
    return Tested.model_validate(parts_of(request).webhooks.test(actor, uid))
