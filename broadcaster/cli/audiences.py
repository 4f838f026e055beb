"""`broadcaster audience`: importing lists of phone numbers, and what there is. Shows counts and reasons, never numbers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from broadcaster.cli import erasing, terminal
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, add_row, console, local, print_json, say, table
from broadcaster.domain.audience import ImportOutcome, ImportProgress, ImportResult
from broadcaster.domain.policy import Action

BAD_ROWS_SHOWN = 10
LINE_EVERY_PERCENT = 10

Column = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="The column with the numbers, where it is not told.")
]
ProblemsTo = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write every bad row's number and reason here.")
]
OnProgress = Callable[[ImportProgress], None]

audiences = terminal.group("Import and list lists of phone numbers, and erase people from them.")
audiences.command(epilog="Example: broadcaster audience find -")(erasing.find)
audiences.command(epilog="Example: broadcaster audience erase - --reason 'request DP-2026-014'")(
    erasing.erase
)


@audiences.command(
    "import", epilog="Example: broadcaster audience import residents.csv --name wyre-residents"
)
def import_(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV with a column of phone numbers.")],
    name: Annotated[
        str, typer.Option(metavar="NAME", help="The audience's name; a known one gets a new version.")
    ],
    source: Annotated[str, typer.Option(metavar="TEXT", help="Where the numbers come from.")] = "",
    lawful_basis: Annotated[
        str, typer.Option(metavar="TEXT", help="Why you may hold them, such as: public task.")
    ] = "",
    purpose: Annotated[str, typer.Option(metavar="TEXT", help="What they may be used for.")] = "",
    review_on: Annotated[
        str, typer.Option(metavar="DATE", help="When to look again, such as 2027-03-31.")
    ] = "",
    region: Annotated[
        str, typer.Option(metavar="XX", help="Country of numbers without a country code.")
    ] = "GB",
    column: Column = None,
    problems: ProblemsTo = None,
    as_json: Json = False,
) -> None:
    """Import a list of phone numbers as a new version of an audience, and name each row that could not be used."""
    with signed_in() as session, _progress(quiet=as_json) as on_progress:
        result = session.parts.audiences.import_csv(
            actor=session.actor,
            name=name,
            path=file,
            source=source,
            lawful_basis=lawful_basis,
            purpose=purpose,
            review_on=review_on,
            region=region,
            column=column,
            on_progress=on_progress,
            problems_to=problems,
        )
    if as_json:
        print_json(asdict(result))
    else:
        say(*_lines(result, problems))


@audiences.command("list", epilog="Example: broadcaster audience list")
def list_(*, as_json: Json = False) -> None:
    """List the audiences: how many numbers, from where, and for what."""
    with signed_in(Action.IMPORT) as session:
        found = session.parts.audiences.list()
        zone = session.parts.settings.zone
    if as_json:
        print_json([asdict(each) for each in found])
        return
    if not found:
        say("There is no audience yet. Import one: broadcaster audience import FILE --name NAME")
        return
    shown = table(
        "Name", "Version", "Numbers", "Imported", "By", "Source", "Lawful basis", "Purpose", "Review on"
    )
    for each in found:
        cells = (each.name, each.version, f"{each.count:,}", local(each.imported_at, zone), each.imported_by)
        add_row(shown, (*cells, each.source, each.lawful_basis, each.purpose, _review(each.review_on, zone)))
    say(shown)


def _review(review_on: str, zone: ZoneInfo) -> str:
    """A date that has passed says what to do; it is no alarm, since nothing is wrong with sending."""
    past = review_on and date.fromisoformat(review_on) < datetime.now(zone).date()
    return f"{review_on} (past: look whether it is still needed)" if past else review_on


def _lines(result: ImportResult, problems: Path | None) -> Iterator[str]:
    if result.outcome is ImportOutcome.NOTHING_NEW:
        yield f"{result.audience} is as it was: version {result.version} has these numbers already."
    else:
        yield f"{result.audience}, version {result.version}, from column {result.column} ({result.encoding})."
    yield f"  {result.count:,} good ({result.added:,} added, {result.removed:,} gone since the version before)"
    yield f"  {result.duplicates:,} duplicate"
    yield f"  {result.problems:,} bad, left out"
    if result.remarks:
        yield f"  {result.remarks:,} kept without their language"
    noted = result.problems + result.duplicates + result.remarks
    shown = sorted(result.examples, key=lambda each: each.row)[:BAD_ROWS_SHOWN]
    for each in shown:
        yield f"  row {each.row}: {each.reason}"
    if noted > len(shown):
        where = f"in {problems}" if problems else "with --problems FILE"
        yield f"  and {noted - len(shown):,} more: all of them {where}"


@contextmanager
def _progress(*, quiet: bool) -> Iterator[OnProgress | None]:
    """A bar on a terminal, a line now and then elsewhere, nothing for programs. On standard error."""
    printer = console(stderr=True)
    if quiet:
        yield None
        return
    if not printer.is_terminal:
        yield _lines_now_and_then(printer.print)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=printer, transient=True) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda now: bar.update(
            task, total=now.bytes_total, completed=now.bytes_read, description=f"{now.rows:,} rows read"
        )


def _lines_now_and_then(write: Callable[[str], None]) -> OnProgress:
    said = 0

    def on_progress(now: ImportProgress) -> None:
        nonlocal said
        percent = 100 * now.bytes_read // max(1, now.bytes_total)
        if percent >= said + LINE_EVERY_PERCENT:
            said = percent
            write(f"{percent} %: {now.rows:,} rows read, {now.kept:,} numbers kept")

    return on_progress
