"""`broadcaster user`: who may use this."""

from typing import Annotated

import typer

from broadcaster.bootstrap import Parts
from broadcaster.cli import asked, terminal
from broadcaster.cli.proposals import Reason, say_outcome, with_code
from broadcaster.cli.session import asking, opened, signed_in
from broadcaster.cli.terminal import Json, add_row, local, print_json, say, table
from broadcaster.cli.tokens import YEAR_DAYS, say_token
from broadcaster.domain.errors import NotAllowed
from broadcaster.domain.policy import Role

users = terminal.group("Add, list, change and disable the people who may use this.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="As in `broadcaster user list`.")]
Roles = Annotated[
    list[str], typer.Option("--role", metavar="ROLE", help=f"One of {', '.join(Role)}; may be repeated.")
]


@users.command(epilog="Example: broadcaster user add alice --role officer")
def add(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits, dots and dashes.")],
    role: Roles,
    reason: Reason = "",
    code: asked.Code = "",
    as_json: Json = False,
) -> None:
    """Add a user. The first one must be an administrator and gets a token right away. All others are proposed to a second
    administrator, but for that second administrator."""
    with opened() as parts:
        if parts.people.is_empty():
            _add_first(parts, name, role, as_json=as_json)
            return
        actor = asking(parts)
        if actor is None:
            raise NotAllowed(
                "Only an administrator may add users. Sign in with `broadcaster login`, as an administrator."
            )
        if code:
            actor = parts.factors.confirm_token(actor, asked.code(code))
        say_outcome(parts, parts.proposals.add_user(actor, name, role, reason=reason), as_json=as_json)


def _add_first(parts: Parts, name: str, roles: list[str], *, as_json: bool) -> None:
    made = parts.people.add(None, name=name, roles=roles)
    issued = parts.people.issue_token(None, name=name, days=YEAR_DAYS)
    if as_json:
        token = {"token": issued.text, "expires_at": issued.expires_at}
        print_json({"name": made.name, "roles": sorted(made.roles), **token})
        return
    say(f"{made.name} was added ({', '.join(sorted(made.roles))}).")
    say_token(issued, local(issued.expires_at, parts.settings.zone))
    say("Then set a password and a second factor: broadcaster password, broadcaster factor add")


@users.command("list", epilog="Example: broadcaster user list")
def list_(*, as_json: Json = False) -> None:
    """List the users and their roles."""
    with signed_in() as session:
        found = session.parts.people.listed(session.actor)
        zone = session.parts.settings.zone
    if as_json:
        print_json(
            [
                {"name": k.person.name, "roles": sorted(k.person.roles), "disabled_at": k.disabled_at}
                for k in found
            ]
        )
        return
    shown = table("Name", "Roles", "Disabled")
    for known in found:
        add_row(
            shown, (known.person.name, ", ".join(sorted(known.person.roles)), local(known.disabled_at, zone))
        )
    say(shown)


@users.command(epilog='Example: broadcaster user disable alice --reason "left the council"')
def disable(*, name: Name, reason: Reason = "", code: asked.Code = "", as_json: Json = False) -> None:
    """Propose to disable a user: every session and token ends, and nothing can be done under that name."""
    with signed_in() as session:
        made = session.parts.proposals.disable_user(with_code(session, code), name, reason=reason)
        say_outcome(session.parts, made, as_json=as_json)


@users.command(epilog="Example: broadcaster user enable alice")
def enable(*, name: Name, reason: Reason = "", code: asked.Code = "", as_json: Json = False) -> None:
    """Propose to enable a user again, with the roles of before."""
    with signed_in() as session:
        made = session.parts.proposals.enable_user(with_code(session, code), name, reason=reason)
        say_outcome(session.parts, made, as_json=as_json)


@users.command(epilog="Example: broadcaster user roles alice --role officer --role auditor")
def roles(
    *, name: Name, role: Roles, reason: Reason = "", code: asked.Code = "", as_json: Json = False
) -> None:
    """Propose other roles for a user: those given here, and no others."""
    with signed_in() as session:
        made = session.parts.proposals.change_roles(with_code(session, code), name, role, reason=reason)
        say_outcome(session.parts, made, as_json=as_json)


@users.command(epilog="Example: broadcaster user invite alice")
def invite(*, name: Name, reason: Reason = "", code: asked.Code = "", as_json: Json = False) -> None:
    """Propose a link with which a user sets a new password. The second factors stay."""
    with signed_in() as session:
        made = session.parts.proposals.invite_user(with_code(session, code), name, reason=reason)
        say_outcome(session.parts, made, as_json=as_json)


@users.command(epilog='Example: broadcaster user reset alice --reason "lost her phone"')
def reset(*, name: Name, reason: Reason = "", code: asked.Code = "", as_json: Json = False) -> None:
    """Propose to take a user's second factors away, since they are lost, with a link to begin anew."""
    with signed_in() as session:
        actor = with_code(session, code)
        made = session.parts.proposals.invite_user(actor, name, factors=True, reason=reason)
        say_outcome(session.parts, made, as_json=as_json)


@users.command("sign-out", epilog="Example: broadcaster user sign-out alice")
def sign_out(*, name: Name, as_json: Json = False) -> None:
    """End every session of a user in a browser, at once. Tokens: broadcaster token revoke."""
    with signed_in() as session:
        ended = session.parts.sessions.end_all(session.actor, name)
    if as_json:
        print_json({"name": name, "sessions": ended})
    else:
        say(f"{terminal.many(ended, 'session')} of {name} ended.")
