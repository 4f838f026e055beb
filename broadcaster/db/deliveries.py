"""Deliveries: one for each public place or recipient. What came of an attempt is written by `attempts`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    exists,
    func,
    select,
    update,
)

from broadcaster.db.engine import Tx
from broadcaster.db.ids import delivery_uid
from broadcaster.db.many import insert_many
from broadcaster.db.tables import attempt, audience_version, delivery, recipient, suppression, target
from broadcaster.domain.delivery import (
    SETTLED,
    DeliveryState,
    Outcome,
    states_before,
)
from broadcaster.domain.thread import Part

#: What the columns about an unknown outcome hold once it is none any more.
NOT_UNKNOWN: Mapping[str, None] = {"unknown_since": None, "look_at": None, "absent_since": None}
UNDECIDED = (DeliveryState.UNKNOWN, DeliveryState.UNKNOWN_FINAL)
#: Quarantined because sending it stopped workers: it may have been sent. What was altered was never sent.
POISON: ColumnElement[bool] = (delivery.c.state == DeliveryState.QUARANTINED) & (delivery.c.resends > 0)
#: What only the truth, or a person, ends.
OPEN: ColumnElement[bool] = delivery.c.state.in_(UNDECIDED) | POISON
#: What a delivery says before anything was tried. By hand, since the database makes the rows.
NEW: Mapping[str, object] = {
    "state": DeliveryState.PENDING,
    "attempts": 0,
    "resends": 0,
    "code": "",
    "operator_text": "",
    "platform_id": "",
    "link": "",
}
#: The code of what waits to be sent again because somebody decided so.
AGAIN_BY_A_PERSON = "sent_again_by_a_person"
#: The code of a part of a thread that had nothing to follow.
PART_BEFORE_MISSING = "part_before_missing"
DECIDED = "A person looked, did not find it, and has it sent again."


class Due(NamedTuple):
    """A delivery that may be sent now. For a recipient, `number_sealed` opens with `number_index`; else both are None."""

    id: int
    uid: str
    ordinal: int
    attempts: int
    resends: int
    code: str
    number_index: bytes | None
    number_sealed: bytes | None
    suppressed: bool
    erased: bool


@dataclass(frozen=True, kw_only=True)
class PublicDelivery:
    """What is shown of a delivery to a public place. `part` is 0 where the post is no thread."""

    target_id: int
    part: int
    state: DeliveryState
    attempts: int
    code: str
    operator_text: str
    link: str
    settled_at: datetime | None


def insert(
    tx: Tx,
    *,
    broadcast_id: int,
    target_id: int,
    batch_id: int,
    language: str,
    recipients: Iterable[tuple[int, int | None]],
) -> None:
    """`recipients` are (ordinal, recipient id); a public place is ordinal 0 without a recipient, and the parts of a thread
    there are 1, 2, 3 without one."""
    uid = tx.execute(select(target.c.uid).where(target.c.id == target_id)).scalar_one()
    same = {
        "broadcast_id": broadcast_id,
        "target_id": target_id,
        "batch_id": batch_id,
        "language": language,
        "next_at": tx.now(),
        **NEW,
    }
    own = ("uid", "ordinal", "recipient_id")
    rows = ((delivery_uid(uid, ordinal), ordinal, recipient_id) for ordinal, recipient_id in recipients)
    insert_many(tx, delivery, own, rows, same)


def last_ordinal(tx: Tx, target_id: int) -> int:
    """The highest of a target's deliveries; 0 where it has none."""
    query = select(func.coalesce(func.max(delivery.c.ordinal), 0)).where(delivery.c.target_id == target_id)
    return int(tx.execute(query).scalar_one())


def due(tx: Tx, batch_id: int, *, limit: int, after: int = -1, first_tries_first: bool = False) -> list[Due]:
    """Pending deliveries of a batch whose time has come, in their order, behind the ordinal `after`.

    With `first_tries_first`, what was never sent comes before what is sent again. That sorts the whole batch, so it
    is for those on which a worker died: there the second tries go one by one, and nobody else may wait for them.
    """
    values = {"batch": batch_id, "now": tx.now(), "after": after, "most": limit}
    rows = tx.execute(_due(first_tries_first=first_tries_first), values).all()
    return [Due._make(next(same)) for _, same in groupby(rows, key=itemgetter(0))]


