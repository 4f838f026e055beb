"""Runs of schedules that are due: each is sent, refused, missed or left out, exactly once, with any number of sweepers.

Whoever holds the schedule's row decides; what was decided is a row that can be there only once. Everything that was approved is
checked again in the transaction that releases, and what stands against it takes everything back but the record of why.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from broadcaster.db import (
    accounts,
    audiences,
    audit_log,
    broadcasts,
    messages,
    schedule_runs,
    schedule_versions,
    schedules,
    standing_approvals,
    submissions,
)
from broadcaster.db.engine import Database, Tx
from broadcaster.db.messages import Message, Version
from broadcaster.db.schedule_versions import ScheduleVersion
from broadcaster.db.schedules import Schedule
from broadcaster.db.standing_approvals import StandingApproval
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.canonical import Json, sha256
from broadcaster.domain.errors import Problem
from broadcaster.domain.manifest import ApprovedSeries
from broadcaster.domain.message import MessageState, Mode
from broadcaster.domain.rota import DutyRole
from broadcaster.domain.schedule import Planned, RunState
from broadcaster.domain.times import time_in_words
from broadcaster.queue import Bells
from broadcaster.service.alarms import raise_alarm
from broadcaster.service.approve import Approve, Released
from broadcaster.service.compose import Compose
from broadcaster.service.findings import schedule_not_sent
from broadcaster.service.fire_checks import NotNow, require_within, standing_of, still_approved
from broadcaster.service.fire_holds import holds
from broadcaster.service.manifests import build_manifest, target_of
from broadcaster.service.pager import tell
from broadcaster.service.prepared import digest_for
from broadcaster.service.proof import Proof
from broadcaster.service.readiness import refuse_unready
from broadcaster.service.record import SYSTEM
from broadcaster.service.recurrence import expand
from broadcaster.service.series import Fetched, Series, problems_of
from broadcaster.service.ways import spares_of
from channels.base import ChannelsOfMode

log = structlog.get_logger()

AT_ONCE = 20  # schedules in one sweep: what else has time is not kept waiting
OVERTAKEN = "It was late, and the next one was due as well."
LATE = "Nobody was there to send it: it was found more than {minutes} minutes late."


@dataclass(frozen=True, kw_only=True)
class _Due:
    """A run that is due, with what governs it."""

    row: Schedule
    version: ScheduleVersion
    run: Planned
    fetched: Fetched


class Firing:
    """`holds` says what holds routine notices up now."""

    def __init__(
        self,
        database: Database,
        channels: ChannelsOfMode,
        bells: Bells,
        compose: Compose,
        approve: Approve,
        series: Series,
        *,
        held: Callable[[Tx, Schedule], Sequence[str]] = holds,
    ) -> None:
        self._database = database
        self._channels = channels
        self._bells = bells
        self._compose = compose
        self._approve = approve
        self._series = series
        self._holds = held

    def fire(self) -> None:
        """A step of the sweeper: everything that is due. Safe to run twice, and at the same time as others."""
        with self._database.read() as tx:
            due = [
                schedule_versions.version_by_id(tx, version_id)
                for version_id in schedule_versions.due(tx, limit=AT_ONCE)
            ]
        if not due:
            return
        fetched = self._series.fetch(due)
        for version in due:
            try:
                self._fire(version.id, fetched)
            except Exception:  # one that cannot be decided must not keep the others from going out
                log.exception("schedule_failed", version=version.id)

    def _fire(self, version_id: int, fetched: Fetched) -> None:
        with self._database.write() as tx:
            found = schedule_versions.version_by_id(tx, version_id)
            row = schedules.by_id(tx, found.schedule_id, lock=True)
            version = schedule_versions.version_by_id(
                tx, version_id
            )  # as it is now that nobody else decides about it
            runs = _due_runs(tx, version)
            if not runs:
                _advance(tx, version, tx.now())
                return
            released = self._decide(tx, row, version, runs, fetched)
            _advance(tx, version, runs[-1].at)
            made = broadcasts.by_message(tx, messages.find(tx, released.ref).id) if released else None
        if released and made:
            self._bells.ring(row.mode, Lane.PUBLIC, wanted=released.public_posts)
            if released.recipients:
                self._bells.plan(made.id, row.mode)

    def _decide(
        self,
        tx: Tx,
        row: Schedule,
        version: ScheduleVersion,
        runs: Sequence[Planned],
        fetched: Fetched,
    ) -> Released | None:
        """Of several that are due only the newest may still go out: five at once after a power cut would help nobody."""
        undecided = [run for run in runs if schedule_runs.run(tx, row.id, run.at) is None]
        if not undecided:
            return None
        if row.paused_at or row.ended_at:
            _leave_out(tx, row, version, undecided)
            return None
        missed = [(run, "overtaken", OVERTAKEN) for run in undecided[:-1]]
        if tx.now() - undecided[-1].at > version.plan.grace:
            late = LATE.format(minutes=version.plan.grace_minutes)
            missed = [(run, "late", late) for run in undecided]
        _miss(tx, row, version, missed)
        if len(missed) == len(undecided):
            return None
        return self._send_or_refuse(tx, _Due(row=row, version=version, run=undecided[-1], fetched=fetched))

    def _send_or_refuse(self, tx: Tx, due: _Due) -> Released | None:
        try:
            with tx.connection.begin_nested():  # what was written of it is taken back where it may not go out
                return self._send(tx, due)
        except NotNow as why:
            _refuse(tx, due, why.code, why.reason)
        except Problem as problem:
            _refuse(tx, due, "not_sendable", " ".join((problem.text, *problem.details)))
        except (ValueError, KeyError, TypeError):
            _refuse(
                tx,
                due,
                "altered",
                "What is stored of it cannot be read: it was altered. Tell an administrator.",
            )
        return None

    def _send(self, tx: Tx, due: _Due) -> Released:
        standing = standing_of(tx, due.version, due.run)
        bounds = still_approved(tx, self._series, due.row, due.version, standing)
        if why := self._holds(tx, due.row):
            raise NotNow("held", " ".join(why))
        self._require_accounts(tx, due)
        message, values = self._write(tx, due)
        version = messages.current_version(tx, message)
        proof = self._series.proofs(due.version.plan.clock).of_version(tx, message, version)
        if proof.problems:
            raise NotNow("not_sendable", " ".join(proof.problems))
        if version.facts.expires_at <= tx.now():
            raise NotNow("over", f"What it says ended at {version.facts.expires}.")
        released, digest = self._release(tx, due, message, version, proof, standing, bounds)
        standing_approvals.link(tx, released.broadcast, standing.id)
        schedule_runs.add_run(tx, due.row, due.version.id, due.run.at, RunState.SENT, message_id=message.id)
        _note_sent(tx, due, released, digest, standing, values)
        return released

    def _release(
        self,
        tx: Tx,
        due: _Due,
        message: Message,
        version: Version,
        proof: Proof,
        standing: StandingApproval,
        bounds: Mapping[str, Json],
    ) -> tuple[Released, str]:
        """Submitted as a person's would be, and released by the approval of its series. With the hash of its manifest."""
        series = ApprovedSeries(
            schedule=due.row.ref,
            version=due.version.no,
            planned=_iso(due.run.at),
            sha256=due.version.bounds_sha256,
        )
        submitter = due.version.submitted_by or due.version.author_id
        submission_id, digest, _ = self._compose.freeze(tx, message, proof, submitter, series=series)
        messages.set_state(tx, message.id, MessageState.SUBMITTED)
        stored = submissions.posts(tx, submission_id)
        configured = self._channels[due.row.mode]
        targets = [target_of(post.content, configured) for post in stored]
        built = build_manifest(tx, message, version, targets, configured, digest_for(tx, submission_id))
        manifest = replace(built, series=series)
        require_within(bounds, manifest)
        approval_id = submissions.insert_approval(
            tx,
            submission_id,
            manifest_sha256=digest,
            approver_id=standing.approver_id,
            factor=standing.factor,
            standing_approval_id=standing.id,
        )
        return self._approve.release_under(
            tx, message, version, submission_id, stored, manifest, approval_id
        ), digest

    def _require_accounts(self, tx: Tx, due: _Due) -> None:
        """Before anything is written: an account that surely could not send now, and no spare that could."""
        configured = self._channels.get(due.row.mode, {})
        needed = {name: spares_of(name, configured[name]) for name in due.version.accounts}
        try:
            refuse_unready(tx, due.row.ref, due.row.mode, needed)
        except Problem as problem:
            raise NotNow("account_not_ready", " ".join(problems_of(problem))) from problem

    def _write(self, tx: Tx, due: _Due) -> tuple[Message, Mapping[str, str]]:
        version = due.version
        said, values = self._series.facts(tx, due.row, version, due.run, due.fetched)
        audience = audiences.latest_version(tx, version.audience) if version.audience else None
        row = messages.insert(
            tx,
            incident_id=messages.open_incident(tx, said.facts.headline),
            mode=due.row.mode,
            visibility=version.visibility,
            author_id=version.author_id,
        )
        messages.insert_version(
            tx,
            row.id,
            no=1,
            facts=said.facts,
            spoken=said.spoken,
            blanks=values,
            accounts=version.accounts,
            notice_template_id=version.template_id,
            template_no=version.template_no,
            audience_version_id=audience.id if audience else None,
            author_id=version.author_id,
        )
        for name in version.accounts:
            accounts.ensure(tx, mode=row.mode, channel=self._channels[row.mode][name].name, name=name)
        return messages.by_id(tx, row.id), values


