"""Scheduled notices: their versions, and what became of each planned moment."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_reference, new_uid
from broadcaster.db.tables import (
    audience,
    broadcast,
    message,
    notice_template,
    person,
    schedule,
    schedule_run,
    schedule_table,
    schedule_version,
    standing_approval,
)
from broadcaster.domain.canonical import canonical, sha256
from broadcaster.domain.errors import NotFound, Stale
from broadcaster.domain.message import Mode, Visibility
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.schedule import SCHEDULE_TRANSITIONS, Plan, RunState, ScheduleState

V, R = schedule_version.c, schedule_run.c


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """`paused_by` is a name. Nothing of it goes out while it is paused or after it has ended."""

    id: int
    uid: str
    ref: str
    name: str
    mode: Mode
    author_id: int
    paused_at: datetime | None
    paused_by: str
    pause_reason: str
    ended_at: datetime | None
    end_reason: str


@dataclass(frozen=True, kw_only=True)
class ScheduleVersion:
    """`blanks` are as they were typed, formulas too. `audience` is a name, or empty. People are names, or empty."""

    id: int
    schedule_id: int
    no: int
    state: ScheduleState
    plan: Plan
    template: Mapping[str, Any]
    template_id: int
    template_no: int
    template_sha256: str
    blanks: Mapping[str, str]
    accounts: tuple[str, ...]
    audience: str
    audience_id: int | None
    visibility: Visibility
    table_id: int | None
    table_sha256: str
    author_id: int
    author: str
    created_at: datetime
    bounds: str
    bounds_sha256: str
    submitted_by: int | None
    submitter: str
    decided_by: int | None
    decider: str
    decided_at: datetime | None
    reason: str
    standing_id: int | None
    from_at: datetime | None
    until_at: datetime | None
    next_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Run:
    """`message` is a reference, or empty; `person` who left it out, or empty."""

    planned_at: datetime
    state: RunState
    code: str
    reason: str
    message: str
    person: str
    decided_at: datetime


@dataclass(frozen=True, kw_only=True)
class Standing:
    """`approver_id` gave it, by `factor`. `bounds` are the bytes that were approved."""

    id: int
    uid: str
    bounds: str
    approver_id: int
    factor: str
    approved_at: datetime
    ends_at: datetime
    revoked_at: datetime | None


# --- the schedule -----------------------------------------------------------------------------------------


def insert(tx: Tx, *, name: str, mode: Mode, author_id: int) -> Schedule:
    row = {"uid": new_uid(), "ref": _unused_reference(tx), "name": name, "mode": mode}
    tx.insert(schedule, {**row, "author_id": author_id, "created_at": tx.now()})
    return find(tx, row["ref"])


def find(tx: Tx, ref: str, *, lock: bool = False) -> Schedule:
    """With `lock`, nobody else decides about it until the transaction ends. NotFound, with the nearest reference."""
    if lock:
        tx.execute(select(schedule.c.id).where(schedule.c.ref == ref.strip().upper()).with_for_update())
    found = _schedules(tx, _schedule().where(schedule.c.ref == ref.strip().upper()))
    if not found:
        known = list(tx.execute(select(schedule.c.ref)).scalars())
        raise NotFound(
            f'There is no schedule "{ref}".{did_you_mean(ref.upper(), known)} Nothing was changed.'
        )
    return found[0]


def by_id(tx: Tx, schedule_id: int, *, lock: bool = False) -> Schedule:
    """With `lock`, neither a person nor another sweeper decides about it until the transaction ends."""
    if lock:
        tx.execute(select(schedule.c.id).where(schedule.c.id == schedule_id).with_for_update())
    return _schedules(tx, _schedule().where(schedule.c.id == schedule_id))[0]


def listed(tx: Tx) -> list[Schedule]:
    """The newest first."""
    return _schedules(tx, _schedule().order_by(schedule.c.id.desc()))


def waiting(tx: Tx) -> list[tuple[Schedule, ScheduleVersion]]:
    """What waits for a decision, the longest waiting first."""
    query = _version().join(schedule, schedule.c.id == V.schedule_id)
    query = query.where(V.state == ScheduleState.SUBMITTED, schedule.c.ended_at.is_(None))
    found = _versions(tx, query.order_by(V.submitted_at))
    return [(by_id(tx, each.schedule_id), each) for each in found]


def set_paused(tx: Tx, schedule_id: int, person_id: int | None, reason: str) -> None:
    """Without a person it goes on again."""
    values = {
        "paused_at": tx.now() if person_id else None,
        "paused_by_id": person_id,
        "pause_reason": reason,
    }
    tx.execute(update(schedule).where(schedule.c.id == schedule_id).values(**values))


def set_ended(tx: Tx, schedule_id: int, reason: str) -> None:
    """And nobody's approval of it stands any more."""
    tx.execute(
        update(schedule).where(schedule.c.id == schedule_id).values(ended_at=tx.now(), end_reason=reason)
    )
    mine = select(V.standing_approval_id).where(
        V.schedule_id == schedule_id, V.standing_approval_id.is_not(None)
    )
    s = standing_approval.c
    tx.execute(
        update(standing_approval).where(s.id.in_(mine), s.revoked_at.is_(None)).values(revoked_at=tx.now())
    )
    tx.execute(
        update(schedule_version)
        .where(V.schedule_id == schedule_id, V.state == ScheduleState.APPROVED, V.until_at.is_(None))
        .values(until_at=tx.now())
    )


