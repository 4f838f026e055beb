"""The audit log as a file: JSON lines that anybody can read and check without this system.

The first line says what the log ended with when it was exported; each other line is one event. The payload stays the text
that was hashed: taken apart and written anew, its hash could differ.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from broadcaster.domain.audit import AuditEvent

FORMAT = "broadcaster-audit-1"


@dataclass(frozen=True, kw_only=True)
class Exported:
    """`message` is empty where it is the whole log; events of one message only are no chain by themselves."""

    head_no: int
    head_sha256: str
    exported_at: datetime
    message: str
    events: tuple[AuditEvent, ...]


def header_line(*, head_no: int, head_sha256: str, exported_at: datetime, message: str = "") -> str:
    return _line(
        {
            "format": FORMAT,
            "head_no": head_no,
            "head_sha256": head_sha256,
            "exported_at": exported_at.astimezone(UTC).isoformat(timespec="microseconds"),
            "message": message,
        }
    )


def event_line(event: AuditEvent) -> str:
    return _line(asdict(event))


def read_export(lines: Iterable[str]) -> Exported:
    """What `header_line` and `event_line` wrote. ValueError for anything else; whether it is true is not asked here."""
    rest = iter(lines)
    header = _object(next(rest, ""))
    if header.get("format") != FORMAT:
        raise ValueError("this is no export of the audit log")
    try:
        return Exported(
            head_no=header["head_no"],
            head_sha256=header["head_sha256"],
            exported_at=datetime.fromisoformat(header["exported_at"]),
            message=header["message"],
            events=tuple(AuditEvent(**_object(line)) for line in rest if line.strip()),
        )
    except (KeyError, TypeError) as error:
        raise ValueError("a line of this export of the audit log says too little or too much") from error


def _line(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _object(line: str) -> dict[str, Any]:
    found = json.loads(line)
    if not isinstance(found, dict):
        raise ValueError("a line of this export of the audit log is no object")  # noqa: TRY004 - the file is wrong
    return found
