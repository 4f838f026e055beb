"""The audit log's rows. Appended in the same transaction as the change they record: no event, no change.

Writers wait for nobody; the sealer gives events their places behind them.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, LargeBinary, Row, Update, cast, func, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.many import ROWS, as_text, given
from broadcaster.db.tables import attempt, audit_checkpoint, audit_event, delivery
from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.canonical import Json, canonical

PAGE = 1_000
OF_A_PLACE = ("event", "no", "leaf")
E = audit_event.c


class Checkpoint(NamedTuple):
    """`size` is how many events the signed `note` is over."""

    size: int
    note: str


def append(tx: Tx, *, actor: str, act: str, subject: str = "", payload: Json = None) -> None:
    text = canonical(payload if payload is not None else {}).decode()
    row = {"at": tx.now(), "actor": actor, "act": act, "subject": subject, "payload": text}
    tx.insert(audit_event, row)


def events(tx: Tx, *, subject: str = "") -> Iterator[AuditEvent]:
    """All, or those of one subject, in the order in which they were written."""
    query = _events(tx).order_by(E.id)
    if subject:
        query = query.where(E.subject == subject)
    for row in tx.execute(query.execution_options(yield_per=PAGE)):
        yield _event(row)


def by_ids(tx: Tx, ids: Sequence[int]) -> list[AuditEvent]:
    """Those that are there, in no order."""
    return [_event(row) for row in tx.execute(_events(tx).where(E.id.in_(ids)))]


def sealed(tx: Tx) -> Iterator[list[AuditEvent]]:
    """All that have a place in the tree, in its order, by pages."""
    after = 0
    while page := [_event(r) for r in tx.execute(_events(tx).where(E.no > after).order_by(E.no).limit(PAGE))]:
        yield page
        after = page[-1].no or 0


def unsealed(tx: Tx, *, limit: int | None = None) -> list[AuditEvent]:
    """What has no place yet. Never "above the last": a transaction with a lower id may have ended later."""
    query = _events(tx).where(E.no.is_(None)).order_by(E.id).limit(limit)
    return [_event(row) for row in tx.execute(query)]


def unsealed_since(tx: Tx) -> datetime | None:
    """Since when the oldest event without a place waits."""
    found: datetime | None = tx.execute(select(func.min(E.at)).where(E.no.is_(None))).scalar_one()
    return found


def size(tx: Tx) -> int:
    """How many events the tree has."""
    return tx.execute(select(func.max(E.no))).scalar_one() or 0


def leaves(tx: Tx, *, after: int = 0) -> Iterator[str]:
    """The hashes of the tree's leaves, hexadecimal, from the one that follows `after` on."""
    query = select(E.leaf).where(E.no > after).order_by(E.no)
    yield from tx.execute(query.execution_options(yield_per=PAGE)).scalars()


def seal(tx: Tx, places: Sequence[tuple[int, int, str]]) -> None:
    """Of each event its id, its number and its leaf. Once: what has a place keeps it."""
    tx.execute(_sealing(tx.dialect), {ROWS: as_text(tx, OF_A_PLACE, places)})


@cache
def _sealing(dialect: str) -> Update:
    placed = given(dialect, {"event": E.id.type, "no": E.no.type, "leaf": E.leaf.type}).c
    # Not "no IS NULL": SQLite would take all events without a place, and go through the JSON for each of them.
    mine = update(audit_event).where(E.id == placed.event, func.coalesce(E.no, 0) == 0)
    return mine.values(no=placed.no, leaf=placed.leaf)


def add_checkpoint(tx: Tx, checkpoint: Checkpoint) -> None:
    tx.execute(audit_checkpoint.insert().values(checkpoint._asdict()))


def checkpoints(tx: Tx, *, after: int = 0, up_to: int | None = None) -> Iterator[Checkpoint]:
    """In the order of their size."""
    c = audit_checkpoint.c
    query = select(c.size, _raw(tx, c.note)).where(c.size > after).order_by(c.size)
    if up_to is not None:
        query = query.where(c.size <= up_to)
    for row in tx.execute(query.execution_options(yield_per=PAGE)):
        yield Checkpoint(size=row.size, note=_text(row.note))


def last_checkpoints(tx: Tx, number: int = 1) -> list[Checkpoint]:
    """The newest first."""
    c = audit_checkpoint.c
    rows = tx.execute(select(c.size, _raw(tx, c.note)).order_by(c.size.desc()).limit(number))
    return [Checkpoint(size=row.size, note=_text(row.note)) for row in rows]


def has_act(tx: Tx, acts: Collection[str], *, after: int, up_to: int) -> bool:
    """Whether one of these acts stands there from the event that follows `after` on."""
    query = select(E.id).where(E.no > after, E.no <= up_to, E.act.in_(acts)).limit(1)
    return tx.execute(query).first() is not None


def outcomes(tx: Tx, groups: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """The attempts of these intent groups, with what the root of their group's event is over."""
    a = attempt.c
    said = [_raw(tx, column) for column in (a.outcome, a.code, a.platform_id, a.link, a.ended_at)]
    query = (
        select(a.intent_group_id, _raw(tx, delivery.c.uid), *said)
        .join(delivery, delivery.c.id == a.delivery_id)
        .where(a.intent_group_id.in_(groups))
        .order_by(a.id)
    )
    found: dict[int, list[dict[str, Any]]] = {group: [] for group in groups}
    for row in tx.execute(query):
        found[row.intent_group_id].append(
            {
                "code": _text(row.code),
                "delivery": _text(row.uid),
                "ended_at": _iso(row.ended_at),
                "link": _text(row.link),
                "outcome": _text(row.outcome),
                "platform_id": _text(row.platform_id),
            }
        )
    return found


def _events(tx: Tx) -> Any:
    return select(E.id, E.no, *(_raw(tx, c) for c in (E.leaf, E.at, E.actor, E.act, E.subject, E.payload)))


def _raw(tx: Tx, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """As its bytes stand in SQLite, where any may stand: a value that was altered so that nobody can read it must not
    stop whoever looks for that."""
    return cast(column, LargeBinary).label(column.key) if tx.connection.dialect.name == "sqlite" else column


def _text(stored: Any) -> str:
    return stored.decode("utf-8", "surrogateescape") if isinstance(stored, bytes) else str(stored)


def _iso(stored: Any) -> str:
    """ISO 8601 in UTC; what is stored itself where it is not written as we write it."""
    if isinstance(stored, datetime):
        return stored.isoformat(timespec="microseconds")
    text = _text(stored)
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return text
    ours = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ") == text
    return moment.isoformat(timespec="microseconds") if ours else text


def _event(row: Row[Any]) -> AuditEvent:
    return AuditEvent(
        id=row.id,
        no=row.no,
        at=_iso(row.at),
        actor=_text(row.actor),
        act=_text(row.act),
        subject=_text(row.subject),
        payload=_text(row.payload),
        leaf=_text(row.leaf) if row.leaf is not None else None,
    )
