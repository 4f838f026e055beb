"""Messages that follow one another, what their posts take the place of, and what stood there before."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, exists, func, select, update

from broadcaster.db.audiences import EVERYBODY, spoken_by
from broadcaster.db.engine import Tx
from broadcaster.db.submissions import StoredPost
from broadcaster.db.tables import (
    account,
    batch,
    broadcast,
    delivery,
    intent_group,
    message,
    message_version,
    post,
    recipient,
    stood,
    target,
)
from broadcaster.domain.broadcast import BatchState, BroadcastState, Lane
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.follow_up import Act
from broadcaster.domain.languages import Speaking
from broadcaster.domain.tongues import SEVERAL

#: Who got a text, or may have got it: who must be told what follows it.
GOT = frozenset(
    {DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.UNKNOWN, DeliveryState.UNKNOWN_FINAL}
)


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """One target of an earlier message of the same story. `sha256` is its post's digest."""

    target_id: int
    broadcast_id: int
    message_id: int
    ref: str
    channel: str
    account_id: int
    account: str
    language: str
    lane: Lane
    act: Act
    post_id: int
    sha256: str
    audience_version_id: int | None
    superseded_by_id: int | None


def story(tx: Tx, message_id: int) -> list[int]:
    """Ids of all messages that follow one another, this one among them, beginning with the first of all.

    They all belong to one incident, which holds some dozens of messages at most.
    """
    m = message.c
    incident = select(m.incident_id).where(m.id == message_id).scalar_subquery()
    before = {
        row.id: row.amends_id
        for row in tx.execute(select(m.id, m.amends_id).where(m.incident_id == incident))
    }
    first = _first(message_id, before)
    return [first, *sorted(each for each in before if each != first and _first(each, before) == first)]


def _first(message_id: int, before: dict[int, int | None]) -> int:
    while (earlier := before.get(message_id)) is not None:
        message_id = earlier
    return message_id


def earlier_targets(tx: Tx, message_id: int, *, amends_id: int | None = None) -> list[Earlier]:
    """What the other messages of this one's story were sent to, the newest broadcast first. `amends_id` leads to the story of a
    message that nobody has kept yet."""
    t, b = target.c, broadcast.c
    others = [each for each in story(tx, amends_id or message_id) if each != message_id]
    query = (
        select(t.id.label("target_id"), t.broadcast_id, b.message_id, message.c.ref, t.channel, t.account_id)
        .add_columns(account.c.name.label("account"), t.language, t.lane, t.act, t.post_id, post.c.sha256)
        .add_columns(t.audience_version_id, t.superseded_by_id)
        .join(broadcast, b.id == t.broadcast_id)
        .join(message, message.c.id == b.message_id)
        .join(account, account.c.id == t.account_id)
        .join(post, post.c.id == t.post_id)
        .where(b.message_id.in_(others))
        .order_by(b.id.desc(), t.id)
    )
    return [
        Earlier(**{**row._mapping, "lane": Lane(row.lane), "act": Act(row.act)}) for row in tx.execute(query)
    ]


def first_broadcast(tx: Tx, message_id: int) -> tuple[str, datetime] | None:
    """Reference and time of release of a message that was released."""
    query = (
        select(message.c.ref, broadcast.c.released_at)
        .join(broadcast, broadcast.c.message_id == message.c.id)
        .where(message.c.id == message_id)
    )
    row = tx.execute(query).one_or_none()
    return (row.ref, row.released_at) if row else None


def written_at(tx: Tx, version_id: int) -> datetime:
    c = message_version.c
    written: datetime = tx.execute(select(c.created_at).where(c.id == version_id)).scalar_one()
    return written


# --- who got it -------------------------------------------------------------------------------------------


def most_got(tx: Tx, target_ids: Sequence[int], who: Speaking | None = None) -> int:
    """How many people got what these targets sent, may have got it, or may still: more it will not be. With `who`, of those
    who speak one language."""
    if who is not None:
        return _most_of(tx, target_ids, who)
    d, t = delivery.c, target.c
    states = sorted(GOT | {DeliveryState.PENDING})
    made = select(func.count()).select_from(delivery).where(d.target_id.in_(target_ids), d.state.in_(states))
    unmade = (
        select(func.coalesce(func.sum(t.planned_total - t.planned), 0))
        .join(broadcast, broadcast.c.id == t.broadcast_id)
        .where(t.id.in_(target_ids), broadcast.c.state == BroadcastState.SENDING)
    )
    return int(tx.execute(made).scalar_one()) + int(tx.execute(unmade).scalar_one())


