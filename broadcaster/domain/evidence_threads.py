"""Threads on the platforms: whether each part answers the one before it, and came after it."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from broadcaster.domain.evidence_case import Case
from broadcaster.domain.evidence_facts import Acceptance, DeliveryFacts

# two witnesses on one machine do not read their clocks to the millisecond
CLOCKS = timedelta(milliseconds=100)

Found = Iterator[tuple[str, str]]


def out_of_order(case: Case) -> Found:
    """Part of I6: what was approved is a thread, and not its sentences in whatever order and place."""
    for target in case.threads:
        parts = {d.ordinal: d for d in case.evidence.deliveries if d.target == target}
        for no in case.threads[target]:
            if no in parts and case.taken.get(parts[no].key):
                yield from _place_of(case, parts[no], parts.get(no - 1))


def _place_of(case: Case, part: DeliveryFacts, before: DeliveryFacts | None) -> Found:
    taken = case.taken[part.key]
    if part.ordinal == 1:
        if any(a.in_reply_to for a in taken):
            yield case.name(part), "is the first part of a thread, and answers another post"
        return
    earlier = case.taken.get(before.key, ()) if before else ()
    if not earlier:
        if before is None or not case.told_by_a_person(before.key):
            yield case.name(part), "was taken, and the part of its thread before it never was"
        return
    ids = {a.platform_id for a in earlier}
    if any(a.in_reply_to is not None and a.in_reply_to not in ids for a in taken):
        yield case.name(part), "does not answer the part of its thread before it"
    first, first_before = _first(taken), _first(earlier)
    if first and first_before and first < first_before - CLOCKS:
        yield case.name(part), "was taken before the part of its thread before it was"


def _first(taken: Sequence[Acceptance]) -> datetime | None:
    return min((a.at for a in taken if a.at is not None), default=None)
