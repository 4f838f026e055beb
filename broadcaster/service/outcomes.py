"""What one answer of a platform means for one delivery, and what the audit log keeps of a group of them."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from broadcaster.db.attempts import AttemptResult
from broadcaster.db.deliveries import Due
from broadcaster.domain.audit import outcomes_root
from broadcaster.domain.canonical import Json
from broadcaster.domain.delivery import Outcome
from broadcaster.domain.errors import NotConfigured, NotSent, Refused, SendError
from channels.base import Receipt

BACKOFF_BASE_S, BACKOFF_CAP_S = 1.0, 60.0
RETRY_AFTER_CAP_S = 300.0  # a platform that asks for more is asked again all the same
PLATFORM_ID_CHARS, CODE_CHARS = 256, 64  # what their columns hold


def attempt_result(
    due: Due, outcome: Receipt | SendError, started_at: datetime, ended_at: datetime
) -> AttemptResult:
    """What one answer means for one delivery. What the platform said is cut to what the database can hold: an answer
    that cannot be written down would be lost."""
    if isinstance(outcome, Receipt):
        return AttemptResult(
            delivery_id=due.id,
            outcome=Outcome.ACCEPTED,
            started_at=started_at,
            ended_at=ended_at,
            platform_id=storable(outcome.platform_id)[:PLATFORM_ID_CHARS],
            link=storable(outcome.link),
        )
    kind, wait_s = _kind(outcome, due.attempts)
    return AttemptResult(
        delivery_id=due.id,
        outcome=kind,
        started_at=started_at,
        ended_at=ended_at,
        code=storable(outcome.code)[:CODE_CHARS],
        operator_text=storable(outcome.operator_text),
        detail=storable(outcome.detail),
        next_at=ended_at + timedelta(seconds=wait_s) if wait_s is not None else None,
    )


def storable(text: str) -> str:
    """Without NUL, which PostgreSQL refuses, and half characters, which nothing can encode."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _kind(error: SendError, attempts: int) -> tuple[Outcome, float | None]:
    """The outcome of an error, and after how many seconds it is tried again."""
    match error:
        case NotSent():
            asked = error.retry_after_s or 0.0
            # a platform may ask for nonsense, even NaN
            asked = min(asked, RETRY_AFTER_CAP_S) if asked > 0 else 0.0
            # full jitter: many workers that failed together do not come back together
            jitter = random.uniform(0, min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2 ** min(attempts, 10)))  # noqa: S311
            return Outcome.NOT_SENT, max(asked, jitter)
        case NotConfigured():
            return Outcome.NOT_CONFIGURED, BACKOFF_BASE_S
        case Refused():
            return Outcome.REFUSED, None
        case _:
            return Outcome.UNKNOWN, None


def summary(
    due: Sequence[Due], results: Sequence[AttemptResult], *, batch: int, group: int, account: str
) -> dict[str, Json]:
    """Counts, and the Merkle root of each attempt's immutable fields: one event proves every row of the group. It names
    the account where there were several to choose from."""
    keys = {d.id: d.uid for d in due}
    root = outcomes_root((keys[r.delivery_id], r) for r in results)
    counts = {str(o): n for o in Outcome if (n := sum(r.outcome is o for r in results))}
    through: dict[str, Json] = {"account": account} if account else {}
    return {"batch": batch, "counts": counts, "group": group, "root": root, **through}
