"""What three witnesses say of one broadcast: our database, the platforms themselves, and the audit log.

Values only. Who gathers them, and from where, is no business of this module; `evidence.py` compares them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.delivery import DeliveryState, Outcome
from broadcaster.domain.post import Post


@dataclass(frozen=True, kw_only=True, slots=True)
class BroadcastFacts:
    """`stopped_at` is None where nobody stopped it. `approved_sha256` is empty where no approval is stored."""

    uid: str
    ref: str
    state: BroadcastState
    released_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    stopped_at: datetime | None
    approved_sha256: str
    manifest: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetFacts:
    """`audience_size` is 1 for a public place; its one delivery has ordinal 0. Those of an audience count from 1, and so
    do the parts of a thread, each a delivery to the same place."""

    id: int
    channel: str
    account: str
    language: str
    to_audience: bool
    audience_size: int
    planned_total: int
    planned: int
    post: bytes
    post_sha256: str
    #: Of those that the audience's languages divide: which part. Their ordinals are those that they have in the whole.
    speaking: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptFacts:
    """One recorded answer. Those of a group come in the order in which they were recorded."""

    group: int
    key: str
    outcome: Outcome
    code: str
    platform_id: str
    link: str
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryFacts:
    """`recipient` is any id of the person, None for a public place."""

    key: str
    target: int
    batch: int
    ordinal: int
    recipient: int | None
    state: DeliveryState
    code: str
    resends: int


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupFacts:
    """An intent: these deliveries were about to be sent. Each group is at most one sending of each of them."""

    id: int
    batch: int
    keys: tuple[str, ...]
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Acceptance:
    """One post or text that a platform says it took. `key` is empty where the platform has no place for ours.

    None where a platform has no such thing: a text message no title or link, some places no time. `in_reply_to` is the
    platform's id of the post that it answers, empty where it answers none, and None where nobody could tell. `images` are
    the SHA-256 of the pictures that it shows, in their order.
    """

    platform: str
    key: str
    text: str
    recipient: str = ""
    platform_id: str = ""
    title: str | None = None
    link: str | None = None
    facts: Mapping[str, str] | None = None
    at: datetime | None = None
    in_reply_to: str | None = None
    images: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LogFacts:
    """The whole audit log, in its order, and what its own check found wrong with it."""

    events: tuple[AuditEvent, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """`leased` are ids of batches that a worker still holds."""

    broadcast: BroadcastFacts
    targets: tuple[TargetFacts, ...]
    deliveries: tuple[DeliveryFacts, ...]
    attempts: tuple[AttemptFacts, ...]
    groups: tuple[GroupFacts, ...]
    leased: tuple[int, ...]
    accepted: tuple[Acceptance, ...]
    log: LogFacts


def parts_of(target: TargetFacts) -> int:
    """How many parts the approved post has: 1 where it is no thread, or nobody can read it any more."""
    post = None if target.to_audience else post_of(target)
    return len(post.parts) if post else 1


def post_of(target: TargetFacts) -> Post | None:
    """The stored post, or None where nobody can read it any more."""
    try:
        return Post.from_bytes(target.post)
    except (ValueError, KeyError, TypeError):
        return None
