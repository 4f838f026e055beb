"""Records as a file for a request for information: what was said where and when, with what was redacted and why.

Staff are named by what they did and not by their names, unless those are asked for: mostly they are not for giving out.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from broadcaster.db import audit_log, messages, records
from broadcaster.db.engine import Database
from broadcaster.db.people import Person
from broadcaster.db.records import Asked, Record
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import Invalid, NotFound
from broadcaster.domain.policy import Action, require
from broadcaster.service.table_file import row

AT_ONCE = 100
COLUMNS = tuple(Record.__dataclass_fields__)
STAFF: Mapping[str, str] = {"written_by": "officer", "submitted_by": "officer", "approved_by": "approver"}


class RecordsFile:
    def __init__(self, database: Database, zone: ZoneInfo) -> None:
        self._database = database
        self._zone = zone

    def of(self, actor: Person, asked: Asked, *, form: str, staff_names: bool = False) -> Iterator[str]:
        """The file, line by line; the last one says how many records there are. That it was taken is recorded first."""
        require(actor.name, actor.roles, Action.AUDIT)
        if form not in FORMS:
            raise Invalid(f"Choose one of: {', '.join(FORMS)}. Nothing was taken.")
        with self._database.write() as tx:
            if asked.ref:
                messages.find(tx, asked.ref)
            if asked.incident and messages.incident_by_ref(tx, asked.incident) is None:
                raise NotFound(f'There is no incident "{asked.incident}".')
            payload: dict[str, Json] = {"form": form, "messages": records.count(tx, asked)}
            payload |= {"filter": _filter(asked), "staff_names": staff_names}
            audit_log.append(tx, actor=actor.name, act="records_exported", payload=payload)
        return FORMS[form](self._values(asked, staff_names=staff_names))

    def _values(self, asked: Asked, *, staff_names: bool) -> Iterator[dict[str, Any]]:
        after = 0
        while some := self._ids(asked, after):
            after = some[-1]
            for message_id in some:
                with self._database.read() as tx:
                    found = list(records.of_message(tx, message_id))
                for each in found:
                    yield self._plain(each if staff_names else _without_names(each))

    def _ids(self, asked: Asked, after: int) -> list[int]:
        with self._database.read() as tx:
            return records.messages_asked(tx, asked, after=after, limit=AT_ONCE)

    def _plain(self, record: Record) -> dict[str, Any]:
        return {name: self._local(value) for name, value in asdict(record).items()}

    def _local(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(self._zone).isoformat(timespec="seconds")
        return list(value) if isinstance(value, tuple) else value


def _without_names(record: Record) -> Record:
    def role(name: str) -> str:
        return STAFF[name] if getattr(record, name) else ""

    return replace(
        record,
        written_by=role("written_by"),
        submitted_by=role("submitted_by"),
        approved_by=role("approved_by"),
    )


def _filter(asked: Asked) -> dict[str, Json]:
    return {
        name: value.astimezone(UTC).isoformat(timespec="seconds") if isinstance(value, datetime) else value
        for name, value in asdict(asked).items()
        if value
    }


def _csv(found: Iterator[dict[str, Any]]) -> Iterator[str]:
    yield row(COLUMNS)
    count = 0
    for count, each in enumerate(found, 1):  # noqa: B007 - counted
        cells = [", ".join(v) if isinstance(v, list) else "" if v is None else v for v in each.values()]
        yield row(cells)
    yield row(["end", f"{count} records"])


def _jsonl(found: Iterator[dict[str, Any]]) -> Iterator[str]:
    count = 0
    for count, each in enumerate(found, 1):  # noqa: B007 - counted
        yield json.dumps(each, ensure_ascii=True) + "\n"
    yield json.dumps({"end": {"records": count}}) + "\n"


FORMS: Mapping[str, Callable[[Iterator[dict[str, Any]]], Iterator[str]]] = {"csv": _csv, "jsonl": _jsonl}
