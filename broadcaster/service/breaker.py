"""Whether an account takes what is sent through it: its breaker opens when it fails, and closes when it takes one again.

Kept in the account's row, which every process reads before each group: what one of them finds out, all know. Written only
when something fails and until it is mended, so that a gateway that works costs nothing.
"""

from datetime import datetime, timedelta

import structlog

from broadcaster.db import accounts, broadcasts, routes
from broadcaster.db.accounts import AccountRow
from broadcaster.db.engine import Tx
from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown
from broadcaster.domain.ways import FAILURES, PROBE_EVERY, WITHIN, others_usable
from broadcaster.service.outcomes import RETRY_AFTER_CAP_S
from broadcaster.service.record import note
from broadcaster.service.recording import Finished

log = structlog.get_logger()

#: Not sent for a reason of our own, which says nothing about the gateway.
OURS = frozenset({"stale_intent", "check_failed", "host_not_allowed"})
#: A gateway that asks for patience for so many texts at once asks it of everybody.
ASKS_EVERYBODY = 5


def learn(tx: Tx, finished: Finished) -> None:
    """What the outcomes of a group say about the account that it went through."""
    sent = finished.outcomes
    not_sent = sum(isinstance(o, NotSent) and o.code not in OURS for o in sent)
    unknown = sum(isinstance(o, OutcomeUnknown) for o in sent)
    if not (not_sent or unknown or finished.group.in_trouble or finished.claimed.probe):
        return
    claimed = finished.claimed
    if not_sent:
        _keep_off(tx, finished)
    answered = sum(_is_answer(o) for o in sent)
    has_another = others_usable(routes.ways_now(tx, claimed.target_id), claimed.account_id)
    failed = not_sent + (unknown if has_another else 0)
    if not failed and not answered:
        return
    row = accounts.lock(tx, claimed.account_id)
    if failed > answered:
        _failed(tx, finished, row, failed, has_another=has_another)
    elif row.open_until is None or finished.group.in_trouble or claimed.probe:
        _took(tx, finished, row)  # else it was begun before the account failed, and is no news


def _is_answer(outcome: object) -> bool:
    """The gateway did its work, whether it took the text or not."""
    return not isinstance(outcome, NotSent | OutcomeUnknown | NotConfigured)


def _failed(tx: Tx, finished: Finished, row: AccountRow, failed: int, *, has_another: bool) -> None:
    now, since = tx.now(), row.failing_since
    is_open = row.open_until is not None
    fresh = since is None or (not is_open and since < now - WITHIN)
    failures = failed if fresh else row.failures + failed
    opens = not is_open and has_another and failures >= FAILURES
    accounts.set_health(
        tx,
        row.id,
        failures=failures,
        failing_since=now if fresh else since,
        open_until=now + PROBE_EVERY if is_open or opens else None,
    )
    if opens:
        log.error("account_failing", account=row.name, failures=failures)
        _note(tx, finished, "account_failing", row, {"failures": failures})


def _took(tx: Tx, finished: Finished, row: AccountRow) -> None:
    if not row.failures and row.open_until is None:
        return
    accounts.set_health(tx, row.id, failures=0, failing_since=None, open_until=None)
    if row.open_until is not None:
        log.info("account_takes_again", account=row.name)
        _note(tx, finished, "account_takes_again", row, {})


def _note(tx: Tx, finished: Finished, act: str, row: AccountRow, more: dict[str, int]) -> None:
    broadcast = broadcasts.by_id(tx, finished.claimed.broadcast_id)
    note(tx, broadcast, act, {"account": row.id, "name": row.name, **more})


def _keep_off(tx: Tx, finished: Finished) -> None:
    """Where every text of a group is told to wait, the account waits for the shortest of those times."""
    asked = [_asked_s(o) for o in finished.outcomes]
    if len(asked) >= ASKS_EVERYBODY and min(asked) > 0:
        until: datetime = tx.now() + timedelta(seconds=min(*asked, RETRY_AFTER_CAP_S))
        accounts.keep_off(tx, finished.claimed.account_id, until)


def _asked_s(outcome: object) -> float:
    """NaN and the like are no wish."""
    asked = outcome.retry_after_s if isinstance(outcome, NotSent) else None
    return asked if asked is not None and asked > 0 else 0.0
