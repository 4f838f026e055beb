"""Webhooks: where something is told to, and by which secret its receiver knows that it is from here."""

from datetime import datetime
from enum import StrEnum

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from broadcaster.domain.webhooks import TYPES
from broadcaster.web.api.guard import Asking, parts_of
from broadcaster.web.api.lists import Listed, Pages
from broadcaster.web.api.people import Changed, MaybeBecause
from broadcaster.web.api.shapes import Given, Told, Uid, Why, Words

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
    reason: Why = ""


class WasTold(Told):
    """`state` is arrived, waiting or given up; `said` the status of the last answer, or why there was none."""

    uid: str
    type: str
    state: str
    tries: int
    created_at: datetime
    sent_at: datetime | None
    next_at: datetime | None
    said: str


class Tested(Told):
    """`said` is the status of the answer, or why there was none."""

    arrived: bool
    said: str


class Removed(BaseModel):
    uid: str


@router.get("")
def list_webhooks(request: Request, actor: Asking, pages: Pages) -> Listed[Webhook]:
    """Which addresses are told what."""
    found = parts_of(request).webhooks.listed(actor)
    return pages.cut(found, lambda each: each.id, Webhook.model_validate)


@router.post("", status_code=201)
def add_webhook(request: Request, actor: Asking, body: NewWebhook) -> Changed:
    """From then on this address is told what happens here. A second administrator confirms it."""
    service = parts_of(request).webhooks
    return Changed.of(service.add(actor, body.url, types=body.types, reason=body.reason))


@router.put("/{uid}")
def change_webhook(request: Request, actor: Asking, uid: Uid, body: NewWebhook) -> Changed:
    """Another address, or other types; the secret stays. A second administrator confirms it."""
    service = parts_of(request).webhooks
    return Changed.of(service.change(actor, uid, url=body.url, types=body.types, reason=body.reason))


@router.post("/{uid}/secret")
def rotate_secret(request: Request, actor: Asking, uid: Uid, body: MaybeBecause) -> Changed:
    """Another secret; the old one ends at once. A second administrator confirms it, and is shown it."""
    return Changed.of(parts_of(request).webhooks.rotate(actor, uid, reason=body.reason))


@router.get("/{uid}/deliveries")
def list_told(request: Request, actor: Asking, uid: Uid) -> list[WasTold]:
    """What it was told last, and what waits; the newest first."""
    return [WasTold.model_validate(each) for each in parts_of(request).webhooks.deliveries(actor, uid)]


@router.delete("/{uid}")
def remove_webhook(request: Request, actor: Asking, uid: Uid) -> Removed:
    """With all that it was still to be told."""
    parts_of(request).webhooks.remove(actor, uid)
    return Removed(uid=uid)


@router.post("/{uid}/test")
def test_webhook(request: Request, actor: Asking, uid: Uid) -> Tested:
    """Tell it something made up, now. One that was disabled is enabled again where that arrives."""
    return Tested.model_validate(parts_of(request).webhooks.test(actor, uid))
