"""Scheduled notices, looked at: which there are, what waits for a decision, and the next runs of one as they will read.

A one-off is a series of one (ADR 16). They are written by `schedule_writing.py`, approved by `schedule_approval.py` and held by
`schedule_course.py`; what is due is sent by `firing.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from broadcaster.db import schedule_runs, schedule_versions, schedules
from broadcaster.db.engine import Database, Tx
from broadcaster.db.schedule_runs import Run
from broadcaster.db.schedule_versions import ScheduleVersion
from broadcaster.db.schedules import Schedule
from broadcaster.domain.errors import Problem, Stale
from broadcaster.domain.schedule import SHOWN_RUNS, Planned, RunState, ScheduleState
from broadcaster.service.proof import Proof
from broadcaster.service.recurrence import expand
from broadcaster.service.retired import why_retired
from broadcaster.service.series import Fetched, Series, lasting_problems, problems_of

MOST_SHOWN = 100
_FAR = datetime(9999, 1, 1, tzinfo=UTC)
WAITING = frozenset({ScheduleState.DRAFT, ScheduleState.SUBMITTED, ScheduleState.RETURNED})


@dataclass(frozen=True, kw_only=True)
class ShownRun:
    """One run that lies ahead, as it will read. There is no `proof` where it cannot be filled in; `skipped` is who left it out."""

    planned: Planned
    proof: Proof | None
    problems: tuple[str, ...]
    values: Mapping[str, str] = field(default_factory=dict)
    skipped: str = ""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """`waiting` is what somebody writes or is to decide; `in_force` what goes out meanwhile. Either may be missing."""

    schedule: Schedule
    in_force: ScheduleVersion | None
    waiting: ScheduleVersion | None
    newest: ScheduleVersion
    upcoming: tuple[ShownRun, ...]
    past: tuple[Run, ...]
    problems: tuple[str, ...] = ()

    @property
    def shown(self) -> ScheduleVersion:
        return self.waiting or self.in_force or self.newest

    @property
    def state(self) -> str:
        if self.schedule.ended_at:
            return "ended"
        if self.in_force:
            return "paused" if self.schedule.paused_at else "approved"
        return str(self.newest.state)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One schedule in the list; `next` is its next run, if there is one, and `problem` why it will not go out as it is."""

    schedule: Schedule
    version: ScheduleVersion
    state: str
    next: Planned | None
    waits: bool
    problem: str = ""


class Schedules:
    def __init__(self, database: Database, series: Series) -> None:
        self._database = database
        self._series = series

    def listed(self) -> list[Entry]:
        """What is still going on first, by its next run; then what has ended."""
        with self._database.read() as tx:
            found = [_entry(tx, row) for row in schedules.listed(tx)]
        return sorted(found, key=lambda e: (e.state == "ended", e.next.at if e.next else _FAR))

    def waiting(self) -> list[tuple[Schedule, ScheduleVersion]]:
        """What waits for a decision."""
        with self._database.read() as tx:
            return schedule_versions.waiting(tx)

    def one(self, ref: str, *, upcoming: int = SHOWN_RUNS) -> Shown:
        """With the next runs as they will read: of what waits for somebody, or else of what is in force."""
        with self._database.read() as tx:
            row = schedules.find(tx, ref)
            versions = _of(tx, row)
        fetched = self._series.fetch([versions.shown]) if upcoming else Fetched()
        with self._database.read() as tx:
            row = schedules.find(tx, ref)
            of = _of(tx, row)
            retired = () if row.ended_at else _retired(tx, of.shown)
            lasting = (*retired, *lasting_problems(of.shown, _columns(tx, of.shown)))
            runs = () if row.ended_at else self._ahead(tx, row, of.shown, fetched, upcoming, lasting)
            past = tuple(schedule_runs.runs(tx, row.id, limit=MOST_SHOWN))
        return Shown(
            schedule=row,
            in_force=of.in_force,
            waiting=of.waiting,
            newest=of.newest,
            upcoming=tuple(runs),
            past=tuple(r for r in past if not (r.state is RunState.SKIPPED and r.planned_at > r.decided_at)),
            problems=lasting,
        )

    def _ahead(
        self,
        tx: Tx,
        row: Schedule,
        version: ScheduleVersion,
        fetched: Fetched,
        number: int,
        lasting: tuple[str, ...],
    ) -> Sequence[ShownRun]:
        return [
            self._shown(tx, row, version, run, fetched, lasting)
            for run in islice(version.plan.runs(expand, after=tx.now()), number)
        ]

    def _shown(
        self,
        tx: Tx,
        row: Schedule,
        version: ScheduleVersion,
        run: Planned,
        fetched: Fetched,
        lasting: tuple[str, ...],
    ) -> ShownRun:
        left_out = schedule_runs.run(tx, row.id, run.at)
        skipped = (left_out.person or "somebody") if left_out else ""
        if lasting:
            return ShownRun(planned=run, proof=None, problems=lasting, skipped=skipped)
        try:
            proof, values = self._series.proof(tx, row, version, run, fetched)
        except Problem as problem:
            return ShownRun(planned=run, proof=None, problems=problems_of(problem), skipped=skipped)
        return ShownRun(planned=run, proof=proof, problems=proof.problems, values=values, skipped=skipped)


