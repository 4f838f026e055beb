"""How long a platform that refuses a repeated key can be relied upon: only so long may we send to it again."""

from collections.abc import Collection
from datetime import timedelta

from broadcaster.db import unknowns
from broadcaster.db.engine import Tx
from channels.base import Channel, Deduplicates


def past_window(
    tx: Tx, channel: Channel, *, batch_ids: Collection[int], delivery_ids: Collection[int]
) -> set[int]:
    """Those of these deliveries whose key the platform may have forgotten: sent again, they could double.

    All of them where the channel does not say how long it remembers, and each whose first try cannot be found.
    """
    if not isinstance(channel, Deduplicates):
        return set(delivery_ids)
    first = unknowns.first_sent(tx, batch_ids, delivery_ids)
    since = tx.now() - timedelta(seconds=channel.deduplicates_for_s)
    return {each for each in delivery_ids if each not in first or first[each] <= since}
