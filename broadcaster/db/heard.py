"""What people write to us, sealed, and how far its confirmation is. Nothing here opens it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.tables import account, heard
from broadcaster.db.tables.callbacks import REPLY_OPEN
from broadcaster.domain.opt_out import Meaning, Reply

H = heard.c
WIPE_AT_ONCE = 1_000
WIPED = {"number_index": b"", "number_sealed": b"", "text_sealed": b""}


@dataclass(frozen=True, kw_only=True)
class Written:
    """One message. Number and text open with `number_index` and `mark`; they are empty once wiped."""

    id: int
    account_id: int
    account: str
    mode: str
    mark: bytes
    meaning: Meaning
    number_index: bytes
    number_sealed: bytes
    text_sealed: bytes
    received_at: datetime
    reply: Reply
    reply_attempts: int
    reply_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class HeardCount:
    mode: str
    account: str
    meaning: str
    count: int
    last: datetime


def insert(
    tx: Tx,
    *,
    account_id: int,
    mark: bytes,
    meaning: Meaning,
    number_index: bytes,
    number_sealed: bytes,
    text_sealed: bytes,
) -> int | None:
    """Its id; None where it was brought before."""
    known = select(H.id).where(H.account_id == account_id, H.mark == mark)
    if tx.execute(known).scalar_one_or_none() is not None:
        return None
    row = {
        "account_id": account_id,
        "mark": mark,
        "meaning": meaning,
        "number_index": number_index,
        "number_sealed": number_sealed,
        "text_sealed": text_sealed,
        "received_at": tx.now(),
    }
    tx.add_missing(heard, row)
    return int(tx.execute(known).scalar_one())


def listed(tx: Tx, *, meaning: Meaning | None, limit: int) -> list[Written]:
    """The newest first."""
    query = _written().order_by(H.id.desc()).limit(limit)
    if meaning is not None:
        query = query.where(H.meaning == meaning)
    return [_one(row) for row in tx.execute(query)]


def by_id(tx: Tx, heard_id: int) -> Written | None:
    row = tx.execute(_written().where(H.id == heard_id)).one_or_none()
    return _one(row) if row else None


def counts(tx: Tx) -> list[HeardCount]:
    a = account.c
    query = (
        select(
            a.mode,
            a.name.label("account"),
            H.meaning,
            func.count().label("count"),
            func.max(H.received_at).label("last"),
        )
        .join(account, a.id == H.account_id)
        .group_by(a.mode, a.name, H.meaning)
        .order_by(a.mode, a.name, H.meaning)
    )
    return [HeardCount(**row._mapping) for row in tx.execute(query)]


# --- what goes ----------------------------------------------------------------------------------------------


def wipe(tx: Tx, received_before: datetime) -> int:
    """Number and text of some that are older. How many there were."""
    old = select(H.id).where(H.wiped_at.is_(None), H.received_at < received_before)
    mine = H.id.in_(old.order_by(H.received_at).limit(WIPE_AT_ONCE))
    return tx.execute(update(heard).where(mine).values(**WIPED, wiped_at=tx.now())).rowcount


def kept(tx: Tx, index: bytes) -> int:
    """How many messages from this number are kept with it and their text."""
    return int(tx.execute(select(func.count()).select_from(heard).where(_kept_of(index))).scalar_one())


def erase(tx: Tx, index: bytes) -> int:
    """Number and text of all that came from this number. How many there were."""
    return tx.execute(update(heard).where(_kept_of(index)).values(**WIPED, wiped_at=tx.now())).rowcount


def _kept_of(index: bytes) -> ColumnElement[bool]:
    return (H.number_index == index) & H.wiped_at.is_(None)


# --- the confirmation ---------------------------------------------------------------------------------------


def set_due(tx: Tx, heard_id: int) -> None:
    tx.execute(update(heard).where(H.id == heard_id).values(reply=Reply.DUE, reply_at=tx.now()))


def call_off(tx: Tx, index: bytes) -> None:
    """Somebody who has opted in again is not told that he is out."""
    mine = (H.number_index == index) & (H.reply == Reply.DUE)
    tx.execute(update(heard).where(mine).values(reply=Reply.NONE))


def claim_due(tx: Tx, mode: str, *, limit: int) -> list[Written]:
    """Those whose confirmation may be sent now; from now on it may have been."""
    due = (H.reply == Reply.DUE) & (H.reply_at <= tx.now())
    query = _written().where(REPLY_OPEN, due, account.c.mode == mode, account.c.paused_at.is_(None))
    query = query.order_by(H.reply_at).limit(limit).with_for_update(of=heard, skip_locked=True)
    found = [_one(row) for row in tx.execute(query)]
    values = {"reply": Reply.SENDING, "reply_at": tx.now(), "reply_attempts": H.reply_attempts + 1}
    if found:
        tx.execute(update(heard).where(H.id.in_([w.id for w in found])).values(**values))
    return found


def give_up_sending(tx: Tx, before: datetime) -> int:
    """Whoever sent these is gone: they may have been sent, and are not sent again. How many."""
    old = (H.reply == Reply.SENDING) & (H.reply_at < before)
    return tx.execute(
        update(heard).where(REPLY_OPEN, old).values(reply=Reply.UNKNOWN, reply_code="worker_died")
    ).rowcount


def set_reply(
    tx: Tx, heard_id: int, reply: Reply, *, code: str = "", platform_id: str = "", at: datetime | None = None
) -> None:
    """What became of one that was being sent; an answer that comes late is the truth all the same."""
    values = {
        "reply": reply,
        "reply_code": code,
        "reply_platform_id": platform_id,
        "reply_at": at or tx.now(),
    }
    mine = (H.id == heard_id) & H.reply.in_([Reply.SENDING, Reply.UNKNOWN])
    tx.execute(update(heard).where(mine).values(**values))


def replies(tx: Tx) -> dict[str, int]:
    """Confirmations by what became of them."""
    query = select(H.reply, func.count().label("size")).where(H.reply != Reply.NONE).group_by(H.reply)
    return {row.reply: row.size for row in tx.execute(query)}


def _written() -> Select[Any]:
    """The sum hides the index on accounts from SQLite: it would go through all messages for the few that are due."""
    names = [n for n in Written.__dataclass_fields__ if n not in {"account", "mode"}]
    columns = [H[name] for name in names]
    a = account.c
    return select(*columns, a.name.label("account"), a.mode).join(account, a.id == H.account_id + 0)


def _one(row: Row[Any]) -> Written:
    values: dict[str, Any] = {**row._mapping}
    return Written(**{**values, "meaning": Meaning(row.meaning), "reply": Reply(row.reply)})
