"""`broadcaster heard`: what people wrote to us. A number is shown whole for one message at a time, and that is recorded."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from broadcaster.cli import terminal
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, add_row, local, print_json, say, table
from broadcaster.db.callbacks import Unreadable
from broadcaster.domain.policy import Action
from broadcaster.service.hearing import Shown

heard = terminal.group("Read what people wrote to us.")

WIPED = "(wiped: kept long enough, or erased)"


@heard.command("list", epilog="Example: broadcaster heard list")
def list_(
    *,
    everything: Annotated[bool, typer.Option("--all", help="STOP and START too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many to show at most.")] = 50,
    as_json: Json = False,
) -> None:
    """Show what people answered, the newest first; of a number its last digits. Nobody else looks at these answers."""
    with signed_in(Action.DECIDE) as session:
        found = session.parts.hearing.newest(session.actor, everything=everything, limit=limit)
        unreadable, zone = session.parts.hearing.unreadable(), session.parts.settings.zone
    if as_json:
        print_json(
            {"messages": [asdict(each) for each in found], "unreadable": [asdict(u) for u in unreadable]}
        )
        return
    say(_shown(found, zone) if found else "Nobody has written anything.")
    say(*_unreadable(unreadable, zone))


@heard.command(epilog="Example: broadcaster heard show 17")
def show(
    *,
    heard_id: Annotated[int, typer.Argument(metavar="ID", help="As in `broadcaster heard list`.")],
    as_json: Json = False,
) -> None:
    """Show one message with its whole number, to help whoever wrote it. That you looked goes into the audit log."""
    with signed_in(Action.DECIDE) as session:
        found = session.parts.hearing.one(session.actor, heard_id)
        zone = session.parts.settings.zone
    if as_json:
        print_json(asdict(found))
    else:
        say(f"{found.number or 'No number is kept'}, {local(found.received_at, zone)}:", found.text or WIPED)


@heard.command(epilog="Example: broadcaster heard count")
def count(*, as_json: Json = False) -> None:
    """Count what people wrote, by account and by what it was taken for."""
    with signed_in(Action.READ) as session:
        found, unreadable = session.parts.hearing.counts(), session.parts.hearing.unreadable()
        zone = session.parts.settings.zone
    if as_json:
        print_json(
            {"messages": [asdict(each) for each in found], "unreadable": [asdict(u) for u in unreadable]}
        )
        return
    if not found:
        say("Nobody has written anything.")
    else:
        made = table("Mode", "Account", "Taken for", "Messages", "Newest")
        for each in found:
            add_row(made, (each.mode, each.account, each.meaning, f"{each.count:,}", local(each.last, zone)))
        say(made)
    say(*_unreadable(unreadable, zone))


def _shown(found: list[Shown], zone: ZoneInfo) -> object:
    made = table("Id", "Time", "Account", "From", "Taken for", "Text")
    for each in found:
        account = f"{each.account} ({each.mode})"
        text = WIPED if each.wiped else each.text
        add_row(made, (each.id, local(each.received_at, zone), account, each.number, each.meaning, text))
    return made


def _unreadable(found: list[Unreadable], zone: ZoneInfo) -> Iterator[str]:
    for each in found:
        yield (
            f"{each.account} ({each.mode}) brought {each.count:,} callbacks that were genuine and not understood, the newest "
            f"{local(each.last, zone)}. Look whether its addresses are entered the right way round, and tell an administrator."
        )
