"""How it goes, in figures: read from the database at the moment they are asked for, so that they are right whichever
process is asked and survive every restart. Nothing is changed by looking, and nothing is left out where a part is away.
"""

import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from broadcaster.alive import SILENT_AFTER_S, signs
from broadcaster.audit.anchors import AnchorFolder
from broadcaster.audit.verifier.notes import Note
from broadcaster.db import accounts, alarms, audit_log, figures, readiness
from broadcaster.db.engine import Database, Tx
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import Unavailable
from broadcaster.domain.figures import Figure
from broadcaster.domain.message import Mode
from broadcaster.domain.readiness import HOLDS_FOR, ReadinessState
from broadcaster.service.alarms import (
    CHECKED_WITHIN,
    NOBODY_SENDS_AFTER,
    UNKNOWN_WAITS_AFTER,
    WATCHED_WITHIN,
)
from broadcaster.service.anchor import ALARM_AFTER_S
from broadcaster.service.speed import RECENT, speed
from channels.base import ChannelsOfMode

#: From which value on a figure needs somebody. docs/prometheus/alerts.yml has the same numbers, held by a test; where
#: the product raises an alarm of its own for it, the number is that alarm's.
BOUNDS: Mapping[str, float] = {
    "broadcaster_oldest_ready_seconds": NOBODY_SENDS_AFTER.total_seconds(),
    "broadcaster_oldest_unknown_seconds": UNKNOWN_WAITS_AFTER.total_seconds(),
    "broadcaster_anchor_age_seconds": ALARM_AFTER_S,
    "broadcaster_account_checked_age_seconds": HOLDS_FOR.total_seconds(),
    # Sooner than the alarm after a minute: who watches from outside can look before anybody is told.
    "broadcaster_seal_lag_seconds": 5.0,
    # UK Emergency Alerts 2023: "issued within seconds" of the approval; GOV.UK Notify commits to 10 s for 95 %.
    "broadcaster_release_to_acceptance_seconds": 5.0,
    # Platforms refuse requests of a clock that is wrong (Notify: 30 s); logs of two machines stop matching long before.
    "broadcaster_clock_skew_seconds": 2.0,
}


