"""What a restored copy of the database is set to before anybody works on it: nothing claimed, and unknown what may have
been sent since the copy was taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alembic import command
from sqlalchemy import ColumnElement, Update, delete, select, text, update

from broadcaster.db.deliveries import NOT_UNKNOWN, PART_BEFORE_MISSING
from broadcaster.db.engine import Tx
from broadcaster.db.migrate import alembic_config
from broadcaster.db.submissions import OPEN
from broadcaster.db.tables import (
    batch,
    broadcast,
    challenge,
    delivery,
    intent_group,
    leader,
    message,
    message_version,
    session,
    submission,
)
from broadcaster.domain.broadcast import BatchState, BroadcastState
from broadcaster.domain.delivery import DeliveryState

CODE = "restored"  # of what may have been sent in the time that a restore has lost


@dataclass(frozen=True, kw_only=True)
class Open:
    """A submission that waits for approval."""

    submission_id: int
    message_id: int
    ref: str
    manifest_sha256: str


# --- the schema ---------------------------------------------------------------------------------------------


def upgrade(tx: Tx, revision: str) -> None:
    """From this revision to the one this code works with. The database says afterwards that it has none: no process of
    ours begins to work on it before `mark`."""
    mark(tx, revision)
    command.upgrade(alembic_config(tx.connection), "head")
    tx.execute(text("DELETE FROM alembic_version"))


def mark(tx: Tx, revision: str) -> None:
    """From now on, processes of ours take it for a database of this revision."""
    tx.execute(text("DELETE FROM alembic_version"))
    tx.execute(text("INSERT INTO alembic_version (version_num) VALUES (:revision)"), {"revision": revision})


# --- what was under way -------------------------------------------------------------------------------------


def in_force(tx: Tx, since: datetime) -> list[int]:
    """Ids of broadcasts that may have sent something after that moment."""
    b = broadcast.c
    query = select(b.id).where(b.state == BroadcastState.SENDING, b.expires_at > since)
    return list(tx.execute(query.order_by(b.id)).scalars())


def with_failed_parts(tx: Tx, since: datetime) -> list[int]:
    """Ids of broadcasts with parts of a thread that had nothing to follow, which a person may have had sent since."""
    b, d = broadcast.c, delivery.c
    states = (BroadcastState.SENDING, BroadcastState.DONE)
    mine = select(d.broadcast_id).where(d.state == DeliveryState.FAILED, d.code == PART_BEFORE_MISSING)
    query = select(b.id).where(b.id.in_(mine), b.state.in_(states), b.expires_at > since)
    return list(tx.execute(query.order_by(b.id)).scalars())


def open_submissions(tx: Tx) -> list[Open]:
    s, v, m = submission.c, message_version.c, message.c
    query = (
        select(s.id.label("submission_id"), m.id.label("message_id"), m.ref, s.manifest_sha256)
        .join(message_version, v.id == s.message_version_id)
        .join(message, m.id == v.message_id)
        .where(s.state == OPEN)
        .order_by(s.id)
    )
    return [Open(**row._mapping) for row in tx.execute(query)]


def let_go(tx: Tx) -> list[str]:
    """Nobody leads, and no batch is held any more; its fence goes up, for whoever held it. The ids, as JSON lists, of
    the deliveries that were being sent."""
    g, b = intent_group.c, batch.c
    sending = list(tx.execute(select(g.delivery_ids).where(g.closed_at.is_(None))).scalars())
    tx.execute(update(intent_group).where(g.closed_at.is_(None)).values(closed_at=tx.now()))
    free = {"state": BatchState.READY, "owner": "", "lease_until": None, "next_at": tx.now()}
    tx.execute(update(batch).where(b.state == BatchState.LEASED).values(**free, fence=b.fence + 1))
    tx.execute(delete(leader))
    _sign_everybody_out(tx)
    return sending


def _sign_everybody_out(tx: Tx) -> None:
    """A session that ended after the copy was taken would be good again."""
    over = {"ended_at": tx.now(), "why_ended": CODE}
    tx.execute(update(session).where(session.c.ended_at.is_(None)).values(over))
    tx.execute(delete(challenge))


def finish_batches(tx: Tx, broadcast_id: int) -> None:
    """Nothing of it waits to be sent; what is to be sent again reopens its batch."""
    mine = (batch.c.broadcast_id == broadcast_id) & (batch.c.state != BatchState.DONE)
    tx.execute(update(batch).where(mine).values(state=BatchState.DONE))


# --- what may have been sent --------------------------------------------------------------------------------


def unknown_of_target(tx: Tx, target_id: int, operator_text: str) -> int:
    """All that waited to be sent may have been sent since, and what was unknown may have been sent again. How many."""
    mine = (delivery.c.target_id == target_id) & delivery.c.state.in_(
        [DeliveryState.PENDING, DeliveryState.UNKNOWN]
    )
    return tx.execute(_lost(tx, mine, DeliveryState.UNKNOWN, operator_text)).rowcount


def unknown_of_ids(tx: Tx, ids: Sequence[int], operator_text: str) -> int:
    """Those that were being sent just then."""
    mine = delivery.c.id.in_(ids) & (delivery.c.state == DeliveryState.PENDING)
    return tx.execute(_lost(tx, mine, DeliveryState.UNKNOWN, operator_text)).rowcount


def failed_parts_to_a_person(tx: Tx, broadcast_id: int, operator_text: str) -> int:
    """Parts of threads that a person may have set going since."""
    d = delivery.c
    mine = (
        (d.broadcast_id == broadcast_id) & (d.state == DeliveryState.FAILED) & (d.code == PART_BEFORE_MISSING)
    )
    return tx.execute(_lost(tx, mine, DeliveryState.UNKNOWN_FINAL, operator_text)).rowcount


def _lost(tx: Tx, mine: ColumnElement[bool], state: DeliveryState, operator_text: str) -> Update:
    """One sending that nobody knows of is counted in `resends`: so no policy sends it again by itself, and whatever
    asks whether something may have been sent before gets the right answer."""
    unknown = state is DeliveryState.UNKNOWN
    return (
        update(delivery)
        .where(mine)
        .values(
            **{**NOT_UNKNOWN, "unknown_since": tx.now() if unknown else None},
            state=state,
            code=CODE,
            operator_text=operator_text,
            resends=delivery.c.resends + 1,
            settled_at=None if unknown else tx.now(),
        )
    )
