"""How this system's own acts on a broadcast get into the audit log: one form for all of them."""

from collections.abc import Mapping

import structlog

from broadcaster.db import accounts, audit_log
from broadcaster.db.broadcasts import Broadcast
from broadcaster.db.engine import Tx
from broadcaster.domain.canonical import Json

log = structlog.get_logger()

SYSTEM = "system"  # nobody decided this: it follows from what people approved


def note(tx: Tx, row: Broadcast, act: str, payload: Mapping[str, Json]) -> None:
    """Append an act on a broadcast. Like every audit event, last in its transaction."""
    audit_log.append(tx, actor=SYSTEM, act=act, subject=row.ref, payload={**payload, "broadcast": row.uid})


def pause_account(tx: Tx, row: Broadcast, account_id: int, *, code: str, text: str) -> None:
    """A platform does not accept this account's credentials: nothing more is sent with it until somebody has mended
    it, and people are told. Once: an account that is paused already is left alone and not told of again."""
    if accounts.pause(tx, account_id, text):
        log.error("account_paused", account=account_id, code=code)
        note(tx, row, "account_paused", {"account": account_id, "code": code})