# --- its versions -----------------------------------------------------------------------------------------


def insert_version(
    tx: Tx,
    schedule_id: int,
    *,
    plan: Plan,
    template_id: int,
    template_no: int,
    blanks: Mapping[str, str],
    accounts: Sequence[str],
    audience_id: int | None,
    visibility: Visibility,
    table_id: int | None,
    author_id: int,
) -> int:
    """The next version; what was not approved before is replaced by it. Its number."""
    waiting = [s for s in ScheduleState if s not in {ScheduleState.APPROVED, ScheduleState.REPLACED}]
    replaced = update(schedule_version).where(V.schedule_id == schedule_id, V.state.in_(waiting))
    tx.execute(replaced.values(state=ScheduleState.REPLACED))
    last = tx.execute(select(func.max(V.no)).where(V.schedule_id == schedule_id)).scalar_one() or 0
    tx.insert(
        schedule_version,
        {
            "schedule_id": schedule_id,
            "no": last + 1,
            "state": ScheduleState.DRAFT,
            "plan": canonical(plan.to_json()).decode(),
            "notice_template_id": template_id,
            "template_no": template_no,
            "blanks": canonical(dict(blanks)).decode(),
            "accounts": json.dumps(list(accounts)),
            "audience_id": audience_id,
            "visibility": visibility,
            "schedule_table_id": table_id,
            "author_id": author_id,
            "created_at": tx.now(),
            "bounds": "",
            "reason": "",
        },
    )
    return int(last) + 1


def versions(tx: Tx, schedule_id: int) -> list[ScheduleVersion]:
    """The newest first."""
    return _versions(tx, _version().where(V.schedule_id == schedule_id).order_by(V.no.desc()))


def newest(tx: Tx, schedule_id: int) -> ScheduleVersion:
    return _versions(tx, _version().where(V.schedule_id == schedule_id).order_by(V.no.desc()).limit(1))[0]


def version_by_id(tx: Tx, version_id: int) -> ScheduleVersion:
    return _versions(tx, _version().where(V.id == version_id))[0]


def in_force(tx: Tx, schedule_id: int) -> ScheduleVersion | None:
    """The one that is approved and that no other has taken the place of."""
    query = _version().where(
        V.schedule_id == schedule_id, V.state == ScheduleState.APPROVED, V.until_at.is_(None)
    )
    found = _versions(tx, query.order_by(V.no.desc()).limit(1))
    return found[0] if found else None


def set_version(tx: Tx, version_id: int, state: ScheduleState, **values: Any) -> None:
    """Stale where it may not go there from where it is: the table of the domain decides."""
    before = [s for s, after in SCHEDULE_TRANSITIONS.items() if state in after]
    statement = update(schedule_version).where(V.id == version_id, V.state.in_(before))
    if tx.execute(statement.values(state=state, **values)).rowcount != 1:
        raise Stale(f"The schedule cannot become {state} from what it is now. Nothing was changed.")


def end_version(tx: Tx, version_id: int) -> None:
    """Another one takes its place: what is planned up to now stays its own."""
    tx.execute(update(schedule_version).where(V.id == version_id).values(until_at=tx.now()))


