"""`broadcaster feed` and `broadcaster warning`: which sources are watched, and what they warned of."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from broadcaster.cli import terminal
from broadcaster.cli.facts import single_values
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, add_row, local, print_json, say, table
from broadcaster.db.feed_warnings import FeedWarning
from broadcaster.domain.message import Mode, Severity
from broadcaster.domain.watching import Rule
from broadcaster.service.feeds import Look

feeds = terminal.group("Watch the feeds of weather services and of others who warn.")
warnings = terminal.group("Look at what watched feeds warned of, write from it, or dismiss it.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="As in `broadcaster feed list`.")]
Uid = Annotated[str, typer.Argument(metavar="ID", help="As in `broadcaster warning list`.")]
Template = Annotated[
    str,
    typer.Option(
        metavar="TEMPLATE", help="The notice template to write from; see `broadcaster template list`."
    ),
]
Events = Annotated[
    list[str] | None,
    typer.Option(
        "--event", metavar="WORDS", help="Words in its event or headline; may be repeated. Without: all."
    ),
]
Areas = Annotated[
    list[str] | None,
    typer.Option(
        "--area", metavar="WORDS", help="Words in the name of an area; may be repeated. Without: all."
    ),
]
Least = Annotated[Severity, typer.Option(help="The least grave that concerns you; Unknown for all.")]
Blanks = Annotated[
    list[str] | None,
    typer.Option(
        "--blank",
        metavar="BLANK=TEXT",
        help="What goes into a blank, such as 'expect=((description))'; may be repeated. Without: what suits its name.",
    ),
]
Every = Annotated[int, typer.Option(metavar="SECONDS", help="How often it is looked at.")]
Silent = Annotated[
    int, typer.Option(metavar="HOURS", help="Tell you when nothing new came for so long; 0: never.")
]


@feeds.command("list", epilog="Example: broadcaster feed list")
def list_(*, as_json: Json = False) -> None:
    """List the feeds that are watched, and whether they can be read."""
    with signed_in() as session:
        found = session.parts.feeds.listed(session.actor)
        zone = session.parts.settings.zone
    if as_json:
        keys = (
            "uid",
            "name",
            "url",
            "every_s",
            "silent_h",
            "added_by",
            "good_at",
            "failing_since",
            "said",
            "heard",
        )
        rules = [{"rules": [rule.to_json() for rule in each.rules]} for each in found]
        print_json([{**{k: getattr(f, k) for k in keys}, **r} for f, r in zip(found, rules, strict=True)])
        return
    if not found:
        say(
            "No feed is watched yet. Watch one: broadcaster feed add NAME https://... --template severe-weather"
        )
        return
    shown = table("Name", "Address", "Concerns us", "Warnings", "State")
    for each in found:
        state = (
            f"NOT READ since {local(each.failing_since, zone)}: {each.said}" if each.failing_since else "good"
        )
        state = state if each.looked_at else "not looked at yet"
        add_row(shown, (each.name, each.url, "; ".join(map(in_words, each.rules)), each.heard, state))
    say(shown)


def in_words(rule: Rule) -> str:
    """wind, snow in Lancashire, at least Moderate -> severe-weather"""
    what = ", ".join(rule.events) or "everything"
    where = f" in {', '.join(rule.areas)}" if rule.areas else ""
    least = f", at least {rule.least}" if rule.least != "Unknown" else ""
    return f"{what}{where}{least} -> {rule.template}"


@feeds.command(
    epilog="Example: broadcaster feed add 'Met Office' https://example.org/warnings.atom --template severe-weather "
    "--event wind --area Lancashire --least Moderate"
)
def add(
    *,
    name: Name,
    url: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="Of an Atom, RSS or CAP feed; https and public.")
    ],
    template: Template,
    event: Events = None,
    area: Areas = None,
    least: Least = Severity.UNKNOWN,
    blank: Blanks = None,
    every: Every = 60,
    silent: Silent = 0,
    as_json: Json = False,
) -> None:
    """Watch a feed. What it warns of and concerns you is laid before the officers, and never more than that."""
    rule = _rule(template, event, area, least, blank)
    with signed_in() as session:
        uid = session.parts.feeds.add(
            session.actor, name=name, url=url, every_s=every, rules=[rule], silent_h=silent
        )
    if as_json:
        print_json({"uid": uid, "name": name})
        return
    say(f"{name} is watched from now on: {in_words(rule)}. Look at it now: broadcaster feed check '{name}'")


@feeds.command(
    "add-rule", epilog="Example: broadcaster feed add-rule 'Met Office' --template flood --event flood"
)
def add_rule(
    *,
    name: Name,
    template: Template,
    event: Events = None,
    area: Areas = None,
    least: Least = Severity.UNKNOWN,
    blank: Blanks = None,
    as_json: Json = False,
) -> None:
    """Say what else of a feed concerns you. The first rule that fits a warning counts."""
    rule = _rule(template, event, area, least, blank)
    with signed_in() as session:
        service = session.parts.feeds
        found = service.find(session.actor, name)
        service.change(
            session.actor,
            found.uid,
            url=found.url,
            every_s=found.every_s,
            rules=[*found.rules, rule],
            silent_h=found.silent_h,
        )
    if as_json:
        print_json({"uid": found.uid, "rules": len(found.rules) + 1})
    else:
        say(f"Of {found.name} this concerns you too: {in_words(rule)}")


@feeds.command(epilog="Example: broadcaster feed remove 'Met Office'")
def remove(*, name: Name, as_json: Json = False) -> None:
    """Watch a feed no more. What it warned of stays on record."""
    with signed_in() as session:
        session.parts.feeds.remove(session.actor, name)
    if as_json:
        print_json({"name": name, "removed": True})
    else:
        say(f"{name} is not watched any more.")


@feeds.command(epilog="Example: broadcaster feed check 'Met Office'")
def check(*, name: Name, as_json: Json = False) -> None:
    """Look at a feed now, and say what came of it. Exit code 1 where it cannot be read."""
    with signed_in(channels=True) as session:
        found = session.parts.feeds.check(session.actor, name)
    if as_json:
        print_json({"name": name, "new": found.warnings, "laid": found.laid, "said": found.said})
    else:
        say(_looked(name, found))
    if found.said:
        raise typer.Exit(1)


def _looked(name: str, found: Look) -> str:
    new = (
        f"{found.warnings} new, of which {found.laid} before the officers."
        if found.changed
        else "Nothing new."
    )
    return f"{name} cannot be read: {found.said}. {new}" if found.said else f"{name} can be read. {new}"


# --- warnings ---------------------------------------------------------------------------------------------


@warnings.command("list", epilog="Example: broadcaster warning list")
def waiting(
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that somebody has decided about.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List what waits for an officer."""
    with signed_in() as session:
        service = session.parts.feed_warnings
        found = service.newest(session.actor) if everything else service.waiting(session.actor)
        zone = session.parts.settings.zone
    if as_json:
        print_json([_data(each) for each in found])
        return
    if not found:
        say("Nothing waits. Which feeds are watched: broadcaster feed list")
        return
    shown = table("Id", "From", "Says", "Template", "Ends", "State")
    for each in found:
        state = f"{each.state} ({each.ref or each.decided_by})" if each.decided_by else each.state
        add_row(shown, (each.uid, each.feed, each.said, each.template, _when(each.ends_at, zone), state))
    say(shown)