def _most_of(tx: Tx, target_ids: Sequence[int], who: Speaking) -> int:
    d, t, r = delivery.c, target.c, recipient.c
    states = sorted(GOT | {DeliveryState.PENDING})
    made = select(func.count()).select_from(delivery).join(recipient, r.id == d.recipient_id)
    made = made.where(d.target_id.in_(target_ids), d.state.in_(states), spoken_by(who))
    number = int(tx.execute(made).scalar_one())
    going_on = (
        select(t.id, t.audience_version_id, t.speaking)
        .join(broadcast, broadcast.c.id == t.broadcast_id)
        .where(t.id.in_(target_ids), broadcast.c.state == BroadcastState.SENDING, t.planned < t.planned_total)
    )
    for row in tx.execute(going_on).all():
        last = select(func.coalesce(func.max(d.ordinal), 0)).where(d.target_id == row.id)
        unmade = (r.audience_version_id == row.audience_version_id) & (r.ordinal > last.scalar_subquery())
        of_both = select(func.count()).select_from(recipient)
        of_both = of_both.where(unmade, spoken_by(who), spoken_by(Speaking.read(row.speaking)))
        number += int(tx.execute(of_both).scalar_one())
    return number


def number_got(tx: Tx, target_ids: Sequence[int]) -> int:
    return int(tx.execute(select(func.count()).select_from(delivery).where(_got(target_ids))).scalar_one())


def who_got(
    tx: Tx, target_ids: Sequence[int], *, after: int, limit: int, who: Speaking = EVERYBODY
) -> list[tuple[int, int | None]]:
    """(ordinal, recipient id) of those who got it or may have, behind the ordinal `after`, in their order."""
    d = delivery.c
    query = select(d.ordinal, d.recipient_id).where(_got(target_ids), d.ordinal > after)
    if who != EVERYBODY:
        query = query.join(recipient, recipient.c.id == d.recipient_id).where(spoken_by(who))
    return [(row.ordinal, row.recipient_id) for row in tx.execute(query.order_by(d.ordinal).limit(limit))]


def _got(target_ids: Sequence[int]) -> ColumnElement[bool]:
    return delivery.c.target_id.in_(target_ids) & delivery.c.state.in_(sorted(GOT))


def last_told(tx: Tx, target_id: int) -> int:
    """The highest ordinal, in the audience, of those for whom a target has a delivery; 0 where it has none."""
    query = select(func.coalesce(func.max(recipient.c.ordinal), 0)).join(
        delivery, delivery.c.recipient_id == recipient.c.id
    )
    return int(tx.execute(query.where(delivery.c.target_id == target_id)).scalar_one())


def set_planned_total(tx: Tx, target_id: int, total: int) -> None:
    tx.execute(update(target).where(target.c.id == target_id).values(planned_total=total))


# --- taking a place ---------------------------------------------------------------------------------------


def supersede(tx: Tx, target_ids: Sequence[int], broadcast_id: int) -> None:
    """From here on nothing more of these targets is begun.

    Whoever opens a group of theirs holds its batch: so theirs are waited for, and what was begun is seen by `under_way`
    once this transaction ends. Without that the older text might leave after the newer one.
    """
    t, b = target.c, broadcast.c
    _lock_batches(tx, target_ids)  # before anything else of theirs, as everybody does who changes both
    tx.execute(update(target).where(t.id.in_(target_ids)).values(superseded_by_id=broadcast_id))
    _lock_batches(
        tx, target_ids
    )  # and those that were just being planned, which the line before has waited for
    mine = select(t.broadcast_id).where(t.id.in_(target_ids))
    tx.execute(update(broadcast).where(b.id.in_(mine)).values(superseded_by_id=broadcast_id))


def _lock_batches(tx: Tx, target_ids: Sequence[int]) -> None:
    query = select(batch.c.id).where(batch.c.target_id.in_(target_ids), batch.c.state != BatchState.DONE)
    tx.execute(query.order_by(batch.c.id).with_for_update()).all()


def all_superseded(tx: Tx, broadcast_id: int) -> bool:
    left = exists().where(target.c.broadcast_id == broadcast_id, target.c.superseded_by_id.is_(None))
    return bool(tx.execute(select(~left)).scalar_one())


def is_superseded(tx: Tx, target_id: int) -> bool:
    return superseded_by(tx, target_id) is not None


def superseded_by(tx: Tx, target_id: int) -> str | None:
    """The reference of the message that took its place."""
    query = (
        select(message.c.ref)
        .join(broadcast, broadcast.c.message_id == message.c.id)
        .join(target, target.c.superseded_by_id == broadcast.c.id)
        .where(target.c.id == target_id)
    )
    return tx.execute(query).scalar_one_or_none()


def under_way(tx: Tx, target_id: int) -> bool:
    """Whether something older that this target takes the place of is leaving at this moment."""
    mine, older, its = target.alias("mine"), target.alias("older"), broadcast.alias("its")
    own = broadcast.alias("own")
    same_place = (older.c.channel == mine.c.channel) & (
        (older.c.lane == Lane.BULK)
        | ((older.c.account_id == mine.c.account_id) & _same_language(older, mine))
    )
    query = (
        select(intent_group.c.id)
        .join(older, older.c.id == intent_group.c.target_id)
        .join(its, its.c.id == older.c.broadcast_id)
        .join(mine, (mine.c.id == target_id) & same_place)
        .join(own, own.c.id == mine.c.broadcast_id)
        .where(intent_group.c.closed_at.is_(None), its.c.incident_id == own.c.incident_id)
        .where(older.c.superseded_by_id <= mine.c.broadcast_id)
        .limit(1)
    )
    return tx.execute(query).one_or_none() is not None


