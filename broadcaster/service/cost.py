"""What the texts of a message cost and what is left of the month's budget, for officer and approver before anybody decides."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from broadcaster.db import costs
from broadcaster.db.engine import Tx
from broadcaster.db.messages import Message
from broadcaster.domain.checks.cost import Run, Tariff, check_cost, month_start
from broadcaster.domain.checks.finding import Finding
from broadcaster.domain.delegation import Cost
from broadcaster.domain.message import MessageState
from broadcaster.domain.post import Post
from broadcaster.domain.tongues import named
from broadcaster.service.ways import spares_of
from channels.base import Channel, ChannelsOfMode, Charges, SendsMany
from channels.text import sms_size

#: A released message has used its money up, so that it would be counted twice.
UNDECIDED = (MessageState.DRAFT, MessageState.SUBMITTED, MessageState.EXPIRED)
#: A stored post that was damaged must not hold up the next warning: it is counted as the longest.
UNREADABLE_SEGMENTS = 6

#: How many people get this post's text.
Recipients = Callable[[Post], int]


def cost_findings(
    tx: Tx,
    row: Message,
    posts: Iterable[Post],
    *,
    channels: ChannelsOfMode,
    recipients: Recipients,
    zone: ZoneInfo,
) -> Iterator[Finding]:
    """One for each account that sends to single recipients, and each language in which it does, while the message is still to be
    decided about."""
    if row.state not in UNDECIDED:
        return
    configured = channels.get(row.mode, {})
    texts = [p for p in posts if isinstance(configured.get(p.account), SendsMany) and recipients(p)]
    for post in texts:
        channel = configured[post.account]
        tariff = channel.tariff if isinstance(channel, Charges) else Tariff()
        run = Run(
            recipients=recipients(post),
            segments=_segments(post),
            used_segments=_used_segments(tx, row, post.account, zone) if tariff.price is not None else 0,
        )
        several = sum(each.account == post.account for each in texts) > 1
        where = f"{post.account}, {named(post.language)}" if several else post.account
        yield check_cost(run, tariff, f"cost ({where})")


def recipients_of(manifest: Mapping[str, Any]) -> Recipients:
    """By what was submitted: how many people get a post's text."""
    audience = manifest["audience"]
    speaking = {(t["account"], t["language"]): t.get("speaking", "") for t in manifest["targets"]}

    def count(post: Post) -> int:
        if not audience:
            return 0
        who = speaking.get((post.account, post.language), "")
        parts = {part["speaking"]: part["count"] for part in audience.get("parts", ())}
        return int(parts.get(who, audience["count"]))

    return count


def cost_of(posts: Iterable[Post], configured: Mapping[str, Channel], recipients: Recipients) -> Cost:
    """What the texts of these posts cost at most, whichever of its accounts each goes through."""
    amount, currencies, known = Decimal(0), set[str](), True
    for post in posts:
        channel = configured.get(post.account)
        if channel is None or not isinstance(channel, SendsMany) or not recipients(post):
            continue
        names = (post.account, *spares_of(post.account, channel))
        tariffs = [c.tariff if isinstance(c := configured.get(n), Charges) else Tariff() for n in names]
        prices = [tariff.price for tariff in tariffs if tariff.price is not None]
        known = known and len(prices) == len(tariffs)
        amount += max(prices, default=Decimal(0)) * recipients(post) * _segments(post)
        currencies |= {tariff.currency for tariff in tariffs if tariff.price is not None}
    return Cost(amount=amount, currencies=frozenset(currencies), known=known)


def _used_segments(tx: Tx, row: Message, account: str, zone: ZoneInfo) -> int:
    """Of this account, this month. Counted once for each post, however many texts carried it."""
    used = costs.texts_used(tx, mode=row.mode, account_name=account, since=month_start(tx.now(), zone))
    return sum(texts * _stored_segments(content) for content, texts in used)


def _stored_segments(content: bytes) -> int:
    try:
        return _segments(Post.from_bytes(content))
    except (ValueError, KeyError, TypeError):
        return UNREADABLE_SEGMENTS


def _segments(post: Post) -> int:
    return sms_size(post.at_widest().text).segments
