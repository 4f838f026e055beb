"""Reading our own recent posts back: which of them is the one, how far to read, what a reading that failed says.

It knows nothing of any platform: a channel reads the pages and puts what they show into `Shown`.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, SendError
from broadcaster.domain.post import Post
from broadcaster.domain.sight import Sight
from channels.http import redact

CLOCKS_APART = timedelta(seconds=60)  # our clock and a platform's may differ by so much
MOST_PAGES = 4

# The alphabet of references (broadcaster/db/ids.py): no 0 O 1 I L U.
_REFERENCE = re.compile(r"\bRef [2-9A-HJKMNP-TV-Z]{6}\b")
_SCHEME = re.compile(r"https?://")
# Also bare domains, of which X makes links. A link ends in no punctuation, as on the platforms. The first line
# keeps the search linear: it never begins in the middle of a long word.
_LINK = re.compile(
    r"""(?<![A-Za-z0-9.-])
    (?:https?://)? (?:[A-Za-z0-9-]+\.)+ [A-Za-z][A-Za-z0-9-]*[A-Za-z0-9] (?::[0-9]+)?
    (?:[/?\#](?:[!-~]*[A-Za-z0-9/_=&\#-])?)?""",
    re.VERBOSE,
)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One of our account's posts as a reader sees it, with its links in full where they are known.

    `created` is aware.
    """

    platform_id: str
    text: str
    created: datetime
    link: str = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some posts of our account, newest first. `after` leads to the next page; it is empty on the last."""

    posts: Sequence[Shown]
    after: str = ""


def look_through(read: Callable[[str], Page], post: Post, since: datetime) -> Shown | None:
    """The post among what `read` shows (given "", then each page's `after`), or None where it is surely not shown.

    NotSent where the account posted so much since then that the pages we read do not reach back: a None
    would be taken for a proof of absence, and the post would be sent again.
    """
    return _first(read, since, lambda shown: is_ours(shown, post, since))


def look_at(read: Callable[[str], Page], post: Post, platform_id: str, since: datetime) -> Sight:
    """Whether what has this id, or failing that what says the same, is there and says what was approved."""

    def wanted(shown: Shown) -> bool:
        return shown.platform_id == platform_id or is_ours(shown, post, since)

    found = _first(read, since, wanted)
    if found is None:
        return Sight.ABSENT
    return Sight.THERE if is_ours(found, post, since) else Sight.DIFFERS


def _first(read: Callable[[str], Page], since: datetime, wanted: Callable[[Shown], bool]) -> Shown | None:
    after = ""
    for _ in range(MOST_PAGES):
        page = read(after)
        found = next((shown for shown in page.posts if wanted(shown)), None)
        if found or not page.after or _reaches_back(page, since):
            return found
        after = page.after
    raise NotSent("read_back_failed", _UNREADABLE, detail=f"more than {MOST_PAGES} pages of newer posts")


def is_ours(shown: Shown, post: Post, since: datetime) -> bool:
    """Whether this is the post that we sent at `since` or later.

    It is when it was made no earlier than a minute before `since` and says the same:

    - either the whole text is equal, in Unicode's normal form NFC and with white space folded (platforms
      rearrange both) and links without their scheme (X gives a bare domain one);
    - or the post carries a reference ("Ref 7F3K2M") and all that is no link is equal, the reference included:
      a platform may show a link in another form, and then the reference makes up for it.

    So what only looks alike is not ours: yesterday's post with the same text is too old, the same warning
    with another reference differs in a word, and a text that quotes our reference (a follow-up, "cancels
    Ref 7F3K2M") has other words around it. A reference alone proves nothing, since people quote it.
    """
    if shown.created < since - CLOCKS_APART:
        return False
    ours, theirs = _folded(post.text), _folded(shown.text)
    if not ours:
        return False
    if _SCHEME.sub("", ours) == _SCHEME.sub("", theirs):
        return True
    words = _without_links(ours)
    return bool(_REFERENCE.search(words)) and words == _without_links(theirs)


def shown(*, platform_id: object, text: object, created: object, link: object = "") -> Shown | None:
    """What an item of a platform's list shows; None for an odd one: without an id, a text or a full time."""
    when = _moment(created)
    if not (isinstance(platform_id, str) and platform_id and isinstance(text, str) and when):
        return None
    return Shown(platform_id=platform_id, text=text, created=when, link=link if isinstance(link, str) else "")


def unreadable() -> SendError:
    """A success whose body is no list of posts."""
    return OutcomeUnknown("unreadable_answer", detail="HTTP 2xx, no list of posts")


def read_back_failed(cause: SendError, post: Post) -> SendError:
    """What a failed reading says, from what `channels/http.py` or a table would say of sending.

    A reading has no unknown outcome and is refused for no post, so it is NotConfigured, or else NotSent: read
    again later. Neither says anything about the post.
    """
    detail = redact(f"{cause.code}: {cause.detail}", private=post.text)
    if isinstance(cause, NotConfigured):
        text = f"The account's own posts cannot be read back. {cause.operator_text}"
        return NotConfigured(cause.code, text, detail=detail)
    wait_s = cause.retry_after_s if isinstance(cause, NotSent) else None
    return NotSent("read_back_failed", _UNREADABLE, detail=detail, retry_after_s=wait_s)


_UNREADABLE = (
    "The account's own posts could not be read back, so it is still not known whether the post is out. "
    "They are read again."
)


def _reaches_back(page: Page, since: datetime) -> bool:
    return bool(page.posts) and page.posts[-1].created < since - CLOCKS_APART


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _without_links(text: str) -> str:
    return " ".join(_LINK.sub(" ", text).split())
