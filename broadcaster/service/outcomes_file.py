"""What became of each delivery of a message, as a table for a spreadsheet: by its place in the list, never by its number."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from broadcaster.db import audit_log, boards, broadcasts, messages
from broadcaster.db.broadcasts import Target
from broadcaster.db.engine import Database
from broadcaster.db.people import Person
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import Stale
from broadcaster.domain.policy import Action, require
from broadcaster.service.table_file import row

AT_ONCE = 5_000  # rows read in one transaction: none stays open while a slow reader downloads a million
COLUMNS = (
    *("channel", "account", "place in the list", "state", "code", "reason", "tries", "sent again"),
    *("settled at", "link"),
)


class OutcomesFile:
    def __init__(self, database: Database, zone: ZoneInfo) -> None:
        self._database = database
        self._zone = zone

    def of(self, actor: Person, ref: str) -> Iterator[str]:
        """Lines of the file, as they are read. That somebody took them is in the log before the first."""
        require(actor.name, actor.roles, Action.READ)
        with self._database.write() as tx:
            message = messages.find(tx, ref)
            row = broadcasts.by_message(tx, message.id)
            if row is None:
                raise Stale(
                    f"{message.ref} is {message.state}: nothing was sent, so there is nothing to download."
                )
            targets = broadcasts.targets(tx, row.id)
            payload: dict[str, Json] = {"broadcast": row.uid, "deliveries": sum(t.planned for t in targets)}
            audit_log.append(tx, actor=actor.name, act="outcomes_exported", subject=row.ref, payload=payload)
        return self._lines(targets)

    def _lines(self, targets: Sequence[Target]) -> Iterator[str]:
        yield row(COLUMNS)
        for target in targets:
            after = -1
            while some := self._some(target, after):
                yield "".join(row((target.channel, target.account, *each)) for each in some)
                after = int(some[-1][0])

    def _some(self, target: Target, after: int) -> list[tuple[str, ...]]:
        with self._database.read() as tx:
            rows = list(boards.outcomes(tx, target.id, after=after, limit=AT_ONCE))
        return [self._cells(row) for row in rows]

    def _cells(self, r: Any) -> tuple[str, ...]:
        tries = (str(r.attempts), str(r.resends))
        return (str(r.ordinal), r.state, r.code, r.operator_text, *tries, self._local(r.settled_at), r.link)

    def _local(self, at: datetime | None) -> str:
        return at.astimezone(self._zone).isoformat(timespec="seconds") if at else ""
