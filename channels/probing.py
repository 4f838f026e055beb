"""What every check of an account shares: its time limit, and what a failed question says. It knows no platform."""

from datetime import UTC, datetime

from broadcaster.domain.errors import NotConfigured, SendError
from broadcaster.domain.readiness import Readiness, ReadinessState
from channels.http import Timeouts

#: All questions of one check together: a check must be over long before the next one is due.
PROBE_WITHIN_S = 10.0
PROBE_TIMEOUTS = Timeouts(connect_s=3, read_s=6, total_s=8)

Facts = tuple[tuple[str, str], ...]


def ready(text: str, *, valid_until: datetime | None = None, facts: Facts = ()) -> Readiness:
    return Readiness(
        state=ReadinessState.READY, code="ready", operator_text=text, valid_until=valid_until, facts=facts
    )


def doubtful(code: str, text: str, *, valid_until: datetime | None = None, facts: Facts = ()) -> Readiness:
    return Readiness(
        state=ReadinessState.DOUBTFUL, code=code, operator_text=text, valid_until=valid_until, facts=facts
    )


def not_ready(code: str, text: str, *, valid_until: datetime | None = None, facts: Facts = ()) -> Readiness:
    return Readiness(
        state=ReadinessState.NOT_READY, code=code, operator_text=text, valid_until=valid_until, facts=facts
    )


def failed(platform: str, failure: SendError, *, certain: bool = True) -> Readiness:
    """What a question that failed says. `certain` is false where the platform did not say so in its own words: a page
    of some proxy in between must not stop an alert."""
    if isinstance(failure, NotConfigured) and certain:
        return not_ready(failure.code, failure.operator_text)
    return unanswered(platform, failure.code)


def unanswered(platform: str, code: str) -> Readiness:
    text = (
        f"{platform} did not answer the check ({code.replace('_', ' ')}). It is asked again by itself. Posts are "
        "tried all the same."
    )
    return doubtful(code, text)


def moment_of(seconds: object) -> datetime | None:
    """Seconds since 1970; None for 0, which platforms write for "never", and for what is no such number."""
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds <= 0:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%d %B %Y, %H:%M} UTC".lstrip("0")