def _due_runs(tx: Tx, version: ScheduleVersion) -> list[Planned]:
    if version.next_at is None or version.next_at > tx.now():
        return []  # somebody else has decided meanwhile
    until = min(tx.now(), version.until_at or tx.now())
    before = version.next_at - timedelta(microseconds=1)
    return list(version.plan.runs(expand, after=before, until=until))


def _advance(tx: Tx, version: ScheduleVersion, after: datetime) -> None:
    """To the next run of its own; to none where another version has taken its place."""
    following = None if version.until_at else version.plan.next_run(expand, after=after)
    schedule_versions.set_next(tx, version.id, following.at if following else None)


# --- the record -------------------------------------------------------------------------------------------


def _note_sent(
    tx: Tx,
    due: _Due,
    released: Released,
    digest: str,
    standing: StandingApproval,
    values: Mapping[str, str],
) -> None:
    payload: dict[str, Json] = {
        "broadcast": released.broadcast,
        "factor": standing.factor,
        "manifest_sha256": digest,
        "public_posts": released.public_posts,
        "recipients": released.recipients,
        "schedule": due.row.ref,
        "schedule_version": due.version.no,
        "planned": _iso(due.run.at),
        "late_s": int((tx.now() - due.run.at).total_seconds()),
        "standing_sha256": due.version.bounds_sha256,
        "values_sha256": sha256(dict(values)),
    }
    if fetched := due.fetched.digests():
        payload["fetched"] = dict(fetched)
    audit_log.append(
        tx, actor=SYSTEM, act="message_approved_and_released", subject=released.ref, payload=payload
    )


