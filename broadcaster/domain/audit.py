"""The audit log's unit: an event, and the hash that chains it to the one before."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from broadcaster.domain.canonical import Json, canonical

GENESIS = "0" * 64  # what the first event chains to


@dataclass(frozen=True, kw_only=True)
class AuditEvent:
    """`at` is ISO 8601 in UTC, `payload` canonical JSON of staff names, digests and counts.

    No phone number, no name of a member of the public and no secret is ever in an event.
    """

    no: int
    at: str
    actor: str
    act: str
    subject: str
    payload: str
    payload_sha256: str
    previous_sha256: str
    sha256: str


def payload_sha256(payload: str) -> str:
    return hashlib.sha256(payload.encode()).hexdigest()


def event_sha256(
    *, no: int, at: str, actor: str, act: str, subject: str, payload_hash: str, previous: str
) -> str:
    """The chained hash: over everything the event says and over the event before it."""
    content: dict[str, Json] = {
        "act": act,
        "actor": actor,
        "at": at,
        "no": no,
        "payload_sha256": payload_hash,
        "previous_sha256": previous,
        "subject": subject,
    }
    return hashlib.sha256(canonical(content)).hexdigest()


def first_bad(events: Iterable[AuditEvent]) -> int | None:
    """The number of the first event that is altered, missing or out of order, or None. Events come in order of `no`."""
    previous, expected = GENESIS, 1
    for event in events:
        whole = (
            event.no == expected
            and event.previous_sha256 == previous
            and event.payload_sha256 == payload_sha256(event.payload)
            and event.sha256 == _hash_of(event)
        )
        if not whole:
            return expected
        previous, expected = event.sha256, expected + 1
    return None


def _hash_of(event: AuditEvent) -> str:
    return event_sha256(
        no=event.no,
        at=event.at,
        actor=event.actor,
        act=event.act,
        subject=event.subject,
        payload_hash=event.payload_sha256,
        previous=event.previous_sha256,
    )


def outcome_leaf(
    *, key: str, outcome: str, code: str, platform_id: str, link: str, ended_at: datetime
) -> bytes:
    """What an attempt leaves for good, as a leaf: written when it is recorded, and again when it is checked."""
    return canonical(
        {
            "code": code,
            "delivery": key,
            "ended_at": ended_at.astimezone(UTC).isoformat(timespec="microseconds"),
            "link": link,
            "outcome": outcome,
            "platform_id": platform_id,
        }
    )


def merkle_root(leaves: Sequence[bytes]) -> str:
    """Root of an RFC 6962 tree (section 2.1), hexadecimal: one digest that stands for all outcomes of a group."""
    return _subtree(leaves).hex()


def _subtree(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + _subtree(leaves[:split]) + _subtree(leaves[split:])).digest()
