"""Events of the audit log as files for other programs: a table, and JSON lines. Each ends with a line that says so."""

import csv
import io
import json
from collections.abc import Iterator

from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.audit_words import sentence

COLUMNS = ("no", "at", "actor", "act", "subject", "sentence", "payload")
#: With one of these at its beginning a spreadsheet takes a cell for a formula, and works it out.
#: https://owasp.org/www-community/attacks/CSV_Injection, read 2026-11
STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def _csv(events: Iterator[AuditEvent]) -> Iterator[str]:
    yield row(COLUMNS)
    count = 0
    for count, event in enumerate(events, 1):  # noqa: B007 - counted
        yield row([safe(value) for value in _values(event).values()])
    yield row(["end", f"{count} events"])


def _jsonl(events: Iterator[AuditEvent]) -> Iterator[str]:
    count = 0
    for count, event in enumerate(events, 1):  # noqa: B007 - counted
        yield json.dumps(_values(event), ensure_ascii=True) + "\n"
    yield json.dumps({"end": {"events": count}}) + "\n"


def _values(event: AuditEvent) -> dict[str, object]:
    said = (event.no, event.at, event.actor, event.act, event.subject, sentence(event), event.payload)
    return dict(zip(COLUMNS, said, strict=True))


def safe(value: object) -> object:
    """A text that would be a formula gets an apostrophe before it, which spreadsheets show as text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(STARTS_A_FORMULA) else value


def row(values: object) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(values)  # type: ignore[arg-type]
    return line.getvalue()


FORMS = {"csv": _csv, "jsonl": _jsonl}
