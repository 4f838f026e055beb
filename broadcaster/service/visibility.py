"""Who may read a message, held against where it would go: a message for partners or staff never reaches a public place."""

import json
from collections.abc import Iterable, Iterator

from broadcaster.domain.message import Visibility
from channels.base import Channel, SendsMany


def public_places(visibility: Visibility, channels: Iterable[tuple[str, Channel]]) -> Iterator[str]:
    """A problem for each (account, channel) where everybody would read what is not for everybody."""
    for account, channel in channels:
        if visibility is not Visibility.PUBLIC and not isinstance(channel, SendsMany):
            yield (
                f"{channel.title} ({account}): everybody can read it there, and this message is for {visibility} "
                "only. Leave this channel out and choose only channels that reach an audience, such as text "
                "messages; or write a message for the public."
            )


def withheld(manifest: bytes, channel: Channel | None) -> bool:
    """Whether the approved manifest keeps its message from the place that this channel speaks to.

    For the worker, so that a mistake before approval, or a target added past it, still puts nothing before the
    public. A visibility that nobody knows is kept from it as well. Without a channel nothing is sent anywhere.
    """
    told = json.loads(manifest).get("visibility", Visibility.PUBLIC)
    return told != Visibility.PUBLIC and channel is not None and not isinstance(channel, SendsMany)
