"""`broadcaster incident`: what belongs to one event as a whole, and who has it in hand."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import RenderableType

from broadcaster.cli import terminal
from broadcaster.cli.session import signed_in
from broadcaster.cli.terminal import Json, add_row, local, print_json, say, table
from broadcaster.domain.errors import Invalid
from broadcaster.domain.policy import Action
from broadcaster.service.incidents import KINDS, Whole

incidents = terminal.group("Keep the record of an incident: decisions, who agreed, actions, hand-over.")

Ref = Annotated[str, typer.Argument(metavar="REF", help="The incident, as in `broadcaster incident list`.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why: it stands in the log for good.")]
Lead = Annotated[str, typer.Option("--lead", metavar="AGENCY", help="Which agency leads.")]


@incidents.command("list", epilog="Example: broadcaster incident list")
def list_(
    *,
    closed: Annotated[bool, typer.Option("--closed", help="Those that are closed instead.")] = False,
    as_json: Json = False,
) -> None:
    """List the open incidents, the newest first."""
    with signed_in(Action.READ) as session:
        found = session.parts.incidents.listed(session.actor, closed=closed)
        zone = session.parts.settings.zone
    if as_json:
        print_json(
            [{**_plain(e.incident), "messages": e.messages, "left_to_do": e.left_to_do} for e in found]
        )
        return
    shown = table("Ref", "Name", "Opened", "Led by", "In the hands of", "Messages", "Left to do")
    for each in found:
        it = each.incident
        opened = local(it.opened_at, zone)
        add_row(
            shown, (it.ref, it.name, opened, it.lead_agency, it.in_hands_of, each.messages, each.left_to_do)
        )
    say(shown if found else "There is none. Open one: broadcaster incident open NAME")


@incidents.command(epilog="Example: broadcaster incident show 7F3K2M")
def show(*, ref: Ref, as_json: Json = False) -> None:
    """Show one incident with all that belongs to it."""
    with signed_in(Action.READ) as session:
        found = session.parts.incidents.whole(session.actor, ref)
        zone = session.parts.settings.zone
    if as_json:
        print_json({**asdict(found), "incident": _plain(found.incident)})
    else:
        say(*_view(found, zone))


@incidents.command(
    "open", epilog='Example: broadcaster incident open "Storm Darragh" --lead "Lancashire Police"'
)
def open_(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    lead: Lead = "",
    as_json: Json = False,
) -> None:
    """Open an incident by hand, before there is a message. It is in your hands then."""
    with signed_in() as session:
        made = session.parts.incidents.open(session.actor, name=name, lead_agency=lead)
    if as_json:
        print_json(_plain(made))
    else:
        say(f"{made.ref} is open. A message of it: broadcaster message draft ... --incident {made.ref}")


@incidents.command(epilog='Example: broadcaster incident change 7F3K2M --lead "Environment Agency"')
def change(
    *,
    ref: Ref,
    name: Annotated[str, typer.Option(metavar="NAME", help="What it is called; as before without it.")] = "",
    lead: Lead = "",
    as_json: Json = False,
) -> None:
    """Give it another name, or another lead agency."""
    with signed_in() as session:
        now = session.parts.incidents.whole(session.actor, ref).incident
        session.parts.incidents.change(
            session.actor, ref, name=name or now.name, lead_agency=lead or now.lead_agency
        )
    _said(ref, "is changed.", as_json=as_json)


@incidents.command(
    epilog='Example: broadcaster incident decide 7F3K2M not-to-warn "No text tonight" --reason "The surge stays below the wall"'
)
def decide(
    *,
    ref: Ref,
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of: {', '.join(KINDS)}.")],
    what: Annotated[str, typer.Argument(metavar="TEXT", help="What was decided.")],
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Note a decision with its reason, also one not to warn."""
    with signed_in() as session:
        session.parts.incidents.decide(session.actor, ref, kind=kind, what=what, reason=reason)
    _said(ref, f"has one more decision: {KINDS[kind]}.", as_json=as_json)


@incidents.command(
    epilog='Example: broadcaster incident agreed 7F3K2M --who "Insp. Hall" --agency Police --how "by telephone" --to "closing the road" --at 2026-11-21T03:10'
)
def agreed(
    *,
    ref: Ref,
    who: Annotated[str, typer.Option(help="Who agreed: name and post.")],
    agency: Annotated[str, typer.Option(help="Of which agency.")],
    way: Annotated[str, typer.Option("--how", help="By telephone, in the room.")],
    about: Annotated[str, typer.Option("--to", help="To what.")],
    at: Annotated[str, typer.Option(metavar="TIME", help="When, local time.")],
    as_json: Json = False,
) -> None:
    """Note that somebody of a partner agreed. Partners need no account."""
    with signed_in() as session:
        moment = _moment(at, session.parts.settings.zone)
        session.parts.incidents.agreed(
            session.actor, ref, who=who, agency=agency, way=way, about=about, at=moment
        )
    _said(ref, f"has it that {agency} agreed.", as_json=as_json)