@cache  # with every group
def _due(*, first_tries_first: bool) -> Select[Any]:
    d, r, s = delivery.c, recipient.c, suppression.c
    return (
        select(d.id, d.uid, d.ordinal, d.attempts, d.resends, d.code, r.number_index, r.number_sealed)
        .add_columns(s.id.is_not(None).label("suppressed"))
        .add_columns((r.id.is_not(None) & (r.number_sealed == b"")).label("erased"))
        .outerjoin(recipient, r.id == d.recipient_id)
        .outerjoin(audience_version, audience_version.c.id == r.audience_version_id)
        .outerjoin(
            suppression, (s.number_index == r.number_index) & s.purpose.in_(["", audience_version.c.purpose])
        )
        .where(d.batch_id == bindparam("batch"), d.state == DeliveryState.PENDING)
        .where(d.next_at <= bindparam("now", type_=d.next_at.type), d.ordinal > bindparam("after"))
        .order_by(*([d.resends > 0] if first_tries_first else []), d.ordinal)
        .limit(bindparam("most"))
    )


def parts(tx: Tx, batch_id: int) -> list[Part]:
    """The parts of the thread that this batch is, in their order."""
    d = delivery.c
    query = select(d.ordinal.label("no"), d.state, d.platform_id, d.next_at).where(d.batch_id == batch_id)
    rows = tx.execute(query.order_by(d.ordinal))
    return [Part(**{**r._mapping, "state": DeliveryState(r.state)}) for r in rows]


def next_due(tx: Tx, batch_id: int) -> datetime | None:
    """When the next pending delivery of a batch may be sent; None where none is pending."""
    query = select(func.min(delivery.c.next_at)).where(
        delivery.c.batch_id == batch_id, delivery.c.state == DeliveryState.PENDING
    )
    found: datetime | None = tx.execute(query).scalar_one()
    return found


def went_through(tx: Tx, ids: Sequence[int], account_id: int) -> None:
    """These were being sent through this account when their worker died."""
    tx.execute(update(delivery).where(having_ids(ids)).values(account_id=account_id))


def move(
    tx: Tx, condition: ColumnElement[bool], state: DeliveryState, *, code: str = "", text: str = ""
) -> int:
    """Deliveries that meet the condition, and may, go to `state`. How many did."""
    d = delivery.c
    values: dict[str, object] = {"state": state, "code": code, "operator_text": text}
    values["settled_at"] = tx.now() if state in SETTLED else None
    if state is DeliveryState.UNKNOWN:
        values["unknown_since"] = tx.now()
        before = frozenset({DeliveryState.PENDING})  # it was being sent, which stored rows call pending
    else:
        values |= NOT_UNKNOWN
        before = states_before(state)
    return tx.execute(update(delivery).where(condition, d.state.in_(before)).values(**values)).rowcount


def of_batch(batch_id: int) -> ColumnElement[bool]:
    return delivery.c.batch_id == batch_id


def of_batches(batch_ids: Sequence[int]) -> ColumnElement[bool]:
    return delivery.c.batch_id.in_(batch_ids)


def sent_before(batch_ids: Sequence[int]) -> ColumnElement[bool]:
    """Those of these batches whose first try has an unknown outcome, and which wait for a second one."""
    return of_batches(batch_ids) & (delivery.c.resends > 0)


def waiting_parts(batch_id: int) -> ColumnElement[bool]:
    """Parts of a thread that wait for the part before."""
    return of_batch(batch_id) & (delivery.c.state == DeliveryState.PENDING)


def having_ids(ids: Sequence[int]) -> ColumnElement[bool]:
    return delivery.c.id.in_(ids)


def send_again(tx: Tx, ids: Sequence[int]) -> int:
    """Unknown deliveries that may be sent once more, by what the channel proves and the policy says."""
    return _again(tx, having_ids(ids) & (delivery.c.state == DeliveryState.UNKNOWN), {})


def send_again_by_a_person(tx: Tx, ids: Sequence[int]) -> int:
    """Those that nothing has proved, or that stopped workers, because somebody decided so."""
    return _again(tx, having_ids(ids) & OPEN, {"code": AGAIN_BY_A_PERSON, "operator_text": DECIDED})


def waiting_again(tx: Tx, batch_ids: Sequence[int]) -> bool:
    """Whether something of these batches waits to be sent a second time: it may be there from the first."""
    mine = sent_before(batch_ids) & (delivery.c.state == DeliveryState.PENDING)
    return tx.execute(select(delivery.c.id).where(mine).limit(1)).one_or_none() is not None


