"""Attempts and what follows from them: outcomes are applied by attempt and never lower what is already known."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum, auto
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import ARRAY, ColumnElement, Update, any_, bindparam, func, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.many import ROWS, as_text, given, insert_many
from broadcaster.db.tables import attempt, delivery
from broadcaster.domain.delivery import (
    DELIVERY_TRANSITIONS,
    SETTLED,
    STATE_AFTER,
    DeliveryState,
    Outcome,
    states_before,
)

#: The state where the rows are named by their ids. Not the bare column: PostgreSQL, whose statistics say of a broadcast
#: that has just begun that nothing is pending, would go through all that is by the index on states, with every group.
STATE_OF_NAMED = func.coalesce(delivery.c.state, "")
OF_AN_ATTEMPT = ("delivery_id", "outcome", "code", "platform_id", "link", "detail")
OF_AN_OUTCOME = ("id", "code", "operator_text", "platform_id", "link", "next_at")


class AttemptResult(NamedTuple):
    """How one attempt ended. `next_at` is set where it is to be tried again."""

    delivery_id: int
    outcome: Outcome
    started_at: datetime
    ended_at: datetime
    code: str = ""
    operator_text: str = ""
    detail: str = ""
    platform_id: str = ""
    link: str = ""
    next_at: datetime | None = None


def record(
    tx: Tx, group_id: int, results: Sequence[AttemptResult], *, late: bool, through: int | None = None
) -> None:
    """Attempts and what follows from them. A state that is already further (by a receipt) stays.

    `late` is an answer to a group that was taken over: its deliveries are unknown, or being sent once more already.
    `through` is the account that they went through, where the target has several.
    """
    for (started_at, ended_at), some in groupby(results, key=attrgetter("started_at", "ended_at")):
        said = ((r.delivery_id, r.outcome, r.code, r.platform_id, r.link, r.detail) for r in some)
        same = {"intent_group_id": group_id, "started_at": started_at, "ended_at": ended_at}
        insert_many(tx, attempt, OF_AN_ATTEMPT, said, same)
    for outcome in Outcome:
        rows = [r for r in results if r.outcome is outcome]
        if rows:
            state = STATE_AFTER[outcome]
            if state is DeliveryState.FAILED and not late:
                # The second try was refused: about the first one nothing is known yet.
                _apply(tx, DeliveryState.UNKNOWN, rows, _Where.SENT_BEFORE, through)
            _apply(tx, state, rows, _Where.LATE if late else _Where.IN_TIME, through)


def has_attempts(tx: Tx, group_id: int) -> bool:
    """Whether the outcomes of this group are recorded already."""
    query = select(attempt.c.id).where(attempt.c.intent_group_id == group_id).limit(1)
    return tx.execute(query).one_or_none() is not None


class _Where(Enum):
    """Which deliveries the outcome of an attempt changes."""

    IN_TIME = auto()
    LATE = auto()
    SENT_BEFORE = auto()


def _condition(state: DeliveryState, where: _Where) -> ColumnElement[bool]:
    if where is _Where.SENT_BEFORE:
        return (STATE_OF_NAMED == DeliveryState.PENDING) & (delivery.c.resends > 0)
    return _may_become(state, late=where is _Where.LATE)


def _may_become(state: DeliveryState, *, late: bool) -> ColumnElement[bool]:
    """Which deliveries an outcome of an attempt leads to `state`. A retry never reopens what a receipt has settled."""
    state_now, resends = STATE_OF_NAMED, delivery.c.resends
    if late and state is not DeliveryState.ACCEPTED:
        # It is news only where nothing was sent since: a second try speaks for itself.
        return (state_now == DeliveryState.UNKNOWN) & (resends == 0)
    if state in {DeliveryState.PENDING, DeliveryState.UNKNOWN}:
        return state_now == DeliveryState.PENDING
    if state is DeliveryState.FAILED:
        return (state_now == DeliveryState.PENDING) & (resends == 0)
    return may_follow(state)


def may_follow(state: DeliveryState) -> ColumnElement[bool]:
    """Which stored deliveries may go to `state` when the truth about them is told, poison among them."""
    before = STATE_OF_NAMED.in_(sorted(states_before(state)))
    poison = (STATE_OF_NAMED == DeliveryState.QUARANTINED) & (delivery.c.resends > 0)
    return before | poison if state in DELIVERY_TRANSITIONS[DeliveryState.QUARANTINED] else before


def _apply(
    tx: Tx, state: DeliveryState, results: Sequence[AttemptResult], where: _Where, through: int | None
) -> None:
    rows = ((r.delivery_id, r.code, r.operator_text, r.platform_id, r.link, r.next_at) for r in results)
    same = {
        "through": through,
        "said_unknown_since": tx.now() if state is DeliveryState.UNKNOWN else None,
        "said_settled_at": tx.now() if state in SETTLED else None,
    }
    ids = {} if tx.dialect == "sqlite" else {"ids": [r.delivery_id for r in results]}
    values = {ROWS: as_text(tx, OF_AN_OUTCOME, rows), **same, **ids}
    tx.execute(_applying(tx.dialect, state, where), values)


@cache
def _applying(dialect: str, state: DeliveryState, where: _Where) -> Update:
    d = delivery.c
    said = given(dialect, {name: d[name].type for name in OF_AN_OUTCOME}).c
    named = d.id == said.id
    if (
        dialect != "sqlite"
    ):  # PostgreSQL does not know how few rows a JSON text holds, and reads the whole table
        named &= d.id == any_(bindparam("ids", type_=ARRAY(d.id.type)))
    return (
        update(delivery)
        .where(named, _condition(state, where))
        .values(
            state=state,
            attempts=d.attempts + 1,
            code=said.code,
            operator_text=said.operator_text,
            platform_id=said.platform_id,
            link=said.link,
            account_id=func.coalesce(bindparam("through", type_=d.account_id.type), d.account_id),
            next_at=func.coalesce(said.next_at, d.next_at),
            unknown_since=bindparam("said_unknown_since", type_=d.unknown_since.type),
            settled_at=bindparam("said_settled_at", type_=d.settled_at.type),
        )
    )
