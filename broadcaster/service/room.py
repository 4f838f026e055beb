"""What a channel has room for, as the renderer asks: told by the channel's own check, so that the two never disagree."""

from collections.abc import Iterable

from broadcaster.domain.post import Post
from broadcaster.render.fitting import Room
from channels.base import Channel, Threads
from channels.text import sms_size

PREFERRED_SEGMENTS = 2  # what a text costs, for each person; more only for what must be said


def room_of(channel: Channel, *, kept: Iterable[str] = ()) -> Room:
    """`kept` are the facts that the notice template keeps."""

    def fits(post: Post) -> bool:
        return all(problem.code != "too_long" for problem in channel.check(post))

    def objections(post: Post) -> int:
        """Such as a link in the details, where the account posts without links."""
        return sum(problem.code != "too_long" for problem in channel.check(post))

    is_text = channel.name == "sms"
    return Room(
        fits=fits,
        max_parts=channel.max_parts if isinstance(channel, Threads) else 1,
        kept=frozenset(kept),
        cost=_segments if is_text else objections,
        preferred_cost=PREFERRED_SEGMENTS if is_text else 0,
    )


def segments_of(post: Post) -> int | None:
    """How many segments a text message takes at its widest; None for what is no text message."""
    return _segments(post.at_widest()) if post.channel == "sms" else None


def _segments(post: Post) -> int:
    return sms_size(post.text).segments