def set_next(tx: Tx, version_id: int, at: datetime | None) -> None:
    tx.execute(update(schedule_version).where(V.id == version_id).values(next_at=at))


def due(tx: Tx, *, limit: int) -> list[int]:
    """Ids of versions with a run that is due, the longest due first."""
    query = select(V.id).where(V.next_at <= tx.now()).order_by(V.next_at, V.id).limit(limit)
    return list(tx.execute(query).scalars())


def authors(tx: Tx, schedule_id: int) -> frozenset[int]:
    """Ids of everybody who wrote or submitted any version of it."""
    rows = tx.execute(select(V.author_id, V.submitted_by).where(V.schedule_id == schedule_id)).all()
    return frozenset(each for row in rows for each in row if each is not None)


# --- standing approvals and tables ------------------------------------------------------------------------


def insert_standing(
    tx: Tx, *, mode: Mode, bounds: str, approver_id: int, factor: str, ends_at: datetime
) -> int:
    row: dict[str, Any] = {"uid": new_uid(), "mode": mode, "kind": "series", "bounds": bounds}
    row |= {"factor": factor}
    row |= {"approved_by": approver_id, "approved_at": tx.now(), "ends_at": ends_at}
    return tx.insert(standing_approval, row)


def standing(tx: Tx, standing_id: int) -> Standing:
    row = tx.execute(select(standing_approval).where(standing_approval.c.id == standing_id)).one()
    return Standing(
        id=row.id,
        uid=row.uid,
        bounds=row.bounds,
        approver_id=row.approved_by,
        factor=row.factor,
        approved_at=row.approved_at,
        ends_at=row.ends_at,
        revoked_at=row.revoked_at,
    )


def read_bounds(content: str) -> dict[str, Any]:
    """ValueError where it was altered so that nobody can read it."""
    found: dict[str, Any] = json.loads(content)
    return found


def link(tx: Tx, broadcast_uid: str, standing_id: int) -> None:
    """This broadcast went out under this standing approval."""
    mine = update(broadcast).where(broadcast.c.uid == broadcast_uid)
    tx.execute(mine.values(standing_approval_id=standing_id))


def audience_id(tx: Tx, name: str) -> int:
    return int(tx.execute(select(audience.c.id).where(audience.c.name == name)).scalar_one())


def ensure_table(tx: Tx, content: Mapping[str, Any]) -> int:
    c, digest = schedule_table.c, sha256(dict(content))
    row = {"sha256": digest, "content": canonical(dict(content)).decode(), "created_at": tx.now()}
    tx.add_missing(schedule_table, row)
    return int(tx.execute(select(c.id).where(c.sha256 == digest)).scalar_one())


def table(tx: Tx, table_id: int) -> dict[str, Any]:
    """`columns`, and `rows` by date. ValueError where it was altered."""
    row = tx.execute(select(schedule_table).where(schedule_table.c.id == table_id)).one()
    found: dict[str, Any] = json.loads(row.content)
    if sha256(found) != row.sha256:
        raise ValueError("the table is not what its digest says")
    return found


# --- runs -------------------------------------------------------------------------------------------------


def add_run(
    tx: Tx,
    row: Schedule,
    version_id: int | None,
    planned_at: datetime,
    state: RunState,
    *,
    code: str = "",
    reason: str = "",
    message_id: int | None = None,
    person_id: int | None = None,
) -> bool:
    """False where something became of this moment already: then nothing is written."""
    if run(tx, row.id, planned_at):
        return False
    tx.insert(
        schedule_run,
        {
            "schedule_id": row.id,
            "schedule_version_id": version_id,
            "planned_at": planned_at,
            "state": state,
            "code": code,
            "reason": reason,
            "message_id": message_id,
            "person_id": person_id,
            "decided_at": tx.now(),
        },
    )
    return True


def remove_skip(tx: Tx, schedule_id: int, planned_at: datetime) -> bool:
    """A moment that was left out and has not come yet is planned again."""
    statement = schedule_run.delete().where(
        R.schedule_id == schedule_id,
        R.planned_at == planned_at,
        R.planned_at > tx.now(),
        R.state == RunState.SKIPPED,
    )
    return bool(tx.execute(statement).rowcount)


def run(tx: Tx, schedule_id: int, planned_at: datetime) -> Run | None:
    found = _runs(tx, _run().where(R.schedule_id == schedule_id, R.planned_at == planned_at))
    return found[0] if found else None


