"""`broadcaster token`: with which programs say who asks."""

from typing import Annotated

import typer

from broadcaster.cli import asked, terminal
from broadcaster.cli.proposals import Reason, say_outcome
from broadcaster.cli.session import TOKEN, given_token, opened, signed_in
from broadcaster.cli.terminal import Json, add_row, local, print_json, say, table
from broadcaster.domain.policy import Scope
from broadcaster.service.people import IssuedToken

YEAR_DAYS = 365

tokens = terminal.group("List, make and revoke tokens, with which programs say who asks.")

Scopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope", metavar="SCOPE", help=f"What it is good for: {', '.join(Scope)}; may be repeated."
    ),
]


@tokens.command(epilog="Example: broadcaster token issue alice --days 30 --scope read")
def issue(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The user in whose name it acts.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it is good for.")] = YEAR_DAYS,
    label: Annotated[str, typer.Option(metavar="TEXT", help="What it is for: you see it in the list.")] = "",
    scope: Scopes = None,
    reason: Reason = "",
    code: asked.Code = "",
    as_json: Json = False,
) -> None:
    """Make a token: for yourself at once; for somebody else a second administrator must confirm it. It is shown once.

    Without --scope it is good for all that the user's roles allow.
    """
    with opened() as parts:
        token = given_token(parts.settings)
        actor = parts.people.who(token) if token else None
        if actor and code:
            actor = parts.factors.confirm_token(actor, asked.code(code))
        if actor and actor.name != name:
            made = parts.proposals.issue_token(
                actor, name, days=days, label=label, scopes=scope or (), reason=reason
            )
            say_outcome(parts, made, as_json=as_json)
            return
        issued = parts.people.issue_token(actor, name=name, days=days, label=label, scopes=scope or ())
        zone = parts.settings.zone
    if as_json:
        print_json({"name": issued.person, "token": issued.text, "expires_at": issued.expires_at})
    else:
        say_token(issued, local(issued.expires_at, zone))


@tokens.command("list", epilog="Example: broadcaster token list --user alice")
def list_(
    *,
    user: Annotated[str, typer.Option(metavar="NAME", help="Those of this user; * for everybody's.")] = "",
    as_json: Json = False,
) -> None:
    """List tokens that can be used: your own, or as an administrator those of others."""
    with signed_in() as session:
        found = session.parts.people.tokens(session.actor, of=user)
        zone = session.parts.settings.zone
    if as_json:
        keys = ("id", "name", "scopes", "created_at", "expires_at", "used_at")
        print_json([{"user": t.person, **{key: getattr(t, key) for key in keys}} for t in found])
        return
    shown = table("Id", "User", "For", "Good for", "Until", "Last used")
    for each in found:
        until, used = local(each.expires_at, zone), local(each.used_at, zone) or "never"
        add_row(shown, (each.id, each.person, each.name, ", ".join(each.scopes) or "everything", until, used))
    say(shown if found else "There is no token that can be used.")


@tokens.command(epilog="Example: broadcaster token revoke 7")
def revoke(
    *,
    id_: Annotated[int, typer.Argument(metavar="ID", help="As in `broadcaster token list`.")],
    as_json: Json = False,
) -> None:
    """Revoke a token at once: your own, or as an administrator anybody's."""
    with signed_in() as session:
        found = session.parts.people.revoke_token(session.actor, id_)
    if as_json:
        print_json({"id": id_, "user": found.person, "revoked": True})
    else:
        say(f"Token {id_} of {found.person} is good for nothing any more.")


def say_token(issued: IssuedToken, until: str) -> None:
    say(
        f"The token of {issued.person}, shown only now and good until {until}. To act as {issued.person}:",
        f"export {TOKEN}={issued.text}",
    )