@incidents.command(
    "to-do", epilog='Example: broadcaster incident to-do 7F3K2M "Ring the care homes" --who olive'
)
def to_do(
    *,
    ref: Ref,
    what: Annotated[str, typer.Argument(metavar="TEXT", help="What is to be done.")],
    who: Annotated[str, typer.Option(help="Who does it; also somebody of a partner.")],
    until: Annotated[str, typer.Option(metavar="TIME", help="Until when, local time.")] = "",
    as_json: Json = False,
) -> None:
    """Note what is left to do."""
    with signed_in() as session:
        ends = _moment(until, session.parts.settings.zone) if until else None
        session.parts.incidents.to_do(session.actor, ref, what=what, who=who, until=ends)
    _said(ref, "has one more action.", as_json=as_json)


@incidents.command(epilog="Example: broadcaster incident done 7F3K2M 3")
def done(
    *,
    ref: Ref,
    action: Annotated[int, typer.Argument(metavar="NO", help="As in `broadcaster incident show`.")],
    as_json: Json = False,
) -> None:
    """Mark an action as done."""
    with signed_in() as session:
        session.parts.incidents.done(session.actor, ref, action)
    _said(ref, f"has action {action} done.", as_json=as_json)


@incidents.command("hand-over", epilog="Example: broadcaster incident hand-over 7F3K2M anna")
def hand_over(
    *,
    ref: Ref,
    to: Annotated[str, typer.Argument(metavar="NAME", help="To whom: this person alone can accept it.")],
    words: Annotated[str, typer.Option(metavar="TEXT", help="What they must know.")] = "",
    as_json: Json = False,
) -> None:
    """Offer it to somebody, by name."""
    with signed_in() as session:
        session.parts.incidents.offer(session.actor, ref, to=to, words=words)
    _said(ref, f"is offered to {to}, and stays where it is until {to} accepts it.", as_json=as_json)


@incidents.command(epilog="Example: broadcaster incident accept 7F3K2M")
def accept(*, ref: Ref, as_json: Json = False) -> None:
    """Accept what was offered to you by name."""
    with signed_in() as session:
        session.parts.incidents.accept(session.actor, ref)
    _said(ref, f"is in the hands of {session.actor.name}.", as_json=as_json)


@incidents.command("take-back", epilog="Example: broadcaster incident take-back 7F3K2M")
def take_back(*, ref: Ref, as_json: Json = False) -> None:
    """Take your offer back, or decline what was offered to you."""
    with signed_in() as session:
        session.parts.incidents.take_back(session.actor, ref)
    _said(ref, "is not offered to anybody any more.", as_json=as_json)


@incidents.command(epilog="Example: broadcaster incident move 7F3K2M --message J76CNZ")
def move(
    *,
    ref: Ref,
    message: Annotated[str, typer.Option(metavar="REF", help="A draft.")],
    as_json: Json = False,
) -> None:
    """Move a draft to this incident."""
    with signed_in() as session:
        session.parts.incidents.link(session.actor, message, ref)
    _said(ref, f"has {message.upper()} now.", as_json=as_json)


@incidents.command(epilog='Example: broadcaster incident close 7F3K2M --reason "The water has gone"')
def close(*, ref: Ref, reason: Reason = "", as_json: Json = False) -> None:
    """Close it. It stops nothing that is being sent."""
    with signed_in() as session:
        session.parts.incidents.close(session.actor, ref, reason=reason)
    _said(ref, "is closed.", as_json=as_json)


@incidents.command(epilog='Example: broadcaster incident reopen 7F3K2M --reason "The water came back"')
def reopen(*, ref: Ref, reason: Reason = "", as_json: Json = False) -> None:
    """Open a closed one again."""
    with signed_in() as session:
        session.parts.incidents.reopen(session.actor, ref, reason=reason)
    _said(ref, "is open again.", as_json=as_json)


def _said(ref: str, text: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"incident": ref.upper(), "done": True})
    else:
        say(f"{ref.upper()} {text}")


def _plain(incident: object) -> dict[str, object]:
    """Without the row's id, which means nothing outside."""
    return {name: value for name, value in vars(incident).items() if name != "id"}


def _moment(text: str, zone: ZoneInfo) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f'"{text}" is no time. Write it like 2026-11-21T03:00. Nothing was noted.') from None
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _view(whole: Whole, zone: ZoneInfo) -> Iterator[RenderableType]:
    it = whole.incident
    state = f"closed {local(it.closed_at, zone)}" if it.closed_at else "open"
    yield f"{it.ref}  {it.name}  ({state})"
    yield f"Led by {it.lead_agency or 'nobody that was noted'}; in the hands of {it.in_hands_of or 'nobody by name'}."
    for m in whole.messages:
        yield f"Message {m.ref}: {m.headline} ({m.sent or m.state})"
    for d in whole.decisions:
        yield f"Decided {KINDS.get(d.kind, d.kind)} by {d.by}, {local(d.at, zone)}: {d.what} Because: {d.reason}"
    for a in whole.agreements:
        yield f"Agreed: {a.agency}, {a.who}, {a.way}, {local(a.at, zone)}: {a.about} (noted by {a.by})"
    for t in whole.to_do:
        became = f"done, {t.done_by}, {local(t.done_at, zone)}" if t.done_at else "OPEN"
        ends = f" until {local(t.until, zone)}" if t.until else ""
        yield f"Action {t.id}: {t.what} ({t.who}{ends}): {became}"
    for h in whole.hand_overs:
        became = "accepted" if h.accepted_at else "taken back" if h.withdrawn_at else "waits to be accepted"
        yield f"Hand-over {h.offered_by} to {h.to}, {local(h.offered_at, zone)}: {became}"
