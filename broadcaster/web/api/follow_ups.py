"""What follows a message that was sent: an update, a correction, the all-clear, a cancel, "sent in error", found; and its end."""

from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.requests import Request

from broadcaster.domain.follow_up import Purpose
from broadcaster.domain.message import MessageState
from broadcaster.service.follow_up import Before, Begun
from broadcaster.web.api.guard import Asking, parts_of, reading
from broadcaster.web.api.messages import message_of
from broadcaster.web.api.once import Done, Key, once
from broadcaster.web.api.shapes import (
    NO_NUL,
    Because,
    Ended,
    Given,
    Message,
    Name,
    Ref,
    Released,
    Told,
    Words,
)

router = APIRouter(prefix="/messages/{ref}", tags=["what follows a message"])


class ReadyPost(BaseModel):
    channel: str
    text: str


class Ready(BaseModel):
    """It was approved together with the message. `reference` is what it will be known by."""

    reference: str
    headline: str
    posts: list[ReadyPost]


class Followed(BaseModel):
    """What this message follows, and what that said."""

    reference: str
    purpose: Purpose
    released_at: datetime
    said: dict[str, str]


class Following(BaseModel):
    """`purposes`: with which it may be followed now, the most urgent first. `sent_in_error` lies ready, or null. `follows` is null
    where it is the first."""

    reference: str
    follows: Followed | None
    purposes: list[Purpose]
    sent_in_error: Ready | None


class Beginning(Told):
    """What is known already, and stands where a follow-up gives nothing else. `said` are the facts of what was sent."""

    reference: str
    purpose: Purpose
    said: dict[str, str]
    released_at: datetime
    mode: str
    incident: str
    template: str
    values: dict[str, str]
    channels: list[str]
    audience: str
    takes_down: bool

    @classmethod
    def of(cls, begun: Begun) -> "Beginning":
        names = ("purpose", "released_at", "mode", "incident", "audience", "takes_down")
        return cls(
            reference=begun.ref,
            said=begun.said.to_json(),
            template=begun.template.name,
            values=dict(begun.values),
            channels=list(begun.channels),
            **{name: getattr(begun, name) for name in names},
        )


class FollowUp(Given):
    """What is not given is as `GET .../follow-ups/{purpose}` has it."""

    purpose: Purpose
    values: dict[Name, Words] = Field({}, max_length=100, description="What differs.")
    channels: list[Name] = Field([], max_length=50, description="Empty: those that the first went to.")
    languages: list[Name] | None = Field(
        None,
        max_length=10,
        description="Beside the template's own. None: those of the first, and those spoken here.",
    )
    later: Name = Field("", description="By when a language follows that it goes without, such as +2h.")
    texts: bool = Field(default=True, description="Whether those who got a text get another.")
    reason: str = Field(
        "",
        max_length=1_000,
        pattern=NO_NUL,
        description="Why what was published comes down: for sent-in-error and found.",
    )


@router.get("/follow-ups", dependencies=[reading])
def list_follow_ups(request: Request, ref: Ref) -> Following:
    """What it follows, with what it may be followed, and what lies ready."""
    parts = parts_of(request)
    found = parts.sequels.ready(ref)
    ready = found and Ready(
        reference=found.ref,
        headline=found.facts.headline,
        posts=[ReadyPost(channel=channel, text=text) for channel, text in found.posts],
    )
    return Following(
        reference=ref.upper(),
        follows=_followed(parts.follow_ups.before(ref)),
        purposes=parts.follow_ups.purposes(ref),
        sent_in_error=ready,
    )


def _followed(before: Before | None) -> Followed | None:
    if before is None:
        return None
    said = before.said.to_json()
    return Followed(reference=before.ref, purpose=before.purpose, released_at=before.released_at, said=said)


@router.get("/follow-ups/{purpose}")
def begin_follow_up(request: Request, actor: Asking, ref: Ref, purpose: Purpose) -> Beginning:
    """What it would begin with. Nothing is kept."""
    return Beginning.of(parts_of(request).follow_ups.begin(actor, ref, purpose))


@router.post("/follow-ups", status_code=201, response_model=Message)
def draft_follow_up(request: Request, actor: Asking, ref: Ref, body: FollowUp, key: Key = None) -> Response:
    """A draft that follows a message which was sent. Submit it, and a second person approves it, as any message. Its texts go
    to exactly those who got the first."""
    parts = parts_of(request)

    def act() -> str:
        return parts.follow_ups.draft(
            actor,
            ref,
            body.purpose,
            values=body.values,
            channels=body.channels,
            audience=None if body.texts else "",
            reason=body.reason,
            languages=body.languages,
            later=body.later,
        ).ref

    def told(made: str) -> Done:
        return Done(made=message_of(parts, made), status=201, location=f"/api/v1/messages/{made}")

    return once(request, actor, key, body, act, told)


@router.post("/sent-in-error", response_model=Released)
def send_sent_in_error(request: Request, actor: Asking, ref: Ref, body: Because, key: Key = None) -> Response:
    """Send at once what lies ready for a message that was wrong: it was approved together with it. What was published comes
    down. The reason is for the record and is not published."""
    return once(
        request,
        actor,
        key,
        body,
        lambda: parts_of(request).sequels.send(actor, ref, body.reason),
        lambda made: Done(made=Released.of(made)),
    )


@router.post("/let-end")
def let_message_end(request: Request, actor: Asking, ref: Ref, body: Because) -> Ended:
    """Let it end as it stands, without an all-clear. Nobody is reminded of it any more."""
    parts_of(request).reminders.let_end(actor, ref, body.reason)
    return Ended(reference=ref.upper(), state=MessageState.RELEASED)
