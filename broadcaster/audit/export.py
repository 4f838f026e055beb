"""The lines of an export of the audit log, in the form that verify_audit.py reads. One object a line."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from broadcaster.audit.verifier.reading import FORMAT
from broadcaster.domain.audit import AuditEvent, event_json


def header_line(*, exported_at: datetime, exported_by: str, keys: Sequence[str]) -> str:
    at = exported_at.isoformat(timespec="microseconds")
    return _line({"exported_at": at, "exported_by": exported_by, "format": FORMAT, "keys": keys})


def anchor_line(note: str) -> str:
    return _line({"anchor": note})


def event_line(event: AuditEvent) -> str:
    """The event to the letter, as it was hashed; a line break that somebody put into it stays inside of the line."""
    said = event_json(event).replace("\n", "\\u000a")
    if event.no is None:
        return f'{{"unsealed":{said}}}'
    return f'{{"event":{said},"leaf":{json.dumps(event.leaf or "")},"no":{event.no}}}'


def outcomes_line(no: int, rows: Sequence[Mapping[str, Any]]) -> str:
    return _line({"no": no, "outcomes": rows})


def checkpoint_line(size: int, note: str) -> str:
    return _line({"checkpoint": note, "size": size})


def timestamp_line(size: int, token: bytes) -> str:
    return _line({"size": size, "timestamp": base64.b64encode(token).decode()})


def end_line(*, events: int, checkpoints: int) -> str:
    return _line({"end": {"checkpoints": checkpoints, "events": events}})


def _line(content: Mapping[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"))  # ASCII: any damage survives the way
