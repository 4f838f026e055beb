"""What the checks of accounts found, a row for each account. Knows no platform."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.tables import account, probe
from broadcaster.domain.readiness import Readiness, ReadinessState


@dataclass(frozen=True, kw_only=True)
class Probed:
    """The newest answer about an account. `since` is when it came into this state, `last_ready_at` None for never."""

    mode: str
    name: str
    at: datetime
    since: datetime
    last_ready_at: datetime | None
    readiness: Readiness

    @property
    def state(self) -> ReadinessState:
        return self.readiness.state


def claim(tx: Tx, account_id: int, *, unless_within: timedelta) -> datetime | None:
    """When this check began, which `record` wants back; None where another one began so lately."""
    _ensure(tx, account_id, tx.now() - unless_within)
    free = (probe.c.account_id == account_id) & (probe.c.claimed_at <= tx.now() - unless_within)
    return tx.now() if tx.execute(update(probe).where(free).values(claimed_at=tx.now())).rowcount else None


def claim_now(tx: Tx, account_id: int) -> datetime:
    """The same for a check that somebody asked for, whoever else makes one."""
    _ensure(tx, account_id, tx.now())
    tx.execute(update(probe).where(probe.c.account_id == account_id).values(claimed_at=tx.now()))
    return tx.now()


def ask(tx: Tx, account_id: int, *, every: timedelta, unless_within: timedelta) -> None:
    """Due now for whoever checks, unless a check began so lately that its answer is on its way."""
    _ensure(tx, account_id, tx.now() - every)
    old = (probe.c.account_id == account_id) & (probe.c.claimed_at <= tx.now() - unless_within)
    tx.execute(update(probe).where(old).values(claimed_at=tx.now() - every))


def awaited(tx: Tx, *, every: timedelta) -> set[tuple[str, str]]:
    """Mode and name of each account whose next answer is due or on its way."""
    unanswered = probe.c.probed_at.is_(None) | (probe.c.claimed_at > probe.c.probed_at)
    query = _probes().where(unanswered | (probe.c.claimed_at <= tx.now() - every))
    return {(row.mode, row.name) for row in tx.execute(query)}


def _ensure(tx: Tx, account_id: int, claimed_at: datetime) -> None:
    row = {
        "account_id": account_id,
        "claimed_at": claimed_at,
        "state": "",
        "code": "",
        "text": "",
        "facts": "[]",
    }
    tx.add_missing(probe, row)


def due(tx: Tx, account_ids: Collection[int], *, every: timedelta, doubtful: timedelta) -> set[int]:
    """Which of these accounts have not been checked for so long, or for so long after a doubtful answer."""
    at, is_doubtful = probe.c.claimed_at, probe.c.state == ReadinessState.DOUBTFUL
    soon = is_doubtful & (at <= tx.now() - doubtful)
    lately = select(probe.c.account_id).where(at > tx.now() - every, ~soon)
    return set(account_ids) - set(tx.execute(lately).scalars())


def record(tx: Tx, account_id: int, found: Readiness, *, claimed_at: datetime) -> Probed | None:
    """The answer that stood before, or None where there was none. Superseded, and nothing changed, where a
    newer check has begun."""
    before = tx.execute(_probes().where(probe.c.account_id == account_id).with_for_update(of=probe)).one()
    if before.claimed_at != claimed_at:
        raise Superseded
    now, same = tx.now(), before.state == found.state
    values = {
        "probed_at": now,
        "state": found.state,
        "since": before.since if same else now,
        "code": found.code,
        "text": found.operator_text,
        "valid_until": found.valid_until,
        "facts": json.dumps(found.facts),
    }
    if found.state is ReadinessState.READY:
        values["last_ready_at"] = now
    tx.execute(update(probe).where(probe.c.account_id == account_id).values(**values))
    return _probed(before) if before.probed_at else None


class Superseded(Exception):
    """A newer check of the same account has begun, and its answer counts."""


def every(tx: Tx) -> list[Probed]:
    """The newest answer about each account that has been checked, by mode and name."""
    query = _probes().where(probe.c.probed_at.is_not(None)).order_by(account.c.mode, account.c.name)
    return [_probed(row) for row in tx.execute(query)]


def of_mode(tx: Tx, mode: str) -> dict[str, Probed]:
    """The same for one mode, by name."""
    return {each.name: each for each in every(tx) if each.mode == mode}


def _probes() -> Select[*tuple[object, ...]]:
    a = account.c
    return select(a.mode, a.name, probe).join_from(probe, account, a.id == probe.c.account_id)


def _probed(row: object) -> Probed:
    r = row._mapping  # type: ignore[attr-defined]  # a Row
    found = Readiness(
        state=ReadinessState(r["state"]),
        code=r["code"],
        operator_text=r["text"],
        valid_until=r["valid_until"],
        facts=tuple((name, value) for name, value in json.loads(r["facts"])),
    )
    return Probed(
        mode=r["mode"],
        name=r["name"],
        at=r["probed_at"],
        since=r["since"],
        last_ready_at=r["last_ready_at"],
        readiness=found,
    )
