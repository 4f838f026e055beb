"""Messages: written, looked at, handed over, decided about, watched."""

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.requests import Request

from broadcaster.bootstrap import Parts
from broadcaster.domain.message import MessageState
from broadcaster.web.api.guard import Asking, parts_of, reading
from broadcaster.web.api.lists import Listed, Pages
from broadcaster.web.api.once import Done, Key, once
from broadcaster.web.api.shapes import (
    Approval,
    Because,
    Decision,
    Deliveries,
    Draft,
    Edit,
    Ended,
    Look,
    Message,
    MessageListed,
    Picture,
    Preview,
    Ref,
    Released,
    TurnedDown,
    Wording,
)

router = APIRouter(prefix="/messages", tags=["messages"])


@router.get("", dependencies=[reading])
def list_messages(request: Request, pages: Pages) -> Listed[MessageListed]:
    """The newest first."""
    found = parts_of(request).report.messages(limit=pages.limit + 1, before=pages.text())
    items = [MessageListed.model_validate(each) for each in found[: pages.limit]]
    return pages.listed(items, items[-1].reference if len(found) > pages.limit else None)


@router.post("", status_code=201, response_model=Message)
def draft_message(request: Request, actor: Asking, body: Draft, key: Key = None) -> Response:
    """A new draft. What still stands against it is in `problems`. Values such as `+6h` count from now. Pictures are added
    afterwards: PUT /messages/{ref}/pictures."""
    parts = parts_of(request)

    def act() -> str:
        return parts.compose.draft(
            actor,
            template=parts.templates.current(body.template),
            values=body.values,
            channels=body.channels,
            audience=body.audience,
            mode=body.mode,
            incident=body.incident,
            visibility=body.visibility,
            languages=body.languages,
            later=body.later,
        ).ref

    def told(ref: str) -> Done:
        return Done(made=message_of(parts, ref), status=201, location=f"/api/v1/messages/{ref}")

    return once(request, actor, key, body, act, told)


@router.post("/look")
def look_at_new_message(request: Request, actor: Asking, body: Look) -> Preview:
    """How a message would read with these values. Nothing is kept."""
    parts = parts_of(request)
    proof = parts.compose.look(
        actor,
        template=parts.templates.current(body.template),
        values=body.values,
        channels=body.channels,
        audience=body.audience,
        mode=body.mode,
        languages=body.languages,
        later=body.later,
    )
    return Preview(**Preview.parts_of(proof))


@router.get("/{ref}", dependencies=[reading])
def show_message(request: Request, ref: Ref) -> Message:
    """Exactly as it would be or was approved: every post, what stands against it, and the hash that an approver approves."""
    return message_of(parts_of(request), ref)


@router.put("/{ref}")
def edit_message(request: Request, actor: Asking, ref: Ref, body: Edit) -> Message:
    """A new version in the place of version `base`: all values, channels and the audience. Pictures stay. An open submission
    is void afterwards: what was shown to an approver is not what would be sent."""
    parts = parts_of(request)
    made = parts.compose.edit(
        actor,
        ref,
        template=parts.report.written(ref).template,
        values=body.values,
        channels=body.channels,
        audience=body.audience,
        base=body.base,
        languages=body.languages,
        later=body.later,
    )
    return message_of(parts, made.ref)


@router.post("/{ref}/look")
def look_at_message(request: Request, actor: Asking, ref: Ref, body: Wording) -> Preview:
    """How this message would read with these values. Nothing is kept."""
    parts = parts_of(request)
    proof = parts.compose.look(
        actor,
        template=parts.report.written(ref).template,
        values=body.values,
        channels=body.channels,
        audience=body.audience,
        ref=ref,
        languages=body.languages,
        later=body.later,
    )
    return Preview(**Preview.parts_of(proof))


@router.post("/{ref}/submit", response_model=Message)
def submit_message(request: Request, actor: Asking, ref: Ref, key: Key = None) -> Response:
    """Hand it to a second person, exactly as it is now."""
    parts = parts_of(request)

    return once(
        request,
        actor,
        key,
        None,
        lambda: parts.compose.submit(actor, ref),
        lambda made: Done(made=message_of(parts, made.ref)),
    )


@router.post("/{ref}/approve", response_model=Released)
def approve_message(request: Request, actor: Asking, ref: Ref, body: Approval, key: Key = None) -> Response:
    """Approve exactly what has this hash. That sends it at once. A live message wants the user's second factor, given for this
    token a few minutes ago at most: POST /me/second-factor."""
    return once(
        request,
        actor,
        key,
        body,
        lambda: parts_of(request).approve.approve(actor, ref, body.manifest_sha256),
        lambda made: Done(made=Released.of(made)),
    )


@router.post("/{ref}/return")
def return_message(request: Request, actor: Asking, ref: Ref, body: Because) -> Ended:
    """Give it back to its officer, as a draft."""
    parts_of(request).approve.send_back(actor, ref, body.reason)
    return Ended(reference=ref.upper(), state=MessageState.DRAFT)


@router.post("/{ref}/reject")
def reject_message(request: Request, actor: Asking, ref: Ref, body: Because) -> Ended:
    """Refuse it for good."""
    parts_of(request).approve.reject(actor, ref, body.reason)
    return Ended(reference=ref.upper(), state=MessageState.REJECTED)


@router.post("/{ref}/stop")
def stop_message(request: Request, actor: Asking, ref: Ref, body: Because) -> Ended:
    """Nothing more of it is sent. What was sent stays what it is."""
    stopped = parts_of(request).recall.stop(actor, ref, body.reason)
    return Ended(reference=stopped.ref, state="stopped")


@router.get("/{ref}/deliveries", dependencies=[reading])
def list_deliveries(request: Request, ref: Ref) -> Deliveries:
    """What became of it on each channel."""
    return Deliveries.of(parts_of(request).report.status(ref))


def message_of(parts: Parts, ref: str) -> Message:
    """With all that is known of its approval."""
    written, decision = parts.report.written(ref), parts.report.decision(ref)
    turned_down = parts.report.turned_down(ref)
    return Message(
        **Message.parts_of(parts.compose.preview(ref)),
        facts=written.facts.to_json(),
        values=dict(written.values),
        pictures=[Picture.model_validate(each) for each in parts.compose.images(ref)],
        decision=Decision.model_validate(decision) if decision else None,
        turned_down=TurnedDown.model_validate(turned_down) if turned_down else None,
    )
