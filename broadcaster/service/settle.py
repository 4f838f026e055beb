"""After a restore: whatever may have been sent since the backup comes up as unknown, and whatever people decided since is
asked of them again. One transaction, before anybody works on the database.

Nothing is sent again by itself afterwards but what cannot double. See docs/adr/0008-restore.md.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broadcaster.db import audit_log, broadcasts, messages, restoring, submissions
from broadcaster.db.broadcasts import Broadcast
from broadcaster.db.engine import Tx
from broadcaster.domain.alarm import AlarmCode
from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.canonical import Json
from broadcaster.domain.message import MessageState
from broadcaster.service.alarms import raise_alarm
from broadcaster.service.findings import Finding
from broadcaster.service.record import SYSTEM, note

MAYBE = (
    "A backup was restored. This may have been sent in the time that was lost, and is not sent again by itself where "
    "that could double it."
)
RETURNED = (
    "A backup was restored. This may have been approved, and sent, in the time that was lost. Look at the platforms "
    "before you submit it again."
)
IDS_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Settled:
    """`unknown` counts deliveries by channel, `messages` by message; `returned` are messages that are drafts again."""

    unknown: Mapping[str, int]
    messages: Mapping[str, int]
    returned: tuple[str, ...]


def settle(tx: Tx, *, taken_at: datetime, last_event: int, backup: str, operator: str) -> Settled:
    """`taken_at` is the backup's moment, by the clock of its database. Run it once."""
    sending = restoring.let_go(tx)
    by_channel: Counter[str] = Counter()
    by_message: Counter[str] = Counter()
    notes: list[tuple[Broadcast, dict[str, Json]]] = []
    in_doubt = {*restoring.in_force(tx, taken_at), *restoring.with_failed_parts(tx, taken_at)}
    for row in [broadcasts.by_id(tx, broadcast_id) for broadcast_id in sorted(in_doubt)]:
        counts, again = _of_broadcast(tx, row)
        by_channel.update(counts)
        by_message[row.ref] += sum(counts.values())
        payload: dict[str, Json] = {"unknown": dict(counts)}
        notes.append((row, payload | ({"parts_again": again} if again else {})))
    by_channel.update(_in_flight(tx, sending))
    returned = [_return(tx, each) for each in restoring.open_submissions(tx)]
    for row, payload in notes:
        note(tx, row, "deliveries_restored", payload)
    found = Settled(unknown=dict(by_channel), messages=dict(by_message), returned=tuple(returned))
    raise_alarm(tx, _finding(found, taken_at))
    payload = {"backup": backup, "taken_at": taken_at.isoformat(), "last_event": last_event}
    payload |= {"unknown": dict(found.unknown), "returned": list(found.returned)}
    audit_log.append(tx, actor=operator, act="restored", subject=_name(taken_at), payload=payload)
    return found


def _of_broadcast(tx: Tx, row: Broadcast) -> tuple[Counter[str], int]:
    """How many deliveries may have been sent, by channel, and how many of them were parts of threads that had failed."""
    counts: Counter[str] = Counter()
    if row.state is BroadcastState.SENDING:
        for target in broadcasts.targets(tx, row.id):
            counts[target.channel] += restoring.unknown_of_target(tx, target.id, MAYBE)
        restoring.finish_batches(tx, row.id)
    again = restoring.failed_parts_to_a_person(tx, row.id, MAYBE)
    if again:
        counts["parts of threads"] += again
    return +counts, again


def _in_flight(tx: Tx, sending: list[str]) -> Counter[str]:
    """Of broadcasts that had been stopped, or were over: what was being sent at that very moment."""
    ids = [i for each in sending for i in json.loads(each)]
    chunks = [ids[start : start + IDS_AT_ONCE] for start in range(0, len(ids), IDS_AT_ONCE)]
    return +Counter({"stopped": sum(restoring.unknown_of_ids(tx, chunk, MAYBE) for chunk in chunks)})


def _return(tx: Tx, each: restoring.Open) -> str:
    """Voided, and back with its officer: it may have been approved meanwhile, and would be sent a second time."""
    submissions.set_state(tx, each.submission_id, submissions.VOID)
    messages.set_state(tx, each.message_id, MessageState.DRAFT)
    payload = {"reason": RETURNED, "manifest_sha256": each.manifest_sha256}
    audit_log.append(tx, actor=SYSTEM, act="message_returned", subject=each.ref, payload=payload)
    return each.ref


def _finding(found: Settled, taken_at: datetime) -> Finding:
    count = sum(found.unknown.values())
    listed = ", ".join(f"{n:,} of {ref}" for ref, n in found.messages.items() if n)
    unknown = (
        f"{count:,} deliveries are unknown ({listed})" if listed else f"{count:,} deliveries are unknown"
    )
    text = (
        f"A backup of {_name(taken_at)} was restored. Whatever was decided after it is lost: messages released, stopped or "
        "corrected, opt-outs, erasures, users and tokens taken away. What was sent since may be on the platforms and not "
        f"here. {unknown}; drafts may have been sent. Look at each platform's own pages before you release anything, "
        "enter again what is lost, then acknowledge this."
    )
    return Finding(code=AlarmCode.RESTORED, subject=_name(taken_at), text=text, size=max(1, count))


def _name(taken_at: datetime) -> str:
    return f"{taken_at:%Y-%m-%dT%H:%M:%SZ}"
