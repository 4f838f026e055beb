"""`broadcaster factor`: one's second factor."""

import json
from typing import Annotated

import segno
import typer

from broadcaster.cli import asked, terminal
from broadcaster.cli.sandbox_setup import SECRETS
from broadcaster.cli.session import opened, signed_in
from broadcaster.cli.terminal import Json, add_row, local, print_json, say, table
from broadcaster.domain.errors import NotFound
from broadcaster.service.passwords import code_now

factors = terminal.group("Set up your second factor, and give it.")


@factors.command("list", epilog="Example: broadcaster factor list")
def list_(*, as_json: Json = False) -> None:
    """List your second factors."""
    with signed_in() as session:
        found = session.parts.factors.of(session.actor)
        zone = session.parts.settings.zone
    if as_json:
        rows = [{"id": f.uid, "kind": f.kind, "name": f.name, "used_at": f.used_at} for f in found.factors]
        print_json(
            {"factors": rows, "recovery_codes_left": found.recovery_codes_left, "needed": found.needed}
        )
        return
    if not found.factors:
        say("You have no second factor. Set one up: broadcaster factor add")
        return
    shown = table("Id", "Kind", "Name", "Last used")
    for factor in found.factors:
        add_row(shown, (factor.uid, factor.kind, factor.name, local(factor.used_at, zone) or "never"))
    say(shown, f"Recovery codes left: {found.recovery_codes_left}")


@factors.command(epilog="Example: broadcaster factor add")
def add(*, as_json: Json = False) -> None:
    """Set up an authenticator app: scan the code, then type the six digits that the app shows. Passkeys are added in the
    browser.

    With --json the secret is printed on one line, and the code is read from standard input.
    """
    with signed_in() as session:
        made = session.parts.factors.begin_totp(session.actor)
        if as_json:
            print_json({"secret": made.secret, "uri": made.uri}, one_line=True)
        else:
            say("Scan this with your authenticator app, or type the secret into it:")
            segno.make(made.uri).terminal(compact=True)
            say(f"Secret: {made.secret}")
        done = session.parts.factors.finish_totp(session.actor, asked.line("Code"))
    if as_json:
        print_json({"recovery_codes": done.recovery_codes}, one_line=True)
        return
    say("Your authenticator app is set up.")
    _say_codes(done.recovery_codes)


@factors.command(epilog="Example: broadcaster factor give --code 123456")
def give(*, code: asked.Code = "-", as_json: Json = False) -> None:
    """Give your second factor (once more): approving and administering want it fresh."""
    with signed_in() as session:
        actor = session.parts.factors.confirm_token(session.actor, asked.code(code))
    if as_json:
        print_json({"name": actor.name, "factor": actor.factor, "given_at": actor.factor_at})
    else:
        say("Taken.")


@factors.command(epilog="Example: broadcaster factor remove totp")
def remove(
    *,
    id_: Annotated[str, typer.Argument(metavar="ID", help="As in `broadcaster factor list`.")],
    as_json: Json = False,
) -> None:
    """Take one of your second factors away."""
    with signed_in() as session:
        session.parts.factors.remove(session.actor, id_)
    if as_json:
        print_json({"id": id_, "removed": True})
    else:
        say("It is gone.")


@factors.command(epilog="Example: broadcaster factor codes")
def codes(*, as_json: Json = False) -> None:
    """Make new recovery codes, for when your device is gone. Those of before are good no more."""
    with signed_in() as session:
        made = session.parts.factors.new_recovery_codes(session.actor)
    if as_json:
        print_json({"recovery_codes": made})
    else:
        _say_codes(made)


@factors.command("sandbox-code", epilog="Example: broadcaster factor sandbox-code approver")
def sandbox_code(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A user of the sandbox.")],
    as_json: Json = False,
) -> None:
    """Show what the app of a made-up user of the sandbox shows now."""
    with opened() as parts:
        path = parts.settings.root / SECRETS
    secrets = json.loads(path.read_text()) if path.exists() else {}
    if name not in secrets:
        raise NotFound(f'There is no user "{name}" of a sandbox here. Start one: broadcaster up --sandbox')
    code = code_now(secrets[name]["totp_secret"])
    if as_json:
        print_json({"name": name, "code": code})
    else:
        say(code)


def _say_codes(made: tuple[str, ...]) -> None:
    if made:
        say("Recovery codes, shown only now. Print them and lock them away; each is good once:", *made)
