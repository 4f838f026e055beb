"""`broadcaster audit`: the record of who did what, and whether somebody altered it."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from broadcaster.cli import show as views
from broadcaster.cli import terminal
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, print_json, say
from broadcaster.domain.audit import AuditEvent

audit = terminal.group("Read the record of who did what, and check that nobody altered it.")


@audit.command(epilog="Example: broadcaster audit show 7F3K2M")
def show(
    *,
    ref: Annotated[str, typer.Argument(metavar="REF", help="Only the events of this message.")] = "",
    as_json: Json = False,
) -> None:
    """Show the events of a message, or all, and check the chain of the whole log. Fails where it is broken."""
    with signed_in() as session:
        events = session.parts.report.audit(session.actor, ref)
        bad = session.parts.report.first_bad_event()
        zone = session.parts.settings.zone
    if as_json:
        print_json({"events": [_event(each) for each in events], "whole": bad is None, "first_bad": bad})
    else:
        say(views.audit_table(events, zone) if events else "There is no event yet.", "", _verdict(bad))
    if bad is not None:
        raise typer.Exit(1)


def _verdict(bad: int | None) -> str:
    if bad is None:
        return "The chain of the whole log is whole: no event was altered, added or taken out."
    return (
        f"ALARM: event {bad} was altered, or is missing or out of order. Trust nothing from {bad} on, keep the database "
        "as it is, and compare it with a backup."
    )


def _event(each: AuditEvent) -> dict[str, Any]:
    return {**asdict(each), "payload": views.payload(each.payload)}
