"""`broadcaster rota`: who is on call, who stands in, and who has seen it."""

from typing import Annotated

import typer

from broadcaster.cli import terminal
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, add_row, local, print_json, say, table
from broadcaster.domain.policy import Action
from broadcaster.domain.rota import Duty, DutyRole
from broadcaster.domain.times import local_time

rota = terminal.group("Say who is on call, and see who is.")

Entry = Annotated[str, typer.Argument(metavar="ID", help="As in `broadcaster rota list`.")]


@rota.command("list", epilog="Example: broadcaster rota list")
def list_(*, as_json: Json = False) -> None:
    """Show who is on call now and when, and where nobody is, or two are."""
    with signed_in(Action.READ) as session:
        found = session.parts.rota.of(session.actor)
        zone = session.parts.settings.zone
    if as_json:
        now = [{**_data(e.duty), "phone": e.contact.phone, "mail": e.contact.mail} for e in found.now]
        empty = [{"role": g.role, "since": g.since, "until": g.until} for g in found.gaps]
        print_json({"now": now, "planned": [_data(d) for d in found.planned], "gaps": empty})
        return
    for each in found.now:
        how = ", ".join(filter(None, each.contact)) or "no work number was given"
        say(f"On call now: {each.duty.person} ({each.duty.role}), {how}")
    for gap in found.gaps:
        until = f" until {local(gap.until, zone)}" if gap.until else ""
        say(f"Nobody is on call as {gap.role} from {local(gap.since, zone)}{until}.")
    for one, other in found.overlaps:
        say(f"{one.person} and {other.person} are both on call as {one.role}.")
    if not found.planned:
        say("Nobody is entered. To enter somebody: broadcaster rota add NAME --from ... --until ...")
        return
    shown = table("Id", "Who", "As", "For", "From", "Until", "Has seen it")
    for d in found.planned:
        when = (local(d.starts_at, zone), local(d.ends_at, zone))
        add_row(shown, (d.uid, d.person, d.role, d.covers, *when, "yes" if d.acknowledged_at else "not yet"))
    say(shown)


@rota.command(epilog="Example: broadcaster rota add olive --from 2026-11-21T18:00 --until 2026-11-22T08:00")
def add(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who is on call.")],
    starts: Annotated[str, typer.Option("--from", metavar="TIME", help="As the clock here shows it.")],
    ends: Annotated[str, typer.Option("--until", metavar="TIME", help="As the clock here shows it.")],
    role: Annotated[
        str, typer.Option(metavar="ROLE", help=f"One of {', '.join(DutyRole)}.")
    ] = DutyRole.OFFICER.value,
    covers: Annotated[str, typer.Option("--for", metavar="NAME", help="Standing in for this person.")] = "",
    as_json: Json = False,
) -> None:
    """Enter who is on call."""
    with signed_in() as session:
        zone = session.parts.settings.zone
        uid = session.parts.rota.enter(
            session.actor,
            name,
            role,
            starts_at=local_time(starts, zone),
            ends_at=local_time(ends, zone, last=True),
            covers=covers,
        )
    if as_json:
        print_json({"id": uid})
    else:
        say(f"{name} is on call as {role}. Ask {name} to say: broadcaster rota seen {uid}")


@rota.command(epilog="Example: broadcaster rota remove ID")
def remove(*, uid: Entry, as_json: Json = False) -> None:
    """Take an entry out."""
    with signed_in() as session:
        session.parts.rota.remove(session.actor, uid)
    if as_json:
        print_json({"id": uid, "removed": True})
    else:
        say("It was taken out.")


@rota.command(epilog="Example: broadcaster rota seen ID")
def seen(*, uid: Entry, as_json: Json = False) -> None:
    """Say that you know that you are on call."""
    with signed_in() as session:
        session.parts.rota.acknowledge(session.actor, uid)
    if as_json:
        print_json({"id": uid, "acknowledged": True})
    else:
        say("Noted: you have seen it.")


@rota.command(epilog="Example: broadcaster rota contact --phone '01632 960123' --mail olive@example.org")
def contact(
    *,
    phone: Annotated[str, typer.Option(metavar="NUMBER", help="Your work number.")] = "",
    mail: Annotated[str, typer.Option(metavar="ADDRESS", help="Your work address.")] = "",
    as_json: Json = False,
) -> None:
    """Say how you are reached at work while you are on call. Without either nothing is shown any more."""
    with signed_in() as session:
        session.parts.rota.set_contact(session.actor, phone=phone, mail=mail)
    if as_json:
        print_json({"phone": phone, "mail": mail})
    else:
        say("Noted." if phone or mail else "Nothing is shown any more.")


def _data(duty: Duty) -> dict[str, object]:
    keys = ("person", "role", "covers", "starts_at", "ends_at", "acknowledged_at", "entered_by")
    return {"id": duty.uid, **{key: getattr(duty, key) for key in keys}}
