"""What became of a message: per channel, in states that add up to what was planned."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from broadcaster.db import (
    audiences,
    audit_log,
    broadcasts,
    deliveries,
    messages,
    people,
    receipts,
    routes,
    submissions,
)
from broadcaster.db.broadcasts import Broadcast, Target
from broadcaster.db.deliveries import PublicDelivery
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.db.receipts import Missing
from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.delivery import ARRIVED, SETTLED, DeliveryState
from broadcaster.domain.languages import Spoken
from broadcaster.domain.message import Facts, MessageState
from broadcaster.domain.notice import NoticeTemplate
from broadcaster.domain.policy import Action, require
from channels import channel_class
from channels.incoming import ReadsReceipts

#: What the deliveries that were never made count as, once a broadcast has ended.
UNMADE = {
    BroadcastState.SENDING: DeliveryState.PENDING,
    BroadcastState.DONE: DeliveryState.EXPIRED,
    BroadcastState.STOPPED: DeliveryState.CANCELLED,
    BroadcastState.SUPERSEDED: DeliveryState.CANCELLED,
}
#: A gateway whose network works tells within a minute or two. Whoever waits longer is told that nothing came, instead
#: of taking "accepted" for "arrived": some gateways accept texts and drop them.
NO_RECEIPT_AFTER = timedelta(minutes=15)
#: The act whose reason explains why a message is where it is.
TURNED_DOWN = {
    MessageState.DRAFT: "message_returned",
    MessageState.REJECTED: "message_rejected",
    MessageState.RELEASED: "broadcast_stopped",
}


@dataclass(frozen=True, kw_only=True)
class Written:
    """The current version as its officer wrote it: what an edit starts from. `accounts` are names."""

    mode: str
    template: NoticeTemplate
    values: Mapping[str, str]
    facts: Facts
    accounts: tuple[str, ...]
    audience: str
    spoken: Spoken = field(default_factory=Spoken)


@dataclass(frozen=True, kw_only=True)
class TurnedDown:
    """Who returned, rejected or stopped a message, and why. `at` is ISO 8601 in UTC."""

    act: str
    actor: str
    reason: str
    at: str


@dataclass(frozen=True, kw_only=True)
class PartStatus:
    """One part of a thread: its number, counted from 1, and its own link."""

    no: int
    state: DeliveryState
    link: str


@dataclass(frozen=True, kw_only=True)
class TargetStatus:
    """`states` adds up to `planned`. `seconds` runs from approval to the (last) acceptance, None before it.

    Of a thread, `planned` counts the `parts`, which are empty for any other post, and `link` leads to the first.
    `no_receipt` of the accepted ones have waited for their delivery receipt for longer than NO_RECEIPT_AFTER, the first of
    them since `no_receipt_since`. `tries` counts what went through each account, where there are several.
    """

    channel: str
    account: str
    planned: int
    states: Mapping[DeliveryState, int]
    link: str
    seconds: float | None
    reasons: tuple[str, ...]
    no_receipt: int = 0
    no_receipt_since: datetime | None = None
    parts: tuple[PartStatus, ...] = ()
    tries: Mapping[str, int] = field(default_factory=dict)
    language: str = ""  #: where the message is said in several

    @property
    def accepted(self) -> int:
        """What the platform took: accepted, and what receipts say more of."""
        return sum(n for state, n in self.states.items() if state in ARRIVED)

    @property
    def settled(self) -> int:
        return sum(n for state, n in self.states.items() if state in SETTLED)


@dataclass(frozen=True, kw_only=True)
class Status:
    """`adds_up` is False only where deliveries were lost or doubled: an alarm."""

    ref: str
    message_state: str
    broadcast: str
    state: str
    mode: str
    released_at: datetime | None
    ended_at: datetime | None
    targets: tuple[TargetStatus, ...]

    @property
    def planned(self) -> int:
        return sum(t.planned for t in self.targets)

    @property
    def totals(self) -> dict[DeliveryState, int]:
        return {s: n for s in DeliveryState if (n := sum(t.states.get(s, 0) for t in self.targets))}

    @property
    def adds_up(self) -> bool:
        return sum(self.totals.values()) == self.planned

    @property
    def over(self) -> bool:
        """Nothing more will happen by itself, but that receipts may still come."""
        return self.state not in {"", BroadcastState.SENDING}


class Report:
    def __init__(self, database: Database) -> None:
        self._database = database

    def status(self, ref: str) -> Status:
        with self._database.read() as tx:
            message = messages.find(tx, ref)
            row = broadcasts.by_message(tx, message.id)
            return Status(
                ref=message.ref,
                message_state=message.state,
                broadcast=row.uid if row else "",
                state=row.state if row else "",
                mode=message.mode,
                released_at=row.released_at if row else None,
                ended_at=row.ended_at if row else None,
                targets=tuple(_targets(tx, row)) if row else (),
            )

    def messages(self, *, limit: int = 20, before: str = "") -> list[dict[str, object]]:
        """The newest messages first: reference, state, mode, kind, headline, author, created_at. With `before`, those older
        than the one with this reference."""
        with self._database.read() as tx:
            return messages.listing(tx, limit=limit, before=before)

    def decision(self, ref: str) -> dict[str, str]:
        """The hash that waits or was approved, who submitted and when, who approved, until when; empty where nothing does."""
        with self._database.read() as tx:
            message = messages.find(tx, ref)
            found = submissions.latest_for(tx, message.id)
            if found is None:
                return {}
            return {
                "manifest_sha256": found.manifest_sha256,
                "submitted_at": found.submitted_at.isoformat(timespec="seconds"),
                "waited_s": str(max(0, int((tx.now() - found.submitted_at).total_seconds()))),
                "expires_at": found.expires_at.isoformat(timespec="seconds"),
                **submissions.people_of(tx, found.id),
            }

    def written(self, ref: str) -> Written:
        """What the officer gave for the current version."""
        with self._database.read() as tx:
            message = messages.find(tx, ref)
            version = messages.current_version(tx, message)
            audience_id = version.audience_version_id
            return Written(
                mode=message.mode,
                template=NoticeTemplate.from_json(version.template),
                values=version.blanks,
                facts=version.facts,
                accounts=version.accounts,
                audience=audiences.version_by_id(tx, audience_id).name if audience_id else "",
                spoken=version.spoken,
            )

    def said_last(self, person: Person, blanks: Sequence[str]) -> dict[str, str]:
        """What this person filled into these blanks last, those that were filled in."""
        with self._database.read() as tx:
            last = messages.last_blanks_of(tx, person.id)
        return {name: value for name in blanks if (value := last.get(name, ""))}

    def turned_down(self, ref: str) -> TurnedDown | None:
        """Why a message came back, was rejected or was stopped, where that is how it stands."""
        with self._database.read() as tx:
            message = messages.find(tx, ref)
            act = TURNED_DOWN.get(message.state)
            found = [e for e in audit_log.events(tx, subject=message.ref) if e.act == act]
        if not found:
            return None
        reason = json.loads(found[-1].payload).get("reason", "")
        return TurnedDown(act=found[-1].act, actor=found[-1].actor, reason=reason, at=found[-1].at)

    def users(self, actor: Person) -> list[Person]:
        """Everybody who may sign in, by name."""
        require(actor.name, actor.roles, Action.MANAGE)
        with self._database.read() as tx:
            return [person for name in people.names(tx) if (person := people.by_name(tx, name))]


def states_of(tx: Tx, target: Target, state: BroadcastState) -> dict[DeliveryState, int]:
    """Deliveries of a target by state, with those that were never made; they add up to what was planned."""
    states = broadcasts.tally(tx, target.id)
    unmade = target.planned_total - target.planned
    if unmade > 0:
        states[UNMADE[state]] = states.get(UNMADE[state], 0) + unmade
    return states


def _targets(tx: Tx, row: Broadcast) -> Iterator[TargetStatus]:
    public: dict[int, list[PublicDelivery]] = {}
    for each in deliveries.public(tx, row.id):
        public.setdefault(each.target_id, []).append(each)
    for target in broadcasts.targets(tx, row.id):
        states = states_of(tx, target, row.state)
        mine = public.get(target.id, [])
        last = deliveries.last_accepted(tx, target.id)
        missing = _no_receipt(tx, row, target) if states.get(DeliveryState.ACCEPTED) else Missing()
        yield TargetStatus(
            channel=target.channel,
            account=target.account,
            language=target.language if target.several else "",
            planned=target.planned_total,
            states=states,
            link=mine[0].link if mine else "",
            seconds=_seconds(row, last, mine),
            reasons=tuple(_reasons(tx, target)),
            no_receipt=missing.count,
            no_receipt_since=missing.since,
            tries=routes.tries(tx, row.id, target.id),
            parts=tuple(PartStatus(no=d.part, state=d.state, link=d.link) for d in mine if d.part),
        )


def _no_receipt(tx: Tx, row: Broadcast, target: Target) -> Missing:
    """Counted only once anything can be that old: while a million texts go out, a status costs nothing more."""
    accepted_by = tx.now() - NO_RECEIPT_AFTER
    if row.released_at > accepted_by or not is_told_of(target):
        return Missing()
    return receipts.still_missing(tx, target.id, accepted_by=accepted_by)


def is_told_of(target: Target) -> bool:
    """Whether its gateway tells later what became of each text."""
    return target.audience_version_id is not None and issubclass(channel_class(target.channel), ReadsReceipts)


def _seconds(row: Broadcast, last: datetime | None, mine: Sequence[PublicDelivery]) -> float | None:
    """From release to the last acceptance: by the platform's answer, or by when it was found without one."""
    if last is None or len(mine) > 1:
        last = max((d.settled_at for d in mine if d.state in ARRIVED and d.settled_at), default=last)
    return (last - row.released_at).total_seconds() if last else None


def _reasons(tx: Tx, target: Target) -> Iterator[str]:
    for row in deliveries.failures(tx, target.id):
        yield f"{row['count']} x {row['operator_text']}"
