"""`broadcaster template`: which notice templates are in force, what they ask for, what they lack, their versions, and which
are retired.

Looking works before there is a database: then those that ship are shown.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from broadcaster.cli import terminal
from broadcaster.cli.session import opened, signed_in
from broadcaster.cli.terminal import Json, add_row, local, print_json, say, table
from broadcaster.domain.blanks import Blank
from broadcaster.domain.errors import Invalid, NotFound
from broadcaster.domain.notice import NoticeTemplate
from broadcaster.domain.notice_lacks import lacks
from broadcaster.domain.tongues import named
from broadcaster.render.notice_toml import notice_toml
from broadcaster.render.notices import read_notice, shipped_notice, shipped_notices
from broadcaster.service.templates import SHIPPED, InForce, PastVersion, example_of
from broadcaster.settings import Settings

templates = terminal.group("List, edit, compare and retire the notice templates.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="A name from `broadcaster template list`.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why: the auditor reads it.")]
Base = Annotated[
    int | None,
    typer.Option("--base", metavar="N", help="The version you began from: refused if another is in force."),
]


@templates.command("list", epilog="Example: broadcaster template list")
def list_(
    *,
    retired: Annotated[
        bool, typer.Option("--retired", help="Those that are not to be used any more, instead.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the notice templates that are in force."""
    found, others = _all()
    if as_json:
        print_json([_data(each) for each in (others if retired else found).values()])
    elif retired:
        _say_retired(others.values())
    else:
        _say_in_force(found.values())
        if others:
            say(f"Retired: {', '.join(others)}. Who, when and why: broadcaster template list --retired")


def _data(found: InForce) -> dict[str, object]:
    keys = ("name", "title", "language", "severity", "urgency", "certainty", "channels", "review_by")
    own = {key: getattr(found.template, key) for key in keys}
    made = {key: getattr(found, key) for key in ("retired", "changed_by", "changed_at", "reason")}
    return {**own, "version": found.no, **made}


def _say_in_force(found: Iterable[InForce]) -> None:
    shown = table("Name", "For", "Severity", "Channels", "Review by", "Version")
    today = _today()
    for each in found:
        t = each.template
        review = f"{t.review_by} (has passed)" if each.is_overdue(today) else t.review_by
        version = f"{each.no}, by {each.changed_by}" if each.no != SHIPPED else "as it ships"
        add_row(shown, (t.name, t.title, t.severity, ", ".join(t.channels), review, version))
    say(shown, "", "Its blanks: broadcaster template show NAME")


def _say_retired(found: Iterable[InForce]) -> None:
    shown = table("Name", "For", "Retired by", "At", "Why", "To bring it back")
    zone = Settings.load().zone
    for each in found:
        name, at = each.template.name, local(each.changed_at, zone)
        back = f"template put-back {name} {each.used_no}"
        add_row(shown, (name, each.template.title, each.changed_by, at, each.reason, back))
    say(shown)


