"""`broadcaster drill`: plan exercises, run them, and see how fast a message goes out."""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from broadcaster.cli import terminal
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, add_row, local, print_json, say, table
from broadcaster.domain.drill import STALE_MONTHS, Step
from broadcaster.domain.errors import Invalid, NotFound
from broadcaster.domain.policy import Action
from broadcaster.domain.times import local_time
from broadcaster.service.drills import Plan, Seen, table_of, table_of_people

drills = terminal.group("Plan drills, run them, and see how fast each step was.")

Ref = Annotated[str, typer.Argument(metavar="REF", help="The drill, as in `broadcaster drill list`.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why: it stands in the log.")]
Injects = Annotated[
    list[str] | None,
    typer.Option(
        metavar="'MINUTES TEXT'", help="What happens on the way, after so many minutes. Repeatable."
    ),
]
Bars = Annotated[
    list[str] | None,
    typer.Option(metavar="STEP=SECONDS", help=f"Another bar for one of {', '.join(Step)}. Repeatable."),
]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV for a spreadsheet and nothing else.")]


@drills.command("list", epilog="Example: broadcaster drill list")
def list_(*, as_json: Json = False) -> None:
    """List the drills: those that run, those to come, and those that are over."""
    with signed_in(Action.READ) as session:
        found = session.parts.drills.listed(session.actor)
        zone = session.parts.settings.zone
    if as_json:
        print_json([asdict(each) for each in found])
        return
    shown = table("Ref", "Name", "State", "Begins", "Template", "Who takes part", "Incident")
    for d in found:
        when, who = local(d.started_at or d.starts_at, zone), ", ".join(d.parts)
        add_row(shown, (d.ref, d.name, str(d.state), when, d.template, who, d.incident))
    say(shown if found else "There is none. Plan one: broadcaster drill plan NAME --at ... --scenario ...")


