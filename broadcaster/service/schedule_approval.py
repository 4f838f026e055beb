"""Deciding about scheduled notices: a whole series is approved beforehand, given back or refused."""

from broadcaster.db import audit_log, schedule_versions, standing_approvals, templates
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.db.schedule_versions import ScheduleVersion
from broadcaster.db.schedules import Schedule
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import NotAllowed, Stale
from broadcaster.domain.policy import Action, Role, require, require_reason
from broadcaster.domain.schedule import Planned, ScheduleState
from broadcaster.service.approve import FACTOR_TOKEN
from broadcaster.service.recurrence import expand
from broadcaster.service.retired import refuse_retired
from broadcaster.service.rules import Rules
from broadcaster.service.schedules import going_on
from broadcaster.service.series import Series, as_text, template_in_force


class ScheduleApproval:
    def __init__(self, database: Database, series: Series, rules: Rules) -> None:
        self._database = database
        self._series = series
        self._rules = rules

    def approve(self, actor: Person, ref: str, bounds_sha256: str) -> ScheduleVersion:
        """A standing approval of what has this hash: its runs go out by themselves from now on. Stale or NotAllowed, with the
        reason, and nothing changed, otherwise."""
        require(actor.name, actor.roles, Action.APPROVE)
        with self._database.write() as tx:
            row, version = self._waiting(tx, actor, ref)
            if bounds_sha256.strip().lower() != version.bounds_sha256:
                raise Stale(
                    f"This is not what {row.ref} says now. Look at it again, and approve what it says then. Nothing was changed."
                )
            self._rules.require_first_live(tx, actor, row.mode)
            self._rules.require_fresh(tx, actor, row.mode)
            first = self._compare(tx, row, version)
            self._take_over(tx, row, version, actor, first)
            payload: dict[str, Json] = {
                "version": version.no,
                "standing_sha256": version.bounds_sha256,
                "factor": actor.factor or FACTOR_TOKEN,
                "until": version.plan.last.isoformat(),
            }
            audit_log.append(tx, actor=actor.name, act="schedule_approved", subject=row.ref, payload=payload)
            return schedule_versions.version_by_id(tx, version.id)

    def _compare(self, tx: Tx, row: Schedule, version: ScheduleVersion) -> Planned:
        """The first run. Stale where anything is not what was shown."""
        if as_text(self._series.bounds(tx, row, version)) != version.bounds:
            raise Stale(
                f"What {row.ref} would send has changed since it was handed over: its audience, an account, or what is stored. "
                "Return it, then its officer hands it over again. Nothing was changed."
            )
        refuse_retired(tx, str(version.template["name"]), version.plan.clock)
        if template_in_force(tx, str(version.template["name"])) != version.template_sha256:
            raise Stale(
                f"The notice template of {row.ref} was edited since. Return it, then its officer writes it anew. Nothing was changed."
            )
        first = version.plan.next_run(expand, after=tx.now())
        if first is None:
            raise Stale(f"Every run of {row.ref} lies in the past. Nothing was changed.")
        return first

    def _take_over(
        self, tx: Tx, row: Schedule, version: ScheduleVersion, actor: Person, first: Planned
    ) -> None:
        before = schedule_versions.in_force(tx, row.id)
        if before:
            schedule_versions.end_version(tx, before.id)
            if before.next_at and before.next_at > tx.now():
                schedule_versions.set_next(tx, before.id, None)
        standing_id = standing_approvals.insert_standing(
            tx,
            mode=row.mode,
            bounds=version.bounds,
            approver_id=actor.id,
            factor=actor.factor or FACTOR_TOKEN,
            ends_at=version.plan.ends_at,
        )
        schedule_versions.set_version(
            tx,
            version.id,
            ScheduleState.APPROVED,
            standing_approval_id=standing_id,
            decided_by=actor.id,
            decided_at=tx.now(),
            from_at=tx.now(),
            next_at=first.at,
        )

    def send_back(self, actor: Person, ref: str, reason: str) -> None:
        """Return it to its officer, with the reason."""
        self._decide(actor, ref, reason, ScheduleState.RETURNED, "schedule_returned")

    def reject(self, actor: Person, ref: str, reason: str) -> None:
        """Refuse this version for good, with the reason. What was approved before goes on."""
        self._decide(actor, ref, reason, ScheduleState.REJECTED, "schedule_rejected")

    def _decide(self, actor: Person, ref: str, reason: str, state: ScheduleState, act: str) -> None:
        require(actor.name, actor.roles, Action.APPROVE)
        require_reason(reason)
        with self._database.write() as tx:
            row, version = self._waiting(tx, actor, ref)
            schedule_versions.set_version(
                tx, version.id, state, decided_by=actor.id, decided_at=tx.now(), reason=reason.strip()
            )
            payload: dict[str, Json] = {"version": version.no, "reason": reason.strip()}
            audit_log.append(tx, actor=actor.name, act=act, subject=row.ref, payload=payload)

    def _waiting(self, tx: Tx, actor: Person, ref: str) -> tuple[Schedule, ScheduleVersion]:
        """What waits for a decision. NotAllowed for who has touched any version of it, or worded its template."""
        row = going_on(tx, ref)
        version = schedule_versions.newest(tx, row.id)
        if version.state is not ScheduleState.SUBMITTED:
            raise Stale(f"{row.ref} is {version.state} and waits for no decision. Nothing was changed.")
        if Role.APPROVER not in actor.roles:
            raise NotAllowed("A delegation covers no schedule. An approver must decide. Nothing was changed.")
        touched = schedule_versions.authors(tx, row.id)
        if actor.id in touched | templates.editors(tx, version.template_id, version.template_no):
            raise NotAllowed(
                f"You wrote, changed or handed over {row.ref}, or worded its template, so another person must decide. "
                "Nothing was changed."
            )
        return row, version
