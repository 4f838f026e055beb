"""Scheduled notices while they go on: pausing and resuming, leaving out one run, ending."""

from datetime import datetime, timedelta

from broadcaster.db import audit_log, schedule_runs, schedule_versions, schedules
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.db.schedule_versions import ScheduleVersion
from broadcaster.db.schedules import Schedule
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import NotFound, Stale
from broadcaster.domain.policy import Action, require, require_reason
from broadcaster.domain.schedule import RunState
from broadcaster.service.recurrence import expand
from broadcaster.service.schedules import going_on


class ScheduleCourse:
    def __init__(self, database: Database) -> None:
        self._database = database

    def pause(self, actor: Person, ref: str, reason: str) -> None:
        """Nothing goes out until it is resumed; what comes due meanwhile is left out for good."""
        require(actor.name, actor.roles, Action.SCHEDULE)
        require_reason(reason)
        with self._database.write() as tx:
            row = going_on(tx, ref)
            if row.paused_at:
                raise Stale(f"{row.ref} is paused already, by {row.paused_by}. Nothing was changed.")
            schedules.set_paused(tx, row.id, actor.id, reason.strip())
            payload: dict[str, Json] = {"reason": reason.strip()}
            audit_log.append(tx, actor=actor.name, act="schedule_paused", subject=row.ref, payload=payload)

    def resume(self, actor: Person, ref: str) -> None:
        """From the next run on. What came due meanwhile stays left out."""
        require(actor.name, actor.roles, Action.SCHEDULE)
        with self._database.write() as tx:
            row = going_on(tx, ref)
            if not row.paused_at:
                raise Stale(f"{row.ref} is not paused. Nothing was changed.")
            leave_out_what_is_due(tx, row)
            schedules.set_paused(tx, row.id, None, "")
            audit_log.append(tx, actor=actor.name, act="schedule_resumed", subject=row.ref, payload={})

    def skip(self, actor: Person, ref: str, planned_at: datetime, reason: str) -> None:
        """Leave out one run that lies ahead."""
        require(actor.name, actor.roles, Action.SCHEDULE)
        require_reason(reason)
        with self._database.write() as tx:
            row = going_on(tx, ref)
            version = schedule_versions.in_force(tx, row.id)
            _require_planned(tx, row, version, planned_at)
            if not schedule_runs.add_run(
                tx,
                row,
                version.id if version else None,
                planned_at,
                RunState.SKIPPED,
                reason=reason.strip(),
                person_id=actor.id,
            ):
                raise Stale("That run is left out already. Nothing was changed.")
            payload: dict[str, Json] = {"planned": _iso(planned_at), "reason": reason.strip()}
            audit_log.append(
                tx, actor=actor.name, act="schedule_run_left_out", subject=row.ref, payload=payload
            )

    def unskip(self, actor: Person, ref: str, planned_at: datetime) -> None:
        """A run that was left out and lies ahead goes out after all."""
        require(actor.name, actor.roles, Action.SCHEDULE)
        with self._database.write() as tx:
            row = going_on(tx, ref)
            if not schedule_runs.remove_skip(tx, row.id, planned_at):
                raise Stale("No run that lies ahead is left out at that time. Nothing was changed.")
            payload: dict[str, Json] = {"planned": _iso(planned_at)}
            audit_log.append(
                tx, actor=actor.name, act="schedule_run_put_back", subject=row.ref, payload=payload
            )

    def end(self, actor: Person, ref: str, reason: str) -> None:
        """Nothing more of it goes out, ever."""
        require(actor.name, actor.roles, Action.SCHEDULE)
        require_reason(reason)
        with self._database.write() as tx:
            row = going_on(tx, ref)
            schedules.set_ended(tx, row.id, reason.strip())
            payload: dict[str, Json] = {"reason": reason.strip()}
            audit_log.append(tx, actor=actor.name, act="schedule_ended", subject=row.ref, payload=payload)


def leave_out_what_is_due(tx: Tx, row: Schedule) -> None:
    """What came due while it was paused, and no sweeper has looked at yet: it must not go out late because somebody resumed."""
    for version in schedule_versions.versions(tx, row.id):
        if version.next_at is None or version.next_at > tx.now():
            continue
        until = min(tx.now(), version.until_at or tx.now())
        for run in version.plan.runs(expand, after=version.next_at - timedelta(seconds=1), until=until):
            schedule_runs.add_run(
                tx, row, version.id, run.at, RunState.SKIPPED, code="paused", reason=row.pause_reason
            )


def _require_planned(tx: Tx, row: Schedule, version: ScheduleVersion | None, planned_at: datetime) -> None:
    ahead = version and planned_at > tx.now()
    if not ahead or not any(
        run.at == planned_at
        for run in version.plan.runs(expand, after=tx.now(), until=planned_at)  # type: ignore[union-attr]
    ):
        raise NotFound(
            f"{row.ref} has no run ahead at that time. Look at its next runs. Nothing was changed."
        )


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
