"""How this system's own acts on a broadcast get into the audit log: one form for all of them."""

from collections.abc import Mapping

from broadcaster.db import audit_log
from broadcaster.db.broadcasts import Broadcast
from broadcaster.db.engine import Tx
from broadcaster.domain.canonical import Json

SYSTEM = "system"  # nobody decided this: it follows from what people approved


def note(tx: Tx, row: Broadcast, act: str, payload: Mapping[str, Json]) -> None:
    """Append an act on a broadcast. Like every audit event, last in its transaction."""
    audit_log.append(tx, actor=SYSTEM, act=act, subject=row.ref, payload={**payload, "broadcast": row.uid})
