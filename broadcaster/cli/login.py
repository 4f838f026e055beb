"""`broadcaster login`, `logout` and `password`: signing in on the command line, and one's own password."""

import getpass
import os
import socket
from typing import Annotated

import typer

from broadcaster.cli import asked, terminal, token_file
from broadcaster.cli.session import TOKEN, opened, signed_in
from broadcaster.cli.terminal import Json, local, print_json, say
from broadcaster.domain.errors import FactorWanted
from broadcaster.domain.identity import Wants
from broadcaster.service.people import IssuedToken
from broadcaster.service.sign_in import SignIn

app = terminal.group("Signing in.")


@app.command(epilog="Example: broadcaster login alice")
def login(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who you are. Without it you are asked.")] = "",
    code: asked.Code = "",
    printed: Annotated[
        bool, typer.Option("--print", help="Print the token instead of keeping it in a file.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Sign in on the command line. What follows is done in your name until you sign out, or the shift is over.

    Password and code are asked for, or read as lines of standard input; the password can not be given as an option, where
    others of this machine would see it.
    """
    name = name or asked.line("Name")
    password = asked.secret("Password")
    with opened() as parts:
        issued, wants = _sign_in(parts.sign_in, name, password, asked.code(code))
        kept = {} if printed else {"file": str(token_file.write(parts.settings, issued.text))}
        zone = parts.settings.zone
    if as_json:
        told = kept or {"token": issued.text}
        print_json({"name": issued.person, "expires_at": issued.expires_at, "wants": wants, **told})
        return
    if printed:
        say(f"export {TOKEN}={issued.text}")
        return
    say(
        f"You are {issued.person} on this machine until {local(issued.expires_at, zone)}. Sign out: broadcaster logout"
    )
    if wants is Wants.ENROLMENT:
        say("Your roles need a second factor before you can approve or administer: broadcaster factor add")
    if os.environ.get(TOKEN):
        say(f"{TOKEN} is set and goes first. To act as {issued.person}: unset {TOKEN}")


def _sign_in(sign_in: SignIn, name: str, password: str, code: str) -> tuple[IssuedToken, Wants]:
    place, label = f"command line of {getpass.getuser()}", f"login on {socket.gethostname()}"
    try:
        return sign_in.with_token(name, password, code, place=place, label=label)
    except FactorWanted:
        return sign_in.with_token(name, password, asked.line("Code"), place=place, label=label)


@app.command(epilog="Example: broadcaster logout")
def logout(*, as_json: Json = False) -> None:
    """Sign out on the command line: the token that was kept is good for nothing any more."""
    with signed_in() as session:
        session.parts.people.sign_out(session.actor)
        token_file.remove(session.parts.settings)
    if as_json:
        print_json({"name": session.actor.name, "signed_in": False})
    else:
        say(f"{session.actor.name} is signed out.")


@app.command(epilog="Example: broadcaster password")
def password(
    *,
    invitation: Annotated[
        bool,
        typer.Option(
            "--invitation", help="With an invitation, which is asked for, instead of the old password."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Set or change your own password. Everything is asked for, or read as lines of standard input.

    At least 12 characters, none of the common ones; three or four words make a good one. Pasting is welcome.
    """
    name = _accept() if invitation else _change()
    if as_json:
        print_json({"name": name, "changed": True})
    else:
        say(f"The password of {name} was changed. Every other session of {name} has ended.")


def _accept() -> str:
    code = asked.secret("Invitation").rsplit("/", 1)[-1]
    with opened() as parts:
        name = parts.passwords.invited(code)
        parts.passwords.accept(code, asked.secret("New password", twice=True))
    return name


def _change() -> str:
    with signed_in() as session:
        passwords = session.parts.passwords
        old = asked.secret("Old password") if passwords.has_one(session.actor) else ""
        passwords.change(session.actor, old, asked.secret("New password", twice=True))
    return session.actor.name
