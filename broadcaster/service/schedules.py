"""Planning scheduled notices: writing, handing over, approving a whole series beforehand, pausing, leaving out, changing, ending.

A one-off is a series of one (ADR 16). What is due is sent by `service/firing.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

from broadcaster.db import audit_log, notices, schedules, templates
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.db.schedules import Run, Schedule, ScheduleVersion
from broadcaster.domain.canonical import Json, canonical, sha256
from broadcaster.domain.computed import Kind, formulas
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound, Problem, Stale
from broadcaster.domain.message import Mode, Visibility
from broadcaster.domain.notice import NoticeTemplate
from broadcaster.domain.policy import Action, Role, require, require_reason
from broadcaster.domain.schedule import SHOWN_RUNS, Plan, Planned, RunState, ScheduleState
from broadcaster.service.approve import FACTOR_TOKEN
from broadcaster.service.audiences import latest
from broadcaster.service.compose import Compose
from broadcaster.service.proof import Proof
from broadcaster.service.recurrence import expand
from broadcaster.service.rules import Rules
from broadcaster.service.schedule_table import read_schedule_table
from broadcaster.service.series import (
    Fetched,
    Series,
    as_text,
    lasting_problems,
    problems_of,
    template_in_force,
)

MOST_SHOWN = 100
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_FAR = datetime(9999, 1, 1, tzinfo=UTC)
WAITING = frozenset({ScheduleState.DRAFT, ScheduleState.SUBMITTED, ScheduleState.RETURNED})


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a planner writes. `values` holds formulas too. `table` is the text of a CSV; None keeps the one that is there."""

    name: str
    template: NoticeTemplate
    values: Mapping[str, str]
    plan: Plan
    channels: Sequence[str] = ()
    audience: str = ""
    visibility: Visibility = Visibility.PUBLIC
    table: str | None = None


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
    """One schedule in the list; `next` is its next run, if there is one."""

    schedule: Schedule
    version: ScheduleVersion
    state: str
    next: Planned | None
    waits: bool


