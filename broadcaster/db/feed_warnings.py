"""What watched feeds have warned of: what waits for an officer, what became of it, and what belongs to one message."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping, Select, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_uid
from broadcaster.db.tables import feed, feed_warning, incident, message, person
from broadcaster.domain.watching import Rule, SourceAlert

W = feed_warning.c


class WarningState(StrEnum):
    NOTED = "noted"  #: no rule concerns it
    WAITING = "waiting"  #: lies before the officers
    WRITTEN = "written"  #: somebody has written a message from it
    DISMISSED = "dismissed"
    REPLACED = "replaced"  #: the source updated or cancelled it before anybody decided
    LAPSED = "lapsed"  #: it ended before anybody decided


@dataclass(frozen=True, kw_only=True)
class FeedWarning:
    """`first_id` is its own id where it refers to none before it. `decided_by`, `incident` and `ref` are empty where there is
    none yet; `sheet` is where somebody is writing."""

    id: int
    uid: str
    feed: str
    first_id: int
    kind: str
    state: WarningState
    alert: SourceAlert
    template: str
    rule: Rule | None
    heard_at: datetime
    ends_at: datetime | None
    decided_by: str
    decided_at: datetime | None
    reason: str
    sheet: str
    incident: str
    ref: str
    message_state: str

    @property
    def said(self) -> str:
        """Its headline, or what stands for one."""
        info = self.alert.infos[0]
        return info.headline or info.event or "A warning without words"


def insert(
    tx: Tx,
    feed_id: int,
    alert: SourceAlert,
    *,
    state: WarningState,
    rule: Rule | None,
    first_id: int | None,
) -> FeedWarning:
    row = {
        "uid": new_uid(),
        "feed_id": feed_id,
        "key_sha256": alert.key,
        "first_id": first_id,
        "kind": alert.kind,
        "state": state,
        "content": json.dumps(alert.to_json()),
        "template": rule.template if rule else "",
        "rule": json.dumps(rule.to_json()) if rule else "",
        "heard_at": tx.now(),
        "ends_at": alert.ends,
        "reason": "",
    }
    made = tx.insert(feed_warning, row)
    return _one(tx, W.id == made)


def is_known(tx: Tx, key: str) -> bool:
    return tx.execute(select(W.id).where(W.key_sha256 == key)).one_or_none() is not None


def by_uid(tx: Tx, uid: str, *, lock: bool = False) -> FeedWarning | None:
    if lock:
        tx.execute(select(W.id).where(W.uid == uid).with_for_update())
    row = tx.execute(_select().where(W.uid == uid)).one_or_none()
    return _warning(row._mapping) if row else None


def of_keys(tx: Tx, keys: Sequence[str]) -> list[FeedWarning]:
    return _all(tx, W.key_sha256.in_(keys)) if keys else []


def chain(tx: Tx, first_id: int) -> list[FeedWarning]:
    """All that refer to each other, the oldest first."""
    return _all(tx, (W.id == first_id) | (W.first_id == first_id))


def waiting(tx: Tx) -> list[FeedWarning]:
    """The newest first."""
    return _all(tx, W.state == WarningState.WAITING)[::-1]


def newest(tx: Tx, *, limit: int) -> list[FeedWarning]:
    rows = tx.execute(_select().where(W.template != "").order_by(W.id.desc()).limit(limit))
    return [_warning(row._mapping) for row in rows]


def of_message(tx: Tx, message_id: int) -> list[FeedWarning]:
    return _all(tx, W.message_id == message_id)


def with_sheet(tx: Tx, sheet: str) -> list[FeedWarning]:
    return _all(tx, W.sheet == sheet) if sheet else []


def change(tx: Tx, warning_id: int, values: Mapping[str, Any]) -> None:
    tx.execute(update(feed_warning).where(W.id == warning_id).values(**values))


def wipe_noted(tx: Tx, before: datetime) -> int:
    """What concerned nobody."""
    old = feed_warning.delete().where(
        W.state == WarningState.NOTED, W.heard_at < before, W.first_id.is_(None), W.id.not_in(_referred())
    )
    return int(tx.execute(old).rowcount)


def _referred() -> Select[tuple[int]]:
    return select(W.first_id).where(W.first_id.is_not(None))


def _all(tx: Tx, where: Any) -> list[FeedWarning]:
    return [_warning(row._mapping) for row in tx.execute(_select().where(where).order_by(W.id))]


def _one(tx: Tx, where: Any) -> FeedWarning:
    return _warning(tx.execute(_select().where(where)).one()._mapping)


def _select() -> Select[Any]:
    return (
        select(feed_warning)
        .add_columns(
            feed.c.name.label("feed"),
            person.c.name.label("decider"),
            incident.c.ref.label("incident"),
            message.c.ref.label("ref"),
            message.c.state.label("message_state"),
        )
        .join(feed, feed.c.id == W.feed_id)
        .outerjoin(person, person.c.id == W.decided_by)
        .outerjoin(message, message.c.id == W.message_id)
        .outerjoin(incident, incident.c.id == W.incident_id)
    )


def _warning(row: RowMapping) -> FeedWarning:
    kept = ("id", "uid", "feed", "kind", "template", "heard_at", "ends_at", "decided_at", "reason", "sheet")
    return FeedWarning(
        **{name: row[name] for name in kept},
        first_id=row["first_id"] or row["id"],
        state=WarningState(row["state"]),
        alert=SourceAlert.from_json(json.loads(row["content"])),
        rule=Rule.from_json(json.loads(row["rule"])) if row["rule"] else None,
        decided_by=row["decider"] or "",
        incident=row["incident"] or "",
        ref=row["ref"] or "",
        message_state=row["message_state"] or "",
    )
