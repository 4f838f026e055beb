"""Compares what the stand-in platforms say they took with what the database says. Only the demo needs it."""

from collections import Counter
from dataclasses import dataclass

import requests
from rich.table import Table

from broadcaster.bootstrap import Parts
from broadcaster.cli import terminal
from broadcaster.domain.delivery import DeliveryState
from broadcaster.service.report import ARRIVED

PAGE = 1_000
MAYBE = frozenset({DeliveryState.UNKNOWN, DeliveryState.UNKNOWN_FINAL})


@dataclass(frozen=True, kw_only=True)
class Row:
    """Of one channel: accepted by our database, by the platform's ledger, by both, and what neither explains."""

    channel: str
    database: int
    ledger: int
    missing: int
    unexpected: int
    doubled: int
    doubled_after_unknown: int

    @property
    def equal(self) -> bool:
        return not (self.missing or self.unexpected or self.doubled)


@dataclass(frozen=True, kw_only=True)
class Checked:
    rows: tuple[Row, ...]
    equal: bool

    def table(self) -> Table:
        table = terminal.table(
            "Channel",
            "Our database",
            "Their ledger",
            "Missing",
            "Unexpected",
            "Doubled",
            "Doubled after unknown",
            "",
        )
        table.title, table.title_justify = "The platforms' own ledger beside our database\n", "left"
        for r in self.rows:
            counts = (r.database, r.ledger, r.missing, r.unexpected, r.doubled, r.doubled_after_unknown)
            table.add_row(r.channel, *(f"{n:,}" for n in counts), "equal" if r.equal else "NOT EQUAL")
        return table


def compare(parts: Parts, ref: str, *, sandbox: str, site: str) -> Checked:
    """By key for texts; by link for posts; by key for the website's page, as it is served."""
    status = parts.report.status(ref)
    keys = parts.report.keys(ref)
    rows = []
    for target in status.targets:
        mine = [(key, state, resends) for key, channel, state, resends in keys if channel == target.channel]
        if target.channel == "sms":
            rows.append(_texts(mine, _ledger(sandbox, "sms")))
        elif target.channel == "website":
            rows.append(_one(target.channel, target.accepted, _published(site, ref)))
        else:
            rows.append(_one(target.channel, target.accepted, _posts(sandbox, target.channel, ref)))
    return Checked(rows=tuple(rows), equal=all(r.equal for r in rows) and bool(rows))


def _texts(mine: list[tuple[str, DeliveryState, int]], ledger: list[dict[str, str]]) -> Row:
    took = Counter(entry["key"] for entry in ledger)
    ours = {key for key, state, _ in mine if state in ARRIVED}
    maybe = {key for key, state, _ in mine if state in MAYBE}
    resent = {key for key, _, resends in mine if resends}
    doubled = {key for key, count in took.items() if count > 1}
    return Row(
        channel="sms",
        database=len(ours),
        ledger=len(took),
        missing=len(ours - set(took)),
        unexpected=len(set(took) - ours - maybe),
        doubled=len(doubled - resent),
        doubled_after_unknown=len(doubled & resent),
    )


def _one(channel: str, ours: int, theirs: int) -> Row:
    return Row(
        channel=channel,
        database=ours,
        ledger=theirs,
        missing=max(0, ours - theirs),
        unexpected=max(0, min(theirs, 1) - ours),
        doubled=max(0, theirs - max(1, ours)),
        doubled_after_unknown=0,
    )


def _posts(sandbox: str, platform: str, ref: str) -> int:
    return sum(f"Ref {ref}" in entry["text"] for entry in _ledger(sandbox, platform))


def _published(site: str, ref: str) -> int:
    alerts = requests.get(f"{site}/alerts.json", timeout=10).json()["alerts"]
    return sum(alert["reference"] == ref for alert in alerts)


def _ledger(sandbox: str, platform: str) -> list[dict[str, str]]:
    """Every accepted request, page by page."""
    entries: list[dict[str, str]] = []
    after = 0
    while True:
        query: dict[str, str | int] = {"platform": platform, "accepted": 1, "after": after, "limit": PAGE}
        page = requests.get(f"{sandbox}/_sandbox/ledger", params=query, timeout=30).json()
        rows = page["rows"] if isinstance(page, dict) else page
        if not rows:
            return entries
        entries += rows
        after = rows[-1]["id"]
