"""The audit log's rows. Appended in the same transaction as the change they record: no event, no change."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import func, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.tables import audit_event, audit_head
from broadcaster.domain.audit import AuditEvent, event_sha256, payload_sha256
from broadcaster.domain.canonical import Json, canonical


class Head(NamedTuple):
    """The number and hash of the last event; 0 and the genesis hash of an empty log."""

    no: int
    sha256: str


def append(tx: Tx, *, actor: str, act: str, subject: str = "", payload: Json = None) -> None:
    """Call it last in a transaction: it takes the head of the chain, which the next writer waits for."""
    head = tx.execute(select(audit_head).with_for_update()).one()
    text = canonical(payload if payload is not None else {}).decode()
    event: dict[str, Any] = {"no": head.no + 1, "actor": actor, "act": act, "subject": subject}
    digest = payload_sha256(text)
    sha256 = event_sha256(**event, at=_iso(tx), payload_hash=digest, previous=head.sha256)
    tx.execute(
        audit_event.insert().values(
            **event,
            at=tx.now(),
            payload=text,
            payload_sha256=digest,
            previous_sha256=head.sha256,
            sha256=sha256,
        )
    )
    tx.execute(update(audit_head).values(no=head.no + 1, sha256=sha256))


def hold(tx: Tx) -> None:
    """Nobody else does anything that is recorded until this transaction ends."""
    tx.execute(select(audit_head).with_for_update()).one()


def events(tx: Tx, *, subject: str = "", limit: int | None = None) -> Iterator[AuditEvent]:
    """In order of their number: all, or those of one subject."""
    query = select(audit_event).order_by(audit_event.c.no).limit(limit)
    if subject:
        query = query.where(audit_event.c.subject == subject)
    for row in tx.execute(query.execution_options(yield_per=1000)):
        yield AuditEvent(
            no=row.no,
            at=row.at.isoformat(timespec="microseconds"),
            actor=row.actor,
            act=row.act,
            subject=row.subject,
            payload=row.payload,
            payload_sha256=row.payload_sha256,
            previous_sha256=row.previous_sha256,
            sha256=row.sha256,
        )


def head(tx: Tx) -> Head:
    """What the log ends with, as kept apart from its events."""
    row = tx.execute(select(audit_head)).one()
    return Head(no=row.no, sha256=row.sha256)


def missing_before(tx: Tx, end: Head) -> int | None:
    """The number of the first event that was cut off at the end, or None: what is left is a whole chain, and only the
    head still tells of them."""
    e = audit_event.c
    if not end.no or tx.execute(select(e.sha256).where(e.no == end.no)).scalar_one_or_none() == end.sha256:
        return None
    last = tx.execute(select(func.max(e.no)).where(e.no < end.no)).scalar_one()
    return (last or 0) + 1


def _iso(tx: Tx) -> str:
    return tx.now().isoformat(timespec="microseconds")
