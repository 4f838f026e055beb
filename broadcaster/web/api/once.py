"""Requests with an Idempotency-Key: done once, and answered alike however often they come."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Header
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.requests import Request

from broadcaster.db.people import Person
from broadcaster.domain.errors import Problem
from broadcaster.service.requests_once import Answered
from broadcaster.web.api.guard import parts_of

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern="^[!-~]+$",
        description="Any text of your own that is new for each request, such as a UUID. The same request with the same key is "
        "done once, and answered alike for 24 hours.",
    ),
]


Made = TypeVar("Made")


@dataclass(frozen=True, kw_only=True)
class Done:
    made: BaseModel
    status: int = 200
    location: str = ""


def once(
    request: Request,
    actor: Person,
    key: str | None,
    body: BaseModel | None,
    act: Callable[[], Made],
    told: Callable[[Made], Done],
) -> Response:
    """What is `told` of what `act` makes; or what was told when this request came before."""
    if key is None:
        return _response(_answered(told(act())))
    keeper, name = parts_of(request).requests_once, key.strip('"')  # quoted, as the draft has it, or bare
    sent = f"{request.method} {request.url.path}\n{body.model_dump_json() if body else ''}"
    before = keeper.begin(actor, name, sent)
    if before:
        return _response(before)
    try:
        made = act()
    except Problem:  # nothing was changed
        keeper.refused(actor, name)
        raise
    answered = _answered(told(made))
    keeper.done(actor, name, answered)
    return _response(answered)


def _answered(done: Done) -> Answered:
    return Answered(status=done.status, location=done.location, answer=done.made.model_dump_json())


def _response(answered: Answered) -> Response:
    headers = {"Location": answered.location} if answered.location else {}
    return Response(answered.answer, answered.status, headers, "application/json")
