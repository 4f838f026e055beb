"""`broadcaster webhooks`: where programs elsewhere are told what happens here."""

from dataclasses import asdict
from typing import Annotated

import typer

from broadcaster.cli import asked, terminal
from broadcaster.cli.proposals import Reason, say_outcome, with_code
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, add_row, local, print_json, say, table
from broadcaster.db.webhooks import Webhook
from broadcaster.domain.webhooks import TYPES

webhooks = terminal.group("Tell programs elsewhere what happens here, signed.")

Uid = Annotated[str, typer.Argument(metavar="ID", help="As in `broadcaster webhooks list`.")]
Kinds = Annotated[
    list[str] | None,
    typer.Option(
        "--type", metavar="TYPE", help=f"{', '.join(TYPES.values())}; may be repeated. Without: all."
    ),
]


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
    kind: Kinds = None,
    reason: Reason = "",
    code: asked.Code = "",
    as_json: Json = False,
) -> None:
    """Tell this address what happens from now on. Its secret is shown once, to whoever adds it or confirms that."""
    with signed_in() as session:
        made = session.parts.webhooks.add(with_code(session, code), url, types=kind or (), reason=reason)
        say_outcome(session.parts, made, as_json=as_json)


@webhooks.command(epilog="Example: broadcaster webhooks change ID --type message.finished")
def change(
    *,
    uid: Uid,
    url: Annotated[
        str, typer.Option("--url", metavar="ADDRESS", help="Another address; without, it stays.")
    ] = "",
    kind: Kinds = None,
    every: Annotated[bool, typer.Option("--every-type", help="Tell it everything.")] = False,
    reason: Reason = "",
    code: asked.Code = "",
    as_json: Json = False,
) -> None:
    """Tell another address, or other things. The secret stays."""
    with signed_in() as session:
        actor, service = with_code(session, code), session.parts.webhooks
        before = service.one(actor, uid)
        types = () if every else kind or before.types
        made = service.change(actor, uid, url=url or before.url, types=types, reason=reason)
        say_outcome(session.parts, made, as_json=as_json)


@webhooks.command(epilog="Example: broadcaster webhooks rotate ID")
def rotate(*, uid: Uid, reason: Reason = "", code: asked.Code = "", as_json: Json = False) -> None:
    """Make another secret, shown once. The old one ends at once: what the receiver refuses meanwhile is told again later."""
    with signed_in() as session:
        made = session.parts.webhooks.rotate(with_code(session, code), uid, reason=reason)
        say_outcome(session.parts, made, as_json=as_json)


@webhooks.command(epilog="Example: broadcaster webhooks told ID")
def told(*, uid: Uid, as_json: Json = False) -> None:
    """List what it was told last, and what waits."""
    with signed_in() as session:
        found = session.parts.webhooks.deliveries(session.actor, uid)
        zone = session.parts.settings.zone
    if as_json:
        print_json([{**asdict(each), "state": each.state} for each in found])
        return
    shown = table("When", "Type", "State", "Tries", "Said")
    for each in found:
        add_row(shown, (local(each.created_at, zone), each.type, each.state, each.tries, each.said))
    say(shown if found else "It was told nothing in the last seven days.")


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
