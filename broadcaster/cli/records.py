"""`broadcaster record`: legal holds, redactions, how long what is kept, and records for a request for information."""

import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from broadcaster.cli import asked, terminal
from broadcaster.cli.proposals import with_code
from broadcaster.cli.session import opened, signed_in
from broadcaster.cli.terminal import Json, add_row, local, many, print_json, say, table
from broadcaster.db.records import Asked
from broadcaster.domain.errors import Invalid
from broadcaster.domain.records import CODES, HoldKind, record_classes
from broadcaster.service.redacting import Authority
from broadcaster.settings import Settings

records = terminal.group("Hold, redact and hand out what is kept.")

Reason = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why: the auditor reads it. It stays for good.")
]
Ref = Annotated[str, typer.Argument(metavar="REF", help="The message's reference, such as 7F3K2M.")]
Code = Annotated[str, typer.Option("--why", metavar="CODE", help=f"One of: {', '.join(CODES)}.")]
By = Annotated[
    str, typer.Option("--authorised-by", metavar="WHO", help="The office or role that authorised it.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether you are sure.")]


@records.command(epilog="Example: broadcaster record classes")
def classes(*, as_json: Json = False) -> None:
    """Show for how many days each class of records is kept, and which setting changes it."""
    found = record_classes(Settings.load().model_dump())
    if as_json:
        print_json([asdict(each) for each in found])
        return
    shown = table("Records", "Kept", "Why", "Setting")
    for each in found:
        kept = f"{each.days} days" if each.days else "for good"
        add_row(shown, (each.name, kept, each.why, each.setting))
    say(shown)


@records.command(epilog="Example: broadcaster record holds")
def holds(*, as_json: Json = False) -> None:
    """List the legal holds, those in force first."""
    with signed_in() as session:
        found, zone = session.parts.holding.listed(session.actor), session.parts.settings.zone
    if as_json:
        print_json([asdict(each) for each in found])
        return
    shown = table("Hold", "On", "Placed", "Why", "Lifted")
    for each in found:
        placed = f"{local(each.placed_at, zone)} by {each.placed_by}"
        lifted = (
            f"{local(each.lifted_at, zone)} by {each.lifted_by}: {each.lift_reason}" if each.lifted_at else ""
        )
        add_row(shown, (each.ref, f"{each.kind} {each.about}", placed, each.reason, lifted))
    say(shown if found else "There is no legal hold.")


@records.command(
    epilog='Example: broadcaster record hold incident 7F3K2M --reason "Inquiry, letter of 3 May"'
)
def hold(
    *,
    kind: Annotated[HoldKind, typer.Argument(metavar="KIND", help="message, incident or audience.")],
    about: Annotated[str, typer.Argument(metavar="WHICH", help="Its reference, or the audience's name.")],
    reason: Reason,
    as_json: Json = False,
) -> None:
    """Place a legal hold: nothing that it covers is wiped, erased or redacted until it is lifted."""
    with signed_in() as session:
        made = session.parts.holding.place(session.actor, kind, about, reason=reason)
    if as_json:
        print_json(asdict(made))
    else:
        say(f"Hold {made.ref} is on the {made.kind} {made.about}.")


@records.command(epilog='Example: broadcaster record lift 9K2M4P --reason "Inquiry closed"')
def lift(
    *,
    hold: Annotated[str, typer.Argument(metavar="HOLD", help="As in `broadcaster record holds`.")],
    reason: Reason,
    as_json: Json = False,
) -> None:
    """Lift a legal hold. What people asked to have erased meanwhile is to be erased again now."""
    with signed_in() as session:
        made = session.parts.holding.lift(session.actor, hold, reason=reason)
    if as_json:
        print_json(asdict(made))
    else:
        say(
            f"Hold {made.ref} on the {made.kind} {made.about} is lifted.",
            "Numbers that were asked to be erased meanwhile were kept: erase them again. The requests: "
            "broadcaster audit show --act person_erased",
        )


@records.command(
    epilog='Example: broadcaster record redact 7F3K2M --why personal-data --reason "DP-2026-31" --authorised-by "Data protection officer"'
)
def redact(
    *,
    ref: Ref,
    why: Code,
    reason: Reason,
    authorised_by: By,
    picture: Annotated[
        str, typer.Option("--picture", metavar="SHA256", help="A picture, instead of words.")
    ] = "",
    yes: Yes = False,
    code: asked.Code = "",
    as_json: Json = False,
) -> None:
    """Take words, or a picture, out of an old message for good. The words are asked for, or read from standard input:
    what stands on a command line stays in the shell's history. There is no undo."""
    authority = Authority(code=why, reason=reason, authorised_by=authorised_by)
    if not yes and not sys.stdin.isatty():
        raise typer.BadParameter("There is nobody to ask whether this is meant. Add --yes.")
    words = "" if picture else _words()
    with signed_in() as session:
        actor, redacting = with_code(session, code), session.parts.redacting
        if words and not yes:
            say(f"These words stand there {many(redacting.found(actor, ref, words), 'time')}.")
        if not yes:
            typer.confirm("Take it out for good?", abort=True, err=True)
        if picture:
            made = redacting.redact_picture(actor, ref, picture, authority)
        else:
            made = redacting.redact_text(actor, ref, words, authority)
    if as_json:
        print_json(asdict(made))
    else:
        say(
            f"Redaction {made.ref} of {ref.upper()} is done. What platforms and the website show is not changed by it."
        )


@records.command(epilog="Example: broadcaster record redactions 7F3K2M")
def redactions(*, ref: Ref, as_json: Json = False) -> None:
    """List what was taken out of a message: when, why, and who authorised it."""
    with opened() as parts:
        found, zone = parts.redacting.of(ref), parts.settings.zone
    if as_json:
        print_json([asdict(each) for each in found])
        return
    shown = table("Redaction", "What", "At", "By", "Why", "Authorised by")
    for each in found:
        why = f"{each.code}: {each.reason}"
        add_row(shown, (each.ref, each.kind, local(each.at, zone), each.by, why, each.authorised_by))
    say(shown if found else f"Nothing was taken out of {ref.upper()}.")


@records.command(epilog="Example: broadcaster record export --incident 7F3K2M > records.csv")
def export(
    *,
    message: Annotated[str, typer.Option("--message", metavar="REF", help="One message.")] = "",
    incident: Annotated[str, typer.Option("--incident", metavar="REF", help="One incident.")] = "",
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Written on this day or later.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Written before this day.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON lines, instead of a table (CSV).")] = False,
    staff_names: Annotated[
        bool, typer.Option("--staff-names", help="With the names of staff, instead of what they did.")
    ] = False,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Instead of standard output.")
    ] = None,
) -> None:
    """Print what was written, sent and approved, for a request for information, with what was redacted and why."""
    with signed_in() as session:
        zone, form = session.parts.settings.zone, "jsonl" if as_json else "csv"
        wanted = Asked(
            ref=message,
            incident=incident,
            since=since.replace(tzinfo=zone) if since else None,
            until=until.replace(tzinfo=zone) if until else None,
        )
        lines = session.parts.records_file.of(session.actor, wanted, form=form, staff_names=staff_names)
        if file is None:
            for line in lines:
                typer.echo(line, nl=False)
            return
        try:
            with file.open("x", encoding="utf-8", newline="") as out:
                out.writelines(lines)
        except OSError as error:
            raise Invalid(f"{file} cannot be written: {error.strerror}.") from error
    say(f"The records are in {file}.")


def _words() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("The words to take out", err=True))
    return sys.stdin.read().strip()
