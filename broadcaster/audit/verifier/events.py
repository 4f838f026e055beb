"""What an event says, and what came of a sending."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from broadcaster.audit.verifier.tree import Tree, leaf_hash
from broadcaster.audit.verifier.verdict import Unreadable

UTC = timezone.utc  # noqa: UP017 - Python 3.9 has no datetime.UTC, and an auditor may have no newer one


def json_object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        raise Unreadable("a line of the file is no JSON") from None
    if not isinstance(found, dict):
        raise Unreadable("a line of the file is no object")
    return found


def said_by(event: bytes) -> dict[str, Any]:
    """Nothing where it was altered so that nobody can read it, which its hash tells."""
    try:
        return json_object(event)
    except Unreadable:
        return {}


def time_of(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)  # altered: as old as can be
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def canonical(value: dict[str, Any]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def outcomes_problem(event: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """What is wrong with the outcomes that an event vouches for, or nothing."""
    tree = Tree()
    counts: dict[Any, int] = {}
    for row in rows:
        tree.append(leaf_hash(canonical(row)))
        counts[row.get("outcome")] = counts.get(row.get("outcome"), 0) + 1
    said = event.get("payload")
    if not isinstance(said, dict) or tree.root().hex() != said.get("root") or counts != said.get("counts"):
        return "its outcomes (who accepted what, and when) are not those that were recorded"
    return ""
