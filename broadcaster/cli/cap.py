"""`broadcaster cap`: the CAP alerts of messages, and the key that signs them."""

from typing import Annotated

import typer

from broadcaster.cli import terminal
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, print_json, say
from broadcaster.domain.message import Mode

cap = terminal.group("Show the CAP alert of a message, and change the key that signs them.")


@cap.command(epilog="Example: broadcaster cap show 7F3K2M > 7f3k2m.cap.xml")
def show(
    *,
    ref: Annotated[str, typer.Argument(metavar="REF", help="The message's reference, such as 7F3K2M.")],
    as_json: Json = False,
) -> None:
    """Print the CAP alert as it is published; before that, as it would be, unsigned."""
    with signed_in(channels=True) as session:
        found = session.parts.cap_keys.shown(session.actor, ref)
    if as_json:
        keys = ("account", "identifier", "published", "signed")
        told = [{key: getattr(each, key) for key in keys} for each in found]
        print_json([{**t, "xml": each.content.decode()} for t, each in zip(told, found, strict=True)])
        return
    for each in found:
        state = "published" if each.published else "not published: as it would be"
        signed = (
            "signed by our key"
            if each.signed
            else "not signed"
            if not each.published
            else "NOT SIGNED BY OUR KEY"
        )
        typer.echo(f"{each.account}: {state}, {signed}", err=True)
        typer.echo(each.content.decode())


@cap.command(epilog="Example: broadcaster cap rotate")
def rotate(
    *,
    mode: Annotated[Mode, typer.Option(help="Whose alerts: live and exercise have a key each.")] = Mode.LIVE,
    as_json: Json = False,
) -> None:
    """Sign CAP alerts with a new key from now on. What the earlier ones signed can be verified as before."""
    with signed_in() as session:
        made = session.parts.cap_keys.rotate(session.actor, mode)
    if as_json:
        print_json({"mode": str(mode), "certificate": made.fingerprint, "ends_at": made.ends_at})
        return
    say(
        f"CAP alerts ({mode}) are signed with a new key from now on. Its certificate, SHA-256: {made.fingerprint}",
        "It is published in cap-certificates.pem within a minute, before those of the earlier keys. Tell those who were given the old one.",
    )
