"""What a delivery does to what another one put there: edits it or takes it down, as a channel that `Deliver` can use.

What stood there is read first and kept: afterwards nobody could say what was shown.
"""

from dataclasses import dataclass, replace

from broadcaster.db import follow_ups
from broadcaster.db.engine import Database
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.errors import NotConfigured, NotSent, Refused, SendError
from broadcaster.domain.follow_up import Act
from broadcaster.domain.post import Post
from channels.base import Amends, Channel, CheckProblem, Receipt, Withdraws

GONE = "gone"
NOT_KNOWN_YET = "It is not known yet whether the post is there that is to come down. It is looked for, and then comes down."
POSTED_ANEW = "The post that was to be edited is no longer there, so this goes out as a new one."
NOT_READ = "What stands there could not be read, so it was not touched: it is evidence. It is tried again."
_LOOK_AGAIN_S = 10.0
_OPEN = frozenset({DeliveryState.PENDING, DeliveryState.UNKNOWN, DeliveryState.UNKNOWN_FINAL})


@dataclass(frozen=True, kw_only=True)
class Doing:
    """By the key of each delivery, the platform's id of what it does something to, and that one's state."""

    act: Act
    target_id: int
    to: dict[str, tuple[str, DeliveryState]]


class Acting:
    """A channel through which one target's deliveries do what was approved."""

    def __init__(self, database: Database, channel: Channel, doing: Doing) -> None:
        self._database, self._channel, self._doing = database, channel, doing
        self.after_unknown = channel.after_unknown
        self.name, self.title, self.target = channel.name, channel.title, channel.target

    def check(self, post: Post) -> list[CheckProblem]:
        return self._channel.check(post) if self._doing.act is Act.EDIT else []

    def send(self, post: Post, key: str) -> Receipt:
        platform_id, state = self._doing.to.get(key, ("", DeliveryState.CANCELLED))
        if self._doing.act is Act.WITHDRAW:
            return self._withdraw(platform_id, state, key)
        assert isinstance(self._channel, Amends)
        self._keep(self._channel, platform_id, key)
        try:
            return self._channel.amend(post, platform_id)
        except Refused as refused:
            if refused.code != GONE:
                raise
        with self._database.write() as tx:
            follow_ups.set_act(tx, self._doing.target_id, Act.POST)
        raise NotSent("gone", POSTED_ANEW, retry_after_s=0)

    def _withdraw(self, platform_id: str, state: DeliveryState, key: str) -> Receipt:
        if not platform_id and state in _OPEN:
            raise NotSent("not_known_yet", NOT_KNOWN_YET, retry_after_s=_LOOK_AGAIN_S)
        channel = self._channel
        if platform_id and isinstance(channel, Withdraws) and self._keep(channel, platform_id, key):
            channel.withdraw(platform_id)
        return Receipt(platform_id=platform_id)  # what never stood there needs nobody

    def _keep(self, channel: Amends | Withdraws, platform_id: str, key: str) -> bool:
        """Whether anything stands there now. Nothing was changed where this fails, whatever the reading's own outcome."""
        try:
            text = channel.stands(platform_id)
        except NotConfigured:
            raise
        except SendError as error:
            raise NotSent("not_read_before", NOT_READ, detail=error.code) from error
        with self._database.write() as tx:
            follow_ups.keep_stood(tx, key, platform_id=platform_id, text=text)
        return text is not None


def acting(database: Database, channel: Channel | None, doing: Doing | None) -> Channel | None:
    if channel is None or doing is None or doing.act not in {Act.EDIT, Act.WITHDRAW}:
        return channel
    return Acting(database, channel, doing)  # type: ignore[return-value]  # made for one target, from no account


def prepared(database: Database, post: Post, act: Act, target_id: int) -> tuple[Post, Doing | None]:
    """What is to be done with a target's approved post, by what is known of what it does something to.

    An edit of what never came to stand there is a new post instead, and stays one: an unknown post must not be edited
    into being a second time. A withdrawal needs none of the post but its parts' count, which are deliveries each.
    """
    if act is Act.POST:
        return post, None
    with database.write() as tx:
        to = follow_ups.amended(tx, target_id)
        known = [platform_id for platform_id, _ in to.values() if platform_id]
        if act is Act.EDIT and not known and not follow_ups.under_way(tx, target_id):
            follow_ups.set_act(tx, target_id, Act.POST)
            return post, None
    if act is Act.REPLY:
        return replace(post, in_reply_to=known[0] if known else "", may_stand_alone=True), None
    if act is Act.WITHDRAW:
        return replace(post, further=(), images=()), Doing(act=act, target_id=target_id, to=to)
    return post, Doing(act=act, target_id=target_id, to=to)