@warnings.command(epilog="Example: broadcaster warning show ID")
def show(*, uid: Uid, as_json: Json = False) -> None:
    """Show what a source says, and what of it goes into the blanks."""
    with signed_in(channels=True) as session:
        found = session.parts.feed_warnings.one(session.actor, uid)
        zone = session.parts.settings.zone
    if as_json:
        others = [_data(each) for each in found.others]
        print_json({**_data(found.warning), "values": dict(found.filled.values), "others": others})
        return
    each = found.warning
    say(f"{each.feed}: {each.said}", f"{each.kind}, heard {local(each.heard_at, zone)}, {each.state}")
    info = each.alert.infos[0]
    for label, text in (("Event", info.event), ("Where", ", ".join(info.areas)), ("Severity", info.severity)):
        say(f"{label}: {text or 'not said'}")
    say(f"Until: {_when(each.ends_at, zone) or 'not said'}", info.description, info.instruction)
    for name, value in found.filled.values.items():
        say(f"  {name} = {value}")
    for name in found.filled.unfit:
        say(f"  {name}: what the source says does not fit; give it yourself")
    for other in found.others:
        say(f"{other.kind}, {local(other.heard_at, zone)}: {other.said} ({other.state})")


@warnings.command(
    epilog="Example: broadcaster warning take ID --set phone='01632 960123' --set source='Duty officer, Wyre Council'"
)
def take(
    *,
    uid: Uid,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="BLANK=VALUE", help="One value, over what the source says; may be repeated."
        ),
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option("--channel", metavar="CHANNEL", help="A channel to use; may be repeated."),
    ] = None,
    audience: Annotated[str, typer.Option(metavar="NAME", help="Who gets the text messages.")] = "",
    mode: Annotated[Mode, typer.Option(help="To the public, or to the exercise accounts.")] = Mode.LIVE,
    as_json: Json = False,
) -> None:
    """Write a draft from it. You are its author; somebody else approves it. Nothing is sent."""
    with signed_in(channels=True) as session:
        made = session.parts.feed_warnings.take(
            session.actor,
            uid,
            values=single_values(values or ()),
            channels=channel or (),
            audience=audience,
            mode=mode,
        )
    if as_json:
        print_json({"reference": made.ref, "version": made.version, "problems": made.problems})
    else:
        say(f"Drafted {made.ref}. See it: broadcaster message preview {made.ref}")


@warnings.command(epilog="Example: broadcaster warning dismiss ID --reason 'Only the hills of Cumbria'")
def dismiss(
    *,
    uid: Uid,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why: an inquiry asks about this first.")],
    incident: Annotated[
        str, typer.Option(metavar="REF", help="The incident whose record it stands in; without one, its own.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Decide against a message. It stands among the decisions of an incident."""
    with signed_in() as session:
        ref = session.parts.feed_warnings.dismiss(session.actor, uid, reason=reason, incident=incident)
    if as_json:
        print_json({"uid": uid, "incident": ref})
    else:
        say(f"Dismissed. The decision stands in the record of {ref}: broadcaster incident show {ref}")


def _rule(
    template: str,
    event: Sequence[str] | None,
    area: Sequence[str] | None,
    least: Severity,
    blank: Sequence[str] | None,
) -> Rule:
    return Rule(
        template=template,
        events=tuple(event or ()),
        areas=tuple(area or ()),
        least=str(least),
        blanks=single_values(blank or ()),
    )


def _when(moment: datetime | None, zone: ZoneInfo) -> str:
    return local(moment, zone) if moment else ""


def _data(each: FeedWarning) -> dict[str, object]:
    keys = (
        "uid",
        "feed",
        "kind",
        "said",
        "template",
        "heard_at",
        "ends_at",
        "decided_by",
        "reason",
        "incident",
        "ref",
    )
    return {**{key: getattr(each, key) for key in keys}, "state": str(each.state)}