def runs(tx: Tx, schedule_id: int, *, limit: int = 100, since: datetime | None = None) -> list[Run]:
    """The newest first."""
    query = _run().where(R.schedule_id == schedule_id)
    if since is not None:
        query = query.where(R.planned_at >= since)
    return _runs(tx, query.order_by(R.planned_at.desc()).limit(limit))


# --- reading rows -----------------------------------------------------------------------------------------


def _schedule() -> Select[Any]:
    name = person.c.name.label("paused_by")
    return select(schedule, name).outerjoin(person, person.c.id == schedule.c.paused_by_id)


def _schedules(tx: Tx, query: Select[Any]) -> list[Schedule]:
    return [
        Schedule(
            id=r.id,
            uid=r.uid,
            ref=r.ref,
            name=r.name,
            mode=Mode(r.mode),
            author_id=r.author_id,
            paused_at=r.paused_at,
            paused_by=r.paused_by or "",
            pause_reason=r.pause_reason,
            ended_at=r.ended_at,
            end_reason=r.end_reason,
        )
        for r in tx.execute(query)
    ]


def _version() -> Select[Any]:
    author, submitter, decider = (person.alias(name) for name in ("author", "submitter", "decider"))
    return (
        select(schedule_version)
        .add_columns(
            notice_template.c.content.label("template"),
            notice_template.c.sha256.label("template_sha256"),
            audience.c.name.label("audience"),
            schedule_table.c.sha256.label("table_sha256"),
            author.c.name.label("author"),
            submitter.c.name.label("submitter"),
            decider.c.name.label("decider"),
        )
        .join(notice_template, notice_template.c.id == V.notice_template_id)
        .outerjoin(audience, audience.c.id == V.audience_id)
        .outerjoin(schedule_table, schedule_table.c.id == V.schedule_table_id)
        .join(author, author.c.id == V.author_id)
        .outerjoin(submitter, submitter.c.id == V.submitted_by)
        .outerjoin(decider, decider.c.id == V.decided_by)
    )


def _versions(tx: Tx, query: Select[Any]) -> list[ScheduleVersion]:
    return [_read(row) for row in tx.execute(query)]


#: Fields of a version that are columns as they stand.
_SAME = (
    *("id", "schedule_id", "no", "template_no", "template_sha256", "audience_id", "author_id", "author"),
    *("created_at", "bounds", "bounds_sha256", "submitted_by", "decided_by", "decided_at", "reason"),
    *("from_at", "until_at", "next_at"),
)


def _read(row: Row[Any]) -> ScheduleVersion:
    return ScheduleVersion(
        **{name: getattr(row, name) for name in _SAME},
        state=ScheduleState(row.state),
        plan=Plan.from_json(json.loads(row.plan)),
        template=json.loads(row.template),
        template_id=row.notice_template_id,
        blanks=json.loads(row.blanks),
        accounts=tuple(json.loads(row.accounts)),
        audience=row.audience or "",
        visibility=Visibility(row.visibility),
        table_id=row.schedule_table_id,
        table_sha256=row.table_sha256 or "",
        submitter=row.submitter or "",
        decider=row.decider or "",
        standing_id=row.standing_approval_id,
    )


def _run() -> Select[Any]:
    return (
        select(schedule_run, message.c.ref.label("message"), person.c.name.label("person"))
        .outerjoin(message, message.c.id == R.message_id)
        .outerjoin(person, person.c.id == R.person_id)
    )


def _runs(tx: Tx, query: Select[Any]) -> list[Run]:
    rows: Iterable[Row[Any]] = tx.execute(query)
    return [
        Run(
            planned_at=r.planned_at,
            state=RunState(r.state),
            code=r.code,
            reason=r.reason,
            message=r.message or "",
            person=r.person or "",
            decided_at=r.decided_at,
        )
        for r in rows
    ]


def _unused_reference(tx: Tx) -> str:
    """Neither of a schedule nor of a message: people say references without what they are of."""
    while True:
        ref = new_reference()
        taken = tx.execute(select(schedule.c.id).where(schedule.c.ref == ref)).one_or_none()
        if not taken and not tx.execute(select(message.c.id).where(message.c.ref == ref)).one_or_none():
            return ref
