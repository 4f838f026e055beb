"""Writing scheduled notices: a new one, another version of one, and handing it over for approval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from broadcaster.db import audit_log, notices, schedule_versions, schedules, templates
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.db.schedule_versions import ScheduleVersion
from broadcaster.db.schedules import Schedule
from broadcaster.domain.canonical import Json, canonical, sha256
from broadcaster.domain.computed import Kind, formulas
from broadcaster.domain.errors import Invalid, Stale
from broadcaster.domain.languages import language_problems
from broadcaster.domain.message import Mode, Visibility
from broadcaster.domain.notice import NoticeTemplate
from broadcaster.domain.policy import Action, require
from broadcaster.domain.schedule import Plan, ScheduleState
from broadcaster.service.audiences import latest
from broadcaster.service.compose import Compose
from broadcaster.service.recurrence import expand
from broadcaster.service.retired import refuse_retired
from broadcaster.service.rules import Rules
from broadcaster.service.schedule_table import read_schedule_table
from broadcaster.service.schedules import Schedules, Shown, going_on, shown_version
from broadcaster.service.series import Series, as_text, template_in_force

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


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
    #: Beside the template's own. None for all that are spoken here, or of a schedule that is there those that it is in.
    languages: Sequence[str] | None = None


class ScheduleWriting:
    def __init__(
        self, database: Database, schedules: Schedules, compose: Compose, series: Series, rules: Rules
    ) -> None:
        self._database = database
        self._schedules = schedules
        self._compose = compose
        self._series = series
        self._rules = rules

    def add(self, actor: Person, written: Written, *, mode: Mode = Mode.LIVE) -> Schedule:
        """A new schedule, which nobody has approved. Invalid or NotFound where anything given cannot be used."""
        require(actor.name, actor.roles, Action.WRITE)
        self._check(written)
        accounts = self._compose.accounts_for(mode, written.channels or written.template.channels)
        with self._database.write() as tx:
            row = schedules.insert(tx, name=_name(written), mode=mode, author_id=actor.id)
            languages = self._compose.policy.order_for(written.template, written.languages)
            self._write(tx, actor, row, written, accounts, languages, act="schedule_written")
        return row

    def change(self, actor: Person, ref: str, written: Written, *, base: int = 0) -> Schedule:
        """Another version. What is approved goes on until this one is approved too, and then ends. With `base`, Stale where that
        is not the version any more that is shown: somebody else has changed it meanwhile."""
        require(actor.name, actor.roles, Action.WRITE)
        self._check(written)
        with self._database.write() as tx:
            row = going_on(tx, ref)
            before = shown_version(tx, row)
            _require_base(row, before, base)
            accounts = self._compose.accounts_for(row.mode, written.channels or written.template.channels)
            kept = before.languages.split() if written.languages is None else written.languages
            languages = self._compose.policy.order_for(written.template, kept)
            self._write(tx, actor, row, written, accounts, languages, act="schedule_changed")
        return row

    def _check(self, written: Written) -> None:
        _name(written)
        wanted = self._compose.policy.order_for(written.template, written.languages)
        if problems := language_problems(written.template, wanted):
            raise Invalid("The schedule cannot be used yet. Nothing was changed.", details=tuple(problems))
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
        languages: Sequence[str],
        *,
        act: str,
    ) -> None:
        template = written.template
        refuse_retired(tx, template.name, written.plan.clock)
        content = canonical(template.to_json()).decode()
        template_id = notices.ensure(tx, name=template.name, sha256=template.sha256, content=content)
        no = schedule_versions.insert_version(
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
            languages=languages,
        )
        payload: dict[str, Json] = {"version": no, "template": template.name, "mode": str(row.mode)}
        payload["plan_sha256"] = sha256(written.plan.to_json())
        audit_log.append(tx, actor=actor.name, act=act, subject=row.ref, payload=payload)

    def submit(self, actor: Person, ref: str) -> str:
        """Hand over for approval: what is to be approved is frozen. Its hash. Invalid, with everything that is to be mended."""
        require(actor.name, actor.roles, Action.WRITE)
        shown = self._schedules.one(ref)
        with self._database.write() as tx:
            row = going_on(tx, ref)
            version = schedule_versions.newest(tx, row.id)
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
            schedule_versions.set_version(
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


def _require_base(row: Schedule, now: ScheduleVersion, base: int) -> None:
    if base not in {0, now.no}:
        raise Stale(
            f"{row.ref} was changed meanwhile by {now.author}: it is at version {now.no}, and you began from {base}. Compare the "
            "two; what you send now takes the place of theirs. Nothing was changed."
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
    rows, zone = schedule_versions.table(tx, version.table_id)["rows"], version.plan.clock
    days = [r.at.astimezone(zone).date().isoformat() for r in version.plan.runs(expand, after=tx.now())]
    return tuple(
        f'The table has no "{f.name}" for {day}, on which a run is due.'
        for f in named
        for day in days
        if not rows.get(day, {}).get(f.name)
    )


def _table(tx: Tx, row: Schedule, written: Written) -> int | None:
    if written.table is None:
        known = schedule_versions.versions(tx, row.id)
        return known[0].table_id if known else None
    return (
        schedule_versions.ensure_table(tx, read_schedule_table(written.table))
        if written.table.strip()
        else None
    )


def _name(written: Written) -> str:
    name = " ".join(written.name.split())
    if not name or len(name) > 100:
        raise Invalid(
            "The schedule cannot be used yet. Nothing was changed.",
            details=("name: is needed, and has 100 characters at most",),
        )
    return name
