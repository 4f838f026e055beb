"""Asks the stand-in platforms what they took, and shows what the checker makes of it. Only the demo needs it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import requests
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from broadcaster.bootstrap import Parts
from broadcaster.cli import terminal
from broadcaster.cli.ledger import taken
from broadcaster.db.people import Person
from broadcaster.domain.evidence import Findings, check
from broadcaster.domain.evidence_facts import Acceptance

SHOWN = 5  # broken invariants that are told one by one
HEADINGS = (
    "Channel",
    "Our database",
    "Their ledger",
    "Missing",
    "Unexpected",
    "Doubled",
    "Doubled after unknown",
    "",
)
COLUMNS = ("database", "ledger", "lost", "unexpected", "duplicated", "duplicated_after_unknown")
WRONG = ("lost", "unexpected", "duplicated")
SOUND = (
    "All eight invariants hold: one delivery for each approved recipient, nothing left over, nothing taken twice but after "
    "an unknown, each platform's record equal to ours, to the letter what was approved, in its time, and an audit log "
    "that is whole and counts the same."
)


def compare(parts: Parts, auditor: Person, ref: str, *, sandbox: str, site: str) -> Findings:
    """By key for texts; by reference for posts, and for the website's page as it is served."""
    ours = parts.audit.evidence(auditor, ref)
    keys = {delivery.key for delivery in ours.deliveries}
    return check(replace(ours, accepted=(*taken(sandbox, ref, keys), *_pages(site, ref))))


def shown(findings: Findings) -> RenderableType:
    """A line per channel, and the verdict in words."""
    table: Table = terminal.table(*HEADINGS)
    table.title, table.title_justify = "The platforms' own ledger beside our database\n", "left"
    for channel, counts in findings.channels.items():
        table.add_row(channel, *(f"{counts[name]:,}" for name in COLUMNS), _equal(counts))
    return Group(table, Text(), *_verdict(findings))


def _equal(counts: Mapping[str, int]) -> str:
    return "NOT EQUAL" if any(counts[name] for name in WRONG) else "equal"


def _verdict(findings: Findings) -> Iterator[Text]:
    if findings.sound:
        yield Text(SOUND)
        return
    for each in findings.broken[:SHOWN]:
        yield Text(f"{each.invariant} does not hold: {each.subject} {each.text}", style="bold red")
    if len(findings.broken) > SHOWN:
        yield Text(f"... and {len(findings.broken) - SHOWN:,} more.", style="bold red")


def _pages(site: str, ref: str) -> Iterator[Acceptance]:
    """When a page was written only its writer says, so that is no testimony."""
    for alert in requests.get(f"{site}/alerts.json", timeout=10).json()["alerts"]:
        for post in alert["posts"] if alert["reference"] == ref else ():
            yield Acceptance(
                platform="website",
                key="",
                text=post["text"],
                title=post["title"],
                link=post["link"],
                facts=post["facts"],
                platform_id=ref,
            )
