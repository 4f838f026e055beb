"""`broadcaster proposal` and `broadcaster policy`: what two administrators decide together."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from broadcaster.bootstrap import Parts
from broadcaster.cli import asked, terminal
from broadcaster.cli.session import TOKEN, Session, signed_in
from broadcaster.cli.terminal import Json, add_row, local, print_json, say, table
from broadcaster.db.people import Person
from broadcaster.domain.errors import FactorWanted, Invalid
from broadcaster.service.first_live import NONE_YET
from broadcaster.service.proposals import Done, Outcome

proposals = terminal.group("Confirm or decline what another administrator proposes.")
policies = terminal.group("Show and propose how users are managed.")

Ref = Annotated[str, typer.Argument(metavar="REF", help="As in `broadcaster proposal list`.")]
Reason = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why: the other one and the auditor read it.")
]
Made = TypeVar("Made")


@proposals.command("list", epilog="Example: broadcaster proposal list")
def list_(
    *,
    every: Annotated[bool, typer.Option("--all", help="Those that were decided too.")] = False,
    as_json: Json = False,
) -> None:
    """List what waits for a second administrator."""
    with signed_in() as session:
        found = session.parts.proposals.listed(session.actor, open_only=not every)
        zone = session.parts.settings.zone
    if as_json:
        print_json([asdict(each) for each in found])
        return
    shown = table("Ref", "What", "By", "Until", "State", "Why")
    for each in found:
        state = f"{each.state} by {each.decided_by}" if each.decided_by else each.state
        until = local(each.expires_at, zone)
        add_row(shown, (each.ref, each.in_words, each.proposed_by, until, state, each.reason))
    say(shown if found else "Nothing waits for a second administrator.")


@proposals.command(epilog="Example: broadcaster proposal confirm 7F3K2M")
def confirm(*, ref: Ref, code: asked.Code = "", as_json: Json = False) -> None:
    """Confirm what another administrator proposed. It is done at once, to the letter."""
    with signed_in() as session:
        done = session.parts.proposals.confirm(with_code(session, code), ref)
        say_outcome(session.parts, done, as_json=as_json)


@proposals.command(epilog='Example: broadcaster proposal decline 7F3K2M --reason "She left"')
def decline(*, ref: Ref, reason: Reason = "", as_json: Json = False) -> None:
    """Decline what another administrator proposed, with the reason; or withdraw what you proposed yourself."""
    with signed_in() as session:
        session.parts.proposals.decline(session.actor, ref, reason)
    if as_json:
        print_json({"reference": ref.upper(), "declined": True})
    else:
        say(f"{ref.upper()} will not be done.")


@policies.command("list", epilog="Example: broadcaster policy list")
def list_policies(*, as_json: Json = False) -> None:
    """Show how users are managed."""
    with signed_in() as session:
        found = session.parts.proposals.switches()
    if as_json:
        print_json(found)
        return
    shown = table("Policy", "Is")
    for name, value in found.items():
        add_row(shown, (name, value))
    say(shown)


@policies.command("set", epilog="Example: broadcaster policy set second-factor all")
def set_policy(
    *,
    name: Annotated[str, typer.Argument(metavar="POLICY", help="As in `broadcaster policy list`.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="What it is to be.")],
    reason: Reason = "",
    code: asked.Code = "",
    as_json: Json = False,
) -> None:
    """Propose another policy: second-administrator on or off, second-factor roles or all, first-live on or off."""
    with signed_in() as session:
        actor = with_code(session, code)
        made = session.parts.proposals.change_switch(actor, name, value, reason=reason)
        say_outcome(session.parts, made, as_json=as_json)


@policies.command(epilog="Example: broadcaster policy read")
def read(*, as_json: Json = False) -> None:
    """Show the policy that staff read before their first live message, and what you still have to do before yours."""
    with signed_in() as session:
        found = session.parts.first_live.of(session.actor)
    if as_json:
        print_json(asdict(found))
        return
    if found.text is None:
        say(NONE_YET)
        return
    say(f"Version {found.text.no}", "", found.text.words, "")
    if not found.has_read:
        say(f"When you have read it: broadcaster policy acknowledge {found.text.no}")
    say(*found.lacking)


@policies.command(epilog="Example: broadcaster policy acknowledge 1")
def acknowledge(
    *,
    version: Annotated[int, typer.Argument(metavar="N", help="The version that you have read.")],
    as_json: Json = False,
) -> None:
    """Say that you have read the policy and keep to it."""
    with signed_in() as session:
        text = session.parts.first_live.acknowledge(session.actor, version)
        left = session.parts.first_live.of(session.actor).lacking
    if as_json:
        print_json({"version": text.no, "sha256": text.sha256, "lacking": left})
    else:
        say(f"It is recorded that you have read version {text.no}.", *left)


@policies.command(epilog="Example: broadcaster policy write policy.txt")
def write(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The whole policy, as plain text in UTF-8.")],
    as_json: Json = False,
) -> None:
    """Make this the policy that staff read before their first live message, as a new version."""
    try:
        words = file.read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        raise Invalid(f"{file} cannot be read as text ({error}). Nothing was changed.") from error
    with signed_in() as session:
        made = session.parts.first_live.write(session.actor, words)
    if as_json:
        print_json(asdict(made))
    else:
        say(f"Version {made.no} is the policy now.")


def with_code(session: Session, code: str) -> Person:
    """Who asks; with the second factor where a code was given."""
    return session.parts.factors.confirm_token(session.actor, asked.code(code)) if code else session.actor


def with_factor(session: Session, code: str, act: Callable[[Person], Made]) -> Made:
    """What `act` gives. Where it wants a second factor and none was given, somebody at a terminal is asked for it."""
    try:
        return act(with_code(session, code))
    except FactorWanted:
        if code or not asked.can_ask():
            raise
    return act(with_code(session, "-"))


def say_outcome(parts: Parts, made: Outcome, *, as_json: bool) -> None:
    """That it was done, or waits for somebody else; and what is shown only once."""
    link = (
        f"{parts.settings.console_url}/invitation/{made.invitation}"
        if isinstance(made, Done) and made.invitation
        else ""
    )
    if as_json:
        print_json({"done": isinstance(made, Done), **asdict(made), **({"link": link} if link else {})})
        return
    if not isinstance(made, Done):
        until = local(made.expires_at, parts.settings.zone)
        say(
            f"Proposed as {made.ref}: {made.in_words}",
            f"Another administrator confirms it until {until}: broadcaster proposal confirm {made.ref}",
        )
        return
    say(f"Done: {made.in_words}")
    if link:
        say(
            "Give them this link, shown only now and good for three days and once:",
            link,
            "Without a browser: broadcaster password --invitation",
        )
    if made.token:
        say("The token, shown only now:", f"export {TOKEN}={made.token}")
    if made.secret:
        say(
            "Its secret, shown only now, with which its receiver checks that it is from here:",
            made.secret,
            f"Try it: broadcaster webhooks test {made.uid}",
        )
