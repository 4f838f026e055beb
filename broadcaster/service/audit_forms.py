"""Events of the audit log as files for other programs: a table, and JSON lines. Each ends with a line that says so."""

import json
from collections.abc import Iterator

from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.audit_words import sentence
from broadcaster.service.table_file import row

COLUMNS = ("no", "at", "actor", "act", "subject", "sentence", "payload")


def _csv(events: Iterator[AuditEvent]) -> Iterator[str]:
    yield row(COLUMNS)
    count = 0
    for count, event in enumerate(events, 1):  # noqa: B007 - counted
        yield row(_values(event).values())
    yield row(["end", f"{count} events"])


def _jsonl(events: Iterator[AuditEvent]) -> Iterator[str]:
    count = 0
    for count, event in enumerate(events, 1):  # noqa: B007 - counted
        yield json.dumps(_values(event), ensure_ascii=True) + "\n"
    yield json.dumps({"end": {"events": count}}) + "\n"


def _values(event: AuditEvent) -> dict[str, object]:
    said = (event.no, event.at, event.actor, event.act, event.subject, sentence(event), event.payload)
    return dict(zip(COLUMNS, said, strict=True))


FORMS = {"csv": _csv, "jsonl": _jsonl}
