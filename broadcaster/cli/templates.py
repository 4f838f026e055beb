"""`broadcaster template`: which notice templates there are, what they ask for, what they lack. Needs no database."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from broadcaster.cli import terminal
from broadcaster.cli.terminal import Json, add_row, print_json, say, table
from broadcaster.domain.blanks import Blank
from broadcaster.domain.errors import Invalid
from broadcaster.domain.notice import NoticeTemplate
from broadcaster.domain.notice_lacks import lacks
from broadcaster.render.notices import read_notice, shipped_example, shipped_notice, shipped_notices

templates = terminal.group("List the notice templates and their blanks.")


@templates.command("list", epilog="Example: broadcaster template list")
def list_(*, as_json: Json = False) -> None:
    """List the notice templates."""
    found = shipped_notices().values()
    if as_json:
        keys = ("name", "title", "language", "severity", "urgency", "certainty", "channels", "review_by")
        print_json([{key: getattr(each, key) for key in keys} for each in found])
        return
    shown = table("Name", "For", "Severity", "Channels", "Review by")
    for each in found:
        cells = (each.name, each.title, each.severity, ", ".join(each.channels), each.review_by)
        add_row(shown, cells)
    say(shown, "", "Its blanks: broadcaster template show NAME")


@templates.command(epilog="Example: broadcaster template show severe-weather")
def show(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name from `broadcaster template list`.")],
    as_json: Json = False,
) -> None:
    """Show a notice template: when to use it, what it never says, its blanks, and a facts file to start from."""
    found = shipped_notice(name)
    if as_json:
        print_json({**found.to_json(), "example": shipped_example(name)})
        return
    say(
        f"{found.title} ({found.name}): {found.severity}, {found.urgency}, {found.certainty}. "
        f"Goes to {', '.join(found.channels)} unless --channel says otherwise.",
        "",
    )
    for paragraph in _guidance(found):
        say(*paragraph, "")
    for blank in found.blanks:
        say(*_lines(blank), "")
    say(f"Put your values into a file and run: broadcaster message draft {found.name} --facts FILE", "")
    say(f"# facts.toml, an example for {found.name}")
    say(*(f"{key} = {_toml(value)}" for key, value in shipped_example(name).items()))


@templates.command(epilog="Example: broadcaster template check my-template.toml")
def check(
    *,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A template's file; without one, all that ship.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what a notice template lacks; the exit code is 1 where it lacks something."""
    if file is None:
        found = list(shipped_notices().values())
    else:
        found = [read_notice(_content(file), name=file.stem, file=str(file))]
    missing = {each.name: lacks(each, datetime.now(UTC).date()) for each in found}
    if as_json:
        print_json(missing)
    else:
        for name, lines in missing.items():
            say(f"{name}: {'lacks something' if lines else 'nothing is missing'}", *(f"  {x}" for x in lines))
    if any(missing.values()):
        raise typer.Exit(1)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}.") from error


def _guidance(found: NoticeTemplate) -> Iterator[list[str]]:
    """What an officer reads before filling anything in; nothing of what the template does not have."""
    if found.help:
        yield [found.help]
    if found.never:
        yield ["Never say:", *(f"  - {each}" for each in found.never)]
    if words := sorted({word for refusal in found.refused for word in refusal.words}):
        yield [f"Some blanks refuse: {', '.join(words)}"]
    if found.review_by:
        yield [f"The wording is to be read anew by {found.review_by}."]


def _lines(blank: Blank) -> list[str]:
    needed = "needed" if blank.required else "may be left out"
    found = [f"{blank.name} ({blank.type}, {needed}): {blank.label}", f"    {blank.help}"]
    if blank.choices:
        found.append(f"    One of: {', '.join(blank.choices)}")
    if blank.default:
        found.append(f"    If you give nothing: {blank.default}")
    return [*found, f"    Example: {blank.example}"]


def _toml(value: str) -> str:
    """A basic string of TOML."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
