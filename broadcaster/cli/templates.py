"""`broadcaster template`: which notice templates there are, and which blanks they have. Needs no database."""

from typing import Annotated

import typer

from broadcaster.cli import terminal
from broadcaster.cli.terminal import Json, add_row, print_json, say, table
from broadcaster.domain.blanks import Blank
from broadcaster.render.notices import shipped_example, shipped_notice, shipped_notices

templates = terminal.group("List the notice templates and their blanks.")


@templates.command("list", epilog="Example: broadcaster template list")
def list_(*, as_json: Json = False) -> None:
    """List the notice templates."""
    found = shipped_notices().values()
    if as_json:
        keys = ("name", "title", "language", "severity", "urgency", "certainty", "channels")
        print_json([{key: getattr(each, key) for key in keys} for each in found])
        return
    shown = table("Name", "For", "Severity", "Channels")
    for each in found:
        add_row(shown, (each.name, each.title, each.severity, ", ".join(each.channels)))
    say(shown, "", "Its blanks: broadcaster template show NAME")


@templates.command(epilog="Example: broadcaster template show severe-weather")
def show(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name from `broadcaster template list`.")],
    as_json: Json = False,
) -> None:
    """Show the blanks of a notice template, and a facts file to start from."""
    found = shipped_notice(name)
    if as_json:
        print_json({**found.to_json(), "example": shipped_example(name)})
        return
    say(
        f"{found.title} ({found.name}): {found.severity}, {found.urgency}, {found.certainty}. "
        f"Goes to {', '.join(found.channels)} unless --channel says otherwise.",
        "",
    )
    for blank in found.blanks:
        say(*_lines(blank), "")
    say(f"Put your values into a file and run: broadcaster message draft {found.name} --facts FILE", "")
    say(f"# facts.toml, an example for {found.name}")
    say(*(f"{key} = {_toml(value)}" for key, value in shipped_example(name).items()))


def _lines(blank: Blank) -> list[str]:
    needed = "needed" if blank.required else "may be left out"
    found = [f"{blank.name} ({blank.type}, {needed}): {blank.label}", f"    {blank.help}"]
    if blank.choices:
        found.append(f"    One of: {', '.join(blank.choices)}")
    return [*found, f"    Example: {blank.example}"]


def _toml(value: str) -> str:
    """A basic string of TOML."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
