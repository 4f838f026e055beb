"""The audit log's unit: an event, and the bytes of it that become a leaf of the log's tree."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from broadcaster.domain.delivery import Outcome
from broadcaster.domain.tree import leaf_hash, merkle_root


@dataclass(frozen=True, kw_only=True)
class AuditEvent:
    """`at` is ISO 8601 in UTC, `payload` canonical JSON of staff names, digests and counts.

    `no` is its place in the log, from 1, and `leaf` the hash that the sealer gave it (hexadecimal); None until it is
    sealed, a quarter of a second later. No phone number, no name of a member of the public and no secret is ever in an
    event.
    """

    id: int
    no: int | None
    at: str
    actor: str
    act: str
    subject: str
    payload: str
    leaf: str | None


def event_json(event: AuditEvent) -> str:
    """Canonical JSON of all that an event says: what is hashed. The payload goes in as it stands, to the letter: taken
    apart and written anew, a blank that somebody added would be gone."""
    said = {"act": event.act, "actor": event.actor, "at": event.at, "id": event.id}
    before = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    subject = json.dumps(event.subject, ensure_ascii=False)
    return f'{before[:-1]},"payload":{event.payload},"subject":{subject}}}'


def event_leaf(event: AuditEvent) -> bytes:
    # A damaged database may hold any bytes: a wrong hash tells of them better than an error does.
    return leaf_hash(event_json(event).encode("utf-8", "surrogateescape"))


class Ending(Protocol):
    """What an attempt leaves for good."""

    @property
    def outcome(self) -> Outcome: ...
    @property
    def code(self) -> str: ...
    @property
    def platform_id(self) -> str: ...
    @property
    def link(self) -> str: ...
    @property
    def ended_at(self) -> datetime: ...


def outcomes_root(attempts: Iterable[tuple[str, Ending]]) -> str:
    """The Merkle root of attempts, each with its delivery's key, in the order in which they were recorded: written into
    the log with their outcomes, and made again from the rows when these are checked."""
    return merkle_root([_outcome_leaf(key, ending) for key, ending in attempts])


def _outcome_leaf(key: str, ending: Ending) -> bytes:
    """Canonical JSON, written straight on: its keys are in order, and all of its values are text."""
    said = {
        "code": ending.code,
        "delivery": key,
        "ended_at": ending.ended_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "link": ending.link,
        "outcome": str(ending.outcome),
        "platform_id": ending.platform_id,
    }
    return _compact(said).encode()


_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
