"""`broadcaster schedule`: notices that go out at planned times, approved beforehand as a series."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from broadcaster.cli import asked, terminal
from broadcaster.cli.facts import Channels, Facts, Languages, read_facts, single_values
from broadcaster.cli.proposals import with_factor
from broadcaster.cli.schedule_view import entry_data, listed, past, run_data, say_runs, show_schedule
from broadcaster.cli.session import Session, signed_in
from broadcaster.cli.terminal import Json, add_row, local, print_json, say, table
from broadcaster.db.schedule_versions import ScheduleVersion
from broadcaster.domain.errors import Invalid, NotFound
from broadcaster.domain.message import Mode
from broadcaster.domain.policy import Action
from broadcaster.domain.schedule import Plan, place
from broadcaster.service.schedule_writing import Written
from broadcaster.service.schedules import Shown

schedules = terminal.group("Plan notices that go out by themselves, approved beforehand.")

Ref = Annotated[str, typer.Argument(metavar="REF", help="The schedule's reference, such as 7F3K2M.")]
Values = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="BLANK=VALUE",
        help="One value; may be repeated. What begins with = is worked out for each run, see docs/schedules.md.",
    ),
]
Csv = Annotated[
    Path | None,
    typer.Option("--csv", metavar="FILE", help="A table for =column: dates first, then the cells."),
]
At = Annotated[
    str,
    typer.Option(
        "--at", metavar="TIME", help="The run's local time, as `broadcaster schedule runs` shows it."
    ),
]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why: the others and the auditor read it.")]
Starts = Annotated[
    str | None,
    typer.Option("--start", metavar="TIME", help="The first run, by the clock there: 2027-01-04T09:00."),
]
Rule = Annotated[
    str | None,
    typer.Option("--rule", metavar="RRULE", help="RFC 5545, such as FREQ=WEEKLY;BYDAY=MO. Without: once."),
]
Last = Annotated[str | None, typer.Option("--last", metavar="DATE", help="The last day.")]
Zone = Annotated[
    str | None,
    typer.Option("--zone", metavar="ZONE", help="Such as Europe/London; without, the one of the settings."),
]
Except = Annotated[
    list[str] | None,
    typer.Option("--except", metavar="DAY", help="A day or a time to leave out; may be repeated."),
]
Grace = Annotated[
    int | None,
    typer.Option(
        "--grace", metavar="MINUTES", help="How late it may still go out after an outage. Usually 60."
    ),
]
Audience = Annotated[str | None, typer.Option(metavar="NAME", help="Who gets the text messages.")]


@schedules.command(
    epilog="Example: broadcaster schedule add service-disruption --name 'Tip closed' --start 2027-01-04T09:00 "
    "--rule 'FREQ=WEEKLY;BYDAY=MO' --last 2027-06-30 --except 2027-04-05 --facts facts.toml"
)
def add(
    *,
    template: Annotated[
        str, typer.Argument(metavar="TEMPLATE", help="A name from `broadcaster template list`.")
    ],
    name: Annotated[str, typer.Option(metavar="TEXT", help="What people call it.")],
    start: Starts = None,
    last: Last = None,
    rule: Rule = None,
    zone: Zone = None,
    without: Except = None,
    grace: Grace = None,
    facts: Facts = None,
    values: Values = None,
    csv: Csv = None,
    channel: Channels = None,
    language: Languages = None,
    audience: Audience = None,
    mode: Annotated[Mode, typer.Option(help="To the public, or to the exercise accounts.")] = Mode.LIVE,
    as_json: Json = False,
) -> None:
    """Write a schedule and show its next runs as they will read. Nothing is sent before it is approved."""
    if start is None:
        raise Invalid("Say when its first run is: --start 2027-01-04T09:00. Nothing was changed.")
    given = {**(read_facts(facts, template=template) if facts else {}), **single_values(values or ())}
    with signed_in(Action.WRITE, channels=True) as session:
        plan = _plan(
            {"zone": session.parts.settings.timezone},
            start=start,
            last=last or start[:10],
            rule=rule,
            zone=zone,
            without=without,
            grace=grace,
        )
        written = Written(
            name=name,
            template=session.parts.templates.current(template),
            values=given,
            plan=plan,
            channels=channel or (),
            audience=audience or "",
            languages=language,
            table=csv.read_text(encoding="utf-8-sig") if csv else None,
        )
        made = session.parts.schedule_writing.add(session.actor, written, mode=mode)
        show_schedule(session, made.ref, as_json=as_json)


@schedules.command(epilog="Example: broadcaster schedule change 7F3K2M --last 2027-12-31")
def change(
    *,
    ref: Ref,
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="What people call it.")] = None,
    start: Starts = None,
    last: Last = None,
    rule: Rule = None,
    zone: Zone = None,
    without: Except = None,
    grace: Grace = None,
    facts: Facts = None,
    values: Values = None,
    csv: Csv = None,
    channel: Channels = None,
    language: Languages = None,
    audience: Audience = None,
    as_json: Json = False,
) -> None:
    """Write another version, from now on. What is not given stays. The approved one goes on until this one is approved."""
    with signed_in(Action.WRITE, channels=True) as session:
        shown = session.parts.schedules.one(ref, upcoming=0)
        before, template = shown.shown, str(shown.shown.template["name"])
        kept = read_facts(facts, template=template) if facts else before.blanks
        plan = _plan(
            before.plan.to_json(), start=start, last=last, rule=rule, zone=zone, without=without, grace=grace
        )
        written = Written(
            name=name or shown.schedule.name,
            template=session.parts.templates.current(template),
            values={**kept, **single_values(values or ())},
            plan=plan,
            channels=channel or _channels(session, shown.schedule.mode, before),
            audience=before.audience if audience is None else audience,
            visibility=before.visibility,
            languages=language,
            table=csv.read_text(encoding="utf-8-sig") if csv else None,
        )
        session.parts.schedule_writing.change(session.actor, ref, written, base=before.no)
        show_schedule(session, ref, as_json=as_json)


def _channels(session: Session, mode: str, before: ScheduleVersion) -> list[str]:
    configured = session.parts.channels.get(mode, {})
    return list(dict.fromkeys(configured[n].name for n in before.accounts if n in configured))


def _plan(
    before: Mapping[str, Any],
    *,
    start: str | None,
    last: str | None,
    rule: str | None,
    zone: str | None,
    without: list[str] | None,
    grace: int | None,
) -> Plan:
    try:
        return Plan(
            starts=datetime.fromisoformat(start or before["starts"]),
            zone=zone or str(before["zone"]),
            last=date.fromisoformat(last or before["last"]),
            rule=before.get("rule", "") if rule is None else rule.removeprefix("RRULE:"),
            without=tuple(before.get("without", ()) if without is None else without),
            grace_minutes=int(before.get("grace_minutes", 60)) if grace is None else grace,
        )
    except ValueError as error:
        raise Invalid(
            "Give the first run like 2027-01-04T09:00 and the last day like 2027-06-30. Nothing was changed."
        ) from error


@schedules.command("list", epilog="Example: broadcaster schedule list")
def list_(*, as_json: Json = False) -> None:
    """List the schedules, what comes next first."""
    with signed_in(Action.READ) as session:
        found = session.parts.schedules.listed()
        zone = session.parts.settings.zone
    if as_json:
        print_json([entry_data(each) for each in found])
        return
    say(listed(found, zone))


@schedules.command(epilog="Example: broadcaster schedule show 7F3K2M")
def show(*, ref: Ref, as_json: Json = False) -> None:
    """Show a schedule: its rule, its next ten runs word for word, its hash, and what became of past runs."""
    with signed_in(Action.READ, channels=True) as session:
        show_schedule(session, ref, as_json=as_json)


@schedules.command(epilog="Example: broadcaster schedule runs 7F3K2M")
def runs(*, ref: Ref, as_json: Json = False) -> None:
    """List the next runs and what became of the past ones, by the schedule's own clock."""
    with signed_in(Action.READ, channels=True) as session:
        shown = session.parts.schedules.one(ref)
    if as_json:
        print_json({"ahead": [run_data(run, shown) for run in shown.upcoming], "past": past(shown)})
        return
    say_runs(shown)


