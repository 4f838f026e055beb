"""Sends one post to some recipients and waits for all of them."""

import time
from collections.abc import Sequence

from broadcaster.domain.errors import SendError
from broadcaster.domain.post import Post
from channels.base import Parcel, Receipt, SendsMany

ENOUGH_S = 40.0


def send_many(channel: SendsMany, post: Post, parcels: Sequence[Parcel]) -> list[Receipt | SendError]:
    """One outcome per parcel, in their order."""
    found: dict[str, Receipt | SendError] = {}
    end = time.monotonic() + ENOUGH_S
    with channel.sending(post) as sending:
        sending.put(parcels)
        while len(found) < len(parcels):
            assert time.monotonic() < end, "a parcel never came back"
            for key, outcome in sending.take(within_s=1):
                assert key not in found, "a parcel came back twice"
                found[key] = outcome
    return [found[parcel.key] for parcel in parcels]
