"""Versions of scheduled notices: what was written, what became of it, when it is due next, and the tables it fills blanks from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select, update

from broadcaster.db import schedules
from broadcaster.db.engine import Tx
from broadcaster.db.schedules import Schedule
from broadcaster.db.tables import (
    audience,
    notice_template,
    person,
    schedule,
    schedule_table,
    schedule_version,
)
from broadcaster.domain.canonical import canonical, sha256
from broadcaster.domain.errors import Stale
from broadcaster.domain.message import Visibility
from broadcaster.domain.schedule import SCHEDULE_TRANSITIONS, Plan, ScheduleState

V = schedule_version.c


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
    #: Its codes in their order, with spaces between; empty where the template's own is all there is.
    languages: str
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
    languages: Sequence[str] = (),
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
            "languages": " ".join(languages),
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


def waiting(tx: Tx) -> list[tuple[Schedule, ScheduleVersion]]:
    """What waits for a decision, the longest waiting first."""
    query = _version().join(schedule, schedule.c.id == V.schedule_id)
    query = query.where(V.state == ScheduleState.SUBMITTED, schedule.c.ended_at.is_(None))
    found = _versions(tx, query.order_by(V.submitted_at))
    return [(schedules.by_id(tx, each.schedule_id), each) for each in found]


def due(tx: Tx, *, limit: int) -> list[int]:
    """Ids of versions with a run that is due, the longest due first."""
    query = select(V.id).where(V.next_at <= tx.now()).order_by(V.next_at, V.id).limit(limit)
    return list(tx.execute(query).scalars())


def authors(tx: Tx, schedule_id: int) -> frozenset[int]:
    """Ids of everybody who wrote or submitted any version of it."""
    rows = tx.execute(select(V.author_id, V.submitted_by).where(V.schedule_id == schedule_id)).all()
    return frozenset(each for row in rows for each in row if each is not None)


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
    *("from_at", "until_at", "next_at", "languages"),
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