@schedules.command(epilog="Example: broadcaster schedule submit 7F3K2M")
def submit(*, ref: Ref, as_json: Json = False) -> None:
    """Hand a schedule to a second person, exactly as it is now."""
    with signed_in(channels=True) as session:
        session.parts.schedule_writing.submit(session.actor, ref)
        show_schedule(session, ref, as_json=as_json)


@schedules.command(epilog="Example: broadcaster schedule approve 7F3K2M --hash 5f0c...")
def approve(
    *,
    ref: Ref,
    hash_: Annotated[
        str, typer.Option("--hash", metavar="HASH", help="The hash that `broadcaster schedule show` prints.")
    ],
    code: asked.Code = "",
    as_json: Json = False,
) -> None:
    """Give a standing approval: its runs go out by themselves from now on, until its last day."""
    with signed_in(channels=True) as session:
        approval = session.parts.schedule_approval
        with_factor(session, code, lambda actor: approval.approve(actor, ref, hash_))
        show_schedule(session, ref, as_json=as_json)


@schedules.command("return", epilog="Example: broadcaster schedule return 7F3K2M --reason 'Which tip?'")
def send_back(*, ref: Ref, reason: Reason, as_json: Json = False) -> None:
    """Give a schedule back to its officer."""
    with signed_in() as session:
        session.parts.schedule_approval.send_back(session.actor, ref, reason)
    _done(ref, "returned", "It was given back.", as_json=as_json)