def going_on(tx: Tx, ref: str) -> Schedule:
    """For who is about to change it: nobody else does until the transaction ends. Stale where it is over."""
    row = schedules.find(tx, ref, lock=True)
    if row.ended_at:
        raise Stale(f"{row.ref} has ended. Write a new schedule. Nothing was changed.")
    return row


def shown_version(tx: Tx, row: Schedule) -> ScheduleVersion:
    """What waits for somebody, or else what is in force."""
    return _of(tx, row).shown


@dataclass(frozen=True, kw_only=True)
class _Versions:
    newest: ScheduleVersion
    in_force: ScheduleVersion | None

    @property
    def waiting(self) -> ScheduleVersion | None:
        return self.newest if self.newest.state in WAITING else None

    @property
    def shown(self) -> ScheduleVersion:
        return self.waiting or self.in_force or self.newest


def _of(tx: Tx, row: Schedule) -> _Versions:
    return _Versions(
        newest=schedule_versions.newest(tx, row.id), in_force=schedule_versions.in_force(tx, row.id)
    )


def _entry(tx: Tx, row: Schedule) -> Entry:
    of = _of(tx, row)
    version = of.in_force or of.newest
    state = "ended" if row.ended_at else str(of.in_force.state if of.in_force else of.newest.state)
    ahead = None if row.ended_at else _next(tx, row, version)
    if ahead is None and of.in_force and not row.ended_at and not of.waiting:
        state = "over"
    return Entry(
        schedule=row,
        version=version,
        state="paused" if row.paused_at and not row.ended_at else state,
        next=ahead,
        waits=not row.ended_at and of.newest.state is ScheduleState.SUBMITTED,
        problem="" if ahead is None else " ".join(_retired(tx, version)),
    )


def _next(tx: Tx, row: Schedule, version: ScheduleVersion) -> Planned | None:
    for each in version.plan.runs(expand, after=tx.now()):
        if schedule_runs.run(tx, row.id, each.at) is None:
            return each
    return None


def _retired(tx: Tx, version: ScheduleVersion) -> tuple[str, ...]:
    """Said beforehand: at fire time it is refused for this."""
    why = why_retired(tx, str(version.template["name"]), version.plan.clock)
    return (f"{why} Nothing goes out until it is put back in force.",) if why else ()


def _columns(tx: Tx, version: ScheduleVersion) -> Sequence[str]:
    return schedule_versions.table(tx, version.table_id)["columns"] if version.table_id else ()
