"""`broadcaster audience find` and `erase`: one person's number, wherever it stands. Never shows more than its last digits."""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, local, many, print_json, say
from broadcaster.domain.erasure import KEPT_OUT, Erased, Found
from broadcaster.domain.errors import Invalid

FROM_INPUT = "-"
DAYS = 30
WHAT_NUMBER = "The phone number. What you type stays in your shell's history: with - it is asked for, or read from standard input."

Number = Annotated[str, typer.Argument(metavar="NUMBER", help=WHAT_NUMBER)]
Region = Annotated[
    str, typer.Option(metavar="XX", help="Country of a number without a country code, such as GB.")
]
Request = Annotated[
    str, typer.Option(help="The reference of the person's request. It stays for good: no name, no number.")
]
KeepOut = Annotated[
    bool,
    typer.Option(
        "--keep-out",
        help="Keep the number's keyed index, and it alone, so that no later import brings the person back.",
    ),
]


def find(
    *,
    number: Number,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Count deliveries of so many days back.")] = DAYS,
    region: Region = "GB",
    as_json: Json = False,
) -> None:
    """Show which audiences hold a person's number, its opt-outs, what it wrote to us, and how many messages were sent to it.

    That you looked goes into the audit log; the number does not.
    """
    with signed_in() as session:
        found = session.parts.erasing.find(session.actor, given_number(number), region=region, days=days)
        zone = session.parts.settings.zone
    if as_json:
        print_json(asdict(found))
    else:
        say(*_found(found, zone))


def erase(
    *,
    number: Number,
    reason: Request,
    keep_out: KeepOut = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be erased.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether you are sure.")] = False,
    region: Region = "GB",
    as_json: Json = False,
) -> None:
    """Erase a person's number from every audience, every opt-out and all that it wrote to us, for good. There is no undo.

    What was sent stays provable by count. A text that is still waiting for this person is not sent. Without --keep-out
    nothing is kept, so a later list that has the number brings the person back, even one who had opted out before.
    Backups hold what they held: see docs/data-protection.md.
    """
    if not (yes or dry_run or sys.stdin.isatty()):
        raise typer.BadParameter(
            "There is nobody to ask whether this is meant. Add --yes, or --dry-run to look."
        )
    with signed_in() as session:
        given, erasing, zone = given_number(number), session.parts.erasing, session.parts.settings.zone
        if dry_run:
            _show_dry_run(erasing.find(session.actor, given, region=region), zone, as_json=as_json)
            return
        if not yes:
            say(*_found(erasing.find(session.actor, given, region=region), zone))
            typer.confirm("Erase this number for good?", abort=True, err=True)
        erased = erasing.erase(session.actor, given, reason=reason, keep_out=keep_out, region=region)
    if as_json:
        print_json(asdict(erased))
    else:
        say(*_erased(erased))


def given_number(number: str) -> str:
    if number != FROM_INPUT:
        return number
    if sys.stdin.isatty():
        return str(typer.prompt("Number", hide_input=True, err=True))
    lines = [line.strip() for line in sys.stdin.read().splitlines() if line.strip()]
    if len(lines) != 1:
        raise Invalid(f"Standard input holds {len(lines)} lines. Give one number, on one line.")
    return lines[0]


def _show_dry_run(found: Found, zone: ZoneInfo, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(found))
        return
    say(*_found(found, zone))
    say("Nothing was erased: this is what would go." if found.is_known else "Nothing would be erased.")


def _found(found: Found, zone: ZoneInfo) -> Iterator[str]:
    if not found.is_known:
        yield (
            f"No audience, no opt-out and nothing that was written to us holds the number ending in {found.ending}."
        )
        return
    yield f"The number ending in {found.ending}:"
    for each in found.audiences:
        yield f"  in {each.audience}, version {', '.join(map(str, each.versions))}"
    for where in found.held:
        yield f"  cannot be erased from {where}"
    for out in found.opt_outs:
        what = "was erased and stays out of imports" if out.reason == KEPT_OUT else "opted out"
        yield f"  {what} ({out.purpose or 'all purposes'}, {local(out.since, zone)})"
    if found.written:
        yield f"  wrote {many(found.written, 'message')} to us"
    total = sum(found.deliveries.values())
    states = ", ".join(f"{count} {state}" for state, count in found.deliveries.items())
    yield f"  {many(total, 'text')} in {many(found.days, 'day')}{': ' + states if states else ''}"


def _erased(erased: Erased) -> Iterator[str]:
    gone = (
        f"{many(erased.versions, 'audience version')}, {many(erased.opt_outs, 'opt-out')} and "
        f"{many(erased.written, 'message')} that came from it"
    )
    yield f"The number ending in {erased.ending} is erased: from {gone}."
    for where in erased.held:
        yield f"It STAYS in {where}. Nothing is sent to it. Erase it again when the hold is lifted."
    if erased.kept_out:
        yield "Its keyed index is kept, so that imports leave it out."
    elif erased.opt_outs:
        yield "The opt-out is gone too: a later list that has the number brings it back. --keep-out prevents that."
    yield "Tell whoever keeps the list's source. Backups hold what they held: see docs/data-protection.md."
