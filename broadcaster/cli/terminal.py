"""Printing: a console for people, JSON for programs, and times in the zone of the settings. Knows no message."""

import json
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from broadcaster.cli.visible import visible

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs and nothing else.")]

_AS_WIDE_AS_IT_IS = 10_000  # in a pipe nothing is wrapped or cut off


def group(text: str) -> typer.Typer:
    """An empty group of commands with this help."""
    made = typer.Typer(
        help=text,
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    made.callback()(lambda: None)
    return made


def console(*, stderr: bool = False) -> Console:
    """No markup, no highlighting, no emoji names: what is printed is what was typed."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        file=stream,
        markup=False,
        highlight=False,
        emoji=False,
        width=None if stream.isatty() else _AS_WIDE_AS_IT_IS,
    )


def say(*lines: object) -> None:
    """Each a line or something that rich draws. Texts are made visible first."""
    printer = console()
    for line in lines:
        printer.print(Text(visible(line)) if isinstance(line, str) else line, soft_wrap=isinstance(line, str))


def print_json(data: object, *, one_line: bool = False) -> None:
    """Times as ISO 8601 with their offset."""
    typer.echo(json.dumps(data, ensure_ascii=False, indent=None if one_line else 2, default=_plain))


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    raise TypeError(f"no JSON for a {type(value).__name__}")


def table(*headings: str) -> Table:
    """Cells fold instead of being cut off."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        made.add_column(heading, overflow="fold")
    return made


def add_row(to: Table, cells: Iterable[object]) -> None:
    to.add_row(*(cell if isinstance(cell, Text) else Text(visible(str(cell))) for cell in cells))


def local(moment: datetime | str | None, zone: ZoneInfo) -> str:
    """`2026-11-21 18:00:05 GMT`, or nothing where there is no moment."""
    if not moment:
        return ""
    found = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{found.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def many(count: int, word: str) -> str:
    """With its number: 1 opt-out, 2 opt-outs."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
