"""Whether the accounts could send now: asked every three minutes (in a storm every thirty seconds) and on demand, without posting
anything, by a process that holds their credentials. Whoever does not asks for a check, and sees its answer in the rows.

What is surely not ready stops an approval that needs it, and people are told (`service/alarms.py` finds it in the rows).
Whatever is only doubtful, or long ago, warns.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from broadcaster.db import accounts, audit_log
from broadcaster.db import readiness as store
from broadcaster.db.engine import Database, Tx
from broadcaster.db.readiness import Probed, Superseded
from broadcaster.db.storm import now as in_storm
from broadcaster.domain import storm
from broadcaster.domain.checks.finding import Finding, Level
from broadcaster.domain.errors import NotFound, Stale
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.readiness import (
    DOUBT_AGAIN,
    ENDS_SOON,
    HOLDS_FOR,
    PROBE_EVERY,
    Readiness,
    ReadinessState,
)
from broadcaster.service.record import SYSTEM
from broadcaster.service.ways import spares_of
from channels.base import Channel, ChannelsOfMode, Probes

log = structlog.get_logger()

#: A check bounds itself, all but the look-up of a name: whoever is stuck there is left behind.
LEFT_BEHIND_S = 15.0
ON_ITS_WAY = timedelta(seconds=15)
TOO_SLOW = Readiness(
    state=ReadinessState.DOUBTFUL,
    code="too_slow",
    operator_text="The platform did not answer the check in time. It is asked again by itself. Posts are tried all "
    "the same.",
)
BROKEN = Readiness(
    state=ReadinessState.DOUBTFUL,
    code="check_failed",
    operator_text="The check itself failed, which says nothing about the account. The log says why; tell whoever looks "
    "after this installation.",
)


@dataclass(frozen=True, kw_only=True)
class AccountNow:
    """One configured account and what is known of it; `probed` is None where it has not been checked yet. While it is
    `failing_since`, others send in its place."""

    mode: str
    name: str
    channel: str
    speaks_as: str
    can_be_checked: bool
    probed: Probed | None
    paused_at: datetime | None = None
    pause_reason: str = ""
    failing_since: datetime | None = None
    spares: tuple[str, ...] = ()
    is_awaited: bool = False  # an answer is due, or on its way


class Checks:
    """`channels` are those of the modes that this process holds."""

    def __init__(
        self, database: Database, channels: ChannelsOfMode, *, left_behind_s: float = LEFT_BEHIND_S
    ) -> None:
        self._database = database
        self._channels = channels
        self._left_behind_s = left_behind_s

    def look(self, mode: str) -> int:
        """Check the accounts of a mode that are due, of several processes one each. How many were checked."""
        probing = {n: c for n, c in self._channels.get(mode, {}).items() if isinstance(c, Probes)}
        ids = self._ids(mode, probing)
        with self._database.read() as tx:
            every = storm.PROBE_EVERY if in_storm(tx) else PROBE_EVERY
            waiting = store.due(tx, ids.values(), every=every, doubtful=DOUBT_AGAIN)
        claimed = {}
        for name in sorted(name for name, account_id in ids.items() if account_id in waiting):
            with self._database.write() as tx:
                if at := store.claim(tx, ids[name], unless_within=DOUBT_AGAIN):
                    claimed[name] = at
        self._probe(mode, {name: probing[name] for name in claimed}, ids, claimed)
        return len(claimed)

    def check(self, *, name: str = "", mode: str = "") -> list[AccountNow]:
        """Check now: all accounts, those of this mode or those of this name. NotFound where there is none."""
        wanted = self._named(name, mode)
        for of_mode, named in wanted.items():
            probing = {n: c for n, c in named.items() if isinstance(c, Probes)}
            ids = self._ids(of_mode, probing)
            claimed = {}
            for each in sorted(probing):
                with self._database.write() as tx:
                    claimed[each] = store.claim_now(tx, ids[each])
            self._probe(of_mode, probing, ids, claimed)
        return [each for each in self.accounts_now() if each.name in wanted.get(each.mode, {})]

    def ask(self) -> None:
        """Have all accounts checked now, by the processes of their modes."""
        for mode, configured in self._channels.items():
            ids = self._ids(mode, {n: c for n, c in configured.items() if isinstance(c, Probes)})
            with self._database.write() as tx:
                for account_id in ids.values():
                    store.ask(tx, account_id, every=PROBE_EVERY, unless_within=ON_ITS_WAY)

    def accounts_now(self) -> list[AccountNow]:
        """What is known of each configured account, by mode and name."""
        with self._database.read() as tx:
            probed = {(p.mode, p.name): p for p in store.every(tx)}
            rows = {(a.mode, a.name): a for mode in self._channels for a in accounts.every(tx, mode=mode)}
            awaited = store.awaited(tx, every=PROBE_EVERY)
            now = tx.now()
        return [
            AccountNow(
                mode=mode,
                name=name,
                channel=channel.name,
                speaks_as=channel.target,
                can_be_checked=isinstance(channel, Probes),
                probed=probed.get((mode, name)),
                paused_at=row.paused_at if (row := rows.get((mode, name))) else None,
                pause_reason=row.pause_reason if row else "",
                failing_since=row.failing_since if row and row.is_failing(now) else None,
                spares=spares_of(name, channel),
                is_awaited=(mode, name) in awaited,
            )
            for mode, configured in self._channels.items()
            for name, channel in sorted(configured.items())
        ]

    def _named(self, name: str, mode: str) -> dict[str, dict[str, Channel]]:
        modes = {m: c for m, c in self._channels.items() if not mode or m == mode}
        found = {m: {n: c for n, c in of.items() if not name or n == name} for m, of in modes.items()}
        if name and not any(found.values()):
            known = sorted({n for of in modes.values() for n in of})
            of_mode = f" {mode}" if mode else ""
            raise NotFound(f'There is no{of_mode} account "{name}".{did_you_mean(name, known)}')
        return found

    def _ids(self, mode: str, probing: Mapping[str, Channel]) -> dict[str, int]:
        """A row for each account, also before its first message: written only where one is missing."""
        with self._database.read() as tx:
            known = {a.name: a.id for a in accounts.every(tx, mode=mode)}
        missing = sorted(set(probing) - set(known))
        if missing:
            with self._database.write() as tx:
                for name in missing:
                    made = accounts.ensure(tx, mode=mode, channel=probing[name].name, name=name)
                    known[name] = made.id
        return {name: known[name] for name in probing}

    def _probe(
        self,
        mode: str,
        probing: Mapping[str, Probes],
        ids: Mapping[str, int],
        claimed: Mapping[str, datetime],
    ) -> None:
        """All at once, and no transaction open meanwhile: a slow platform keeps no other from being asked."""
        for name, found in _answers(probing, self._left_behind_s):
            try:
                self._record(mode, name, ids[name], found, claimed[name])
            except Superseded:
                log.info("check_superseded", mode=mode, account=name)

    def _record(self, mode: str, name: str, account_id: int, found: Readiness, claimed_at: datetime) -> None:
        with self._database.write() as tx:
            before = store.record(tx, account_id, found, claimed_at=claimed_at)
            was = before.state if before else None
            if was == found.state or ReadinessState.NOT_READY not in {was, found.state}:
                return
            log.info("account_readiness_changed", mode=mode, account=name, state=found.state, code=found.code)
            payload = {"mode": mode, "from": was or "unknown", "to": str(found.state), "code": found.code}
            audit_log.append(tx, actor=SYSTEM, act="account_readiness_changed", subject=name, payload=payload)


def _answers(probing: Mapping[str, Probes], within_s: float) -> Iterator[tuple[str, Readiness]]:
    """As they come in. Threads that nobody waits for: one that hangs in a look-up of a name ends with its process."""
    answers: dict[str, Readiness] = {}

    def ask(name: str) -> None:
        try:
            answers[name] = probing[name].probe()
        except Exception as error:  # noqa: BLE001 - a channel's own mistake must not keep the others from being checked
            log.error("check_failed", account=name, error=type(error).__name__)  # noqa: TRY400 - a traceback may hold a token
            answers[name] = BROKEN

    threads = {name: threading.Thread(target=ask, args=(name,), daemon=True) for name in probing}
    for thread in threads.values():
        thread.start()
    for name, thread in threads.items():
        thread.join(within_s)
        yield name, answers.get(name, TOO_SLOW)


# --- what an approval and a proof make of it --------------------------------------------------------------


def refuse_unready(tx: Tx, ref: str, mode: str, needed: Mapping[str, Sequence[str]]) -> None:
    """Stale where an account that is needed is paused, or surely could not send now, and none of its spares could
    either. Nothing was changed.

    Only by a check of the last minutes: what was wrong before may have been mended, and no alert waits for a check.
    """
    probed = store.of_mode(tx, mode)
    found: dict[str, str] = {}
    for name, spares in needed.items():
        why = {each: _why_not(tx, mode, each, probed.get(each)) for each in (name, *spares)}
        found |= why if all(why.values()) else {}
    if not found:
        return
    cure = (
        "Mend what is named below; or leave the account out: give the message back, then its officer edits and submits it "
        "again."
    )
    raise Stale(
        f"{ref} needs an account that could not send now. Nothing was changed. {cure}",
        details=tuple(found.values()),
        command=f"To give it back: broadcaster message return {ref}",
    )


def _why_not(tx: Tx, mode: str, name: str, probed: Probed | None) -> str:
    row = accounts.by_name(tx, mode=mode, name=name)
    if row and row.paused_at:
        cure = "Mend its file, restart, then resume the account."
        return f"{name} is paused since {_utc(row.paused_at)}: {row.pause_reason} {cure}"
    if probed is None or probed.state is not ReadinessState.NOT_READY or _is_stale(tx, probed):
        return ""
    cure = "Mend its file, restart, then check the account."
    return f"{name} is not ready since {_utc(probed.since)}: {probed.readiness.operator_text} {cure}"


def warnings(
    tx: Tx, mode: str, names: Iterable[str], configured: Mapping[str, Channel], zone: ZoneInfo
) -> Iterator[Finding]:
    """What officer and approver should know of the accounts that a message needs."""
    probed = store.of_mode(tx, mode)
    for name in dict.fromkeys(names):
        spares = spares_of(name, configured[name]) if name in configured else ()
        could = [each for each in (name, *spares) if not _why_not(tx, mode, each, probed.get(each))]
        for each in (name, *spares):
            instead = next((other for other in could if other != each), "")
            yield from _if_paused(tx, mode, each, instead)
            if isinstance(configured.get(each), Probes):
                yield from _warnings_of(tx, each, probed.get(each), zone, instead)


def _if_paused(tx: Tx, mode: str, name: str, instead: str) -> Iterator[Finding]:
    """Of one that others stand in for: without them, the approval would be refused and say so."""
    row = accounts.by_name(tx, mode=mode, name=name)
    if row and row.paused_at and instead:
        yield _warning(
            "account_paused",
            name,
            f"This account is paused: {row.pause_reason} Its texts go through {instead}.",
        )


def _warnings_of(tx: Tx, name: str, probed: Probed | None, zone: ZoneInfo, instead: str) -> Iterator[Finding]:
    """`instead` is an account that stands in for it, or empty."""
    if probed is None:
        yield _warning("account_unchecked", name, "This account has not been checked yet: check it.")
        return
    found = probed.readiness
    if _is_stale(tx, probed):
        at = _local(probed.at, zone)
        yield _warning("account_check_old", name, f"This account was last checked on {at}: check it again.")
    elif found.state is ReadinessState.NOT_READY:
        means = f"Its texts go through {instead}:" if instead else "Cannot be approved until this is mended:"
        yield _warning(
            "account_not_ready", name, f"{means} {found.operator_text} Then restart, and check it."
        )
    elif found.state is ReadinessState.DOUBTFUL:
        yield _warning("account_doubtful", name, found.operator_text)
    if found.valid_until and tx.now() < found.valid_until <= tx.now() + ENDS_SOON:
        text = f"The credentials of this account end on {_local(found.valid_until, zone)}. Renew them."
        yield _warning("credentials_end_soon", name, text)


def _warning(code: str, name: str, text: str) -> Finding:
    return Finding(code=code, level=Level.WARNING, text=text, where=name)


def _is_stale(tx: Tx, probed: Probed) -> bool:
    return probed.at < tx.now() - HOLDS_FOR


def _utc(moment: datetime) -> str:
    return f"{moment:%H:%M} UTC on {moment.day} {moment:%B}"


def _local(moment: datetime, zone: ZoneInfo) -> str:
    here = moment.astimezone(zone)
    return f"{here.day} {here:%B} at {here:%H:%M %Z}"