@drills.command(
    epilog='Example: broadcaster drill plan "Storm surge" --at 2026-12-01T02:00 --scenario "High water at 04:10" '
    '--template severe-weather --with olive --with anna --inject "10 The Met Office raises wind to red"'
)
def plan(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    at: Annotated[str, typer.Option(metavar="TIME", help="When it begins, as the clock here shows it.")],
    scenario: Annotated[str, typer.Option(metavar="TEXT", help="What has happened; or @FILE to read it.")],
    template: Annotated[str, typer.Option(metavar="NAME", help="The notice template that fits.")],
    with_: Annotated[list[str], typer.Option("--with", metavar="NAME", help="Who takes part. Repeatable.")],
    inject: Injects = None,
    bar: Bars = None,
    every: Annotated[int, typer.Option(metavar="MONTHS", help="Again every so many months; 0 for once.")] = 0,
    correction: Annotated[
        bool, typer.Option("--correction", help="Those who take part also send a correction.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Plan a drill. It begins at its time by itself, or when somebody starts it; all of it goes to exercise accounts only."""
    with signed_in() as session:
        ref = session.parts.drills.plan(
            session.actor,
            Plan(
                name=name,
                scenario=_text(scenario),
                template=template,
                starts_at=local_time(at, session.parts.settings.zone),
                parts=with_,
                injects=inject or (),
                every_months=every,
                asks_correction=correction,
                bars=_bars(bar or []),
            ),
        )
    if as_json:
        print_json({"reference": ref})
    else:
        say(f"{ref} is planned. To begin it now: broadcaster drill start {ref}")


@drills.command(epilog="Example: broadcaster drill start 7F3K2M")
def start(*, ref: Ref, as_json: Json = False) -> None:
    """Begin a drill now. It opens an exercise incident, to which nothing live can belong."""
    with signed_in() as session:
        made = session.parts.drills.start(session.actor, ref)
    if as_json:
        print_json({"reference": made.ref, "incident": made.incident})
        return
    say(f"EXERCISE: the drill {made.ref} has begun.")
    say(
        f"Write: broadcaster message draft ... --template {made.template} --mode exercise --incident {made.incident}"
    )


@drills.command(epilog="Example: broadcaster drill end 7F3K2M")
def end(*, ref: Ref, reason: Reason = "", as_json: Json = False) -> None:
    """End a drill. What was not done by now counts as not done."""
    with signed_in() as session:
        session.parts.drills.end(session.actor, ref, reason)
    if as_json:
        print_json({"reference": ref.upper(), "ended": True})
    else:
        say(f"The drill {ref.upper()} is over. How it went: broadcaster drill show {ref.upper()}")


@drills.command(epilog='Example: broadcaster drill cancel 7F3K2M --reason "The hall is taken"')
def cancel(*, ref: Ref, reason: Reason = "", as_json: Json = False) -> None:
    """Cancel a drill that has not begun."""
    with signed_in() as session:
        session.parts.drills.cancel(session.actor, ref, reason)
    if as_json:
        print_json({"reference": ref.upper(), "cancelled": True})
    else:
        say(f"The drill {ref.upper()} is cancelled.")


@drills.command(epilog="Example: broadcaster drill show 7F3K2M")
def show(*, ref: Ref, as_csv: AsCsv = False, as_json: Json = False) -> None:
    """Show a drill: what has happened in it, and how long each step took."""
    with signed_in(Action.READ) as session:
        found = session.parts.drills.seen(session.actor, ref)
        zone = session.parts.settings.zone
    if as_json:
        print_json(_data(found))
        return
    if as_csv:
        sys.stdout.write(table_of([found], zone))
        return
    d = found.drill
    say(f"EXERCISE {d.ref}: {d.name} ({d.state})", d.scenario)
    for at, inject in found.said:
        say(f"{local(at, zone)}  {inject.text}")
    shown = table("Step", "Who", "At", "Took", "Bar", "Met")
    for s in found.scores:
        took = f"{s.seconds:.0f} s" if s.seconds is not None else "not done"
        add_row(shown, (s.what, s.who, local(s.at, zone), took, f"{s.bar_s} s", "yes" if s.met else "NO"))
    say(shown if found.scores else f"It has not begun: {local(d.starts_at, zone)}.")


@drills.command(epilog="Example: broadcaster drill people --months 6")
def people(
    *,
    months: Annotated[
        int,
        typer.Option(metavar="MONTHS", help="Out of practice after so many without a drill.", min=1, max=36),
    ] = STALE_MONTHS,
    as_csv: AsCsv = False,
    as_json: Json = False,
) -> None:
    """Show who practised what and when, and who has not for so long."""
    with signed_in(Action.READ) as session:
        found = session.parts.drills.practice(session.actor, months=months)
        zone = session.parts.settings.zone
    plain: list[dict[str, Any]] = [
        {
            "person": p.person,
            "last": p.last,
            "stale": p.stale,
            "steps": [
                {"drill": d.ref, "name": d.name, "step": str(s.step), "seconds": s.seconds, "met": s.met}
                for d, s in p.steps
            ],
        }
        for p in found
    ]
    if as_json:
        print_json(plain)
        return
    shown = table("Who", "Last drill", "Steps", "Bars met", "")
    for p in found:
        note = f"has not drilled for {months} months" if p.stale else ""
        add_row(shown, (p.person, local(p.last, zone) or "never", len(p.steps), p.met, note))
    if as_csv:
        sys.stdout.write(table_of_people(found, zone))
        return
    say(shown if found else "Nobody writes or approves yet.")


def _data(found: Seen) -> dict[str, Any]:
    scores = [{**asdict(s), "met": s.met} for s in found.scores]
    said = [{"at": at, "text": each.text} for at, each in found.said]
    return {"drill": asdict(found.drill), "said": said, "scores": scores, "messages": list(found.messages)}


def _text(given: str) -> str:
    if not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(f"The file {given[1:]} cannot be read as text. Nothing was changed.") from error


def _bars(given: list[str]) -> Mapping[str, int]:
    pairs = [each.partition("=") for each in given]
    if wrong := [name for name, _, seconds in pairs if not (seconds.isascii() and seconds.isdecimal())]:
        raise Invalid(f"--bar {wrong[0]}: say STEP=SECONDS, such as approve=600. Nothing was changed.")
    return {name: int(seconds[:9]) for name, _, seconds in pairs}