@schedules.command(epilog="Example: broadcaster schedule reject 7F3K2M --reason 'Nobody needs this'")
def reject(*, ref: Ref, reason: Reason, as_json: Json = False) -> None:
    """Refuse this version for good. What was approved before goes on."""
    with signed_in() as session:
        session.parts.schedule_approval.reject(session.actor, ref, reason)
    _done(ref, "rejected", "It was rejected.", as_json=as_json)


@schedules.command(epilog="Example: broadcaster schedule pause 7F3K2M --reason 'Storm'")
def pause(*, ref: Ref, reason: Reason, as_json: Json = False) -> None:
    """Nothing of it goes out until it is resumed. What comes due meanwhile is left out for good."""
    with signed_in() as session:
        session.parts.schedule_course.pause(session.actor, ref, reason)
    _done(ref, "paused", f"It is paused. To go on: broadcaster schedule resume {ref}", as_json=as_json)


@schedules.command(epilog="Example: broadcaster schedule resume 7F3K2M")
def resume(*, ref: Ref, as_json: Json = False) -> None:
    """Go on with the next run. What came due meanwhile stays left out."""
    with signed_in() as session:
        session.parts.schedule_course.resume(session.actor, ref)
    _done(ref, "resumed", "It goes on with its next run.", as_json=as_json)


@schedules.command(
    epilog="Example: broadcaster schedule skip 7F3K2M --at 2027-01-11T09:00 --reason 'Bank holiday'"
)
def skip(
    *,
    ref: Ref,
    at: At,
    reason: Reason = "",
    undo: Annotated[bool, typer.Option("--undo", help="Let it go out after all.")] = False,
    as_json: Json = False,
) -> None:
    """Leave out one run that lies ahead; or with --undo, put it back."""
    with signed_in() as session:
        service = session.parts.schedule_course
        moment = _moment(session.parts.schedules.one(ref, upcoming=0), at)
        if undo:
            service.unskip(session.actor, ref, moment)
        else:
            service.skip(session.actor, ref, moment, reason)
    told = "It goes out after all." if undo else "That run is left out."
    _done(ref, "put back" if undo else "left out", told, as_json=as_json)


@schedules.command(epilog="Example: broadcaster schedule end 7F3K2M --reason 'The tip is open again'")
def end(*, ref: Ref, reason: Reason, as_json: Json = False) -> None:
    """Nothing more of it goes out, ever. Its approval is taken back."""
    with signed_in() as session:
        session.parts.schedule_course.end(session.actor, ref, reason)
    _done(ref, "ended", "It has ended.", as_json=as_json)


@schedules.command(epilog="Example: broadcaster schedule calendar --ics > notices.ics")
def calendar(
    *,
    days: Annotated[int, typer.Option(min=1, max=120, metavar="DAYS", help="How many days ahead.")] = 31,
    ics: Annotated[bool, typer.Option("--ics", help="As iCalendar, for other programs.")] = False,
    as_json: Json = False,
) -> None:
    """List what is planned, by its day."""
    with signed_in(Action.READ) as session:
        calendars, zone = session.parts.calendars, session.parts.settings.zone
        if ics:
            typer.echo(calendars.feed().decode(), nl=False)
            return
        with session.parts.database.read() as tx:
            now = tx.now()
        found = calendars.between(now, now + timedelta(days=days))
    if as_json:
        print_json([asdict(each) for each in found])
        return
    if not found:
        say("Nothing is planned for these days.")
        return
    shown = table("When", "Reference", "Name", "State")
    for each in found:
        add_row(shown, (local(each.at, zone), each.ref, each.name, each.state))
    say(shown)


def _moment(shown: Shown, at: str) -> datetime:
    try:
        typed = datetime.fromisoformat(at)
    except ValueError as error:
        raise NotFound("Give the time of the run like 2027-01-11T09:00. Nothing was changed.") from error
    return typed if typed.tzinfo else place(typed, shown.shown.plan.clock).at


def _done(ref: str, state: str, told: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"reference": ref.upper(), "done": state})
    else:
        say(told)
