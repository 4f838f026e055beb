"""Whether an account could send now: what a check without posting says, and how long it holds."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

PROBE_EVERY = timedelta(minutes=3)
#: After a doubtful answer: a platform, or our own web server, may only be starting.
DOUBT_AGAIN = timedelta(seconds=30)
#: An older answer warns and stops nothing: what was wrong may have been mended since.
HOLDS_FOR = timedelta(minutes=10)
#: Making a token takes a person with access to the platform, and perhaps a week-end.
ENDS_SOON = timedelta(days=7)


class ReadinessState(StrEnum):
    READY = "ready"
    DOUBTFUL = "doubtful"  #: it did not answer, or needs a look: warns, and never stops an alert
    NOT_READY = "not_ready"  #: it is certain that a post would be refused: stops an approval that needs it


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """What a check found. `code` is stable; `operator_text` says what is so and what to do; neither holds a secret.

    `valid_until` is when the credentials end, where the platform tells; `facts` are what else it told, in words, such as
    ("credits", "12.40 USD").
    """

    state: ReadinessState
    code: str
    operator_text: str
    valid_until: datetime | None = None
    facts: tuple[tuple[str, str], ...] = ()
