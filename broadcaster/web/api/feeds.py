"""Feeds of weather services and of others who warn, and what they warned of: looked at, written from, dismissed."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.requests import Request

from broadcaster.db.feed_warnings import FeedWarning
from broadcaster.db.feeds import Feed as StoredFeed
from broadcaster.domain.message import Mode, Severity
from broadcaster.domain.watching import Rule as Meant
from broadcaster.web.api.guard import Asking, parts_of
from broadcaster.web.api.lists import Listed, Pages
from broadcaster.web.api.messages import message_of
from broadcaster.web.api.once import Done, Key, once
from broadcaster.web.api.shapes import Because, Given, Message, Name, Told, Uid, Words

router = APIRouter(tags=["feeds and warnings"])


class Rule(Given):
    """Which warnings concern you. Empty `events` or `areas`: all. `blanks` says what goes into single ones, with marks such as
    ((description))."""

    template: Name
    events: list[Name] = Field([], max_length=30, description="Words in its event or headline.")
    areas: list[Name] = Field([], max_length=30, description="Words in the name of an area.")
    least: Severity = Field(Severity.UNKNOWN, description="The least grave that concerns you.")
    blanks: dict[Name, Words] = Field({}, max_length=100)

    def read(self) -> Meant:
        return Meant(
            template=self.template,
            events=tuple(self.events),
            areas=tuple(self.areas),
            least=self.least,
            blanks=self.blanks,
        )


class Watched(Given):
    """The first rule that fits a warning counts."""

    url: Words = Field(
        description="Of an Atom, RSS or CAP feed; https and public.",
        examples=["https://example.org/cap.atom"],
    )
    rules: list[Rule] = Field(min_length=1, max_length=30)
    every_s: int = Field(60, ge=30, le=86_400, description="How often it is looked at.")
    silent_h: int = Field(
        0, ge=0, le=24 * 366, description="Tell you when nothing new came for so many hours; 0: never."
    )


class NewFeed(Watched):
    name: Name


class ToldRule(BaseModel):
    template: str
    events: list[str]
    areas: list[str]
    least: str
    blanks: dict[str, str]


class Feed(BaseModel):
    """`failing_since` is null while it can be read; `said` why it cannot; `heard` how many warnings came of it."""

    uid: str
    name: str
    url: str
    every_s: int
    silent_h: int
    added_by: str
    good_at: datetime | None
    failing_since: datetime | None
    said: str
    heard: int
    rules: list[ToldRule]

    @classmethod
    def of(cls, each: StoredFeed) -> "Feed":
        names = (
            "uid",
            "name",
            "url",
            "every_s",
            "silent_h",
            "added_by",
            "good_at",
            "failing_since",
            "said",
            "heard",
        )
        rules = [ToldRule(**rule.to_json()) for rule in each.rules]
        return cls(rules=rules, **{name: getattr(each, name) for name in names})


class Looked(BaseModel):
    """`new` warnings of which `laid` lie before the officers. `said` is empty where all went well."""

    uid: str
    new: int
    laid: int
    said: str


class Removed(BaseModel):
    uid: str


class Warned(BaseModel):
    """`state` is waiting, written, dismissed, replaced, lapsed or noted; `ref` the message that was written from it."""

    uid: str
    feed: str
    kind: str
    said: str
    template: str
    heard_at: datetime
    ends_at: datetime | None
    decided_by: str
    reason: str
    incident: str
    ref: str
    state: str

    @classmethod
    def of(cls, each: FeedWarning) -> "Warned":
        return cls(**_told(each))


class Said(Told):
    """What the source says, in one language."""

    language: str
    event: str
    headline: str
    description: str
    instruction: str
    severity: str
    urgency: str
    certainty: str
    onset: str
    expires: str
    areas: list[str]
    sender_name: str
    web: str


class WholeWarning(Warned):
    """`values` go into the blanks of its template; `unfit` are blanks that what the source says does not fit."""

    words: list[Said]
    values: dict[str, str]
    unfit: list[str]
    others: list[Warned]


class Taken(Given):
    """Over what the source says."""

    values: dict[Name, Words] = Field({}, max_length=100)
    channels: list[Name] = Field([], max_length=50, description="Empty: those that the template names.")
    audience: Name = Field("", description="The list that text messages go to; empty for none.")
    mode: Mode = Mode.LIVE
    incident: Name = ""


class Dismissal(Because):
    incident: Name = Field("", description="In whose record it stands; empty: in that of its own.")


class Dismissed(BaseModel):
    uid: str
    incident: str


@router.get("/feeds")
def list_feeds(request: Request, actor: Asking, pages: Pages) -> Listed[Feed]:
    """Which are watched, and whether they can be read."""
    return pages.cut(parts_of(request).feeds.listed(actor), lambda each: each.id, Feed.of)


@router.post("/feeds", status_code=201)
def watch_feed(request: Request, actor: Asking, body: NewFeed) -> Feed:
    """What it warns of and concerns you is laid before the officers, and never more than that. It wants the second factor."""
    service = parts_of(request).feeds
    rules = [each.read() for each in body.rules]
    uid = service.add(
        actor, name=body.name, url=body.url, every_s=body.every_s, rules=rules, silent_h=body.silent_h
    )
    return Feed.of(service.find(actor, uid))


@router.put("/feeds/{uid}")
def change_feed(request: Request, actor: Asking, uid: Uid, body: Watched) -> Feed:
    """Another address, pace or rules. It is read anew: what concerned nobody may concern you now."""
    service = parts_of(request).feeds
    rules = [each.read() for each in body.rules]
    service.change(actor, uid, url=body.url, every_s=body.every_s, rules=rules, silent_h=body.silent_h)
    return Feed.of(service.find(actor, uid))


@router.delete("/feeds/{uid}")
def remove_feed(request: Request, actor: Asking, uid: Uid) -> Removed:
    """It is not looked at any more. What it warned of stays on record."""
    parts_of(request).feeds.remove(actor, uid)
    return Removed(uid=uid)


@router.post("/feeds/{uid}/check")
def check_feed(request: Request, actor: Asking, uid: Uid) -> Looked:
    """Look at it now, whether it is due or not."""
    found = parts_of(request).feeds.check(actor, uid)
    return Looked(uid=uid, new=found.warnings, laid=found.laid, said=found.said)


@router.get("/warnings")
def list_warnings(
    request: Request,
    actor: Asking,
    pages: Pages,
    *,
    past: Annotated[bool, Query(description="Also what somebody has decided about.")] = False,
) -> Listed[Warned]:
    """What waits for an officer, the newest first."""
    service = parts_of(request).feed_warnings
    found = service.newest(actor) if past else service.waiting(actor)
    return pages.cut(found, lambda each: -each.id, Warned.of)


@router.get("/warnings/{uid}")
def show_warning(request: Request, actor: Asking, uid: Uid) -> WholeWarning:
    """What its source says, and what of it goes into the blanks."""
    found = parts_of(request).feed_warnings.one(actor, uid)
    return WholeWarning(
        **_told(found.warning),
        words=[Said.model_validate(each) for each in found.warning.alert.infos],
        values=dict(found.filled.values),
        unfit=list(found.filled.unfit),
        others=[Warned.of(each) for each in found.others],
    )


@router.post("/warnings/{uid}/take", status_code=201, response_model=Message)
def take_warning(request: Request, actor: Asking, uid: Uid, body: Taken, key: Key = None) -> Response:
    """A draft from it. Whoever asks is its author; somebody else approves it. Nothing is sent."""
    parts = parts_of(request)

    def act() -> str:
        return parts.feed_warnings.take(actor, uid, **body.model_dump()).ref

    def told(ref: str) -> Done:
        return Done(made=message_of(parts, ref), status=201, location=f"/api/v1/messages/{ref}")

    return once(request, actor, key, body, act, told)


@router.post("/warnings/{uid}/dismiss")
def dismiss_warning(request: Request, actor: Asking, uid: Uid, body: Dismissal) -> Dismissed:
    """Decide against a message. It stands among the decisions of an incident."""
    service = parts_of(request).feed_warnings
    return Dismissed(
        uid=uid, incident=service.dismiss(actor, uid, reason=body.reason, incident=body.incident)
    )


def _told(each: FeedWarning) -> dict[str, Any]:
    names = (
        "uid",
        "feed",
        "kind",
        "said",
        "template",
        "heard_at",
        "ends_at",
        "decided_by",
        "reason",
        "incident",
        "ref",
    )
    return {**{name: getattr(each, name) for name in names}, "state": each.state}
