"""`broadcaster user` and `broadcaster token`: who may use this."""

from typing import Annotated

import typer

from broadcaster.cli import terminal
from broadcaster.cli.session import TOKEN, asking, opened, signed_in
from broadcaster.cli.terminal import Json, add_row, print_json, say, table
from broadcaster.domain.policy import Role
from broadcaster.service.people import IssuedToken

YEAR_DAYS = 365

users = terminal.group("Add and list the people who may use this.")
tokens = terminal.group("Give a user a token to sign in with.")


@users.command(epilog="Example: broadcaster user add alice --role officer")
def add(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits, dots and dashes.")],
    role: Annotated[
        list[str], typer.Option(metavar="ROLE", help=f"One of {', '.join(Role)}; may be repeated.")
    ],
    as_json: Json = False,
) -> None:
    """Add a user. The first one must be an administrator and gets a token right away."""
    with opened() as parts:
        first = parts.people.is_empty()
        made = parts.people.add(None if first else asking(parts), name=name, roles=role)
        issued = parts.people.issue_token(None, name=name, days=YEAR_DAYS) if first else None
        zone = parts.settings.zone
    if as_json:
        token = {"token": issued.text, "expires_at": issued.expires_at} if issued else {}
        print_json({"name": made.name, "roles": sorted(made.roles), **token})
        return
    say(f"{made.name} was added ({', '.join(sorted(made.roles))}).")
    if issued:
        _say_token(issued, terminal.local(issued.expires_at, zone))
    else:
        say(f"Give a token: broadcaster token issue {made.name}")


@users.command("list", epilog="Example: broadcaster user list")
def list_(*, as_json: Json = False) -> None:
    """List the users and their roles."""
    with signed_in() as session:
        found = session.parts.report.users(session.actor)
    if as_json:
        print_json([{"name": p.name, "roles": sorted(p.roles)} for p in found])
        return
    shown = table("Name", "Roles")
    for person in found:
        add_row(shown, (person.name, ", ".join(sorted(person.roles))))
    say(shown)


@tokens.command(epilog="Example: broadcaster token issue alice --days 30")
def issue(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The user who will sign in with it.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it is good for.")] = YEAR_DAYS,
    as_json: Json = False,
) -> None:
    """Give a user a new token. It is shown once; administrators give them to all, others only to themselves."""
    with opened() as parts:
        issued = parts.people.issue_token(asking(parts), name=name, days=days)
        zone = parts.settings.zone
    if as_json:
        print_json({"name": issued.person, "token": issued.text, "expires_at": issued.expires_at})
    else:
        _say_token(issued, terminal.local(issued.expires_at, zone))


def _say_token(issued: IssuedToken, until: str) -> None:
    say(
        f"The token of {issued.person}, shown only now and good until {until}. To act as {issued.person}:",
        f"export {TOKEN}={issued.text}",
    )
