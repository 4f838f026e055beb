"""`broadcaster storm`: hold everything routine while urgent work goes out, and decide about what was held."""

from dataclasses import asdict
from typing import Annotated

import typer

from broadcaster.cli import terminal
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, add_row, local, many, print_json, say, table
from broadcaster.domain.errors import Invalid
from broadcaster.domain.policy import Action
from broadcaster.domain.storm import Decision

storm = terminal.group("Hold everything routine in a storm, and decide about what was held.")

Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why: it stands in the log for good.")]


@storm.command(epilog="Example: broadcaster storm show")
def show(*, as_json: Json = False) -> None:
    """Show whether storm mode is on, since when and by whom, and what it holds."""
    with signed_in(Action.READ) as session:
        found = session.parts.storm.weather(session.actor)
        zone = session.parts.settings.zone
    if as_json:
        print_json(
            {
                "on": asdict(found.on) if found.on else None,
                "held": [asdict(each) for each in found.held],
                "past": [asdict(each) for each in found.past],
            }
        )
        return
    if found.on:
        say(f"Storm mode is ON since {local(found.on.on_at, zone)}: {found.on.on_by}, {found.on.reason}")
    else:
        say("Storm mode is off.")
    if not found.held:
        say("Nothing is held.")
        return
    shown = table("Ref", "Mode", "Kind", "What", "Released", "Ends", "Planned")
    for each in found.held:
        what, planned = f"{each.headline}, {each.area}", f"{each.planned:,}"
        when = (local(each.released_at, zone), local(each.expires_at, zone))
        add_row(shown, (each.ref, each.mode, each.template, what, *when, planned))
    say(shown, "None of it goes out by itself. Decide: broadcaster storm decide REF go-on|change|drop")


@storm.command(epilog='Example: broadcaster storm on --reason "Red wind warning"')
def on(*, reason: Reason = "", as_json: Json = False) -> None:
    """Hold everything routine from this moment on. Life-safety messages, corrections that take something back, and what goes
    on about an urgent warning are sent as ever."""
    with signed_in() as session:
        held = session.parts.storm.switch_on(session.actor, reason)
    if as_json:
        print_json({"on": True, "held": held})
        return
    say(f"Storm mode is on. Held at once: {many(held, 'broadcast')}.", "What is held: broadcaster storm show")


@storm.command(epilog='Example: broadcaster storm off --reason "The warning has ended"')
def off(*, reason: Reason = "", as_json: Json = False) -> None:
    """End storm mode. What was held stays held until somebody decides about each."""
    with signed_in() as session:
        waiting = session.parts.storm.switch_off(session.actor, reason)
    if as_json:
        print_json({"on": False, "waiting": waiting})
        return
    say(f"Storm mode is off. Waiting for a decision: {waiting}.")
    if waiting:
        say("Look at each: broadcaster storm show")


@storm.command(epilog='Example: broadcaster storm decide 7F3K2M drop --reason "The road is open again"')
def decide(
    *,
    words: Annotated[
        list[str],
        typer.Argument(metavar="[REF] DECISION", help="Which message, and go-on, change or drop."),
    ],
    kind: Annotated[
        str, typer.Option("--all-of", metavar="TEMPLATE", help="All that are held of one notice template.")
    ] = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Decide what becomes of something that was held: go-on sends it as it was approved, change stops it so that it is
    written anew, drop ends it. The last two want a reason."""
    if len(words) != (1 if kind else 2):
        wanted = f"--all-of {kind} DECISION" if kind else "REF DECISION"
        raise Invalid(
            f"Say what is decided: broadcaster storm decide {wanted}. Decisions: {', '.join(Decision)}."
        )
    decision = words[-1]
    with signed_in() as session:
        if kind:
            decided, hindered = session.parts.storm.decide_all(session.actor, kind, decision, reason)
        else:
            session.parts.storm.decide(session.actor, words[0], decision, reason)
            decided, hindered = [words[0].upper()], []
    if as_json:
        print_json({"decision": decision, "decided": decided, "hindered": hindered})
        return
    say(f"Decided: {', '.join(decided) or 'nothing'}: {decision}.", *hindered)
    if decision == Decision.CHANGE:
        say(
            "Write it anew: broadcaster message draft ... --incident as before (broadcaster message show REF)"
        )
