"""The registry of channels: a name, and where its class is. Loaded on first use, so that nobody pays for what he does not use."""

from pkgutil import resolve_name
from typing import cast

from broadcaster.domain.errors import NotFound
from broadcaster.domain.names import did_you_mean
from channels.base import Channel

CHANNELS = {
    "website": "channels.website:Website",
    "facebook": "channels.facebook:FacebookPage",
    "x": "channels.twitter:XAccount",
    "sms": "channels.sms:Sms",
}


def channel_class(name: str) -> type[Channel]:
    """The class of a channel. NotFound, with the nearest name, where there is none."""
    if name not in CHANNELS:
        raise NotFound(f'There is no channel "{name}".{did_you_mean(name, CHANNELS)}')
    return cast("type[Channel]", resolve_name(CHANNELS[name]))
