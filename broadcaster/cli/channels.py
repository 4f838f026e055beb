"""`broadcaster channels check`: whether every account could send now, found out without posting anything."""

from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from broadcaster.cli import terminal
from broadcaster.cli.commands_for import as_arguments
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, add_row, local, print_json, say, table
from broadcaster.domain.message import Mode
from broadcaster.domain.policy import Action
from broadcaster.domain.readiness import ReadinessState
from broadcaster.service.readiness import AccountNow

channels = terminal.group("Check whether the accounts on the platforms could send now.")

STATES = {
    ReadinessState.READY: "ready",
    ReadinessState.DOUBTFUL: "doubtful",
    ReadinessState.NOT_READY: "NOT READY",
}


@channels.command(epilog="Example: broadcaster channels check wyre-page")
def check(
    *,
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="The account's name; all accounts where none is given.")
    ] = "",
    mode: Annotated[
        Mode, typer.Option(help="Of which mode: no process holds the credentials of both.")
    ] = Mode.LIVE,
    as_json: Json = False,
) -> None:
    """Ask each platform now whether it would take a post, without posting. Exit code 1 while an account is not ready."""
    with signed_in(Action.READ, mode=mode) as session:
        found = session.parts.checks.check(name=name, mode=mode)
        settings = session.parts.settings
    if as_json:
        print_json([as_data(each) for each in found])
    elif not found:
        say(
            f"No account is set up yet. Put one file per account into {settings.credentials / mode}; "
            "docs/settings.md says how."
        )
    else:
        _show(found, settings.zone)
    if any(each.probed and each.probed.state is ReadinessState.NOT_READY for each in found):
        raise typer.Exit(1)


def state_in_words(account: AccountNow) -> str:
    """Of the check alone; whether the account is paused is another matter."""
    if not account.can_be_checked:
        return "cannot be checked"
    return STATES[account.probed.state] if account.probed else "not checked yet"


def as_data(account: AccountNow) -> dict[str, Any]:
    probed = account.probed
    told: dict[str, Any] = {"mode": account.mode, "name": account.name, "channel": account.channel}
    told |= {"failing_since": account.failing_since, "spares": list(account.spares)}
    if probed is None:
        return {**told, "state": None, "can_be_checked": account.can_be_checked}
    found = probed.readiness
    return {
        **told,
        "state": found.state,
        "can_be_checked": account.can_be_checked,
        "code": found.code,
        "text": found.operator_text,
        "checked_at": probed.at,
        "since": probed.since,
        "last_ready_at": probed.last_ready_at,
        "valid_until": found.valid_until,
        "facts": dict(found.facts),
        "paused_at": account.paused_at,
    }


def _show(found: list[AccountNow], zone: ZoneInfo) -> None:
    shown = table("Mode", "Account", "State", "Credentials end", "Told", "Last ready", "What to do")
    for each in found:
        add_row(shown, (each.mode.upper(), each.name, state_in_words(each), *_told(each, zone)))
    say(shown)


def _told(account: AccountNow, zone: ZoneInfo) -> tuple[str, str, str, str]:
    named = as_arguments(account.name, account.mode)
    paused = f"Paused: {account.pause_reason} Then: broadcaster account resume {named}"
    beside = [paused] if account.paused_at else []
    if account.failing_since:
        since = local(account.failing_since, zone)
        beside.append(f"What is sent through it has failed since {since}; others send in its place.")
    if account.probed is None:
        return "", "", "", "\n".join(beside)
    found = account.probed.readiness
    facts = "\n".join(f"{name}: {value}" for name, value in found.facts)
    last = local(account.probed.last_ready_at, zone) or "never"
    text = "" if found.state is ReadinessState.READY else found.operator_text
    todo = "\n".join(line for line in (text, *beside) if line)
    return local(found.valid_until, zone), facts, last, todo