@templates.command(epilog="Example: broadcaster template show severe-weather")
def show(
    *,
    name: Name,
    version: Annotated[
        int | None, typer.Option("--version", metavar="N", help="An older version; 0 is the one that ships.")
    ] = None,
    toml: Annotated[
        bool, typer.Option("--toml", help="Print it as a file, to edit it and give it to `template edit`.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show a notice template: when to use it, what it never says, its blanks, and a facts file to start from."""
    found = _one(name, version)
    if as_json:
        print_json({**found.to_json(), "example": example_of(found)})
        return
    if toml:
        typer.echo(notice_toml(found), nl=False)
        return
    say(
        *_retired(name),
        f"{found.title} ({found.name}): {found.severity}, {found.urgency}, {found.certainty}. "
        f"Goes to {', '.join(found.channels)} unless --channel says otherwise.",
        *_other_languages(found),
        "",
    )
    for paragraph in _guidance(found):
        say(*paragraph, "")
    for blank in found.blanks:
        say(*_lines(blank), "")
    say(f"Put your values into a file and run: broadcaster message draft {found.name} --facts FILE", "")
    say(f"# facts.toml, an example for {found.name}")
    say(*(f"{key} = {_toml(value)}" for key, value in example_of(found).items()))


def _retired(name: str) -> Iterator[str]:
    if gone := _all()[1].get(name):
        at = local(gone.changed_at, Settings.load().zone)
        yield f"{gone.changed_by} retired it on {at}: {gone.reason}"


def _other_languages(found: NoticeTemplate) -> Iterator[str]:
    for code, other in found.languages.items():
        read = f"read on {other.reviewed}" if other.reviewed else "nobody who speaks it has read it yet"
        yield f"Also in {named(code)} ({read}): --language {code}, and a value such as action.{code} for each sentence."


@templates.command(epilog="Example: broadcaster template check my-template.toml")
def check(
    *,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A template's file; without one, all in force.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what a notice template lacks; the exit code is 1 where it lacks something."""
    if file is None:
        found = [each.template for each in _all()[0].values()]
    else:
        found = [read_notice(_content(file), name=file.stem, file=str(file))]
    missing = {each.name: lacks(each, _today()) for each in found}
    if as_json:
        print_json(missing)
    else:
        for name, lines in missing.items():
            say(f"{name}: {'lacks something' if lines else 'nothing is missing'}", *(f"  {x}" for x in lines))
    if any(missing.values()):
        raise typer.Exit(1)


@templates.command(epilog='Example: broadcaster template edit flood flood.toml --reason "New flood line"')
def edit(
    *,
    name: Name,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="The whole template, as `template show NAME --toml` prints it."),
    ],
    reason: Reason,
    base: Base = None,
    as_json: Json = False,
) -> None:
    """Put another wording in force, as a new version. It is tried on every channel first; a new name is a new template."""
    template = read_notice(_content(file), name=name, file=str(file))
    with signed_in(channels=True) as session:
        made = session.parts.templates.edit(session.actor, template, reason=reason, base=base)
    if as_json:
        print_json(asdict(made))
    else:
        say(f"Version {made.no} of {name} is in force. Messages that were begun before keep their wording.")


@templates.command(
    "put-back", epilog='Example: broadcaster template put-back flood 0 --reason "Wrong number"'
)
def put_back(
    *,
    name: Name,
    version: Annotated[int, typer.Argument(metavar="N", help="The version to have back; 0 is as it ships.")],
    reason: Reason,
    as_json: Json = False,
) -> None:
    """Put an older version's wording back in force, as a new version. One that was retired is in use again."""
    with signed_in() as session:
        made = session.parts.templates.put_back(session.actor, name, version, reason=reason)
    if as_json:
        print_json(asdict(made))
    else:
        say(f"Version {version} of {name} is in force again, as version {made.no}.")


@templates.command(
    epilog='Example: broadcaster template retire road-closure --reason "The highways team tells it"'
)
def retire(*, name: Name, reason: Reason, base: Base = None, as_json: Json = False) -> None:
    """Take a template out of use: nobody can choose it, and schedules that use it send nothing. It can be brought back."""
    with signed_in() as session:
        made = session.parts.templates.retire(session.actor, name, reason=reason, base=base)
    if as_json:
        print_json(asdict(made))
    else:
        say(
            f"{name} is retired, with version {made.no}. What was begun before may be sent still.",
            f"To bring it back: broadcaster template put-back {name} {made.no - 1} --reason TEXT",
        )


@templates.command(epilog="Example: broadcaster template versions flood")
def versions(*, name: Name, as_json: Json = False) -> None:
    """List a template's versions, the newest first: who made each, when and why."""
    with opened() as parts:
        found, zone = parts.templates.versions(name), parts.settings.zone
    if as_json:
        print_json([asdict(each) for each in found])
        return
    shown = table("Version", "By", "At", "Why", "Review by")
    for each in found:
        row = (each.no, each.author or "ships", local(each.created_at, zone), _why(each), each.review_by)
        add_row(shown, row)
    say(shown)


def _why(made: PastVersion) -> str:
    if made.retired:
        return f"retired: {made.reason}"
    return made.reason if made.put_back_no is None else f"version {made.put_back_no} again: {made.reason}"


@templates.command(epilog="Example: broadcaster template diff flood 0 1")
def diff(
    *,
    name: Name,
    before: Annotated[int, typer.Argument(metavar="BEFORE", help="A version; 0 is the one that ships.")],
    after: Annotated[int, typer.Argument(metavar="AFTER", help="Another version.")],
    as_json: Json = False,
) -> None:
    """Say in words what changed between two versions of a template."""
    with opened() as parts:
        found = parts.templates.diff(name, before, after)
    if as_json:
        print_json([asdict(each) for each in found])
        return
    if not found:
        say("Nothing changed between the two.")
    say(*(f"{each.name}: {each.said}" for each in found))


def _all() -> tuple[dict[str, InForce], dict[str, InForce]]:
    """In use, and retired."""
    if not _has_database():
        return {n: InForce(template=each, no=SHIPPED) for n, each in shipped_notices().items()}, {}
    with opened() as parts:
        return parts.templates.all(), parts.templates.retired()


def _one(name: str, version: int | None) -> NoticeTemplate:
    if not _has_database():
        if version:
            raise NotFound(f'There is no database yet, and so no version {version} of "{name}".')
        return shipped_notice(name)
    with opened() as parts:
        found = parts.templates.one(name)
        return found.template if version is None else parts.templates.version(name, version)


def _has_database() -> bool:
    settings = Settings.load()
    return bool(settings.database_url) or (settings.root / "broadcaster.db").exists()


def _today() -> date:
    return datetime.now(UTC).date()


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
