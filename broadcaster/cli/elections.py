"""`broadcaster election`: the time before one, and whose names are watched for."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from broadcaster.cli import terminal
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, local, print_json, say
from broadcaster.domain.errors import Invalid
from broadcaster.domain.policy import Action
from broadcaster.domain.times import local_time

elections = terminal.group("Mark routine messages that name politicians in the time before an election.")


@elections.command(epilog="Example: broadcaster election show")
def show(*, as_json: Json = False) -> None:
    """Show which times are set, and how many names are watched for."""
    with signed_in(Action.READ) as session:
        found, zone = session.parts.pre_election.of(session.actor), session.parts.settings.zone
    if as_json:
        periods = [{**asdict(p), "in_force": p.in_force(found.now)} for p in found.periods]
        print_json({"periods": periods, "names": list(found.names)})
        return
    for p in found.periods:
        state = "now" if p.in_force(found.now) else "ended" if p.ended_at else ""
        say(f"{p.ref}: {local(p.starts_at, zone)} until {local(p.ends_at, zone)} {state}".rstrip())
    say(*([] if found.periods else ["No time is set."]), f"Names that are watched for: {len(found.names)}")


@elections.command(
    "set", epilog="Example: broadcaster election set --from 2027-03-22T00:00 --until 2027-05-06T22:00"
)
def set_(
    *,
    starts: Annotated[str, typer.Option("--from", metavar="TIME", help="As the clock here shows it.")],
    ends: Annotated[str, typer.Option("--until", metavar="TIME", help="As the clock here shows it.")],
    as_json: Json = False,
) -> None:
    """Set a time before an election."""
    with signed_in() as session:
        zone = session.parts.settings.zone
        made = session.parts.pre_election.set(
            session.actor, starts_at=local_time(starts, zone), ends_at=local_time(ends, zone, last=True)
        )
    if as_json:
        print_json({"reference": made.ref, "starts_at": made.starts_at, "ends_at": made.ends_at})
    else:
        say(f"{made.ref} is set. Routine messages that name somebody of the list are marked in that time.")


@elections.command(epilog="Example: broadcaster election end 7F3K2M")
def end(
    *,
    ref: Annotated[str, typer.Argument(metavar="REF", help="As in `broadcaster election show`.")],
    as_json: Json = False,
) -> None:
    """End such a time at once."""
    with signed_in() as session:
        session.parts.pre_election.end(session.actor, ref)
    if as_json:
        print_json({"reference": ref.upper(), "ended": True})
    else:
        say(f"{ref.upper()} is over.")


@elections.command(epilog="Example: broadcaster election names names.txt")
def names(
    *,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="One name on each line; it replaces the list.")
    ],
    as_json: Json = False,
) -> None:
    """Say whose names are watched for: councillors, candidates, members of parliament."""
    try:
        wanted = file.read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise Invalid(f"{file} cannot be read: {error}. Nothing was changed.") from error
    with signed_in() as session:
        added, removed = session.parts.pre_election.set_names(session.actor, wanted)
    if as_json:
        print_json({"added": added, "removed": removed})
    else:
        say(f"Added {added}, taken out {removed}.")
