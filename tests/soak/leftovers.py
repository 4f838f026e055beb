"""What is left when it should be over, by SQL of its own and by the broker's own word: see `judging.LEFT`."""

import os
import re
import time
from collections.abc import Callable

import redis
from sqlalchemy import ColumnElement, Table, func, select

from broadcaster.db.engine import Tx
from broadcaster.db.tables import (
    alarm,
    audit_event,
    batch,
    broadcast,
    callback,
    delivery,
    heard,
    intent_group,
    receipt,
)
from broadcaster.domain.alarm import ACKNOWLEDGED_BY_A_PERSON, AlarmCode
from broadcaster.parts.shared import owner_name
from tests.faults.own_broker import bells_in
from tests.faults.sending import spilled_bytes
from tests.soak.place import Place

UNDER_WAY = ("pending", "sending", "unknown")
LOOK_EVERY_S = 1.0
#: Lines of a log that nothing which was done on purpose explains.
COMPLAINTS = re.compile(r"sweep_step_failed|check_failed|deliveries_do_not_add_up|Traceback")


def left(place: Place) -> dict[str, int]:
    """How many of each kind."""
    found = place.found
    with found.parts.database.read() as tx:
        counts = _in_database(tx, _owners(place))
    with redis.Redis(unix_socket_path=str(found.settings.broker_socket)) as broker:
        counts["bells"] = bells_in(broker)
    return {**counts, "bytes spilled": spilled_bytes(found)}


def drained(place: Place, *, within_s: float, meanwhile: Callable[[dict[str, int]], None]) -> dict[str, int]:
    """What is left once nothing is, or when that took too long."""
    end = time.monotonic() + within_s
    while True:
        found = left(place)
        if not any(found.values()) or time.monotonic() > end:
            return found
        meanwhile(found)
        time.sleep(LOOK_EVERY_S)


def complaints(place: Place) -> list[str]:
    """What the installation's processes logged that nobody did on purpose: which log, and how often."""
    said = []
    for path in sorted((place.found.settings.root / "logs").glob("*.log")):
        found = COMPLAINTS.findall(path.read_text(errors="replace"))
        said += [f"{path.stem} logged {name} {found.count(name)} times." for name in sorted(set(found))]
    return said


def _owners(place: Place) -> list[str]:
    """Everybody alive who could hold a batch: this process plans, too, where it approves."""
    return [owner_name(pid) for pid in (os.getpid(), *place.roots.values())]


def _in_database(tx: Tx, owners: list[str]) -> dict[str, int]:
    """No patience here: whoever waits for the end looks again."""

    def count(table: Table, *conditions: ColumnElement[bool]) -> int:
        return tx.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()

    b, r = batch.c, receipt.c
    leased = b.state == "leased"
    ours = select(delivery.c.id).where(delivery.c.uid == r.delivery_uid).exists()
    for_a_person = [str(code) for code in (*ACKNOWLEDGED_BY_A_PERSON, AlarmCode.NEXT_UPDATE_DUE)]
    return {
        "open intents": count(intent_group, intent_group.c.closed_at.is_(None)),
        "lapsed leases": count(batch, leased, b.lease_until < tx.now()),
        "held by the dead": count(batch, leased, b.owner.not_in(owners)),
        "deliveries under way": count(delivery, delivery.c.state.in_(UNDER_WAY)),
        "broadcasts not ended": count(broadcast, broadcast.c.state == "sending"),
        "receipts not applied": count(receipt, r.applied_at.is_(None), ours),
        "callbacks unread": count(callback, callback.c.kind == "unreadable"),
        "replies under way": count(heard, heard.c.reply.in_(["due", "sending"])),
        "events not sealed": count(audit_event, audit_event.c.no.is_(None)),
        "alarms": count(alarm, alarm.c.cleared_at.is_(None), alarm.c.code.not_in(for_a_person)),
    }
