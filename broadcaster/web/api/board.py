"""The board of one message: each place as it is now; and what a person does about what did not go as it should."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.requests import Request

from broadcaster.service.board import Board as Looked
from broadcaster.service.board import Place as LookedPlace
from broadcaster.web.api.guard import Asking, parts_of, reading
from broadcaster.web.api.once import Done, Key, once
from broadcaster.web.api.shapes import NO_NUL, Because, Given, Part, Ref, Told, Words
from broadcaster.web.api.times import Moment
from broadcaster.web.api.unknowns import Target

router = APIRouter(prefix="/messages/{ref}", tags=["messages"])


#: What is told of a place as the board has it.
AS_IT_IS = (
    *("channel", "account", "language", "to_people", "planned", "accepted", "settled", "link"),
    *("seconds", "sight", "sight_at", "to_decide", "wants_hand", "rate", "left_s"),
)


class Group(BaseModel):
    """So many deliveries are in this state for this reason. `can_retry`: surely not sent, and may be tried again."""

    state: str
    code: str
    text: str
    count: int
    can_retry: bool


class ByHand(Told):
    """What somebody did: posted it in the stead of a channel, where it has a `link`, or told it in another way."""

    way: str
    at: datetime
    noted_at: datetime
    link: str
    words: str
    who: str


class Place(BaseModel):
    """`target` names it in other requests. Counts are as of `counted_at`; `states` add up to `planned`. Of posts: `seconds` from
    approval to acceptance, `sight` what was read back, `unknown` the ids to decide about, `wants_hand`: somebody might post it. Of
    texts: `rate` per second over the last seconds, `left_s` how long the rest takes at that rate, `to_decide` texts at once."""

    target: int
    channel: str
    account: str
    language: str
    to_people: bool
    planned: int
    accepted: int
    settled: int
    states: dict[str, int]
    groups: list[Group]
    no_receipt: int
    no_receipt_since: datetime | None
    counted_at: datetime
    link: str
    seconds: float | None
    parts: list[Part]
    sight: str | None
    sight_at: datetime | None
    by_hand: list[ByHand]
    unknown: list[str]
    to_decide: int
    wants_hand: bool
    rate: float
    left_s: float | None

    @classmethod
    def of(cls, place: LookedPlace) -> "Place":
        counted = place.counted
        return cls(
            target=place.target_id,
            states={str(state): count for state, count in place.states.items()},
            groups=[
                Group(
                    state=each.state,
                    code=each.code,
                    text=each.text,
                    count=each.count,
                    can_retry=each.state == "failed" and each.code in place.can_retry,
                )
                for each in counted.reasons
            ],
            no_receipt=counted.missing.count,
            no_receipt_since=counted.missing.since,
            counted_at=counted.at,
            parts=[Part.model_validate(each) for each in place.parts],
            by_hand=[ByHand.model_validate(each) for each in place.by_hand],
            unknown=[each.uid for each in place.unknown],
            **{name: getattr(place, name) for name in AS_IT_IS},
        )


class AlarmOf(Told):
    """`text` says what is wrong and what to do."""

    code: str
    text: str
    raised_at: datetime


class Board(BaseModel):
    """By the database's clock, `now`. `over`: nothing more happens by itself; `waiting` is what a stop would keep back; `told` how
    people were told beside the channels; `held`: storm mode holds it."""

    reference: str
    mode: str
    message_state: str
    state: str
    released_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime | None
    now: datetime
    over: bool
    in_force: bool
    waiting: int
    held: bool
    places: list[Place]
    told: list[ByHand]
    alarms: list[AlarmOf]


class PostText(BaseModel):
    """Exactly what was approved for this place. `parts` are the texts of a thread, in their order."""

    target: int
    language: str
    title: str
    parts: list[str]
    link: str


class Posted(Given):
    at: Moment = Field(description="When it was posted.")
    link: Words = Field(description="Where the post is, beginning with https://.")


class ToldAlso(Given):
    way: str = Field(max_length=64, pattern=NO_NUL, examples=["doors", "radio"])
    at: Moment
    words: str = Field("", max_length=1_000, pattern=NO_NUL, description="Where, and by whom.")


class Again(BaseModel):
    """So many wait to be sent again."""

    target: int
    code: str
    again: int


@router.get("/board", dependencies=[reading])
def show_board(request: Request, ref: Ref) -> Board:
    """Each place as it is now, why what failed did, and what is left to do. Instead of asking again and again, be told by webhooks."""
    return _board(request, ref)


@router.get("/by-hand/{target}", dependencies=[reading])
def show_text_to_post(request: Request, ref: Ref, target: Target) -> PostText:
    """The approved text of a public place, for somebody who posts it by hand."""
    post = parts_of(request).by_hand.text(ref, target)
    return PostText(
        target=target, language=post.language, title=post.title, parts=list(post.parts), link=post.link
    )


@router.post("/by-hand/{target}", response_model=Board)
def attest_posted_by_hand(
    request: Request, actor: Asking, ref: Ref, target: Target, body: Posted, key: Key = None
) -> Response:
    """A person attests, in the user's name, to have posted the approved text there. What still waits for that place is not sent any
    more; what is known of its delivery stays as it is."""
    service = parts_of(request).by_hand
    return once(
        request,
        actor,
        key,
        body,
        lambda: service.posted(actor, ref, target, at=body.at, link=body.link),
        lambda _: Done(made=_board(request, ref)),
    )


@router.post("/told", response_model=Board)
def note_also_told(request: Request, actor: Asking, ref: Ref, body: ToldAlso, key: Key = None) -> Response:
    """People were told in another way: at their doors, on the radio, by a loudspeaker van."""
    service = parts_of(request).by_hand
    return once(
        request,
        actor,
        key,
        body,
        lambda: service.told(actor, ref, way=body.way, at=body.at, words=body.words),
        lambda _: Done(made=_board(request, ref)),
    )


@router.post("/again/{target}/{code}")
def try_again(
    request: Request,
    actor: Asking,
    ref: Ref,
    target: Target,
    code: Annotated[str, Path(max_length=100, pattern=NO_NUL, description="Of a group that `can_retry`.")],
    body: Because,
) -> Again:
    """Once why it was refused is mended: all that surely was not sent for this one reason waits to be sent again, under the same
    keys."""
    count = parts_of(request).try_again.try_again(actor, ref, target, code, reason=body.reason)
    return Again(target=target, code=code, again=count)


def _board(request: Request, ref: str) -> Board:
    parts = parts_of(request)
    found: Looked = parts.boards.of(ref)
    same = ("mode", "message_state", "state", "released_at", "ended_at", "expires_at")
    return Board(
        reference=found.ref,
        held=parts.storm.holds(ref),
        places=[Place.of(each) for each in found.places],
        told=[ByHand.model_validate(each) for each in found.told],
        alarms=[AlarmOf.model_validate(each) for each in parts.alarms.of(found.ref)],
        **{name: getattr(found, name) for name in (*same, "now", "over", "in_force", "waiting")},
    )