class Schedules:
    def __init__(self, database: Database, compose: Compose, series: Series, rules: Rules) -> None:
        self._database = database
        self._compose = compose
        self._series = series
        self._rules = rules

    # --- looking ------------------------------------------------------------------------------------------

    def listed(self) -> list[Entry]:
        """What is still going on first, by its next run; then what has ended."""
        with self._database.read() as tx:
            found = [_entry(tx, row) for row in schedules.listed(tx)]
        return sorted(found, key=lambda e: (e.state == "ended", e.next.at if e.next else _FAR))

    def waiting(self) -> list[tuple[Schedule, ScheduleVersion]]:
        """What waits for a decision."""
        with self._database.read() as tx:
            return schedules.waiting(tx)

    def one(self, ref: str, *, upcoming: int = SHOWN_RUNS) -> Shown:
        """With the next runs as they will read: of what waits for somebody, or else of what is in force."""
        with self._database.read() as tx:
            row = schedules.find(tx, ref)
            versions = _of(tx, row)
        fetched = self._series.fetch([versions.shown]) if upcoming else Fetched()
        with self._database.read() as tx:
            row = schedules.find(tx, ref)
            of = _of(tx, row)
            lasting = tuple(lasting_problems(of.shown, _columns(tx, of.shown)))
            runs = () if row.ended_at else self._ahead(tx, row, of.shown, fetched, upcoming, lasting)
            past = tuple(schedules.runs(tx, row.id, limit=MOST_SHOWN))
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
        left_out = schedules.run(tx, row.id, run.at)
        skipped = (left_out.person or "somebody") if left_out else ""
        if lasting:
            return ShownRun(planned=run, proof=None, problems=lasting, skipped=skipped)
        try:
            proof, values = self._series.proof(tx, row, version, run, fetched)
        except Problem as problem:
            return ShownRun(planned=run, proof=None, problems=problems_of(problem), skipped=skipped)
        return ShownRun(planned=run, proof=proof, problems=proof.problems, values=values, skipped=skipped)

    # --- writing ------------------------------------------------------------------------------------------

    def add(self, actor: Person, written: Written, *, mode: Mode = Mode.LIVE) -> Schedule:
        """A new schedule, which nobody has approved. Invalid or NotFound where anything given cannot be used."""
        require(actor.name, actor.roles, Action.WRITE)
        self._check(written)
        accounts = self._compose.accounts_for(mode, written.channels or written.template.channels)
        with self._database.write() as tx:
            row = schedules.insert(tx, name=_name(written), mode=mode, author_id=actor.id)
            self._write(tx, actor, row, written, accounts, act="schedule_written")
        return row

    def change(self, actor: Person, ref: str, written: Written) -> Schedule:
        """Another version. What is approved goes on until this one is approved too, and then ends."""
        require(actor.name, actor.roles, Action.WRITE)
        self._check(written)
        with self._database.write() as tx:
            row = _going_on(tx, ref)
            accounts = self._compose.accounts_for(row.mode, written.channels or written.template.channels)
            self._write(tx, actor, row, written, accounts, act="schedule_changed")
        return row

    def _check(self, written: Written) -> None:
        _name(written)
        self._series.check_addresses(written.values)
        if next(written.plan.runs(expand, after=_LONG_AGO), None) is None:
            raise Invalid("This gives no run at all. Look at the rule and the last day. Nothing was changed.")

    def _write(
        self,
        tx: Tx,
        actor: Person,
        row: Schedule,
        written: Written,
        accounts: Sequence[str],
        *,
        act: str,
    ) -> None:
        template = written.template
        content = canonical(template.to_json()).decode()
        template_id = notices.ensure(tx, name=template.name, sha256=template.sha256, content=content)
        no = schedules.insert_version(
            tx,
            row.id,
            plan=written.plan,
            template_id=template_id,
            template_no=templates.number_of(tx, template_id),
            blanks={name: text for name, text in written.values.items() if text.strip()},
            accounts=accounts,
            audience_id=schedules.audience_id(tx, latest(tx, written.audience).name)
            if written.audience
            else None,
            visibility=written.visibility,
            table_id=_table(tx, row, written),
            author_id=actor.id,
        )
        payload: dict[str, Json] = {"version": no, "template": template.name, "mode": str(row.mode)}
        payload["plan_sha256"] = sha256(written.plan.to_json())
        audit_log.append(tx, actor=actor.name, act=act, subject=row.ref, payload=payload)

    def submit(self, actor: Person, ref: str) -> str:
        """Hand over for approval: what is to be approved is frozen. Its hash. Invalid, with everything that is to be mended."""
        require(actor.name, actor.roles, Action.WRITE)
        shown = self.one(ref)
        with self._database.write() as tx:
            row = _going_on(tx, ref)
            version = schedules.newest(tx, row.id)
            if version.id != shown.newest.id or version.state not in {
                ScheduleState.DRAFT,
                ScheduleState.RETURNED,
            }:
                raise Stale(f"{row.ref} is {version.state}, not a draft. Nothing was changed.")
            self._rules.require_first_live(tx, actor, row.mode)
            problems = (*_in_the_way(tx, shown), *_gaps(tx, version))
            if problems:
                raise Invalid(
                    f"{row.ref} cannot be handed over yet. Nothing was changed.", details=problems[:20]
                )
            bounds = self._series.bounds(tx, row, version)
            digest = sha256(bounds)
            schedules.set_version(
                tx,
                version.id,
                ScheduleState.SUBMITTED,
                bounds=as_text(bounds),
                bounds_sha256=digest,
                submitted_by=actor.id,
                submitted_at=tx.now(),
            )
            payload: dict[str, Json] = {"version": version.no, "standing_sha256": digest}
            audit_log.append(tx, actor=actor.name, act="schedule_submitted", subject=row.ref, payload=payload)
        return digest

    # --- deciding -----------------------------------------------------------------------------------------

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
            return schedules.version_by_id(tx, version.id)

    def _compare(self, tx: Tx, row: Schedule, version: ScheduleVersion) -> Planned:
        """The first run. Stale where anything is not what was shown."""
        if as_text(self._series.bounds(tx, row, version)) != version.bounds:
            raise Stale(
                f"What {row.ref} would send has changed since it was handed over: its audience, an account, or what is stored. "
                "Return it, then its officer hands it over again. Nothing was changed."
            )
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
        before = schedules.in_force(tx, row.id)
        if before:
            schedules.end_version(tx, before.id)
            if before.next_at and before.next_at > tx.now():
                schedules.set_next(tx, before.id, None)
        standing_id = schedules.insert_standing(
            tx,
            mode=row.mode,
            bounds=version.bounds,
            approver_id=actor.id,
            factor=actor.factor or FACTOR_TOKEN,
            ends_at=version.plan.ends_at,
        )
        schedules.set_version(
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
            schedules.set_version(
                tx, version.id, state, decided_by=actor.id, decided_at=tx.now(), reason=reason.strip()
            )
            payload: dict[str, Json] = {"version": version.no, "reason": reason.strip()}
            audit_log.append(tx, actor=actor.name, act=act, subject=row.ref, payload=payload)

    def _waiting(self, tx: Tx, actor: Person, ref: str) -> tuple[Schedule, ScheduleVersion]:
        """What waits for a decision. NotAllowed for who has touched any version of it, or worded its template."""
        row = _going_on(tx, ref)
        version = schedules.newest(tx, row.id)
        if version.state is not ScheduleState.SUBMITTED:
            raise Stale(f"{row.ref} is {version.state} and waits for no decision. Nothing was changed.")
        if Role.APPROVER not in actor.roles:
            raise NotAllowed("A delegation covers no schedule. An approver must decide. Nothing was changed.")
        touched = schedules.authors(tx, row.id)
        if actor.id in touched | templates.editors(tx, version.template_id, version.template_no):
            raise NotAllowed(
                f"You wrote, changed or handed over {row.ref}, or worded its template, so another person must decide. "
                "Nothing was changed."
            )
        return row, version

    # --- while it goes on ---------------------------------------------------------------------------------

    def pause(self, actor: Person, ref: str, reason: str) -> None:
        """Nothing goes out until it is resumed; what comes due meanwhile is left out for good."""
        require(actor.name, actor.roles, Action.SCHEDULE)
        require_reason(reason)
        with self._database.write() as tx:
            row = _going_on(tx, ref)
            if row.paused_at:
                raise Stale(f"{row.ref} is paused already, by {row.paused_by}. Nothing was changed.")
            schedules.set_paused(tx, row.id, actor.id, reason.strip())
            payload: dict[str, Json] = {"reason": reason.strip()}
            audit_log.append(tx, actor=actor.name, act="schedule_paused", subject=row.ref, payload=payload)

    def resume(self, actor: Person, ref: str) -> None:
        """From the next run on. What came due meanwhile stays left out."""
        require(actor.name, actor.roles, Action.SCHEDULE)
        with self._database.write() as tx:
            row = _going_on(tx, ref)
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
            row = _going_on(tx, ref)
            version = schedules.in_force(tx, row.id)
            _require_planned(tx, row, version, planned_at)
            if not schedules.add_run(
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
            row = _going_on(tx, ref)
            if not schedules.remove_skip(tx, row.id, planned_at):
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
            row = _going_on(tx, ref)
            schedules.set_ended(tx, row.id, reason.strip())
            payload: dict[str, Json] = {"reason": reason.strip()}
            audit_log.append(tx, actor=actor.name, act="schedule_ended", subject=row.ref, payload=payload)


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
    return _Versions(newest=schedules.newest(tx, row.id), in_force=schedules.in_force(tx, row.id))


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
    )


def _next(tx: Tx, row: Schedule, version: ScheduleVersion) -> Planned | None:
    for each in version.plan.runs(expand, after=tx.now()):
        if schedules.run(tx, row.id, each.at) is None:
            return each
    return None


def leave_out_what_is_due(tx: Tx, row: Schedule) -> None:
    """What came due while it was paused, and no sweeper has looked at yet: it must not go out late because somebody resumed."""
    for version in schedules.versions(tx, row.id):
        if version.next_at is None or version.next_at > tx.now():
            continue
        until = min(tx.now(), version.until_at or tx.now())
        for run in version.plan.runs(expand, after=version.next_at - timedelta(seconds=1), until=until):
            schedules.add_run(
                tx, row, version.id, run.at, RunState.SKIPPED, code="paused", reason=row.pause_reason
            )


def _going_on(tx: Tx, ref: str) -> Schedule:
    row = schedules.find(tx, ref, lock=True)
    if row.ended_at:
        raise Stale(f"{row.ref} has ended. Write a new schedule. Nothing was changed.")
    return row


def _require_planned(tx: Tx, row: Schedule, version: ScheduleVersion | None, planned_at: datetime) -> None:
    ahead = version and planned_at > tx.now()
    if not ahead or not any(
        run.at == planned_at
        for run in version.plan.runs(expand, after=tx.now(), until=planned_at)  # type: ignore[union-attr]
    ):
        raise NotFound(
            f"{row.ref} has no run ahead at that time. Look at its next runs. Nothing was changed."
        )


def _in_the_way(tx: Tx, shown: Shown) -> tuple[str, ...]:
    if not shown.upcoming:
        return ("Every run lies in the past. Give a later first run or last day.",)
    found: list[str] = list(shown.problems)
    for run in shown.upcoming:
        found += [problem for problem in run.problems if problem not in found]
    if template_in_force(tx, str(shown.newest.template["name"])) != shown.newest.template_sha256:
        found.append(
            "The notice template was edited since. Change the schedule, so that it has the new wording."
        )
    return tuple(found)


def _gaps(tx: Tx, version: ScheduleVersion) -> tuple[str, ...]:
    """Runs for which the table has no cell: to be seen now, and not on the day."""
    named = [f for f in formulas(version.blanks).values() if f.kind is Kind.COLUMN and not f.otherwise]
    if not named or not version.table_id:
        return ()
    rows, zone = schedules.table(tx, version.table_id)["rows"], version.plan.clock
    days = [r.at.astimezone(zone).date().isoformat() for r in version.plan.runs(expand, after=tx.now())]
    return tuple(
        f'The table has no "{f.name}" for {day}, on which a run is due.'
        for f in named
        for day in days
        if not rows.get(day, {}).get(f.name)
    )


def _columns(tx: Tx, version: ScheduleVersion) -> Sequence[str]:
    return schedules.table(tx, version.table_id)["columns"] if version.table_id else ()


def _table(tx: Tx, row: Schedule, written: Written) -> int | None:
    if written.table is None:
        known = schedules.versions(tx, row.id)
        return known[0].table_id if known else None
    return schedules.ensure_table(tx, read_schedule_table(written.table)) if written.table.strip() else None


def _name(written: Written) -> str:
    name = " ".join(written.name.split())
    if not name or len(name) > 100:
        raise Invalid(
            "The schedule cannot be used yet. Nothing was changed.",
            details=("name: is needed, and has 100 characters at most",),
        )
    return name


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
