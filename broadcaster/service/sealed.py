"""The state of the audit log's seal: how far it reaches, under which key, and what of it others hold."""

from dataclasses import dataclass
from datetime import datetime

from broadcaster.audit.anchors import AnchorFolder
from broadcaster.audit.verifier.notes import Note
from broadcaster.db import audit_log
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.policy import Action, require
from broadcaster.service.looking import latest_of


@dataclass(frozen=True, kw_only=True)
class Laid:
    """A checkpoint: over how many events, and when it was signed (ISO 8601)."""

    size: int
    at: str


@dataclass(frozen=True, kw_only=True)
class SealState:
    """`waiting_since`: since when the oldest event waits that has no place in the log yet. `mailed` and `stamped_by` are
    whether mail and a time-stamping authority are set up; `stamped` is up to which event there is a stamp."""

    now: datetime
    newest: Laid | None
    waiting_since: datetime | None
    keys: tuple[str, ...]
    outside: Laid | None
    mailed: bool
    stamping: bool
    stamped: int
    last_check: AuditEvent | None

    @property
    def waited_s(self) -> int:
        return int((self.now - self.waiting_since).total_seconds()) if self.waiting_since else 0


class Sealed:
    def __init__(self, database: Database, folder: AnchorFolder, *, mailed: bool, stamping: bool) -> None:
        self._database = database
        self._folder = folder
        self._mailed = mailed
        self._stamping = stamping

    def state(self, actor: Person) -> SealState:
        require(actor.name, actor.roles, Action.AUDIT)
        with self._database.read() as tx:
            return SealState(
                now=tx.now(),
                newest=_newest(tx),
                waiting_since=audit_log.unsealed_since(tx),
                keys=tuple(self._folder.keys()),
                outside=_laid((self._folder.latest(1) or [""])[-1]),
                mailed=self._mailed,
                stamping=self._stamping,
                stamped=max((size for size, _ in self._folder.stamped()), default=0),
                last_check=latest_of(tx, "audit_log_checked"),
            )


def _newest(tx: Tx) -> Laid | None:
    found = audit_log.last_checkpoints(tx)
    return _laid(found[0].note) if found else None


def _laid(text: str) -> Laid | None:
    """None also where somebody damaged it: the check says what is wrong."""
    try:
        note = Note(text)
    except ValueError:
        return None
    return Laid(size=note.size, at=note.lines.get("time", ""))
