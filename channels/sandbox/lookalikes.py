"""Posts that look like the last texts and are not ours, for the fault `readback_lookalike`: who takes one of them for
ours believes that a post is out which never was.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Generic, Protocol, TypeVar

from channels.sandbox.exchange import Mood

MOST_LOOKALIKES = 20


class Dated(Protocol):
    @property
    def created(self) -> datetime: ...


P = TypeVar("P", bound=Dated)


class Lookalikes(Generic[P]):
    """Two for each of the last texts: somebody else's of now, and our own of yesterday."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[P, P]] = {}  # by text, oldest first

    def prepare(self, text: str, of_now: P, of_yesterday: P) -> None:
        self._of.pop(text, None)
        self._of[text] = (of_now, of_yesterday)
        for oldest in list(self._of)[:-MOST_LOOKALIKES]:
            del self._of[oldest]

    def visible(self, posts: Sequence[P], mood: Mood) -> list[P]:
        """Posts, given oldest first, as reading back shows them in this mood: newest first."""
        newest = datetime.now(UTC) - timedelta(seconds=mood.lag_s)
        shown = [post for post in reversed(posts) if not mood.lag_s or post.created <= newest]
        if not mood.lookalike or not self._of:
            return shown
        of_now, older = zip(*reversed(self._of.values()), strict=True)
        return [*of_now, *shown, *older]

    def forget(self) -> None:
        self._of.clear()
