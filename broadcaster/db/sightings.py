"""Posts that were accepted and are looked for where people read them, and what was found."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, exists, or_, select, update

from broadcaster.db.alarms import Places
from broadcaster.db.engine import Tx
from broadcaster.db.tables import (
    WRONG_SIGHT,
    account,
    broadcast,
    by_hand,
    delivery,
    message,
    sighting,
    target,
)
from broadcaster.domain.delivery import ARRIVED
from broadcaster.domain.sight import Sight

KEPT_IN_MIND = timedelta(days=2)  # what was released longer ago is not looked for any more

MOST_PLACES = 1_000  # of the newest


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """One public post, or one part of a thread, that a platform took."""

    id: int
    uid: str
    platform_id: str
    broadcast_id: int
    target_id: int
    account: str
    part: int
    parts: int
    tries: int


def due(tx: Tx, *, mode: str, names: Sequence[str], after: timedelta, limit: int) -> list[Accepted]:
    """Those of these accounts that were accepted so long ago and that nobody has looked for, or not to the end.

    First the few public places of late, then their deliveries: in one statement, SQLite goes through all that there are.
    """
    d, s = delivery.c, sighting.c
    places = _places(tx, mode=mode, names=names)
    query = (
        select(d.id, d.uid, d.platform_id, d.broadcast_id, d.target_id, d.ordinal, s.tries)
        .outerjoin(sighting, s.delivery_id == d.id)
        .where(d.target_id.in_(list(places)), d.state.in_(sorted(ARRIVED)))
        .where(d.settled_at <= tx.now() - after)
        .where(or_(s.delivery_id.is_(None), (s.state == Sight.LOOKING) & (s.next_at <= tx.now())))
        .order_by(d.target_id, d.ordinal)
        .limit(limit)
    )
    return [_accepted(r, *places[r.target_id]) for r in tx.execute(query)] if places else []


def _places(tx: Tx, *, mode: str, names: Sequence[str]) -> Mapping[int, tuple[str, int]]:
    """Public targets of late: account, and how many deliveries they have."""
    t, b = target.c, broadcast.c
    query = (
        select(t.id, account.c.name, t.planned_total)
        .join(broadcast, b.id == t.broadcast_id)
        .join(account, account.c.id == t.account_id)
        .where(b.mode == mode, b.released_at > tx.now() - KEPT_IN_MIND, t.audience_version_id.is_(None))
        # what something newer took the place of stands there no more, or differs
        .where(account.c.name.in_(names), t.superseded_by_id.is_(None))
        .order_by(t.id.desc())
        .limit(MOST_PLACES)
    )
    return {row.id: (row.name, row.planned_total) for row in tx.execute(query)}


def _accepted(row: Row[Any], account_name: str, planned: int) -> Accepted:
    """The ordinals of a thread's parts begin with 1; a single post has 0."""
    return Accepted(
        id=row.id,
        uid=row.uid,
        platform_id=row.platform_id,
        broadcast_id=row.broadcast_id,
        target_id=row.target_id,
        account=account_name,
        part=row.ordinal or 1,
        parts=planned if row.ordinal else 1,
        tries=row.tries or 0,
    )


def begin(tx: Tx, one: Accepted, *, next_at: datetime) -> bool:
    """Nobody else looks for it before then. False where somebody has just begun to."""
    tx.add_missing(
        sighting, [{"delivery_id": one.id, "state": Sight.LOOKING, "tries": 0, "next_at": tx.now()}]
    )
    mine = (sighting.c.delivery_id == one.id) & (sighting.c.tries == one.tries)
    values = {"tries": one.tries + 1, "next_at": next_at}
    return tx.execute(update(sighting).where(mine).values(**values)).rowcount == 1


def note(tx: Tx, delivery_id: int, sight: Sight) -> None:
    mine = sighting.c.delivery_id == delivery_id
    tx.execute(update(sighting).where(mine).values(state=sight, looked_at=tx.now()))


def of_targets(tx: Tx, target_ids: Sequence[int]) -> Mapping[int, tuple[Sight, datetime | None]]:
    """By target: what was found and when. Of a thread, the worst of its parts."""
    s, d = sighting.c, delivery.c
    query = (
        select(d.target_id, s.state, s.looked_at)
        .join(delivery, d.id == s.delivery_id)
        .where(d.target_id.in_(target_ids))
    )
    found: dict[int, tuple[Sight, datetime | None]] = {}
    for row in tx.execute(query):
        sight = Sight(row.state)
        if row.target_id not in found or _WORST.index(sight) < _WORST.index(found[row.target_id][0]):
            found[row.target_id] = (sight, row.looked_at)
    return found


def wrong(tx: Tx) -> list[Places]:
    """By message: posts in force that are not there, or differ, and in whose place nobody has posted by hand."""
    t = target.c
    found_wrong = select(sighting.c.delivery_id).where(WRONG_SIGHT).subquery()
    posted = exists().where(by_hand.c.target_id == t.id)
    query = (
        select(message.c.ref, t.channel)
        .select_from(found_wrong)
        .join(delivery, delivery.c.id == found_wrong.c.delivery_id)
        .join(target, t.id == delivery.c.target_id)
        .join(broadcast, broadcast.c.id == t.broadcast_id)
        .join(message, message.c.id == broadcast.c.message_id)
        .where(broadcast.c.expires_at > tx.now(), ~posted, t.superseded_by_id.is_(None))
        .order_by(broadcast.c.id)
    )
    found: dict[str, Counter[str]] = {}
    for row in tx.execute(query):
        found.setdefault(row.ref, Counter())[row.channel] += 1
    return [Places(ref=ref, by_channel=dict(counts)) for ref, counts in found.items()]


_WORST = (Sight.ABSENT, Sight.DIFFERS, Sight.UNREADABLE, Sight.LOOKING, Sight.THERE, Sight.GONE)
