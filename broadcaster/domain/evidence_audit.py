"""The audit log beside the database: whole in itself, and each of its counts and roots made again from the rows."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from broadcaster.domain.audit import outcomes_root
from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.delivery import ARRIVED, DeliveryState
from broadcaster.domain.evidence_case import Case
from broadcaster.domain.evidence_facts import AttemptFacts

S = DeliveryState
#: States that nothing leaves: whatever the log's last word counts there is there still, but for the parts of a thread
#: that had nothing to follow and, as a later event says, were sent after all.
FOR_GOOD = (S.DELIVERED, S.FAILED, S.CANCELLED, S.EXPIRED, S.SUPPRESSED)

AGAIN = ("parts_again", "failed_again")

Found = Iterator[tuple[str, str]]


def approval_events(case: Case) -> list[dict[str, Any]]:
    return case.payloads("message_approved_and_released")


def audit_problems(case: Case) -> Found:
    """I8: the exported log is whole, and its counts are those of the database."""
    yield from (("audit log", problem) for problem in case.evidence.log.problems)
    yield from _outcomes(case)
    yield from _last_word(case)


def _outcomes(case: Case) -> Found:
    rows: dict[int, list[AttemptFacts]] = {}
    for attempt in case.evidence.attempts:
        rows.setdefault(attempt.group, []).append(attempt)
    recorded: Counter[int] = Counter()
    for payload in case.payloads("outcomes_recorded"):
        group, counts = payload.get("group", 0), payload.get("counts", {})
        recorded[group] += 1
        mine = rows.get(group, [])
        if counts != dict(Counter(str(a.outcome) for a in mine)):
            yield f"group {group}", "the audit log counts other outcomes than the database has of it"
        if payload.get("root") != outcomes_root((a.key, a) for a in mine):
            yield f"group {group}", "its outcomes in the database are not those the audit log vouches for"
    for group in sorted(rows.keys() | recorded.keys()):
        if recorded[group] != 1:
            yield f"group {group}", f"its outcomes stand {recorded[group]} times in the audit log"


def _last_word(case: Case) -> Found:
    """`broadcast_done` against the states now, as far as receipts and people could not change them since."""
    ref, planned = case.broadcast.ref, sum(t.planned_total for t in case.evidence.targets)
    now = Counter(d.state for d in case.evidence.deliveries)
    if case.broadcast.state is BroadcastState.DONE:
        now[S.EXPIRED] += max(0, planned - sum(now.values()))  # never made
    said = case.payloads("broadcast_done")
    if case.broadcast.state is BroadcastState.DONE and not said:
        yield ref, "is done, and the audit log does not say so"
    for payload in said:
        totals = Counter({S(name): n for name, n in payload.get("totals", {}).items() if name in set(S)})
        if payload.get("planned") != planned or totals.total() != planned:
            yield (
                ref,
                f"the audit log ends with {totals.total()} deliveries of {payload.get('planned')}, not {planned}",
            )
        left = Counter({S.FAILED: _parts_again_after(case, payload)})
        fewer = [state for state in FOR_GOOD if now[state] + left[state] < totals[state]]
        if sum(now[s] for s in ARRIVED) < sum(totals[s] for s in ARRIVED):
            fewer.append(S.ACCEPTED)
        for state in fewer:
            yield ref, f"the audit log ended with {totals[state]} {state}; the database has {now[state]} now"


def _parts_again_after(case: Case, said: dict[str, Any]) -> int:
    """How many parts of threads, and of what was refused, a person has set going since this event."""
    payloads = [payload for _, _, payload in case.events]
    later = payloads[next(i for i, payload in enumerate(payloads) if payload is said) + 1 :]
    return sum(n for p in later for name in AGAIN if isinstance(n := p.get(name, 0), int))
