"""`broadcaster audit`: the record of who did what, and whether somebody altered it."""

import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from broadcaster.cli import show as views
from broadcaster.cli import terminal
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, print_json, say
from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.errors import Invalid

audit = terminal.group("Read the record of who did what, and check that nobody altered it.")


@audit.command(epilog="Example: broadcaster audit show 7F3K2M")
def show(
    *,
    ref: Annotated[str, typer.Argument(metavar="REF", help="Only the events of this message.")] = "",
    as_json: Json = False,
) -> None:
    """Show the events of a message, or all, and check the chain of the whole log. Fails where it is broken."""
    with signed_in() as session:
        events = session.parts.report.audit(session.actor, ref)
        bad = session.parts.report.first_bad_event()
        zone = session.parts.settings.zone
    if as_json:
        print_json({"events": [_event(each) for each in events], "whole": bad is None, "first_bad": bad})
    else:
        say(views.audit_table(events, zone) if events else "There is no event yet.", "", _verdict(bad))
    if bad is not None:
        raise typer.Exit(1)


@audit.command(epilog="Example: broadcaster audit export --to audit-2026-11-21.jsonl")
def export(
    *,
    ref: Annotated[
        str, typer.Option("--message", metavar="REF", help="Only the events of this message.")
    ] = "",
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to; standard output otherwise.")
    ] = None,
    force: Annotated[bool, typer.Option(help="Replace the file where it exists.")] = False,
) -> None:
    """Write the log as JSON lines that can be kept elsewhere and checked without this system.

    The first line names the last event and its hash; each other line is one event, its payload to the letter.
    """
    if to and to.exists() and not force:
        raise Invalid(
            f"{to} exists already. Choose another name, or replace it with --force. Nothing was written."
        )
    with signed_in() as session:
        lines = session.parts.report.export(session.actor, ref)
        written = _to_file(lines, to) if to else _to(lines, sys.stdout)
    typer.echo(
        f"{written:,} {'event' if written == 1 else 'events'} exported{f' to {to}' if to else ''}.",
        err=not to,
    )


def _to_file(lines: Iterator[str], path: Path) -> int:
    """Whole or not at all: an export that broke off must not look like a log that ends there."""
    try:
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                written = _to(lines, file)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(path)
        finally:
            Path(draft).unlink(missing_ok=True)
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}. Nothing was exported.") from error
    return written


def _to(lines: Iterator[str], file: IO[str]) -> int:
    """How many events there were: every line but the first."""
    written = -1
    for line in lines:
        file.write(f"{line}\n")
        written += 1
    return written


def _verdict(bad: int | None) -> str:
    if bad is None:
        return "The chain of the whole log is whole: no event was altered, added or taken out."
    return (
        f"ALARM: event {bad} was altered, or is missing or out of order. Trust nothing from {bad} on, keep the database "
        "as it is, and compare it with a backup."
    )


def _event(each: AuditEvent) -> dict[str, Any]:
    return {**asdict(each), "payload": views.payload(each.payload)}
