"""`broadcaster alarms`: what is wrong now and what to do about it, for people and for whatever watches in their place."""

from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from broadcaster.cli import show
from broadcaster.cli.session import signed_in
from broadcaster.cli.status import alarm_data
from broadcaster.cli.terminal import Json, local, print_json, say
from broadcaster.domain.policy import Action
from broadcaster.service.alarms import Watch

alarms = typer.Typer(
    add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, invoke_without_command=True
)


@alarms.callback(epilog="Example: broadcaster alarms")
def list_(
    ctx: typer.Context,
    *,
    past: Annotated[bool, typer.Option("--all", help="Also what is over or acknowledged.")] = False,
    as_json: Json = False,
) -> None:
    """Show what is wrong now, the newest first, and what to do. Exit code 1 while anything is, or where nobody looks."""
    if ctx.invoked_subcommand:
        return
    with signed_in(Action.READ) as session:
        found = session.parts.alarms.watch(past=past)
        number = session.parts.alarms.number_open()
        zone = session.parts.settings.zone
    if as_json:
        listed = [alarm_data(each) for each in found.alarms]
        print_json(
            {"open": number, "watching": found.watching, "watched_until": found.until, "alarms": listed}
        )
    else:
        say(*show.alarms(found.alarms, zone), *_closing(found, number, zone))
    if number or not found.watching:
        raise typer.Exit(1)


def _closing(found: Watch, number: int, zone: ZoneInfo) -> list[str]:
    if not found.watching:
        since = f"since {local(found.until, zone)}" if found.until else "yet"
        return [
            f"Nobody has looked for alarms {since}: the sweeper does not run. To start it: broadcaster up"
        ]
    return [] if number else ["No alarm is open: the sweeper looks every second and finds nothing wrong."]


@alarms.command(
    epilog="Example: broadcaster alarms acknowledge counts_differ 7F3K2M --reason 'compared with the gateway'"
)
def acknowledge(
    *,
    code: Annotated[str, typer.Argument(metavar="CODE", help="Such as counts_differ.")],
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="Such as the message's reference.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="What you found, for the auditor.")],
    as_json: Json = False,
) -> None:
    """Say that you have seen an alarm that may never be over by itself. It goes into the audit log."""
    with signed_in() as session:
        seen = session.parts.alarms.acknowledge(session.actor, code, subject, reason=reason)
    if as_json:
        print_json({"code": seen.code, "subject": seen.subject, "reason": reason})
    else:
        say(f"{seen.code} {seen.subject} is acknowledged. It is raised again where more of it happens.")
