"""`broadcaster delegation`: who may approve what without being an approver."""

from dataclasses import asdict
from typing import Annotated

import typer

from broadcaster.cli import asked, terminal
from broadcaster.cli.proposals import Reason, say_outcome, with_code
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, add_row, local, print_json, say, table
from broadcaster.cli.users import Name
from broadcaster.domain.checks.cost import DEFAULT_CURRENCY
from broadcaster.domain.delegation import Covers
from broadcaster.domain.policy import Action
from broadcaster.domain.times import local_time

delegations = terminal.group("Let somebody approve some messages, for a time, under a scheme of delegation.")

Templates = Annotated[
    list[str] | None,
    typer.Option("--template", metavar="NAME", help="A notice template; may be repeated. None: every one."),
]
Severities = Annotated[
    list[str] | None,
    typer.Option("--severity", metavar="WORD", help="Such as Severe; may be repeated. None: any."),
]


@delegations.command("list", epilog="Example: broadcaster delegation list")
def list_(*, as_json: Json = False) -> None:
    """List delegations, the newest first: all for administrators and auditors, your own otherwise."""
    with signed_in(Action.READ) as session:
        found = session.parts.delegations.listed(session.actor)
        zone = session.parts.settings.zone
        with session.parts.database.read() as tx:
            now = tx.now()
    if as_json:
        print_json([{**asdict(each), "in_force": each.in_force(now)} for each in found])
        return
    shown = table("Ref", "Who", "May approve", "From", "Until", "Under", "Given by", "In force")
    for d in found:
        when = (local(d.starts_at, zone), local(d.ended_at or d.ends_at, zone))
        in_force = "yes" if d.in_force(now) else "no"
        add_row(shown, (d.ref, d.person, d.covers.in_words, *when, d.scheme, d.given_by, in_force))
    say(shown if found else "There is no delegation.")


@delegations.command(
    epilog="Example: broadcaster delegation give dora --template flood --most-cost 500 --from 2026-12-24T12:00 "
    "--until 2026-12-27T08:00 --scheme 'Scheme of delegation 2026, 4.2'"
)
def give(
    *,
    name: Name,
    starts: Annotated[str, typer.Option("--from", metavar="TIME", help="As the clock here shows it.")],
    ends: Annotated[
        str, typer.Option("--until", metavar="TIME", help="As the clock here shows it; within a year.")
    ],
    scheme: Annotated[str, typer.Option(metavar="TEXT", help="The scheme of delegation that allows it.")],
    template: Templates = None,
    severity: Severities = None,
    most_cost: Annotated[
        str, typer.Option(metavar="AMOUNT", help="Most that the texts of one message may cost. None: any.")
    ] = "",
    currency: Annotated[str, typer.Option(metavar="CODE", help="Of that amount.")] = DEFAULT_CURRENCY,
    reason: Reason = "",
    code: asked.Code = "",
    as_json: Json = False,
) -> None:
    """Propose that somebody may approve what this covers, and nothing else."""
    covers = Covers(
        templates=tuple(template or ()),
        severities=tuple(severity or ()),
        most_cost=most_cost,
        currency=currency,
    )
    with signed_in() as session:
        zone = session.parts.settings.zone
        made = session.parts.proposals.give_delegation(
            with_code(session, code),
            name,
            covers,
            scheme=scheme,
            starts_at=local_time(starts, zone),
            ends_at=local_time(ends, zone),
            reason=reason,
        )
        say_outcome(session.parts, made, as_json=as_json)


@delegations.command(epilog="Example: broadcaster delegation end 7F3K2M --reason 'back from leave'")
def end(
    *,
    ref: Annotated[str, typer.Argument(metavar="REF", help="As in `broadcaster delegation list`.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the auditor.")],
    as_json: Json = False,
) -> None:
    """End one at once. One administrator is enough: it only takes away."""
    with signed_in() as session:
        found = session.parts.delegations.end(session.actor, ref, reason)
    if as_json:
        print_json({"reference": found.ref, "ended": True})
    else:
        say(f"{found.ref} is over: {found.person} may approve nothing under it any more.")
