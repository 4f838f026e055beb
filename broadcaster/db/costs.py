"""How many texts an account has used up, by the post that they carried. Knows nothing of prices or segments."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Subquery, case, func, select

from broadcaster.db.engine import Tx
from broadcaster.db.tables import account, attempt, broadcast, delivery, intent_group, post, target
from broadcaster.domain.broadcast import BroadcastState, Lane
from broadcaster.domain.delivery import DeliveryState, Outcome

#: Attempts that a provider may charge for: what it surely did not take costs nothing.
CHARGED = (Outcome.ACCEPTED, Outcome.UNKNOWN)


def texts_used(tx: Tx, *, mode: str, account_name: str, since: datetime) -> Iterator[tuple[bytes, int]]:
    """Stored posts of an account and how many texts of each count: taken or perhaps taken since then, and on their way.

    What is on its way counts, because two runs approved within a minute would otherwise both see the same money left.
    """
    for counted in (_charged(since), _on_their_way()):
        query = (
            select(post.c.content, counted.c.texts)
            .join(target, target.c.id == counted.c.target_id)
            .join(post, post.c.id == target.c.post_id)
            .join(account, account.c.id == counted.c.account_id)
            .where(account.c.mode == mode, account.c.name == account_name, target.c.lane == Lane.BULK)
        )
        yield from ((row.content, int(row.texts)) for row in tx.execute(query) if row.texts > 0)


def _charged(since: datetime) -> Subquery:
    """By groups and not by deliveries: `closed_at` leads an index, so that earlier months are never read.

    A group without attempts is one whose worker died: all of it may have been taken.
    """
    g, a = intent_group.c, attempt.c
    texts = func.sum(case((a.id.is_(None), g.size), (a.outcome.in_(CHARGED), 1), else_=0))
    return (
        select(g.target_id, g.account_id, texts.label("texts"))
        .outerjoin(attempt, a.intent_group_id == g.id)
        .where(g.closed_at >= since)
        .group_by(g.target_id, g.account_id)
        .subquery()
    )


def _on_their_way() -> Subquery:
    """Of broadcasts that are sending: what is planned, without what was begun and may have cost already. It counts for
    the first account, since nobody knows what its spares will send."""
    t, d, b = target.c, delivery.c, broadcast.c
    begun = (
        select(func.count())
        .where(d.target_id == t.id, d.state != DeliveryState.PENDING)
        .correlate(target)
        .scalar_subquery()
    )
    return (
        select(t.id.label("target_id"), t.account_id, (t.planned_total - begun).label("texts"))
        .join(broadcast, b.id == t.broadcast_id)
        .where(b.state == BroadcastState.SENDING)
        .subquery()
    )
