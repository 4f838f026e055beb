"""A message's story, from the first draft to the last receipt: what happened when, and what was written in which version."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from broadcaster.db import audit_log, broadcasts, deliveries, messages, timelines
from broadcaster.db.broadcasts import Broadcast, Target
from broadcaster.db.deliveries import PublicDelivery
from broadcaster.db.engine import Database, Tx
from broadcaster.db.messages import Message
from broadcaster.db.people import Person
from broadcaster.db.timelines import PastVersion
from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.audit_told import STATES, listed
from broadcaster.domain.audit_words import sentence
from broadcaster.domain.delivery import ARRIVED, DeliveryState
from broadcaster.domain.errors import Unavailable
from broadcaster.domain.message import Facts
from broadcaster.domain.policy import Action, require
from broadcaster.domain.post import Post
from broadcaster.domain.times import time_in_words
from broadcaster.domain.word_diff import Piece, in_words, word_diff
from broadcaster.service.looking import Looking, Sought
from broadcaster.service.report import states_of

OUTCOMES, RECEIPTS = "outcomes_recorded", "receipts_applied"
#: Told by the versions themselves, by the posts and in sums: of a million texts there are thousands.
TOLD_OTHERWISE = frozenset({"message_drafted", "message_edited", OUTCOMES, RECEIPTS})
FIELDS: Mapping[str, str] = {
    "headline": "Headline",
    "instruction": "What to do",
    "area": "Where",
    "details": "Details",
    "starts": "Begins",
    "expires": "Ends",
    "source": "Who says so",
    "contact": "Contact",
    "event": "Kind of event",
    "severity": "Severity",
    "urgency": "Urgency",
    "certainty": "Certainty",
}


@dataclass(frozen=True, kw_only=True)
class Changed:
    """One thing that differs from the version before. `said` is the same in words."""

    name: str
    pieces: tuple[Piece, ...]
    said: str


@dataclass(frozen=True, kw_only=True)
class Wording:
    """A version's texts: `lines` are names and values as they were written, `posts` what was handed over, `changes` what
    differs from the version before."""

    no: int
    lines: tuple[tuple[str, str], ...]
    posts: tuple[Post, ...]
    changes: tuple[Changed, ...]


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Something that happened. `until` where it went on; `event` is its number in the log, `version` the one that came
    to be, `link` leads to a post. `kind` is the act, or post or version."""

    at: datetime
    text: str
    until: datetime | None = None
    link: str = ""
    event: int | None = None
    version: int | None = None
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class Timeline:
    ref: str
    headline: str
    mode: str
    moments: tuple[Moment, ...]
    wordings: tuple[Wording, ...]


class Timelines:
    def __init__(self, database: Database, looking: Looking, *, zone: ZoneInfo) -> None:
        self._database = database
        self._looking = looking
        self._zone = zone

    def of(self, actor: Person, ref: str) -> Timeline:
        """All in order of time. That somebody looked is recorded as any look into the log is. Unavailable where a post
        was altered so that nobody can read it any more."""
        require(actor.name, actor.roles, Action.AUDIT)
        with self._database.read() as tx:
            ref = messages.find(tx, ref).ref
        self._looking.note(actor, Sought(about=ref))
        with self._database.read() as tx:
            found = messages.find(tx, ref)
            return story(tx, found, list(audit_log.events(tx, subject=ref)), self._zone)


def story(tx: Tx, found: Message, events: Sequence[AuditEvent], zone: ZoneInfo) -> Timeline:
    """Out of the message's events and rows. Whoever shows it has recorded that somebody looks. Unavailable as above."""
    versions = timelines.versions(tx, found.id)
    moments = [*_versions(versions), *_events(events), *_receipts(events)]
    row = broadcasts.by_message(tx, found.id)
    if row:
        moments += _posts(tx, row)
    return Timeline(
        ref=found.ref,
        headline=versions[-1].facts.headline,
        mode=found.mode,
        moments=tuple(sorted(moments, key=lambda m: m.at)),
        wordings=tuple(_wordings(tx, versions, zone)),
    )


def _versions(versions: Sequence[PastVersion]) -> Iterator[Moment]:
    for each in versions:
        text = f"{each.author} began it." if each.no == 1 else f"{each.author} changed it: version {each.no}."
        yield Moment(at=each.created_at, text=text, version=each.no, kind="version")