def surely_not_sent(
    tx: Tx, target_id: int, code: str, *, after: datetime | None, limit: int
) -> list[tuple[int, int]]:
    """Ids and batches of what a platform refused with this code, and nothing else ever took or may have taken. Those that
    failed `after` then: a backup that was restored at that moment does not know what was tried since it was made."""
    d, a = delivery.c, attempt.c
    maybe = exists().where(a.delivery_id == d.id, a.outcome.in_([Outcome.ACCEPTED, Outcome.UNKNOWN]))
    query = (
        select(d.id, d.batch_id)
        .where(d.target_id == target_id, d.state == DeliveryState.FAILED, d.code == code)
        .where(d.code != PART_BEFORE_MISSING, d.resends == 0, ~maybe)
        .order_by(d.ordinal)
        .limit(limit)
    )
    if after is not None:
        query = query.where(d.settled_at > after)
    return [(row.id, row.batch_id) for row in tx.execute(query)]


def try_again(tx: Tx, ids: Sequence[int]) -> int:
    """What was refused waits to be sent, as if for the first time: the platform surely has not got it."""
    values = {"state": DeliveryState.PENDING, "next_at": tx.now(), "settled_at": None, "code": ""}
    mine = having_ids(ids) & (delivery.c.state == DeliveryState.FAILED)
    return tx.execute(update(delivery).where(mine).values(**values, operator_text="")).rowcount


def parts_again(tx: Tx, batch_id: int) -> int:
    """Parts of a thread that had nothing to follow wait again, since it is settled now. How many do.

    They were never sent, so this is no second sending, and `resends` stays what it is.
    """
    d = delivery.c
    mine = of_batch(batch_id) & (d.state == DeliveryState.FAILED) & (d.code == PART_BEFORE_MISSING)
    values = {"state": DeliveryState.PENDING, "next_at": tx.now(), "settled_at": None}
    return tx.execute(update(delivery).where(mine).values(**values, code="", operator_text="")).rowcount


def _again(tx: Tx, condition: ColumnElement[bool], values: Mapping[str, object]) -> int:
    pending = {
        "state": DeliveryState.PENDING,
        "next_at": tx.now(),
        "settled_at": None,
        **NOT_UNKNOWN,
        **values,
    }
    statement = update(delivery).where(condition).values(**pending, resends=delivery.c.resends + 1)
    return tx.execute(statement).rowcount


def unknown_or_resent(tx: Tx, broadcast_id: int) -> int:
    """Deliveries of a broadcast that are unknown, or were left to a person as unknown, or have been sent again: what
    the resend bounds count. Without the second kind, the last of a great number would come within the bounds."""
    d = delivery.c
    mine = d.target_id.in_(select(target.c.id).where(target.c.broadcast_id == broadcast_id))
    condition = d.state.in_(UNDECIDED) | (d.resends > 0)
    return int(tx.execute(select(func.count()).select_from(delivery).where(mine, condition)).scalar_one())


def public(tx: Tx, broadcast_id: int) -> list[PublicDelivery]:
    """The parts of a thread in their order. Found by their targets, asked for before: by their broadcast every delivery that
    there is was read, and in one statement PostgreSQL, which takes each target for a great one, does so too."""
    d, t = delivery.c, target.c
    mine = select(t.id).where(t.broadcast_id == broadcast_id, t.audience_version_id.is_(None))
    ids = list(tx.execute(mine).scalars())
    names = (d.target_id, d.state, d.attempts, d.code, d.operator_text, d.link, d.settled_at)
    query = (
        select(*names, d.ordinal.label("part")).where(d.target_id.in_(ids)).order_by(d.target_id, d.ordinal)
    )
    return [PublicDelivery(**{**r._mapping, "state": DeliveryState(r.state)}) for r in tx.execute(query)]


def last_accepted(tx: Tx, target_id: int) -> datetime | None:
    """When the last attempt of a target was accepted, or None."""
    query = (
        select(func.max(attempt.c.ended_at))
        .join(delivery, delivery.c.id == attempt.c.delivery_id)
        .where(delivery.c.target_id == target_id, attempt.c.outcome == Outcome.ACCEPTED)
    )
    found: datetime | None = tx.execute(query).scalar_one()
    return found


def failures(tx: Tx, target_id: int) -> list[Mapping[str, object]]:
    """Why deliveries of a target are not accepted: code, sentence and how many."""
    d = delivery.c
    query = (
        select(d.code, d.operator_text, func.count().label("count"))
        .where(d.target_id == target_id, d.code != "")
        .group_by(d.code, d.operator_text)
        .order_by(func.count().desc())
    )
    return [r._mapping for r in tx.execute(query)]  # type: ignore[misc]  # RowMapping is a Mapping