def _refuse(tx: Tx, due: _Due, code: str, reason: str) -> None:
    schedule_runs.add_run(tx, due.row, due.version.id, due.run.at, RunState.REFUSED, code=code, reason=reason)
    _page(tx, due.row, due.version, due.run, reason)
    payload: dict[str, Json] = {"planned": _iso(due.run.at), "code": code, "version": due.version.no}
    audit_log.append(tx, actor=SYSTEM, act="schedule_run_refused", subject=due.row.ref, payload=payload)


def _miss(
    tx: Tx, row: Schedule, version: ScheduleVersion, missed: Sequence[tuple[Planned, str, str]]
) -> None:
    if not missed:
        return
    for run, code, reason in missed:
        schedule_runs.add_run(tx, row, version.id, run.at, RunState.MISSED, code=code, reason=reason)
    newest, _, reason = missed[-1]
    _page(tx, row, version, newest, reason)
    payload: dict[str, Json] = {
        "count": len(missed),
        "first": _iso(missed[0][0].at),
        "last": _iso(newest.at),
        "version": version.no,
    }
    audit_log.append(tx, actor=SYSTEM, act="schedule_runs_missed", subject=row.ref, payload=payload)


def _leave_out(tx: Tx, row: Schedule, version: ScheduleVersion, runs: Sequence[Planned]) -> None:
    code, reason = ("ended", row.end_reason) if row.ended_at else ("paused", row.pause_reason)
    for run in runs:
        schedule_runs.add_run(tx, row, version.id, run.at, RunState.SKIPPED, code=code, reason=reason)
    payload: dict[str, Json] = {"count": len(runs), "code": code, "version": version.no}
    audit_log.append(tx, actor=SYSTEM, act="schedule_runs_held", subject=row.ref, payload=payload)


def _page(tx: Tx, row: Schedule, version: ScheduleVersion, run: Planned, reason: str) -> None:
    when = time_in_words(run.at.astimezone(version.plan.clock))
    raise_alarm(tx, schedule_not_sent(row.ref, row.name, when, reason))
    exercise = "EXERCISE: " if row.mode == Mode.EXERCISE else ""
    words = f'{exercise}The scheduled notice "{row.name}" of {when} did not go out. Its page says why.'
    tell(tx, DutyRole.OFFICER, words, subject=row.ref, link=f"/schedules/{row.ref}")


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