def _events(events: Sequence[AuditEvent]) -> Iterator[Moment]:
    for each in events:
        if each.act not in TOLD_OTHERWISE:
            at = datetime.fromisoformat(each.at)
            yield Moment(at=at, text=sentence(each), event=each.no, kind=each.act)


def _receipts(events: Sequence[AuditEvent]) -> Iterator[Moment]:
    """One moment for all: a mass message has thousands of such events."""
    of = [e for e in events if e.act == RECEIPTS]
    if not of:
        return
    counts: Counter[str] = Counter()
    for each in of:
        for move, n in json.loads(each.payload)["counts"].items():
            counts[move.partition("->")[2]] += n
    told = listed([f"{n:,} {STATES.get(state, state)}" for state, n in counts.items()])
    first, last = (datetime.fromisoformat(e.at) for e in (of[0], of[-1]))
    yield Moment(at=first, until=last, text=f"Delivery receipts came: {told}.", kind=RECEIPTS)


def _posts(tx: Tx, row: Broadcast) -> Iterator[Moment]:
    """When each public post was accepted, with its link, and what became of the texts."""
    public: dict[int, list[PublicDelivery]] = {}
    for each in deliveries.public(tx, row.id):
        public.setdefault(each.target_id, []).append(each)
    for target in broadcasts.targets(tx, row.id):
        if target.audience_version_id is not None:
            yield from _texts(tx, row, target)
        for each in public.get(target.id, ()):
            yield from _post(target, each)


def _post(target: Target, each: PublicDelivery) -> Iterator[Moment]:
    if each.settled_at is None:
        return
    part = f", part {each.part} of a thread," if each.part else ""
    state = "accepted" if each.state in ARRIVED else STATES.get(each.state, each.state)
    why = f": {each.operator_text.rstrip('.')}" if each.operator_text and each.state not in ARRIVED else ""
    yield Moment(
        at=each.settled_at,
        text=f"{target.account} ({target.channel}){part} {state}{why}.",
        link=each.link,
        kind="post",
    )


def _texts(tx: Tx, row: Broadcast, target: Target) -> Iterator[Moment]:
    """The states are those of now, and stand where the last text was accepted."""
    states = states_of(tx, target, row.state)
    told = listed([f"{n:,} {STATES.get(s, s)}" for s, n in states.items() if n])
    accepted = sum(n for s, n in states.items() if DeliveryState(s) in ARRIVED)
    last = deliveries.last_accepted(tx, target.id)
    yield Moment(
        at=row.released_at,
        until=last,
        kind="post",
        text=f"{target.account} ({target.channel}): {accepted:,} of {target.planned_total:,} texts accepted. As it stands: {told}.",
    )


def _wordings(tx: Tx, versions: Sequence[PastVersion], zone: ZoneInfo) -> Iterator[Wording]:
    try:
        posts = timelines.posts(tx, [each.id for each in versions])
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(
            "A stored post cannot be read any more: it was altered. Nothing was changed now. Check the whole log."
        ) from error
    before: dict[str, str] = {}
    for each in versions:
        lines = _lines(each, zone)
        yield Wording(
            no=each.no,
            lines=tuple((name, value) for name, value in lines.items() if value),
            posts=tuple(posts.get(each.id, ())),
            changes=tuple(_changes(before, lines)) if before else (),
        )
        before = lines


def _changes(before: dict[str, str], after: dict[str, str]) -> Iterator[Changed]:
    for name, now in after.items():
        was = before[name]
        if was != now:
            yield Changed(name=name, pieces=word_diff(was, now), said=in_words(was, now))


def _lines(version: PastVersion, zone: ZoneInfo) -> dict[str, str]:
    return {
        **{label: _fact(version.facts, name, zone) for name, label in FIELDS.items()},
        "Accounts": ", ".join(version.accounts),
        "Audience": version.audience,
        "Alt texts": "\n".join(version.alts),
    }


def _fact(facts: Facts, name: str, zone: ZoneInfo) -> str:
    value = str(getattr(facts, name))
    if name in {"starts", "expires"} and value:
        return time_in_words(datetime.fromisoformat(value).astimezone(zone))
    return value
