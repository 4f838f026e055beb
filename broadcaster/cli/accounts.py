"""`broadcaster account`: the accounts on the platforms, and letting a paused one send again."""

from typing import Annotated

import typer

from broadcaster.cli import terminal
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, add_row, local, print_json, say, table
from broadcaster.domain.message import Mode
from broadcaster.domain.policy import Action

accounts = terminal.group("List the accounts on the platforms and resume paused ones.")


@accounts.command("list", epilog="Example: broadcaster account list")
def list_(*, as_json: Json = False) -> None:
    """List the accounts, whom they speak as, and which are paused and why."""
    with signed_in(Action.READ, channels=True) as session:
        found = session.parts.accounts.every()
        settings = session.parts.settings
    if as_json:
        keys = ("mode", "name", "channel", "speaks_as", "paused_at", "pause_reason")
        print_json([{key: getattr(each, key) for key in keys} for each in found])
        return
    if not found:
        say(
            f"No account is set up yet. Put one file per account into {settings.credentials / 'live'}; "
            "docs/settings.md says how. To try everything without accounts: broadcaster up --sandbox"
        )
        return
    shown = table("Mode", "Account", "Channel", "Speaks as", "State")
    for each in found:
        state = (
            f"paused since {local(each.paused_at, settings.zone)}: {each.pause_reason}"
            if each.paused_at
            else "ready"
        )
        add_row(shown, (each.mode.upper(), each.name, each.channel, each.speaks_as, state))
    say(shown)


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
