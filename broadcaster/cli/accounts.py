"""`broadcaster account`: the accounts on the platforms, and letting a paused one send again."""

from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from broadcaster.cli import terminal
from broadcaster.cli.channels import as_data, state_in_words
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, add_row, local, print_json, say, table
from broadcaster.domain.message import Mode
from broadcaster.domain.policy import Action
from broadcaster.service.readiness import AccountNow

accounts = terminal.group("List the accounts on the platforms and resume paused ones.")


@accounts.command("list", epilog="Example: broadcaster account list")
def list_(*, as_json: Json = False) -> None:
    """List the accounts, whom they speak as, which are paused and why, and what the last check of each found."""
    with signed_in(Action.READ, channels=True) as session:
        found = session.parts.checks.accounts_now()
        settings = session.parts.settings
    if as_json:
        keys = (
            "mode",
            "name",
            "channel",
            "speaks_as",
            "paused_at",
            "pause_reason",
            "failing_since",
            "spares",
        )
        listed = [{**{key: getattr(each, key) for key in keys}, "check": as_data(each)} for each in found]
        print_json(listed)
        return
    if not found:
        say(
            f"No account is set up yet. Put one file per account into {settings.credentials / 'live'}; "
            "docs/settings.md says how. To try everything without accounts: broadcaster up --sandbox"
        )
        return
    shown = table("Mode", "Account", "Channel", "Speaks as", "State", "Last check")
    for each in found:
        state, checked = _state(each, settings.zone), _last_check(each, settings.zone)
        add_row(shown, (each.mode.upper(), each.name, each.channel, each.speaks_as, state, checked))
    say(shown)


def _state(account: AccountNow, zone: ZoneInfo) -> str:
    spares = f"; spares: {', '.join(account.spares)}" if account.spares else ""
    if account.paused_at:
        return f"paused since {local(account.paused_at, zone)}: {account.pause_reason}{spares}"
    if account.failing_since:
        return f"failing since {local(account.failing_since, zone)}, others send in its place{spares}"
    return f"in use{spares}"


def _last_check(account: AccountNow, zone: ZoneInfo) -> str:
    at = f", {local(account.probed.at, zone)}" if account.probed else ""
    return f"{state_in_words(account)}{at}"


@accounts.command(epilog="Example: broadcaster account resume wyre-page")
def resume(
    *,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The account's name, as in `broadcaster account list`.")
    ],
    mode: Annotated[Mode, typer.Option(help="Which of the two accounts of that name.")] = Mode.LIVE,
    as_json: Json = False,
) -> None:
    """Let a paused account send again, once its cause is mended."""
    with signed_in() as session:
        session.parts.accounts.resume(session.actor, name, mode)
    if as_json:
        print_json({"name": name, "mode": mode, "paused_at": None})
    else:
        say(f"The {mode} account {name} sends again.")