def _same_language(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    """A post in several languages stands in the place of each of them."""
    both = one.c.language == other.c.language
    return both | (one.c.language == SEVERAL) | (other.c.language == SEVERAL)


def own_post_waits(tx: Tx, target_id: int) -> bool:
    """Whether the new text has not reached the place yet from which this target takes the old one down."""
    mine, sibling = target.alias("mine"), target.alias("sibling")
    query = (
        select(delivery.c.id)
        .join(sibling, sibling.c.id == delivery.c.target_id)
        .join(mine, (mine.c.id == target_id) & (mine.c.account_id == sibling.c.account_id))
        .where(sibling.c.broadcast_id == mine.c.broadcast_id, sibling.c.act != Act.WITHDRAW)
        .where(delivery.c.state == DeliveryState.PENDING)
        .limit(1)
    )
    return tx.execute(query).one_or_none() is not None


# --- what stands there ------------------------------------------------------------------------------------


def set_act(tx: Tx, target_id: int, act: Act) -> None:
    tx.execute(update(target).where(target.c.id == target_id).values(act=act))


def first_deliveries(tx: Tx, target_id: int) -> list[tuple[int, int, str]]:
    """(id, ordinal, state) of a public target's deliveries, a thread's in their order."""
    d = delivery.c
    query = select(d.id, d.ordinal, d.state).where(d.target_id == target_id).order_by(d.ordinal)
    return [(row.id, row.ordinal, row.state) for row in tx.execute(query)]


def stored_post(tx: Tx, post_id: int) -> StoredPost:
    """A post of any submission."""
    c = post.c
    query = select(
        c.id, c.channel, c.account_id, account.c.name.label("account"), c.language, c.content, c.sha256
    )
    row = tx.execute(query.join(account, account.c.id == c.account_id).where(c.id == post_id)).one()
    return StoredPost(**row._mapping)


def set_amends(tx: Tx, target_id: int, ordinal: int, amended_id: int) -> None:
    d = delivery.c
    mine = (d.target_id == target_id) & (d.ordinal == ordinal)
    tx.execute(update(delivery).where(mine).values(amends_delivery_id=amended_id))


def amended(tx: Tx, target_id: int) -> dict[str, tuple[str, DeliveryState]]:
    """By the key of each delivery of this target that does something to another: the platform's id of that, empty where
    none is known, and its state."""
    d, its = delivery.c, delivery.alias("its")
    query = (
        select(d.uid, its.c.platform_id, its.c.state)
        .join(its, its.c.id == d.amends_delivery_id)
        .where(d.target_id == target_id)
    )
    return {row.uid: (row.platform_id, DeliveryState(row.state)) for row in tx.execute(query)}


def amended_release(tx: Tx, delivery_uid: str) -> datetime | None:
    """When what this delivery does something to was released."""
    d, its = delivery.c, delivery.alias("its")
    query = (
        select(broadcast.c.released_at)
        .join(its, its.c.broadcast_id == broadcast.c.id)
        .join(delivery, d.amends_delivery_id == its.c.id)
        .where(d.uid == delivery_uid)
    )
    return tx.execute(query).scalar_one_or_none()


def keep_stood(tx: Tx, delivery_uid: str, *, platform_id: str, text: str | None) -> str:
    """What a reader saw before it was changed, kept once: a second try finds what the first one made of it. None where
    nothing stood there. The digest of what is kept."""
    mine = select(delivery.c.id).where(delivery.c.uid == delivery_uid)
    delivery_id = tx.execute(mine).scalar_one()
    row = {
        "delivery_id": delivery_id,
        "platform_id": platform_id,
        "found": "absent" if text is None else "there",
        "text": text or "",
        "sha256": hashlib.sha256((text or "").encode()).hexdigest(),
        "read_at": tx.now(),
    }
    tx.add_missing(stood, [row])
    kept = select(stood.c.sha256).where(stood.c.delivery_id == delivery_id)
    return str(tx.execute(kept).scalar_one())


def stood_of(tx: Tx, broadcast_id: int) -> list[dict[str, Any]]:
    """What stood where this broadcast changed something: channel, when it was read, and the words."""
    query: Select[Any] = (
        select(target.c.channel, target.c.act, stood.c.found, stood.c.text, stood.c.sha256, stood.c.read_at)
        .add_columns(stood.c.redacted_at)
        .join(delivery, delivery.c.id == stood.c.delivery_id)
        .join(target, target.c.id == delivery.c.target_id)
        .where(target.c.broadcast_id == broadcast_id)
        .order_by(stood.c.id)
    )
    return [dict(row._mapping) for row in tx.execute(query)]
