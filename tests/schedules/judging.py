"""Whether each due run became exactly one thing, and what was sent was sent once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from broadcaster.db.tables import approval, broadcast, message, schedule, schedule_run, submission
from tests.records import Records


def faults(records: Records, expected: Mapping[str, Sequence[datetime]], until: datetime) -> list[str]:
    """What is wrong; nothing where every due run of every schedule, by its name, is one of sent, refused, missed, skipped."""
    names = {row.id: row.name for row in records.rows(schedule)}
    rows = records.rows(schedule_run)
    found = Counter((names[row.schedule_id], row.planned_at) for row in rows if row.planned_at <= until)
    wanted = Counter((name, at) for name, moments in expected.items() for at in moments if at <= until)
    wrong = [
        f"{name} at {at:%Y-%m-%dT%H:%MZ}: {n} times too few" for (name, at), n in (wanted - found).items()
    ]
    wrong += [
        f"{name} at {at:%Y-%m-%dT%H:%MZ}: {n} times too many" for (name, at), n in (found - wanted).items()
    ]
    wrong += [
        f"a run that was {row.state} does not say why"
        for row in rows
        if row.state != "sent" and not (row.reason and (row.code or row.person_id))
    ]
    sent = [row.message_id for row in rows if row.state == "sent"]
    if None in sent or len(set(sent)) != len(sent):
        wrong.append("a run that was sent has no message of its own")
    for table in (message, submission, approval, broadcast):
        if records.size(table) != len(sent):
            wrong.append(f"{records.size(table)} rows of {table.name} for {len(sent)} runs that were sent")
    released = [
        event["planned"] + event["schedule"] for event in records.events("message_approved_and_released")
    ]
    if len(set(released)) != len(released) or len(released) != len(sent):
        wrong.append(f"the audit log tells of {len(released)} runs that were sent")
    return wrong
