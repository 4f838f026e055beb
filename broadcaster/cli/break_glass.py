"""`broadcaster break-glass`: sending without a second person when nobody can be reached, and its reviews."""

from dataclasses import asdict
from typing import Annotated

import typer

from broadcaster.cli import asked, terminal
from broadcaster.cli.proposals import with_code
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, add_row, local, print_json, say, table
from broadcaster.domain.break_glass import Verdict
from broadcaster.domain.policy import Action

break_glass = terminal.group("Send without a second person when nobody can be reached, and review it.")
Ref = Annotated[str, typer.Argument(metavar="REF", help="The message's reference, such as 7F3K2M.")]


@break_glass.command(
    epilog="Example: broadcaster break-glass use 7F3K2M --hash 1f2e... --reason 'Gas leak, nobody answers' --code 123456"
)
def use(
    *,
    ref: Ref,
    hash_: Annotated[
        str, typer.Option("--hash", metavar="HASH", help="The hash that `broadcaster message show` prints.")
    ],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why it cannot wait: 20 characters or more.")],
    code: asked.Code = "",
    as_json: Json = False,
) -> None:
    """Send what waits for a second person without one. Everybody who approves is told at once, and it is reviewed."""
    with signed_in(channels=True) as session:
        made = session.parts.send_alone.break_glass(with_code(session, code), ref, hash_, reason)
    if as_json:
        print_json({"reference": made.ref, "broadcast": made.broadcast, "recipients": made.recipients})
    else:
        say(
            f"{made.ref} was released without a second person. Everybody who approves is told now.",
            f"Watch it: broadcaster status {made.ref} --watch",
        )


@break_glass.command("list", epilog="Example: broadcaster break-glass list --open")
def list_(
    *,
    open_only: Annotated[bool, typer.Option("--open", help="Only what nobody has reviewed.")] = False,
    as_json: Json = False,
) -> None:
    """List what was sent without a second person, the newest first."""
    with signed_in(Action.READ) as session:
        found = session.parts.reviews.listed(session.actor, open_only=open_only)
        zone = session.parts.settings.zone
    if as_json:
        print_json([{**asdict(e), "overdue": e.is_overdue(found.now)} for e in found.found])
        return
    shown = table("Ref", "By", "When", "Why", "Review")
    for each in found.found:
        due = f"{'was due' if each.is_overdue(found.now) else 'due'} {local(each.review_due_at, zone)}"
        review = f"{each.verdict}, by {each.reviewed_by}" if each.reviewed_at else due
        add_row(shown, (each.ref, each.person, local(each.at, zone), each.reason, review))
    say(shown if found.found else "Nothing was sent by break-glass.")


@break_glass.command(
    epilog="Example: broadcaster break-glass review 7F3K2M --verdict right --finding 'It could not wait.'"
)
def review(
    *,
    ref: Ref,
    verdict: Annotated[str, typer.Option(metavar="WORD", help=f"One of {', '.join(Verdict)}.")],
    finding: Annotated[str, typer.Option(metavar="TEXT", help="What you found.")],
    as_json: Json = False,
) -> None:
    """Write down what you found of one. By an approver or auditor who had no part in it."""
    with signed_in() as session:
        made = session.parts.reviews.review(session.actor, ref, verdict=verdict, finding=finding)
    if as_json:
        print_json(asdict(made))
    else:
        say(f"Noted: {made.ref} was found {made.verdict}. Nobody is asked for it any more.")
