"""What a person, or a program with --json, reads on standard error."""

import json
from collections.abc import Sequence

import typer

from broadcaster.cli.visible import visible

UNEXPECTED = (
    "Something unexpected went wrong ({kind}). What was asked for may not be done: look with `broadcaster status`. "
    "Run the command again with --debug before its name to see the cause, and send that to whoever maintains this."
)


def show(text: str, details: Sequence[str] = (), *, as_json: bool) -> None:
    """The text and each detail on lines of their own; or one line of JSON."""
    if as_json:
        typer.echo(json.dumps({"error": text, "details": list(details)}, ensure_ascii=False), err=True)
        return
    typer.echo(visible(text), err=True)
    for line in details:
        typer.echo(f"  - {visible(line)}", err=True)
