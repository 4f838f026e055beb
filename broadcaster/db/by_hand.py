"""What people did themselves for a message: posted it where a channel could not, told it at doors or on the radio."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from broadcaster.db.engine import Tx
from broadcaster.db.tables import by_hand, person


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """`target_id` is the channel's place that it stands in for; None where it was told in another way."""

    target_id: int | None
    way: str
    at: datetime
    noted_at: datetime
    link: str
    words: str
    who: str


def insert(
    tx: Tx,
    *,
    broadcast_id: int,
    target_id: int | None,
    person_id: int,
    way: str,
    at: datetime,
    link: str,
    words: str,
) -> None:
    row = {"broadcast_id": broadcast_id, "target_id": target_id, "person_id": person_id, "way": way}
    tx.insert(by_hand, {**row, "at": at, "noted_at": tx.now(), "link": link, "words": words})


def of_broadcast(tx: Tx, broadcast_id: int) -> list[ByHand]:
    """In the order of when it was done."""
    c = by_hand.c
    query = (
        select(c.target_id, c.way, c.at, c.noted_at, c.link, c.words, person.c.name.label("who"))
        .join(person, person.c.id == c.person_id)
        .where(c.broadcast_id == broadcast_id)
        .order_by(c.at, c.id)
    )
    return [ByHand(**r._mapping) for r in tx.execute(query)]


def is_posted(tx: Tx, target_id: int) -> bool:
    """Whether somebody posted it there by hand: sending it too would double it."""
    return (
        tx.execute(select(by_hand.c.id).where(by_hand.c.target_id == target_id).limit(1)).one_or_none()
        is not None
    )
