"""`broadcaster webhooks`: where programs elsewhere are told what happens here."""

from typing import Annotated

import typer

from broadcaster.cli import terminal
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, add_row, local, print_json, say, table
from broadcaster.db.webhooks import Webhook
from broadcaster.domain.webhooks import TYPES

webhooks = terminal.group("Tell programs elsewhere what happens here, signed.")

Uid = Annotated[str, typer.Argument(metavar="ID", help="As in `broadcaster webhooks list`.")]


@webhooks.command("list", epilog="Example: broadcaster webhooks list")
def list_(*, as_json: Json = False) -> None:
    """List the webhooks, and whether what is told reaches them."""
    with signed_in() as session:
        found = session.parts.webhooks.listed(session.actor)
        zone = session.parts.settings.zone
    if as_json:
        keys = ("uid", "url", "types", "added_by", "created_at", "waiting", "failing_since", "disabled_at")
        print_json([{key: getattr(each, key) for key in keys} for each in found])
        return
    if not found:
        say("There is no webhook yet. Add one: broadcaster webhooks add https://...")
        return
    shown = table("Id", "Address", "Told", "Waiting", "State")
    for each in found:
        told = ", ".join(each.types) or "everything"
        add_row(
            shown, (each.uid, each.url, told, each.waiting, _state(each, local(each.failing_since, zone)))
        )
    say(shown)


def _state(each: Webhook, since: str) -> str:
    if each.disabled_at:
        return f"DISABLED. When its receiver is mended: broadcaster webhooks test {each.uid}"
    return f"nothing reaches it since {since}" if since else "good"


@webhooks.command(
    epilog="Example: broadcaster webhooks add https://hooks.example.org/alerts --type message.finished"
)
def add(
    *,
    url: Annotated[str, typer.Argument(metavar="ADDRESS", help="Beginning with https://, and public.")],
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--type", metavar="TYPE", help=f"{', '.join(TYPES.values())}; may be repeated. Without: all."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell this address what happens from now on. Its secret is shown once."""
    with signed_in() as session:
        made = session.parts.webhooks.add(session.actor, url, types=kind or ())
    if as_json:
        print_json({"uid": made.uid, "url": made.url, "types": made.types, "secret": made.secret})
        return
    say(
        f"{made.url} is told from now on what happens here. Its secret, shown only now, with which its receiver checks that it is "
        "from here:",
        made.secret,
        f"Try it: broadcaster webhooks test {made.uid}",
    )


@webhooks.command(epilog="Example: broadcaster webhooks remove ID")
def remove(*, uid: Uid, as_json: Json = False) -> None:
    """Tell an address nothing any more, not even what still waits for it."""
    with signed_in() as session:
        session.parts.webhooks.remove(session.actor, uid)
    if as_json:
        print_json({"uid": uid, "removed": True})
    else:
        say("It is told nothing any more.")


@webhooks.command("test", epilog="Example: broadcaster webhooks test ID")
def try_out(*, uid: Uid, as_json: Json = False) -> None:
    """Tell it something made up, now. One that was disabled is enabled again where that arrives. Exit code 1 otherwise."""
    with signed_in() as session:
        tested = session.parts.webhooks.test(session.actor, uid)
    if as_json:
        print_json({"uid": uid, "arrived": tested.arrived, "said": tested.said})
    elif tested.arrived:
        say(f"It arrived: {tested.said}.")
    else:
        say(f"It did not arrive: {tested.said}. Look at its receiver, then try again.")
    if not tested.arrived:
        raise typer.Exit(1)
