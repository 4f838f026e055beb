"""The verdict in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from broadcaster.audit.verifier.verdict import Verdict

NOT_PINNED = "\nThe key was taken from the file itself. Compare it with the one you were given, or name that one with --key."


def in_words(v: Verdict) -> Iterator[str]:
    signed = "checkpoint" if v.checkpoints == 1 else "checkpoints"
    waiting = f", {v.unsealed} not sealed yet" if v.unsealed else ""
    yield f"{v.events:,} events, {v.checkpoints:,} signed {signed}{waiting}."
    for no, what in sorted(v.problems)[:10]:
        yield f"ALTERED at event {no}: {what}."
    if v.problems:
        yield f"Trust nothing from event {v.first_bad} on. Keep the database as it is, and compare it with a backup and an earlier export."
    elif v.tail_open:
        yield f"Whole, but what was written since {v.open_since} is not laid down outside: whoever runs the database could still replace it."
    else:
        yield "Whole: no event was altered, added or taken out."
    if v.anchored:
        yield f"The first {v.anchored:,} events are those that were laid down outside."
    yield from v.notes
    if v.key:
        yield f"Key: {v.key}{'' if v.pinned else NOT_PINNED}"


def as_dict(v: Verdict) -> dict[str, Any]:
    names = ("events", "checkpoints", "unsealed", "anchored", "open_since", "key", "pinned", "first_bad")
    problems = [{"event": no, "text": what} for no, what in sorted(v.problems)]
    return {"code": v.code, **{name: getattr(v, name) for name in names}, "problems": problems}
