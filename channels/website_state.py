"""Which of a site's messages are in force, and in which order and words their times are shown. No input or output."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from broadcaster.domain.message import Severity
from broadcaster.domain.post import Post
from channels.website_store import Document

#: The gravest first, as CAP 1.2 lists them: the order of the banner.
SEVERITIES = tuple(str(severity) for severity in Severity)
#: How many messages the feeds carry, unless more are in force: a banner fetches the feed on every page of a council.
MAX_FEED_ENTRIES = 50


def main_post(document: Document) -> dict[str, Any]:
    """The post that speaks for the message where there is room for one language: that in its main language, and until that is
    there, or where none is named, the one published first."""
    first: dict[str, Any] = next(iter(document["posts"].values()))
    main: dict[str, Any] = document["posts"].get(first["facts"].get("main_language"), first)
    return main


def in_order(document: Document) -> list[dict[str, Any]]:
    """Its posts as readers find them: in the order of languages that was approved, else as they were published."""
    order = main_post(document)["facts"].get("languages", "").split()
    posts = list(document["posts"].values())
    return sorted(posts, key=lambda p: order.index(p["language"]) if p["language"] in order else len(order))


def said_no_more(document: Document, post: Post) -> list[str]:
    """Languages of an earlier message on this page in which this one says nothing: what they say is old."""
    spoken = {post.language, *post.facts.get("languages", "").split()}
    reference = post.facts.get("reference", "")
    return [
        language
        for language, before in document["posts"].items()
        if language not in spoken and before["facts"].get("reference", "") != reference
    ]


def images_of(post: dict[str, Any]) -> list[dict[str, Any]]:
    """The post's pictures; none where it was published before there were any."""
    images: list[dict[str, Any]] = post.get("images", [])
    return images


def end_of(document: Document) -> str:
    """When the message ends, in UTC so that programs and strings compare alike; empty where it is not known."""
    return as_utc(main_post(document)["facts"].get("expires", ""))


def has_ended(document: Document, now: datetime) -> bool:
    return not in_force(main_post(document)["facts"].get("expires", ""), now)


def shown_as_ended(document: Document, now: datetime) -> list[bool]:
    """For each post whether its page says that it has ended: kept with the document, to see when it must change."""
    return [not in_force(post["facts"].get("expires", ""), now) for post in in_order(document)]


def changed_at(document: Document, now: datetime) -> str:
    """When what is said of the message last changed, in UTC. Its end is a change too: readers of feeds look for it."""
    updated: str = document["updated"]
    return max(updated, end_of(document)) if has_ended(document, now) else updated


def newest_first(documents: Iterable[Document]) -> list[Document]:
    return sorted(documents, key=lambda d: (d["published"], d["reference"]), reverse=True)


def for_feeds(documents: Iterable[Document], now: datetime) -> list[Document]:
    """All in force and the newest of those that ended, the newest first. None in force is left out for its age."""
    every = newest_first(documents)
    live = [document for document in every if not has_ended(document, now)]
    ended = [document for document in every if has_ended(document, now)]
    return newest_first([*live, *ended[: max(0, MAX_FEED_ENTRIES - len(live))]])


def in_force(expires: str, now: datetime) -> bool:
    """Without an end, or with one that cannot be read, a message counts as in force: nothing is hidden early."""
    try:
        return not expires or _aware(expires) > now
    except ValueError:
        return True


def as_utc(value: str) -> str:
    """2026-11-21T22:00:00+00:00, or nothing for what is no time."""
    try:
        return _aware(value).astimezone(UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        return ""


def clock(value: str, like: str = "") -> str:
    """18:05 on Saturday 21 November 2026, in the offset that `like` was written in, or `value` itself."""
    try:
        when = _aware(value)
        when = when.astimezone(_aware(like).tzinfo) if like else when
    except (ValueError, OverflowError):
        return value
    return f"{when:%H:%M} on {when:%A} {when.day} {when:%B %Y}"


def _aware(value: str) -> datetime:
    when = datetime.fromisoformat(value)
    return when if when.tzinfo else when.replace(tzinfo=UTC)
