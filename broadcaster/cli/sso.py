"""`broadcaster sso`: who may sign in by single sign-on, and whether its provider could let anybody in."""

import typer

from broadcaster.cli import asked, terminal
from broadcaster.cli.proposals import Reason, say_outcome, with_code
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, add_row, print_json, say, table
from broadcaster.cli.users import Name
from broadcaster.domain.errors import NotFound
from broadcaster.domain.policy import Action

sso = terminal.group("Single sign-on: who may use it, and whether it works.")


@sso.command(epilog="Example: broadcaster sso check")
def check(*, as_json: Json = False) -> None:
    """Ask the provider what signing in needs, without signing anybody in. Exit code 1 where something is wrong."""
    with signed_in(Action.AUDIT) as session:
        service = session.parts.single_sign_on
        if service is None:
            raise NotFound(
                "Single sign-on is not set up: BROADCASTER_OIDC_ISSUER is empty. See docs/people.md"
            )
        found = list(service.provider.check())
    if as_json:
        print_json([{"what": each.what, "right": not each.wrong, "wrong": each.wrong} for each in found])
    else:
        shown = table("What", "State")
        for each in found:
            add_row(shown, (each.what, each.wrong or "right"))
        say(shown)
    if any(each.wrong for each in found):
        raise typer.Exit(1)


@sso.command(epilog="Example: broadcaster sso allow alice")
def allow(*, name: Name, reason: Reason = "", code: asked.Code = "", as_json: Json = False) -> None:
    """Propose to let a user sign in that way."""
    with signed_in() as session:
        made = session.parts.proposals.allow_sso(with_code(session, code), name, reason=reason)
        say_outcome(session.parts, made, as_json=as_json)


@sso.command("take-away", epilog="Example: broadcaster sso take-away alice --reason 'left the council'")
def take_away(*, name: Name, reason: Reason = "", code: asked.Code = "", as_json: Json = False) -> None:
    """Propose that a user can no longer sign in that way, and forget whom the provider knew as that user."""
    with signed_in() as session:
        made = session.parts.proposals.take_sso_away(with_code(session, code), name, reason=reason)
        say_outcome(session.parts, made, as_json=as_json)
