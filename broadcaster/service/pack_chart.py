"""Deliveries over time, out of the log's own events: their counts were sealed when they were written.

A million texts make some thousand events, so nothing here reads a row for each recipient.
"""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.paper import Block, Chart, Words, table

SERIES = ("accepted by platforms", "delivered to phones", "refused or in doubt")
MOST_BARS = 48
WIDTHS_S = (1, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400, 604_800)
IN_DOUBT = ("refused", "not_configured", "unknown")


def deliveries_over_time(events: Sequence[AuditEvent], zone: ZoneInfo) -> list[Block]:
    """The chart and its numbers as a table."""
    counted = [(datetime.fromisoformat(e.at), found) for e in events if (found := _counts(e))]
    if not counted:
        return [Words(text="No platform has answered anything yet, so there is nothing to draw.")]
    first, last = counted[0][0], max(at for at, _ in counted)
    width = next((w for w in WIDTHS_S if (last - first) / timedelta(seconds=w) < MOST_BARS - 1), WIDTHS_S[-1])
    sums: dict[int, Counter[str]] = {}
    for at, found in counted:
        sums.setdefault(int(at.timestamp()) // width, Counter()).update(found)
    begins, ends = min(sums), max(sums)
    bars = [(n * width, tuple(sums.get(n, Counter())[s] for s in SERIES)) for n in range(begins, ends + 1)]
    bars = bars[:MOST_BARS]
    return [_chart(bars, width, zone), _table(bars, width, zone)]


def _counts(event: AuditEvent) -> dict[str, int]:
    """By series. Nothing of an event that tells no outcomes, or that somebody altered so that nobody can read it."""
    try:
        counts = json.loads(event.payload)["counts"]
        if event.act == "outcomes_recorded":
            return _some(accepted=counts.get("accepted", 0), doubt=sum(counts.get(k, 0) for k in IN_DOUBT))
        if event.act == "receipts_applied":
            return _some(delivered=sum(n for move, n in counts.items() if move.endswith("->delivered")))
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    return {}


def _some(*, accepted: int = 0, delivered: int = 0, doubt: int = 0) -> dict[str, int]:
    return {name: n for name, n in zip(SERIES, (accepted, delivered, doubt), strict=True) if n}


def _chart(bars: Sequence[tuple[int, tuple[int, ...]]], width: int, zone: ZoneInfo) -> Chart:
    most_at, most = max(bars, key=lambda bar: bar[1][0])
    sums = [f"{sum(bar[1][k] for bar in bars):,} {name}" for k, name in enumerate(SERIES)]
    return Chart(
        title=f"Deliveries over time, each bar {_wide(width)}",
        alt=f"Bar chart from {_full(bars[0][0], zone)} to {_full(bars[-1][0] + width, zone)}. In all: {', '.join(sums)}. "
        f"Most were accepted from {_full(most_at, zone)} on: {most[0]:,}. The table below has every number.",
        series=SERIES,
        bars=tuple((_label(at, width, zone), numbers) for at, numbers in bars),
    )


def _table(bars: Sequence[tuple[int, tuple[int, ...]]], width: int, zone: ZoneInfo) -> Block:
    rows = [(_full(at, zone), *(f"{n:,}" for n in numbers)) for at, numbers in bars if any(numbers)]
    sums = ("In all", *(f"{sum(bar[1][k] for bar in bars):,}" for k in range(len(SERIES))))
    return table(
        f"The numbers of the chart, each line {_wide(width)}; what has none is left out",
        ("From", *(name.capitalize() for name in SERIES)),
        [*rows, sums],
        parts=(4, 3, 3, 3),
        numbers=(1, 2, 3),
        nothing="",
    )


def _wide(width: int) -> str:
    for unit, word in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if width >= unit:
            n = width // unit
            return f"{n} {word}{'s' if n > 1 else ''}"
    return ""


def _local(at: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone(zone)


def _full(at: int, zone: ZoneInfo) -> str:
    local = _local(at, zone)
    return f"{local.day} {local:%B %Y, %H:%M:%S}"


def _label(at: int, width: int, zone: ZoneInfo) -> str:
    local = _local(at, zone)
    if width >= 86_400:
        return f"{local.day} {local:%b}"
    return f"{local:%H:%M:%S}" if width < 60 else f"{local:%H:%M}"