class Figures:
    """`clock` is this machine's own, which is compared with the database's. `broker_answers` may take a second."""

    def __init__(
        self,
        database: Database,
        channels: ChannelsOfMode,
        anchors: AnchorFolder,
        *,
        root: Path,
        broker_answers: Callable[[], bool],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._channels = channels
        self._anchors = anchors
        self._root = root
        self._broker_answers = broker_answers
        self._clock = clock

    def look(self, *, within: timedelta = RECENT) -> list[Figure]:
        """All of them. `within` is how far back speed is looked at. Where the database is away, what can be told without."""
        began = time.perf_counter()
        found = [*self._of_database(within), *self._of_this_machine()]
        return [*found, _figure("look_seconds", time.perf_counter() - began)]

    def _of_database(self, within: timedelta) -> Iterator[Figure]:
        try:
            found = [*self._skew(), *self._facts(within)]
        except Unavailable:
            yield _figure("database_up", 0)
            return
        yield _figure("database_up", 1)
        yield from found

    def _skew(self) -> Iterator[Figure]:
        """The answer came from some moment in between: a slow database is no wrong clock."""
        with self._database.read() as tx:
            before, there, after = self._clock(), tx.now(), self._clock()
        ahead, behind = (before - there).total_seconds(), (after - there).total_seconds()
        yield _figure("clock_skew_seconds", max(ahead, 0.0) + min(behind, 0.0))

    def _facts(self, within: timedelta) -> Iterator[Figure]:
        with self._database.read() as tx:
            figures.through_indexes(tx)
            yield from speed(tx, within)
            yield from _waiting(tx, self._modes())
            yield from _doubts(tx)
            yield _figure("receipts_waiting", figures.receipts_waiting(tx))
            yield _figure("opt_outs", figures.opt_outs(tx))
            yield from self._record(tx)
            yield from self._accounts(tx)
            yield from _told(tx)

    def _modes(self) -> list[Mode]:
        """Live always; exercise where it has accounts."""
        return [m for m in Mode if m is Mode.LIVE or self._channels.get(m)]

    def _record(self, tx: Tx) -> Iterator[Figure]:
        number, since = figures.unsealed(tx)
        yield _figure("audit_events_total", audit_log.size(tx))
        yield _figure("unsealed_events", number)
        yield _figure("seal_lag_seconds", _age(tx, since))
        yield _figure("anchor_age_seconds", _age(tx, self._not_laid_down_since(tx)))

    def _not_laid_down_since(self, tx: Tx) -> datetime | None:
        """Since when the oldest checkpoint waits that is not outside yet. What cannot be read there counts as not there."""
        newest = next((c.note for c in audit_log.last_checkpoints(tx)), "")
        try:
            laid_down = next(iter(self._anchors.latest(1)), "")
            size = Note(laid_down).size if laid_down else 0
        except (OSError, ValueError):
            laid_down, size = "", 0
        if not newest or newest == laid_down:
            return None
        # A log that was restored from a backup goes on from a smaller one, and the newest is all that can be said of it.
        waiting = figures.note_after(tx, size) or newest
        return datetime.fromisoformat(Note(waiting).lines["time"])

    def _accounts(self, tx: Tx) -> Iterator[Figure]:
        probed = {(p.mode, p.name): p for p in readiness.every(tx)}
        for mode in Mode:
            for row in accounts.every(tx, mode=mode):
                found = probed.get((mode, row.name))
                is_old = found is not None and found.at < tx.now() - CHECKED_WITHIN
                if row.name not in self._channels.get(mode, {}) and (found is None or is_old):
                    continue  # its file was taken away
                labels = {"mode": mode, "channel": row.channel, "account": row.name}
                now = str(found.state) if found else "unchecked"
                for state in (*ReadinessState, "unchecked"):
                    yield _figure("account_state", state == now, **labels, state=state)
                yield _figure("account_paused", row.paused_at is not None, **labels)
                yield _figure("account_failing", row.is_failing(tx.now()), **labels)
                if found:
                    yield _figure("account_checked_age_seconds", _age(tx, found.at), **labels)
                if found and found.readiness.valid_until:
                    left = (found.readiness.valid_until - tx.now()).total_seconds()
                    yield _figure("account_credentials_left_seconds", left, **labels)

    # --- beside the database ------------------------------------------------------------------------------

    def _of_this_machine(self) -> Iterator[Figure]:
        yield _figure("broker_up", self._broker_answers())
        yield from self._processes()
        yield from self._spill()
        for name, folder in (("data", self._root), ("anchors", self._anchors.folder)):
            if folder.is_dir():
                usage = shutil.disk_usage(folder)
                yield _figure("disk_free_bytes", usage.free, folder=name)
                yield _figure("disk_free_ratio", usage.free / usage.total, folder=name)

    def _processes(self) -> Iterator[Figure]:
        """By kind, the numbers of several taken off. Those that should be there are told where none is."""
        kinds = [f"{mode}-{each}" for mode in self._modes() for each in (*Lane, "pump")]
        alive = dict.fromkeys([*kinds, "sweeper", "sealer"], 0)
        for sign in signs(self._root):
            if not sign.is_silent(SILENT_AFTER_S):
                kind = re.sub(r"-\d+$", "", sign.name)
                alive[kind] = alive.get(kind, 0) + 1
        for kind, number in sorted(alive.items()):
            yield _figure("processes_alive", number, process=kind)

    def _spill(self) -> Iterator[Figure]:
        try:
            stat = (self._root / "spill" / "outcomes.jsonl").stat()
            size, age = stat.st_size, max(0.0, time.time() - stat.st_mtime)
        except OSError:
            size, age = 0, 0.0
        yield _figure("spill_bytes", size)
        yield _figure("spill_age_seconds", age if size else 0)


def _waiting(tx: Tx, modes: Sequence[Mode]) -> Iterator[Figure]:
    heaps, running = figures.heaps(tx), figures.running(tx)
    working = figures.lanes_that_brought(tx, within=NOBODY_SENDS_AFTER)
    working |= {(h.mode, h.lane) for h in heaps if h.state == "leased"}
    for mode in modes:
        mine = [r for r in running if r.mode == mode]
        yield _figure("sending_broadcasts", len({r.broadcast_id for r in mine}), mode=mode)
        unplanned = sum(r.planned_total - r.planned for r in mine)
        yield _figure("unplanned_deliveries", unplanned, mode=mode)
        for (lane, channel), number in _planned(mine).items():
            yield _figure("sending_deliveries", number, mode=mode, lane=lane, channel=channel)
        for lane in Lane:
            here = {h.state: h for h in heaps if (h.mode, h.lane) == (mode, lane)}
            for state in ("ready", "waiting", "leased", "lapsed"):
                number = here[state].number if state in here else 0
                yield _figure("batches", number, mode=mode, lane=lane, state=state)
            since = [r.released_at for r in mine if r.lane == lane and r.planned == 0 < r.planned_total]
            since += [here["ready"].since] if "ready" in here else []
            yield _figure("oldest_ready_seconds", _age(tx, min(since, default=None)), mode=mode, lane=lane)
            yield _figure("lane_working", (mode, lane) in working, mode=mode, lane=lane)


def _planned(running: Sequence[figures.Running]) -> dict[tuple[str, str], int]:
    totals: Counter[tuple[str, str]] = Counter()
    for each in running:
        totals[each.lane, each.channel] += each.planned_total
    return dict(totals)


def _doubts(tx: Tx) -> Iterator[Figure]:
    for each in figures.doubts(tx):
        where = {"mode": each.mode, "channel": each.channel}
        yield _figure("unknown", each.number, **where, state=each.state)
        if each.since:
            yield _figure("oldest_unknown_seconds", _age(tx, each.since), **where)


def _told(tx: Tx) -> Iterator[Figure]:
    until = alarms.watched_until(tx)
    yield _figure("sweeper_leading", until is not None and until > tx.now() - WATCHED_WITHIN)
    for code, number in sorted(figures.alarms_open(tx).items()):
        yield _figure("alarms_open", number, code=code)


def _age(tx: Tx, since: datetime | None) -> float:
    return max(0.0, (tx.now() - since).total_seconds()) if since else 0.0


def _figure(name: str, value: float, **labels: str) -> Figure:
    return Figure(name=f"broadcaster_{name}", value=float(value), labels=labels)
